"""The tables that New York City's Local Law 144 prescribes: selection or scoring rates by category, and impact ratios."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np

from audit.datasets import canonical
from audit.errors import CannotMeasure
from audit.evidence import Member, RateTable
from audit.metrics.groups import Rate, compare, of_class, selection_rates, split
from audit.stats import Ratio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from audit.evidence import Evidence, Slice
    from audit.metrics.groups import Family, OfGroup
    from audit.stats import Proportion
    from audit.subject import Subject

LEVEL = 0.025


def tables(subject: Subject, rate: Literal["selection", "scoring"], unknown: Sequence[str], below: float) -> Evidence:
    """Every ordered pair of categories that the law counts, and the law's table of each family."""
    rates = selection_rates(subject) if rate == "selection" else scoring_rates(subject)
    whole = split(subject)
    families, notes = [], list(_crossing(subject))
    for columns, family in zip(subject.by, whole, strict=True):
        kept, told = counted(columns, family, unknown, below)
        families.append(kept)
        notes += told
    evidence = compare(subject, rates, Ratio, "impact ratio", families=families)
    if rate == "scoring":
        notes.append("The scoring rate is the share that scores above the median of all rows of the data set.")
    cuts = [
        Cut(rate, columns, family, kept, below, frozenset(name for name, _ in family if _is_unknown(name, unknown)))
        for columns, family, kept in zip(subject.by, whole, families, strict=True)
    ]
    figures = tuple(_table(cut, one, subject.clusters()) for cut in cuts for one in rates)
    if any(not any(hits for hits, apart in zip(one.hits, one.apart, strict=True) if not apart) for one in figures):
        notes.append("No category is selected at all: there is no impact ratio.")
    context = (*evidence.context, *_left_out(subject, rates, whole, families))
    return replace(evidence, context=context, notes=(*evidence.notes, *notes), figures=figures, table=_listed(figures))


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """One family of categories, and which of them are in the calculation."""

    rate: Literal["selection", "scoring"]
    columns: tuple[str, ...]
    whole: Family
    kept: Family
    below: float
    unknown: frozenset[Slice]

    def apart(self, name: Slice) -> Literal["", "unknown", "small"]:
        """Why a category is in no ratio."""
        if name in self.unknown:
            return "unknown"
        return "" if name in {one for one, _ in self.kept} else "small"


def _left_out(subject: Subject, rates: Sequence[Rate], whole: Sequence[Family], kept: Sequence[Family]) -> Iterator[Member]:
    """Rates of the categories that are in no ratio: shown, since the law asks for them too, and since the policy names them."""
    clusters = subject.clusters()
    for family, counted_ones in zip(whole, kept, strict=True):
        there = {name for name, _ in counted_ones}
        for rate, (name, rows) in product(rates, family):
            share = rate.of(rows, clusters)
            if name not in there and share is not None:
                yield Member(rate.named(name), share.estimate)


def scoring_rates(subject: Subject) -> list[Rate]:
    """How often each class that is looked at scores above the median, among all rows."""
    scores = subject.probabilities()
    everyone = np.ones(len(scores), dtype=bool)
    found = []
    for one in subject.targets:
        score = scores[:, subject.classes.index(one)]
        found.append(Rate(score > np.median(score), everyone, "there", of_class(subject, one)))
    return found


def counted(columns: Sequence[str], family: Family, unknown: Sequence[str], below: float) -> tuple[Family, tuple[str, ...]]:
    """The categories that the law counts, and what is said of the others."""
    known = tuple((name, rows) for name, rows in family if not _is_unknown(name, unknown))
    people = sum(int(rows.sum()) for _, rows in known)
    kept = tuple((name, rows) for name, rows in known if int(rows.sum()) >= below * people)
    if len(kept) < 2:  # noqa: PLR2004  # a ratio is of two
        msg = f"{' and '.join(columns)}: fewer than two categories are left to compare: name other columns under `by`, or add rows"
        raise CannotMeasure(msg)
    left = sum(int(rows.sum()) for _, rows in family) - people
    said = [f"{' and '.join(columns)}: {left:,} rows of an unknown category are not in the calculation."]
    for name, rows in known:
        if int(rows.sum()) < below * people:
            share = f"{int(rows.sum()):,} rows, {rows.sum() / people:.2%} of those with a known category"
            said.append(f"{name}: left out of the impact ratios, as the law allows for a category under {100 * below:g}% ({share}).")
    return kept, tuple(said)


