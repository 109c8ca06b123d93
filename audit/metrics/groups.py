"""Estimates of slices and groups: one member a slice, and what each entity adds to a group's estimate so that two can be compared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from audit.evidence import Member, Unmeasured
from audit.stats import Proportion
from audit.stats.clustering import Influence, cluster_correlation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    import numpy as np
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.stats import Estimate
    from audit.subject import Subject

    Rows: TypeAlias = NDArray[np.bool_]
    Entities: TypeAlias = NDArray[np.int64] | None
    Slices: TypeAlias = tuple[tuple[Member, ...], tuple[Unmeasured, ...]]

E_co = TypeVar("E_co", bound="Estimate", covariant=True)
R = TypeVar("R")
TAIL = 0.025
"""Error of either end of an interval that is shown."""


def slice_members(subject: Subject, estimate: Callable[[Rows, Entities], Estimate], data: Dataset | None = None) -> tuple[Member, ...]:
    """Each slice's estimate, from the (n,) mask of its rows and the entities of these rows."""
    clusters = subject.clusters(data)
    return tuple(Member(name, estimate(rows, part(clusters, rows))) for name, rows in subject.slices(data))


def share_members(subject: Subject, hit: NDArray[np.bool_], data: Dataset | None = None) -> tuple[Member, ...]:
    """The share of hits in each slice, from (n,) flags."""
    return slice_members(subject, lambda rows, entities: Proportion.of(hit[rows], entities), data)


def measurable_slices(subject: Subject, estimate: Callable[[Rows, Entities], Estimate | str], target: str | None = None) -> Slices:
    """As `slice_members`; a slice for which `estimate` gives a sentence is unmeasured for that reason; `target` adds a class to names."""
    clusters, found = subject.clusters(), []
    for group, rows in subject.slices():
        found.append((group if target is None else group.further("class", target), estimate(rows, part(clusters, rows))))
    members = tuple(Member(name, result) for name, result in found if not isinstance(result, str))
    return members, tuple(Unmeasured(name, result) for name, result in found if isinstance(result, str))


def measurable_slices_by_class(
    subject: Subject, targets: Sequence[str], estimate: Callable[[str, Rows, Entities], Estimate | str], *, named: bool | None = None
) -> Slices:
    """Every slice of one class after the other; the class is in the name where there are several, or as `named` says."""
    named = len(targets) > 1 if named is None else named
    found = [measurable_slices(subject, partial(estimate, target), target if named else None) for target in targets]
    return tuple(one for members, _ in found for one in members), tuple(one for _, lacking in found for one in lacking)


@dataclass(frozen=True, slots=True, eq=False)
class GroupEstimate(Generic[E_co]):
    """One group's estimate and, where rows belong to entities, what each entity adds to it."""

    estimate: E_co
    influence: Influence | None
    """None where rows are independent."""

    @property
    def value(self) -> float:
        """Of the estimate."""
        return self.estimate.value

    def compare(self, other: GroupEstimate[E_co], kind: Callable[[E_co, E_co, float, float], R]) -> R:
        """The difference or ratio to another group's estimate; entities with rows in both make the two move together."""
        return kind(self.estimate, other.estimate, *self.correlation_with(other))

    def correlation_with(self, other: GroupEstimate[Estimate]) -> tuple[float, float]:
        """Correlation with another group's estimate, and the number of entities with rows in both groups."""
        return cluster_correlation(self.influence, other.influence)


def share(hit: NDArray[np.bool_], entities: NDArray[np.int64] | None) -> GroupEstimate[Proportion]:
    """The share of hits, from (n,) flags and the (n,) entities of the rows, where rows belong to entities."""
    found = Proportion.of(hit, entities)
    if entities is None:
        return GroupEstimate(found, None)
    variance = found.value * (1 - found.value) * found.design_effect / found.n
    return GroupEstimate(found, Influence.of((hit - found.value) / found.n, entities, variance))


def part(clusters: NDArray[np.int64] | None, rows: NDArray[np.bool_] | NDArray[np.int64]) -> NDArray[np.int64] | None:
    """The entities of some rows, by a mask or by their places; None where rows are independent."""
    return None if clusters is None else clusters[rows]
