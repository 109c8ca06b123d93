"""Errors of groups compared pair by pair: what the gaps of regression share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.evidence import Evidence, Member, Pair
from audit.metrics.groups import holds, notes
from audit.stats import Mean, MeanDifference, RootMeanSquare
from audit.stats.clustering import Influence, together

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.evidence import Slice
    from audit.subject import Subject


@dataclass(frozen=True, slots=True, eq=False)
class GroupMean:
    """One group's mean, or root mean square, and what each of its entities adds to it."""

    estimate: Mean | RootMeanSquare
    influence: Influence | None
    """None where rows are independent."""

    @property
    def value(self) -> float:
        """Of the estimate."""
        return self.estimate.value

    def minus(self, other: GroupMean) -> MeanDifference:
        """The difference; entities with rows in both groups make the two move together."""
        correlation, shared = together(self.influence, other.influence)
        return MeanDifference(self.estimate, other.estimate, correlation, shared=shared)


@dataclass(frozen=True, slots=True, eq=False)
class Means:
    """A value of every row, averaged in each group; `root` takes the root of the mean of its squares."""

    values: NDArray[np.float64]
    low: float | None = None
    """The least that a value can be; None where it has no end."""
    root: bool = False
    needs: str = "there"

    def of(self, rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> GroupMean | None:
        """Of some rows; None where there is none."""
        if not rows.any():
            return None
        values, codes = self.values[rows], None if clusters is None else clusters[rows]
        estimate = RootMeanSquare.of(values, codes) if self.root else Mean.of(values, codes, low=self.low)
        if codes is None:
            return GroupMean(estimate, None)
        moved = np.square(values) if self.root else values
        return GroupMean(estimate, Influence.of(moved - moved.mean(), codes))

    def named(self, group: Slice) -> Slice:
        """The group's own name: there is one number a group."""
        return group


def gaps(subject: Subject, means: Means, unit: str) -> Evidence:
    """Ordered pairs of groups within each family, by the policy's `reference_group`; beside them each group's own mean."""
    members: list[Member] = []
    context: list[Member] = []
    for held in holds(subject, [means]):
        context += [Member(name, mean.estimate) for name, mean in held.sides]
        for (one, first), (other, second) in held.matches:
            members += [Member(Pair(one, other), first.minus(second)), Member(Pair(other, one), second.minus(first))]
    return Evidence(
        members=tuple(members),
        unit=f"{unit} difference",
        rows=subject.data.rows,
        context=tuple(context),
        context_unit=unit,
        notes=notes(subject),
    )
