"""What each group has on average: a share of labels or predictions, or the mean of numbers; rows weighted where the policy says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member, Pair
from audit.measures.error_gaps import Means, gaps
from audit.measures.groups import holds, notes, of_class
from audit.stats import Difference, Mean, MeanDifference, Proportion, WeightedMean, WeightedShare

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.evidence import Slice, Unmeasured, Value
    from audit.measures.groups import Measured
    from audit.subject import Subject

Found: TypeAlias = Proportion | Mean | WeightedShare | WeightedMean


@dataclass(frozen=True, slots=True)
class Average:
    """One flag or number a row, and its weight where rows have one."""

    values: NDArray[np.bool_] | NDArray[np.float64]
    weights: NDArray[np.float64] | None
    items: tuple[tuple[str, Value], ...] = ()
    needs: str = "there with a weight over 0"

    def of(self, rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> Found | None:
        """Of some rows; None where none of them has any weight."""
        chosen = rows if self.weights is None else rows & (self.weights > 0)
        if not chosen.any():
            return None
        values, entities = self.values[chosen], None if clusters is None else clusters[chosen]
        weights = None if self.weights is None else self.weights[chosen]
        if values.dtype == np.bool_:
            flags = values.astype(bool)
            return Proportion.of(flags, entities) if weights is None else WeightedShare.of(flags, weights, entities)
        numbers = values.astype(np.float64)
        return Mean.of(numbers, entities) if weights is None else WeightedMean.of(numbers, weights, entities)

    def named(self, group: Slice) -> Slice:
        """A group's name with the class, where there are several."""
        for column, value in self.items:
            group = group.further(column, value)
        return group


def mean_gaps(subject: Subject, of: Literal["labels", "predictions"]) -> Evidence:
    """Ordered pairs of groups within each family, by the policy's `reference_group`; each group's own average beside."""
    if "values" in subject.candidate.abilities and subject.data.columns.weight is None:
        return gaps(subject, Means(_numbers(subject, of)), "mean")  # an entity's rows in two groups move their means together
    members: list[Member] = []
    context: list[Member] = []
    unmeasured: list[Unmeasured] = []
    measured: list[Measured[Found]] = [*_averages(subject, of)]
    for held in holds(subject, measured):
        unmeasured += held.lacking
        context += [Member(name, found) for name, found in held.sides]
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


def _minus(first: Found, second: Found) -> Difference | MeanDifference:
    if isinstance(first, Proportion) and isinstance(second, Proportion):
        return Difference(first, second)
    if isinstance(first, Proportion) or isinstance(second, Proportion):
        msg = "a share of equal rows is not compared with a mean or with weighted rows"
        raise TypeError(msg)
    return MeanDifference(first, second)
