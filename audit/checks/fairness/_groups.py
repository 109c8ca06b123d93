"""Groups compared pair by pair: which groups are compared, what is measured of each, and the evidence that results."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

import numpy as np

from audit.datasets import canonical
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member, Pair, Slice, Unmeasured
from audit.formatting import comparator_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from audit.evidence import Value
    from audit.metrics.groups import GroupEstimate
    from audit.stats import Estimate
    from audit.subject import Subject

Family: TypeAlias = "tuple[tuple[Slice, NDArray[np.bool_]], ...]"


class Valued(Protocol):
    """What is measured of a group: a number at least."""

    @property
    def value(self) -> float:
        """The number by which the highest group is found."""


V = TypeVar("V", bound=Valued)
E = TypeVar("E", bound="Estimate")
Side: TypeAlias = tuple[Slice, V]
"""A group's name and what was measured of it."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupStatistic(Generic[V]):
    """Something that is measured of each group."""

    of: Callable[[NDArray[np.bool_], NDArray[np.int64] | None], V | None]
    """From a mask of rows and the entities of all rows; None where none of the rows counts."""
    needs: str = "there"
    """What a row that counts is, for the reader: `truly urgent`."""
    items: tuple[tuple[str, Value], ...] = ()
    """What distinguishes this number from the check's others: its class, its kind."""

    def named(self, group: Slice) -> Slice:
        """A group's name with what distinguishes this number from the check's others."""
        for column, value in self.items:
            group = group.further(column, value)
        return group


@dataclass(frozen=True, slots=True)
class GroupComparison(Generic[V]):
    """One number of every group of a family, and which groups are compared with which."""

    sides: list[Side[V]]
    matches: list[tuple[Side[V], Side[V]]]
    """Each two groups once."""
    unmeasured: tuple[Unmeasured, ...]
    """Groups without a row that counts."""


def class_items(subject: Subject, name: str) -> tuple[tuple[str, Value], ...]:
    """What distinguishes a class's number from the other classes'; nothing where one class is looked at."""
    return (("class", name),) if len(subject.targets) > 1 else ()


def compare_groups(
    subject: Subject, statistics: Sequence[GroupStatistic[V]], families: Sequence[Family] | None = None
) -> Iterator[GroupComparison[V]]:
    """Compare the groups of every family in every number; `families` are what the check has left of each, if not all."""
    clusters = subject.clusters()
    for columns, family in zip(subject.by, split(subject) if families is None else families, strict=True):
        for statistic in statistics:
            values = [(statistic.named(group), statistic.of(rows, clusters)) for group, rows in family]
            sides = [(name, value) for name, value in values if value is not None]
            reason = f"no row is {statistic.needs}: add rows of this group"
            unmeasured = tuple(Unmeasured(name, reason) for name, value in values if value is None)
            yield GroupComparison(sides, _matches(subject, columns, family, statistic, sides), unmeasured)


def context_members(name: Slice, side: GroupEstimate[Estimate]) -> Iterable[Member]:
    """A group's own number, shown beside the pairs."""
    return (Member(name, side.estimate),)


def gaps(
    subject: Subject,
    comparisons: Iterable[GroupComparison[V]],
    pair: Callable[[V, V], Estimate | None],
    show: Callable[[Slice, V], Iterable[Member]],
    unit: str,
) -> Evidence:
    """Evidence on both orders of each two groups, since either may be worse off; `pair` gives None where neither has a hit."""
    members: list[Member] = []
    context: list[Member] = []
    unmeasured: list[Unmeasured] = []
    for comparison in comparisons:
        context += [member for side in comparison.sides for member in show(*side)]
        unmeasured += comparison.unmeasured
        for (one, first), (other, second) in comparison.matches:
            there, back = pair(first, second), pair(second, first)
            if there is None or back is None:
                unmeasured.append(Unmeasured(Pair(one, other), "neither group has a hit, so their ratio is not defined: add rows"))
            else:
                members += [Member(Pair(one, other), there), Member(Pair(other, one), back)]
    return Evidence(
        members=tuple(members),
        unit=unit,
        rows=subject.data.rows,
        context=tuple(context),
        unmeasured=tuple(unmeasured),
        notes=_reference_notes(subject),
    )


