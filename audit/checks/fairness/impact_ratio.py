"""Impact ratio: selection or scoring rate of each category over that of the most selected one, as Local Law 144 prescribes.

Purpose      Compute what New York City's rules for automated employment decision tools ask for: the tables of rates and impact
             ratios by sex, by race or ethnicity and by their crossing, with the people of unknown category counted; and judge
             the smallest ratio on its interval.
Risk         Well under 1: some category is selected, or scores high, less often than another. Under four fifths is where
             regulators begin to ask: a screening figure, read with its interval and Fisher's exact p, never a proof by itself.
Limitations  Blind to base rates and to errors. The prescribed point ratio takes the luckiest category as the reference and is
             noise in small categories: it stands in the tables, the gate is on every ordered pair. The law asks for an independent
             auditor and for data of actual use: this check computes and cannot see to either.
Reference    6 RCNY 5-300 and 5-301 (2023); 29 CFR 1607.4 D (1978); interval of Koopman, Biometrics 1984; Fisher, JRSS 1935.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.checks.fairness import gap_check
from audit.checks.fairness._groups import class_items, split
from audit.checks.fairness._rates import rate, rate_gaps, rates_of
from audit.datasets import canonical
from audit.errors import CannotMeasure
from audit.evidence import Member, RateTable
from audit.stats import Ratio
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.checks.fairness._groups import Family
    from audit.checks.fairness._rates import Rate
    from audit.evidence import Evidence, Slice
    from audit.metrics.groups import GroupEstimate
    from audit.stats import Proportion
    from audit.subject import Subject

LEVEL = 0.025


class ImpactParams(Params):
    """Which rate, and who is counted."""

    rate: Literal["selection", "scoring"] = Field(
        "selection", description="selection: share predicted the positive class; scoring: share whose score is above the median of all"
    )
    unknown: tuple[str, ...] = Field(
        (), description="values that say that the category is unknown; those rows, and rows without a value, are counted and left out"
    )
    exclude_below: float = Field(
        0.0, ge=0.0, le=0.02, description="share of the rows below which a category is left out and said to be: the law allows up to 0.02"
    )


def measure(subject: Subject, params: ImpactParams, _rng: Generator) -> Evidence:
    """Rate per category, judged on every ordered pair of categories; the prescribed tables as figures."""
    rates = rates_of(subject, "selection_rate") if params.rate == "selection" else scoring_rates(subject)
    cuts, notes = [], list(_crossing(subject))
    for columns, family in zip(subject.by, split(subject), strict=True):
        kept, remarks = counted_categories(columns, family, params.unknown, params.exclude_below)
        unknown = frozenset(name for name, _ in family if _is_unknown(name, params.unknown))
        cuts.append(CategoryFamily(params.rate, columns, family, kept, params.exclude_below, unknown))
        notes += remarks
    evidence = rate_gaps(subject, rates, Ratio, "impact ratio", families=[cut.kept for cut in cuts])
    if params.rate == "scoring":
        notes.append("The scoring rate is the share that scores above the median of all rows of the data set.")
    figures = tuple(_table(cut, one, subject.clusters()) for cut in cuts for one in rates)
    if any(not any(hits for hits, apart in zip(one.hits, one.apart, strict=True) if not apart) for one in figures):
        notes.append("No category is selected at all: there is no impact ratio.")
    context = (*evidence.context, *_excluded_rates(subject, rates, cuts))
    return replace(evidence, context=context, notes=(*evidence.notes, *notes), figures=figures, table=_listed(figures))


@dataclass(frozen=True, slots=True, eq=False)
class CategoryFamily:
    """One family of categories, and which of them are in the calculation."""

    rate: Literal["selection", "scoring"]
    columns: tuple[str, ...]
    whole: Family
    kept: Family
    below: float
    unknown: frozenset[Slice]

    def exclusion(self, name: Slice) -> Literal["", "unknown", "small"]:
        """Why a category is in no ratio."""
        if name in self.unknown:
            return "unknown"
        return "" if name in {one for one, _ in self.kept} else "small"


def _excluded_rates(subject: Subject, rates: Sequence[Rate], cuts: Sequence[CategoryFamily]) -> Iterator[Member]:
    """Rates of the categories that are in no ratio: shown, since the law asks for them too, and since the policy names them."""
    clusters = subject.clusters()
    for cut in cuts:
        for rate_of, (name, rows) in product(rates, cut.whole):
            if cut.exclusion(name) and (share := rate_of.of(rows, clusters)) is not None:
                yield Member(rate_of.named(name), share.estimate)


def scoring_rates(subject: Subject) -> list[Rate]:
    """How often each class that is looked at scores above the median, among all rows."""
    scores = subject.probabilities()
    everyone = np.ones(len(scores), dtype=bool)
    found = []
    for one in subject.targets:
        score = scores[:, subject.classes.index(one)]
        found.append(rate(score > np.median(score), everyone, "there", class_items(subject, one)))
    return found


def counted_categories(columns: Sequence[str], family: Family, unknown: Sequence[str], below: float) -> tuple[Family, tuple[str, ...]]:
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


def _table(cut: CategoryFamily, one: Rate, clusters: NDArray[np.int64] | None) -> RateTable:
    """The law's point table of one family, with the interval and the exact p of each ratio; the first of the highest is the reference."""
    found = [(name, share) for name, rows in cut.whole if (share := one.of(rows, clusters)) is not None]
    top, best = max(((name, share) for name, share in found if not cut.exclusion(name)), key=lambda side: side[1].value)
    screened = [None if cut.exclusion(name) or name == top else _screened(share, best) for name, share in found]
    return RateTable(
        rate=cut.rate,
        columns=cut.columns,
        of=str(dict(one.items).get("class", "")),
        names=tuple(name for name, _ in found),
        rows=tuple(share.estimate.n for _, share in found),
        hits=tuple(share.estimate.hits for _, share in found),
        ratios=tuple(None if cut.exclusion(name) or not best.estimate.hits else share.value / best.value for name, share in found),
        lower=tuple(None if one is None else one[0] for one in screened),
        upper=tuple(None if one is None else one[1] for one in screened),
        exact_p=tuple(None if one is None else one[2] for one in screened),
        apart=tuple(cut.exclusion(name) for name, _ in found),
        below=cut.below,
    )


def _screened(found: GroupEstimate[Proportion], best: GroupEstimate[Proportion]) -> tuple[float, float, float | None] | None:
    """Ends of the ratio's 95 % interval, and how sure it is that the shares differ; None where there is no ratio."""
    if not best.estimate.hits:
        return None
    ratio = found.compare(best, Ratio)
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


CHECK = gap_check(
    measure=measure,
    question="Is every category selected at least four-fifths as often as the most selected one?",
    remedy="Compare the categories' qualifications and errors; where the gap has no reason, rebalance the training data or use fairlearn.",
    better="higher",
    unit="impact ratio",
    needs=frozenset({"predictions"}),
    params=ImpactParams,
    tasks=CLASSIFICATION,
)
