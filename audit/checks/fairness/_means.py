"""Means of groups: the average of a flag or number of each row, weighted or not, and differences between groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from audit.checks.fairness._groups import GroupStatistic
from audit.metrics.groups import GroupEstimate, part, share
from audit.stats import Amplification, Difference, Mean, MeanDifference, Proportion, RootMeanSquare, WeightedMean, WeightedShare
from audit.stats.clustering import Influence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.evidence import Value

    Values: TypeAlias = NDArray[np.bool_] | NDArray[np.float64]

Average: TypeAlias = Proportion | Mean | RootMeanSquare | WeightedShare | WeightedMean


def mean(values: NDArray[np.float64], *, low: float | None = None, root: bool = False) -> GroupStatistic[GroupEstimate[Average]]:
    """The mean of a number of each row that is `low` at least; with `root` the root of the mean of its squares."""

    def of(rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> GroupEstimate[Average] | None:
        if not rows.any():
            return None
        chosen, entities = values[rows], part(clusters, rows)
        estimate = RootMeanSquare.of(chosen, entities) if root else Mean.of(chosen, entities, low=low)
        if entities is None:
            return GroupEstimate(estimate, None)
        moved = np.square(chosen) if root else chosen
        return GroupEstimate(estimate, Influence.of(moved - moved.mean(), entities))

    return GroupStatistic(of)


def average(
    values: Values, weights: NDArray[np.float64] | None, items: tuple[tuple[str, Value], ...] = ()
) -> GroupStatistic[GroupEstimate[Average]]:
    """The share of a flag of each row, or with weights the weighted share or mean."""

    def of(rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> GroupEstimate[Average] | None:
        chosen = rows if weights is None else rows & (weights > 0)
        if not chosen.any():
            return None
        if weights is None:
            return share(values[chosen].astype(bool), part(clusters, chosen))
        return _weighted(values[chosen], weights[chosen], part(clusters, chosen))

    return GroupStatistic(of, "there with a weight over 0", items)


def _weighted(values: Values, weights: NDArray[np.float64], entities: NDArray[np.int64] | None) -> GroupEstimate[Average]:
    estimate: WeightedShare | WeightedMean
    variance, numbers = 0.0, values.astype(np.float64)
    if values.dtype == np.bool_:
        estimate = WeightedShare.of(values.astype(bool), weights, entities)
        variance = estimate.share * (1 - estimate.share) / estimate.effective_n
    else:
        estimate = WeightedMean.of(numbers, weights, entities)
    if entities is None:
        return GroupEstimate(estimate, None)
    return GroupEstimate(estimate, Influence.of(weights * (numbers - estimate.value) / weights.sum(), entities, variance))


def difference(one: GroupEstimate[Average], other: GroupEstimate[Average]) -> Difference | MeanDifference:
    """The difference of two groups' averages; entities with rows in both groups make the two move together."""
    first, second = one.estimate, other.estimate
    correlation, shared = one.correlation_with(other)
    if isinstance(first, Proportion) and isinstance(second, Proportion):
        return Difference(first, second, correlation, shared)
    if isinstance(first, Proportion) or isinstance(second, Proportion):
        msg = "a share of equal rows is not compared with a mean or with weighted rows"
        raise TypeError(msg)
    return MeanDifference(first, second, correlation, shared=shared)


@dataclass(frozen=True, slots=True, eq=False)
class PairedAverage:
    """A group's average by two models on the same rows."""

    before: GroupEstimate[Average]
    """Of the model that the candidate is compared with."""
    after: GroupEstimate[Average]
    """Of the candidate."""
    change: GroupEstimate[Average]
    """Of the rows' own differences, after minus before: what both models find hard drops out."""
    sum: GroupEstimate[Average]
    """Of the rows' sums of both."""

    @property
    def value(self) -> float:
        """The candidate's average."""
        return self.after.value

    def widening(self, other: PairedAverage) -> Amplification:
        """By how much this group's average is above the other's more than either was before."""
        kept, turned = difference(self.change, other.change), difference(self.sum, other.sum)
        if isinstance(kept, Difference) or isinstance(turned, Difference):
            msg = "the rows' differences are numbers, and no shares"
            raise TypeError(msg)
        return Amplification(kept, turned)


def paired_mean(
    after: NDArray[np.float64], before: NDArray[np.float64], weights: NDArray[np.float64] | None = None
) -> GroupStatistic[PairedAverage]:
    """The mean of a number of each row by the candidate and by the comparator, weighted or not."""
    parts = [mean(one) if weights is None else average(one, weights) for one in (before, after, after - before, after + before)]

    def of(rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> PairedAverage | None:
        found = [part.of(rows, clusters) for part in parts]
        measured = [one for one in found if one is not None]
        return PairedAverage(*measured) if len(measured) == len(parts) else None

    return GroupStatistic(of, parts[0].needs)
