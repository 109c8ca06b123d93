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
from typing import TYPE_CHECKING

from audit.checks.fairness import gap_check
from audit.checks.fairness._groups import GroupStatistic, class_items, compare_groups, gaps
from audit.checks.fairness._rates import rates_of
from audit.evidence import Evidence, Member
from audit.stats import AverageDifference, Difference
from audit.stats.clustering import cluster_correlation
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.check import NoParams
    from audit.checks.fairness._rates import Rate
    from audit.evidence import Slice
    from audit.metrics.groups import GroupEstimate
    from audit.stats import Proportion
    from audit.subject import Subject


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
    odds = [_odds(subject, one, pair) for one, pair in zip(subject.targets, zip(rates[::2], rates[1::2], strict=True), strict=True)]
    return gaps(subject, compare_groups(subject, odds), Odds.minus, _both_rates, "mean rate difference")


def _odds(subject: Subject, one: str, rates: Sequence[Rate]) -> GroupStatistic[Odds]:
    hits, alarms = rates

    def of(rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> Odds | None:
        hit, alarm = hits.of(rows, clusters), alarms.of(rows, clusters)
        return None if hit is None or alarm is None else Odds(hit, alarm)

    return GroupStatistic(of, f"{hits.needs}, or none {alarms.needs}", class_items(subject, one))


def _both_rates(name: Slice, odds: Odds) -> Iterable[Member]:
    yield Member(name.further("rate", "true_positive_rate"), odds.hits.estimate)
    yield Member(name.further("rate", "false_positive_rate"), odds.alarms.estimate)


CHECK = gap_check(
    measure=measure,
    question="Averaged over hits and false alarms, are all groups treated equally?",
    remedy="See which rate of which group lies apart; add training rows of that kind, or mend their labels, and fine-tune again.",
    unit="mean rate difference",
    needs=frozenset({"labels", "predictions"}),
    tasks=CLASSIFICATION,
)