def _is_unknown(name: Slice, unknown: Sequence[str]) -> bool:
    values = [canonical(value) for _, value in name.items]
    return any(value is None or value in unknown for value in values)


def _crossing(subject: Subject) -> Iterator[str]:
    """What the law asks for beside the families that the policy names."""
    if not any(len(columns) > 1 for columns in subject.by):
        yield "Local Law 144 asks for sex, for race or ethnicity, and for their crossing: `by` names no crossing."


def _table(cut: Cut, rate: Rate, clusters: NDArray[np.int64] | None) -> RateTable:
    """The law's point table of one family, with the interval and the exact p of each ratio; the first of the highest is the reference."""
    found = [(name, share) for name, rows in cut.whole if (share := rate.of(rows, clusters)) is not None]
    top, best = max(((name, share) for name, share in found if not cut.apart(name)), key=lambda side: side[1].value)
    screened = [None if cut.apart(name) or name == top else _screened(share, best) for name, share in found]
    return RateTable(
        rate=cut.rate,
        columns=cut.columns,
        of=str(dict(rate.items).get("class", "")),
        names=tuple(name for name, _ in found),
        rows=tuple(share.estimate.n for _, share in found),
        hits=tuple(share.estimate.hits for _, share in found),
        ratios=tuple(None if cut.apart(name) or not best.estimate.hits else share.value / best.value for name, share in found),
        lower=tuple(None if one is None else one[0] for one in screened),
        upper=tuple(None if one is None else one[1] for one in screened),
        exact_p=tuple(None if one is None else one[2] for one in screened),
        apart=tuple(cut.apart(name) for name, _ in found),
        below=cut.below,
    )


def _screened(found: OfGroup[Proportion], best: OfGroup[Proportion]) -> tuple[float, float, float | None] | None:
    """Ends of the ratio's 95 % interval, and how sure it is that the shares differ; None where there is no ratio."""
    if not best.estimate.hits:
        return None
    ratio = Ratio(found.estimate, best.estimate, *found.together(best))
    return (*ratio.bounds(LEVEL, LEVEL), None if ratio.first.entities is not None else fisher(ratio.first, ratio.second))


def _listed(figures: Sequence[RateTable]) -> dict[str, NDArray[np.generic]]:
    """All tables below one another, one line a category."""
    lines = [(figure, i) for figure in figures for i in range(len(figure.names))]
    columns: dict[str, list[object]] = {
        "by": [" and ".join(figure.columns) for figure, _ in lines],
        "class": [figure.of for figure, _ in lines],
        "category": [str(figure.names[i]) for figure, i in lines],
        "rows": [figure.rows[i] for figure, i in lines],
        "hits": [figure.hits[i] for figure, i in lines],
        "rate": [figure.hits[i] / figure.rows[i] for figure, i in lines],
        "impact_ratio": [figure.ratios[i] for figure, i in lines],
        "lower": [figure.lower[i] for figure, i in lines],
        "upper": [figure.upper[i] for figure, i in lines],
        "exact_p": [figure.exact_p[i] for figure, i in lines],
        "left_out": [figure.apart[i] for figure, i in lines],
    }
    return {name: np.array(values, dtype=object) for name, values in columns.items()}


def fisher(first: Proportion, second: Proportion) -> float:
    """Two-sided exact p of equal shares (Fisher 1935), for independent rows."""
    from scipy.stats import fisher_exact

    table = [[first.hits, first.n - first.hits], [second.hits, second.n - second.hits]]
    return float(fisher_exact(table).pvalue)
