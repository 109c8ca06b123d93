"""What each group has on average: a share of labels or predictions, or the mean of numbers; rows weighted where the policy says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from audit.checks.fairness._error_gaps import Means, gaps
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member, Pair
from audit.metrics.groups import OfGroup, holds, notes, of_class, share
from audit.stats import Difference, Mean, MeanDifference, Proportion, WeightedMean, WeightedShare
from audit.stats.clustering import Influence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.evidence import Slice, Unmeasured, Value
    from audit.metrics.groups import Measured
    from audit.subject import Subject

Found: TypeAlias = Proportion | Mean | WeightedShare | WeightedMean


@dataclass(frozen=True, slots=True)
class Average:
    """One flag or number a row, and its weight where rows have one."""

    values: NDArray[np.bool_] | NDArray[np.float64]
    weights: NDArray[np.float64] | None
    items: tuple[tuple[str, Value], ...] = ()
    needs: str = "there with a weight over 0"

    def of(self, rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> OfGroup[Found] | None:
        """Of some rows; None where none of them has any weight."""
        chosen = rows if self.weights is None else rows & (self.weights > 0)
        if not chosen.any():
            return None
        values, entities = self.values[chosen], None if clusters is None else clusters[chosen]
        weights = None if self.weights is None else self.weights[chosen]
        if weights is None:
            return share(values.astype(bool), entities) if values.dtype == np.bool_ else _mean(values.astype(np.float64), entities)
        return _weighted(values, weights, entities)

    def named(self, group: Slice) -> Slice:
        """A group's name with the class, where there are several."""
        for column, value in self.items:
            group = group.further(column, value)
        return group


def _mean(values: NDArray[np.float64], entities: NDArray[np.int64] | None) -> OfGroup[Found]:
    influence = None if entities is None else Influence.of((values - values.mean()) / len(values), entities)
    return OfGroup(Mean.of(values, entities), influence)


def _weighted(
    values: NDArray[np.bool_] | NDArray[np.float64], weights: NDArray[np.float64], entities: NDArray[np.int64] | None
) -> OfGroup[Found]:
    found: WeightedShare | WeightedMean
    variance, numbers = 0.0, values.astype(np.float64)
    if values.dtype == np.bool_:
        found = WeightedShare.of(values.astype(bool), weights, entities)
        variance = found.share * (1 - found.share) / found.worth
    else:
        found = WeightedMean.of(numbers, weights, entities)
    if entities is None:
        return OfGroup(found, None)
    return OfGroup(found, Influence.of(weights * (numbers - found.value) / weights.sum(), entities, variance))


def mean_gaps(subject: Subject, of: Literal["labels", "predictions"]) -> Evidence:
    """Ordered pairs of groups within each family, by the policy's `reference_group`; each group's own average beside."""
    if "values" in subject.candidate.abilities and subject.data.columns.weight is None:
        return gaps(subject, Means(_numbers(subject, of)), "mean")  # an entity's rows in two groups move their means together
    members: list[Member] = []
    context: list[Member] = []
    unmeasured: list[Unmeasured] = []
    measured: list[Measured[OfGroup[Found]]] = [*_averages(subject, of)]
    for held in holds(subject, measured):
        unmeasured += held.lacking
        context += [Member(name, found.estimate) for name, found in held.sides]
        for (one, first), (other, second) in held.matches:
            members += [Member(Pair(one, other), _minus(first, second)), Member(Pair(other, one), _minus(second, first))]
    return Evidence(
        members=tuple(members),
        unit="mean difference",
        rows=subject.data.rows,
        context=tuple(context),
        unmeasured=tuple(unmeasured),
        notes=(*notes(subject), *_weighing(subject)),
        context_unit="mean" if "values" in subject.candidate.abilities else "rate",
    )


def _averages(subject: Subject, of: Literal["labels", "predictions"]) -> list[Average]:
    weights = _weights(subject)
    if "values" in subject.candidate.abilities:
        return [Average(_numbers(subject, of), weights)]
    classes = subject.y_true() if of == "labels" else subject.y_pred()
    return [Average(classes == one, weights, of_class(subject, one)) for one in subject.targets]


def _numbers(subject: Subject, of: Literal["labels", "predictions"]) -> NDArray[np.float64]:
    return subject.target() if of == "labels" else subject.predicted_values()


def _weights(subject: Subject) -> NDArray[np.float64] | None:
    """(n,) weights, finite and not negative; None where rows count alike."""
    column = subject.data.columns.weight
    if column is None:
        return None
    weights = subject.data.numbers(column)
    if (weights < 0).any():
        msg = f"{subject.data.role}: column {column!r} holds a weight under 0 in row {subject.data.shown(int(np.argmax(weights < 0)))}: "
        msg += "mend it, or leave columns.weight out"
        raise CannotMeasure(msg)
    return weights


def _weighing(subject: Subject) -> tuple[str, ...]:
    column = subject.data.columns.weight
    return () if column is None else (f"Rows are weighted by {column}; the weights are taken as given, not as estimated.",)


def _minus(one: OfGroup[Found], other: OfGroup[Found]) -> Difference | MeanDifference:
    """The difference; entities with rows in both groups make the two move together."""
    first, second = one.estimate, other.estimate
    correlation, shared = one.together(other)
    if isinstance(first, Proportion) and isinstance(second, Proportion):
        return Difference(first, second, correlation, shared)
    if isinstance(first, Proportion) or isinstance(second, Proportion):
        msg = "a share of equal rows is not compared with a mean or with weighted rows"
        raise TypeError(msg)
    return MeanDifference(first, second, correlation, shared=shared)
