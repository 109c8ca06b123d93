"""Average odds difference: mean of the groups' gaps in true positive and in false positive rate.

Purpose      Show in one number whether the odds of a favourable prediction are alike in every group, given the truth.
Risk         Well above 0: some group is favoured by hits and by false alarms taken together.
Limitations  Gaps of opposite signs cancel: at 0 the groups' errors may still differ in kind. Read it next to equalized odds.
             Trusts the true labels. The gap of one ordered pair is signed, the worst pair's is the larger of both orders.
Reference    Bellamy et al., IBM Journal of Research and Development 2019 (AI Fairness 360);
             interval of Zou & Donner, Statistics in Medicine 2008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from audit.checks.fairness import gap_check
from audit.checks.fairness._groups import GroupStatistic, Valued, class_items, compare_groups, gaps
from audit.checks.fairness._rates import paired_rates, rates_of
from audit.evidence import Evidence, Member
from audit.formatting import comparator_in_words
from audit.stats import Amplification, AverageDifference, AverageGapChange, Difference, GapChange
from audit.stats.clustering import cluster_correlation
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.check import NoParams
    from audit.checks.fairness._rates import PairedRate
    from audit.evidence import Slice
    from audit.metrics.groups import GroupEstimate
    from audit.stats import Proportion
    from audit.subject import Subject


V = TypeVar("V", bound=Valued)
M = TypeVar("M", bound=Valued)


@dataclass(frozen=True, slots=True)
class Odds:
    """How often a group is called a class, among the rows of that class and among the others."""

    hits: GroupEstimate[Proportion]
    alarms: GroupEstimate[Proportion]

    @property
    def value(self) -> float:
        """Mean of both rates."""
        return (self.hits.value + self.alarms.value) / 2

    def minus(self, other: Odds) -> AverageDifference:
        """Mean of the differences from another group's rates."""
        hits, alarms = self.hits.compare(other.hits, Difference), self.alarms.compare(other.alarms, Difference)
        return AverageDifference(hits, alarms, *self._correlation(other))

    def _correlation(self, other: Odds) -> tuple[float | None, float]:
        """Correlation of the two differences, and by how many entities; None where an entity's rows do not show it."""
        sides = self.hits.influence, other.hits.influence, self.alarms.influence, other.alarms.influence
        if any(one is None for one in sides):
            return None, 0.0
        hits, alarms = (one.minus(two) for one, two in (sides[:2], sides[2:]) if one is not None and two is not None)
        return cluster_correlation(hits, alarms) if hits.variance > 0 and alarms.variance > 0 else (None, 0.0)


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Mean of both rates' differences, judged on every ordered pair of groups."""
    rates = rates_of(subject, "true_positive_rate", "false_positive_rate")
    odds = [_both(subject, one, Odds, pair) for one, pair in zip(subject.targets, zip(rates[::2], rates[1::2], strict=True), strict=True)]
    return gaps(subject, compare_groups(subject, odds), Odds.minus, _both_rates, "mean rate difference")


@dataclass(frozen=True, slots=True)
class PairedOdds:
    """Both rates of a group by two models on the same rows."""

    hits: PairedRate
    alarms: PairedRate

    @property
    def value(self) -> float:
        """Mean of the candidate's rates."""
        return (self.hits.value + self.alarms.value) / 2

    def widening(self, other: PairedOdds) -> Amplification:
        """By how much the mean of the gaps to another group is wider than it was."""
        kept, turned = (
            AverageGapChange(GapChange(hits, other_hits), GapChange(alarms, other_alarms))
            for hits, other_hits, alarms, other_alarms in (
                (self.hits.change, other.hits.change, self.alarms.change, other.alarms.change),
                (self.hits.sum, other.hits.sum, self.alarms.sum, other.alarms.sum),
            )
        )
        return Amplification(kept, turned)


def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """By how much the mean gap of each two groups is wider than the comparator's."""
    rates = paired_rates(subject, ("true_positive_rate", "false_positive_rate"))
    odds = [
        _both(subject, one, PairedOdds, pair) for one, pair in zip(subject.targets, zip(rates[::2], rates[1::2], strict=True), strict=True)
    ]

    def show(name: Slice, side: PairedOdds) -> Iterable[Member]:
        for rate, both in (("true_positive_rate", side.hits), ("false_positive_rate", side.alarms)):
            yield Member(name.further("rate", rate).further("model", subject.against), both.before.estimate)
            yield Member(name.further("rate", rate).further("model", "candidate"), both.after.estimate)

    unit = f"widening of the gap against {comparator_in_words(subject.against)}"
    return gaps(subject, compare_groups(subject, odds), PairedOdds.widening, show, unit)


def _both(subject: Subject, one: str, make: Callable[[V, V], M], rates: Sequence[GroupStatistic[V]]) -> GroupStatistic[M]:
    """Both rates of a group; a group that lacks either is not measured."""
    hits, alarms = rates

    def of(rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> M | None:
        hit, alarm = hits.of(rows, clusters), alarms.of(rows, clusters)
        return None if hit is None or alarm is None else make(hit, alarm)

    return GroupStatistic(of, f"{hits.needs}, or none {alarms.needs}", class_items(subject, one))


def _both_rates(name: Slice, odds: Odds) -> Iterable[Member]:
    yield Member(name.further("rate", "true_positive_rate"), odds.hits.estimate)
    yield Member(name.further("rate", "false_positive_rate"), odds.alarms.estimate)


CHECK = gap_check(
    measure=measure,
    compare=compare,
    question="Averaged over hits and false alarms, are all groups treated equally?",
    remedy="See which rate of which group lies apart; add training rows of that kind, or mend their labels, and fine-tune again.",
    unit="mean rate difference",
    needs=frozenset({"labels", "predictions"}),
    tasks=CLASSIFICATION,
)
