"""Rates of groups: selection, error and precision rates of each group, and the checks of their differences and ratios."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from audit.checks.fairness import gap_check
from audit.checks.fairness._groups import GroupStatistic, class_items, compare_groups, context_members, gaps, widenings
from audit.metrics.groups import GroupEstimate, part, share
from audit.stats import Amplification, Difference, GapChange, PairedDifference, Proportion, Ratio
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.check import Check, NoParams
    from audit.checks.fairness._groups import Family
    from audit.evidence import Evidence, Value
    from audit.subject import Subject

RateName: TypeAlias = Literal["selection_rate", "true_positive_rate", "false_positive_rate", "false_negative_rate", "precision"]
Items: TypeAlias = "tuple[tuple[str, Value], ...]"
Rate: TypeAlias = GroupStatistic[GroupEstimate[Proportion]]

_OF_ONE_CLASS = ({"true_positive_rate"}, {"false_positive_rate"}, {"false_negative_rate"})
"""Rates among the rows of one true class."""


def rate(hit: NDArray[np.bool_], counted: NDArray[np.bool_], needs: str, items: Items = ()) -> Rate:
    """The share of hits among the rows that count."""

    def of(rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> GroupEstimate[Proportion] | None:
        chosen = rows & counted
        return share(hit[chosen], part(clusters, chosen)) if chosen.any() else None

    return GroupStatistic(of, needs, items)


def rates_of(subject: Subject, *names: RateName) -> list[Rate]:
    """The rates of each class that is looked at; where there are several rates, each name of a group says which it is."""
    return [rate(one.hit, one.counted, one.needs, one.items) for one in _counts(subject, subject.y_pred(), names)]


@dataclass(frozen=True, slots=True, eq=False)
class _Counts:
    """What a rate counts."""

    hit: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    needs: str
    items: Items


def _counts(subject: Subject, y_pred: NDArray[np.object_], names: Sequence[RateName]) -> list[_Counts]:
    """The hits and the rows that count of each rate of each class, by these predicted labels."""
    y_true = None if set(names) == {"selection_rate"} else subject.y_true()
    found = []
    for one in subject.targets:
        called, items = y_pred == one, class_items(subject, one)
        for name in names:
            named = (*items, ("rate", name)) if len(names) > 1 else items
            if y_true is None:
                found.append(_Counts(called, np.ones(len(called), dtype=bool), "there", named))
            else:
                found.append(_conditional(name, y_true == one, called, one, named))
    return found


def _conditional(name: RateName, truly: NDArray[np.bool_], called: NDArray[np.bool_], one: str, items: Items) -> _Counts:
    if name == "precision":
        return _Counts(truly, called, f"predicted {one}", items)
    if name == "false_positive_rate":
        return _Counts(called, ~truly, f"truly other than {one}", items)
    return _Counts(called if name == "true_positive_rate" else ~called, truly, f"truly {one}", items)


@dataclass(frozen=True, slots=True)
class PairedRate:
    """A group's rate by two models on the same rows."""

    before: GroupEstimate[Proportion]
    """Of the model that the candidate is compared with."""
    after: GroupEstimate[Proportion]
    """Of the candidate."""
    change: PairedDifference
    """After minus before on the same rows."""
    sum: PairedDifference
    """After minus what is left of 1 before: the sum of both rates, less 1."""

    @classmethod
    def of(cls, after: NDArray[np.bool_], before: NDArray[np.bool_], entities: NDArray[np.int64] | None) -> PairedRate:
        """From the hits of both models."""
        change, total = PairedDifference.of(after, before, entities), PairedDifference.of(after, ~before, entities)
        return cls(share(before, entities), share(after, entities), change, total)

    @property
    def value(self) -> float:
        """The candidate's rate."""
        return self.after.value


def widening(first: PairedRate, second: PairedRate) -> Amplification:
    """By how much the first group is favoured over the second more than either was before."""
    return Amplification(GapChange(first.change, second.change), GapChange(first.sum, second.sum))


def rate_gap_widenings(subject: Subject, names: Sequence[RateName]) -> Evidence:
    """By how much the gap between each two groups is wider than the comparator's; both models' rates of each group beside it."""
    return widenings(subject, paired_rates(subject, names), widening)


def paired_rates(subject: Subject, names: Sequence[RateName]) -> list[GroupStatistic[PairedRate]]:
    """As `rates_of`, by the candidate and by the comparator."""
    sides = [_counts(subject, one.y_pred(), names) for one in (subject, subject.for_comparator)]
    return [_paired(after, before) for after, before in zip(*sides, strict=True)]


def _paired(after: _Counts, before: _Counts) -> GroupStatistic[PairedRate]:
    def of(rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> PairedRate | None:
        chosen = rows & after.counted
        return PairedRate.of(after.hit[chosen], before.hit[chosen], part(clusters, chosen)) if chosen.any() else None

    return GroupStatistic(of, after.needs, after.items)


def rate_gaps(
    subject: Subject, rates: Sequence[Rate], kind: type[Difference | Ratio], unit: str, *, families: Sequence[Family] | None = None
) -> Evidence:
    """Differences or ratios of the rates of every ordered pair of groups, each group's own rate beside them."""
    compared: Callable[..., Difference | Ratio] = kind

    def pair(first: GroupEstimate[Proportion], second: GroupEstimate[Proportion]) -> Difference | Ratio | None:
        undefined = kind is Ratio and not first.estimate.hits and not second.estimate.hits
        return None if undefined else first.compare(second, compared)

    return gaps(subject, compare_groups(subject, rates, families), pair, context_members, unit)


def rate_gap_check(kind: type[Difference | Ratio], *names: RateName, question: str, remedy: str, unit: str = "") -> Check:
    """A check of the rates of every ordered pair of groups: a difference that should be small, or a ratio that should be near 1."""
    unit = unit or ("rate difference" if kind is Difference else "rate ratio")
    shown = names[0].replace("_", " ") if len(names) == 1 else "rate"

    def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
        return replace(rate_gaps(subject, rates_of(subject, *names), kind, unit), context_unit=shown)

    def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
        return rate_gap_widenings(subject, names)

    return gap_check(
        measure=measure,
        compare=compare if kind is Difference and "precision" not in names else None,
        question=question,
        remedy=remedy,
        better="lower" if kind is Difference else "higher",
        unit=unit,
        needs=frozenset({"predictions"}) if names == ("selection_rate",) else frozenset({"labels", "predictions"}),
        of_one_class=set(names) in _OF_ONE_CLASS,
        tasks=CLASSIFICATION,
    )