class OfTwoModels(Valued, Protocol):
    """What is measured of a group by the candidate and by what it is compared with."""

    @property
    def before(self) -> GroupEstimate[Estimate]:
        """Of the comparator."""

    @property
    def after(self) -> GroupEstimate[Estimate]:
        """Of the candidate."""


M = TypeVar("M", bound=OfTwoModels)


def widenings(subject: Subject, statistics: Sequence[GroupStatistic[M]], pair: Callable[[M, M], Estimate | None]) -> Evidence:
    """By how much the gap between each two groups is wider than the comparator's; both models' numbers of each group beside it."""

    def show(name: Slice, side: M) -> Iterable[Member]:
        yield Member(name.further("model", subject.against), side.before.estimate)
        yield Member(name.further("model", "candidate"), side.after.estimate)

    unit = f"widening of the gap against {comparator_in_words(subject.against)}"
    return gaps(subject, compare_groups(subject, statistics), pair, show, unit)


def split(subject: Subject) -> tuple[Family, ...]:
    """The families that `by` names, each of two groups at least."""
    if not subject.by:
        msg = "no groups to compare: name at least one column under `by`"
        raise CannotMeasure(msg)
    families = subject.families()
    for columns, family in zip(subject.by, families, strict=True):
        if len(family) < 2:  # noqa: PLR2004  # a gap is between two
            alone = f"one group only ({family[0][0]})" if family else "no row"
            msg = (
                f"{' and '.join(columns)}: {alone}, nothing to compare it with: name another column under `by`, or add rows of other groups"
            )
            raise CannotMeasure(msg)
    return families


def _matches(
    subject: Subject, columns: tuple[str, ...], family: Family, statistic: GroupStatistic[V], sides: list[Side[V]]
) -> list[tuple[Side[V], Side[V]]]:
    """Which groups are compared, each two once, by the policy's `reference_group`."""
    reference = subject.reference_group
    if reference is None or (reference == "pooled_rest" and len(family) == 2):  # noqa: PLR2004  # the rest is the other group
        return list(combinations(sides, 2))
    if reference == "pooled_rest":
        return _against_rest(subject, columns, family, statistic)
    chosen = _highest(sides) if reference == "highest" else statistic.named(_group(columns, family, reference))
    return [(side, other) for other in sides if other[0] == chosen for side in sides if side[0] != chosen]


def _against_rest(
    subject: Subject, columns: tuple[str, ...], family: Family, statistic: GroupStatistic[V]
) -> list[tuple[Side[V], Side[V]]]:
    clusters, column = subject.clusters(), ", ".join(columns)
    matches = []
    for group, rows in family:
        others = np.any([mask for name, mask in family if name != group], axis=0)
        one, rest = statistic.of(rows, clusters), statistic.of(others, clusters)
        if one is not None and rest is not None:
            pooled = statistic.named(Slice(((column, f"all but {_label(group)}"),)))
            matches.append(((statistic.named(group), one), (pooled, rest)))
    return matches


def _highest(sides: list[Side[V]]) -> Slice | None:
    return max(sides, key=lambda side: side[1].value)[0] if sides else None


def _group(columns: tuple[str, ...], family: Family, label: str) -> Slice:
    """The group of that name; a crossed family's groups are named by their values in order, `female, north`."""
    groups = {_label(group): group for group, _ in family}
    if label not in groups:
        msg = f"reference_group {label!r} is no group of {', '.join(columns)}: there are {'; '.join(groups)}"
        raise CannotMeasure(msg)
    return groups[label]


def _label(group: Slice) -> str:
    return ", ".join(canonical(value) or "null" for _, value in group.items)


def _reference_notes(subject: Subject) -> tuple[str, ...]:
    """What a reader has to know of the reference."""
    if subject.reference_group == "highest":
        return ("The reference is the group with the highest rate in this very data, chosen after looking: it is in part the luckiest.",)
    return ()
