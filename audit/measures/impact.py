"""The tables that New York City's Local Law 144 prescribes: selection or scoring rates by category, and impact ratios."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Literal

import numpy as np

from audit.datasets import canonical
from audit.errors import CannotMeasure
from audit.evidence import Member
from audit.measures.groups import Rate, compare, holds, of_class, selection_rates, split
from audit.stats import Ratio

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audit.evidence import Evidence, Slice
    from audit.measures.groups import Family, OfGroup, Side
    from audit.stats import Proportion
    from audit.subject import Subject

FOUR_FIFTHS = 0.8
LEVEL = 0.025


def tables(subject: Subject, rate: Literal["selection", "scoring"], unknown: Sequence[str], below: float) -> Evidence:
    """Every ordered pair of categories that the law counts, and its point table of each family as notes."""
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
    for held in holds(subject, rates, families):
        notes += _lines(held.sides, "selected" if rate == "selection" else "above the median")
    context = (*evidence.context, *_left_out(subject, rates, whole, families))
    return replace(evidence, context=context, notes=(*evidence.notes, *notes))


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


def _lines(sides: Sequence[Side[OfGroup[Proportion]]], hit: str) -> Iterator[str]:
    """The law's point table, one line a category; the most selected one is the reference."""
    top, best = max(sides, key=lambda side: side[1].value)
    if not best.estimate.hits:
        yield "No category is selected at all: there is no impact ratio."
        return
    for name, found in sides:
        share = found.estimate
        line = f"{name}: {share.hits:,} of {share.n:,} {hit}, rate {share.value:.4f}, impact ratio {share.value / best.value:.3f}"
        yield f"{line} (the most selected category)." if name == top else f"{line}{_screened(found, best)}."


def _screened(found: OfGroup[Proportion], best: OfGroup[Proportion]) -> str:
    """Which side of the four-fifths line the ratio is on, and how sure that is."""
    ratio = Ratio(found.estimate, best.estimate, *found.together(best))
    low, high = ratio.bounds(LEVEL, LEVEL)
    side = "under" if ratio.value < FOUR_FIFTHS else "not under"
    line = f" (95 % interval {low:.3f} to {high:.3f}), {side} the four-fifths line"
    return line if ratio.first.entities is not None else f"{line}, Fisher's exact p {fisher(ratio.first, ratio.second):.2g}"


def fisher(first: Proportion, second: Proportion) -> float:
    """Two-sided exact p of equal shares (Fisher 1935), for independent rows."""
    from scipy.stats import fisher_exact

    table = [[first.hits, first.n - first.hits], [second.hits, second.n - second.hits]]
    return float(fisher_exact(table).pvalue)
