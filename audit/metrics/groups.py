"""Rates of groups compared pair by pair: what the fairness checks share."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Generic, Literal, Protocol, TypeAlias, TypeVar

import numpy as np

from audit.datasets import canonical
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member, Pair, Slice, Unmeasured
from audit.stats import Proportion, Ratio
from audit.stats.clustering import Influence, together

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from audit.evidence import Name, Value
    from audit.stats import Difference, Estimate
    from audit.subject import Subject

Family: TypeAlias = "tuple[tuple[Slice, NDArray[np.bool_]], ...]"
Kind: TypeAlias = Literal["true_positive_rate", "false_positive_rate", "false_negative_rate", "precision"]


class Valued(Protocol):
    """What a group shows: a number at least."""

    @property
    def value(self) -> float:
        """By which the highest group is known."""


V = TypeVar("V", bound=Valued)
E_co = TypeVar("E_co", bound="Estimate", covariant=True)
W_co = TypeVar("W_co", bound=Valued, covariant=True)
Side: TypeAlias = tuple[Slice, V]


class Measured(Protocol[W_co]):
    """Something that is measured of each group."""

    @property
    def needs(self) -> str:
        """What a row that counts is, for the reader: `truly urgent`."""

    def of(self, rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> W_co | None:
        """Of some rows; None where none of them counts."""

    def named(self, group: Slice) -> Slice:
        """A group's name with what tells this from the check's other numbers."""


@dataclass(frozen=True, slots=True)
class Held(Generic[V]):
    """One number of every group of a family, and which groups are held against which."""

    measured: Measured[V]
    sides: list[Side[V]]
    matches: list[tuple[Side[V], Side[V]]]
    """Each two once."""
    lacking: tuple[Unmeasured, ...]
    """Groups without a row that counts."""


@dataclass(frozen=True, slots=True, eq=False)
class OfGroup(Generic[E_co]):
    """One group's estimate, and what each of its entities adds to it."""

    estimate: E_co
    influence: Influence | None
    """None where rows are independent."""

    @property
    def value(self) -> float:
        """Of the estimate."""
        return self.estimate.value

    def together(self, other: OfGroup[Estimate]) -> tuple[float, float]:
        """Correlation with another group's, and by how many entities that have rows in both."""
        return together(self.influence, other.influence)


@dataclass(frozen=True, slots=True)
class Rate:
    """One rate of every group: the share of hits among the rows that count."""

    hit: NDArray[np.bool_]
    counted: NDArray[np.bool_]
    needs: str
    """What a row that counts is, for the reader: `truly urgent`."""
    items: tuple[tuple[str, Value], ...] = ()
    """What tells this rate from the check's others: its class, its kind."""

    def of(self, rows: NDArray[np.bool_], clusters: NDArray[np.int64] | None) -> OfGroup[Proportion] | None:
        """The rate among some rows; None where none of them counts."""
        chosen = rows & self.counted
        return share(self.hit[chosen], None if clusters is None else clusters[chosen]) if chosen.any() else None

    def named(self, group: Slice) -> Slice:
        """A group's name with what tells this rate from the others."""
        for column, value in self.items:
            group = group.further(column, value)
        return group


def share(hit: NDArray[np.bool_], entities: NDArray[np.int64] | None) -> OfGroup[Proportion]:
    """From one flag a row, and the entity of each row where there is one."""
    found = Proportion.of(hit, entities)
    if entities is None:
        return OfGroup(found, None)
    variance = found.value * (1 - found.value) * found.design_effect / found.n
    return OfGroup(found, Influence.of((hit - found.value) / found.n, entities, variance))


def of_class(subject: Subject, one: str) -> tuple[tuple[str, Value], ...]:
    """How a class's rates are told from the other classes'; nothing where there is one class to look at."""
    return (("class", one),) if len(subject.targets) > 1 else ()


def selection_rates(subject: Subject) -> list[Rate]:
    """How often each class that is looked at is predicted, among all rows."""
    y_pred = subject.y_pred()
    everyone = np.ones(len(y_pred), dtype=bool)
    return [Rate(y_pred == one, everyone, "there", of_class(subject, one)) for one in subject.targets]


def error_rates(subject: Subject, *kinds: Kind) -> list[Rate]:
    """Rates that look at both the true and the predicted class, of each class that is looked at; more than one kind are told apart."""
    y_true, y_pred = subject.y_true(), subject.y_pred()
    return [
        _error_rate(kind, y_true, y_pred, one, (*of_class(subject, one), *([("rate", kind)] if len(kinds) > 1 else [])))
        for one in subject.targets
        for kind in kinds
    ]


def _error_rate(
    kind: Kind, y_true: NDArray[np.object_], y_pred: NDArray[np.object_], one: str, items: tuple[tuple[str, Value], ...]
) -> Rate:
    truly, called = y_true == one, y_pred == one
    if kind == "precision":
        return Rate(truly, called, f"predicted {one}", items)
    if kind == "false_positive_rate":
        return Rate(called, ~truly, f"truly other than {one}", items)
    return Rate(called if kind == "true_positive_rate" else ~called, truly, f"truly {one}", items)


def compare(
    subject: Subject,
    rates: Sequence[Rate],
    estimate: type[Difference | Ratio],
    unit: str,
    *,
    families: Sequence[Family] | None = None,
) -> Evidence:
    """Ordered pairs of groups within each family, by the policy's `reference_group`."""
    members: list[Member] = []
    context: list[Member] = []
    unmeasured: list[Unmeasured] = []
    for held in holds(subject, rates, families):
        context += [Member(name, share.estimate) for name, share in held.sides]
        unmeasured += held.lacking
        for first, second in held.matches:
            compared = _compared(first, second, estimate)
            members += [one for one in compared if isinstance(one, Member)]
            unmeasured += [one for one in compared if isinstance(one, Unmeasured)]
    return Evidence(
        members=tuple(members),
        unit=unit,
        rows=subject.data.rows,
        context=tuple(context),
        unmeasured=tuple(unmeasured),
        notes=notes(subject),
    )


def holds(subject: Subject, measured: Sequence[Measured[V]], families: Sequence[Family] | None = None) -> Iterator[Held[V]]:
    """Every family, or what the check has left of each, and in it every number."""
    clusters = subject.clusters()
    for columns, family in zip(subject.by, split(subject) if families is None else families, strict=True):
        for one in measured:
            found = [(one.named(group), one.of(rows, clusters)) for group, rows in family]
            sides = [(name, value) for name, value in found if value is not None]
            lacking = tuple(Unmeasured(name, f"no row is {one.needs}: add rows of this group") for name, value in found if value is None)
            yield Held(one, sides, _matches(subject, columns, family, one, sides), lacking)


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
    subject: Subject, columns: tuple[str, ...], family: Family, rate: Measured[V], sides: list[Side[V]]
) -> list[tuple[Side[V], Side[V]]]:
    """Which groups are held against which, each two once."""
    reference = subject.reference_group
    if reference is None or (reference == "pooled_rest" and len(family) == 2):  # noqa: PLR2004  # the rest is the other group
        return list(combinations(sides, 2))
    if reference == "pooled_rest":
        return _against_rest(subject, columns, family, rate)
    chosen = _highest(sides) if reference == "highest" else rate.named(_group(columns, family, reference))
    return [(side, other) for other in sides if other[0] == chosen for side in sides if side[0] != chosen]


def _against_rest(subject: Subject, columns: tuple[str, ...], family: Family, rate: Measured[V]) -> list[tuple[Side[V], Side[V]]]:
    clusters, column = subject.clusters(), ", ".join(columns)
    found = []
    for group, rows in family:
        others = np.any([mask for name, mask in family if name != group], axis=0)
        one, rest = rate.of(rows, clusters), rate.of(others, clusters)
        if one is not None and rest is not None:
            pooled = rate.named(Slice(((column, f"all but {_label(group)}"),)))
            found.append(((rate.named(group), one), (pooled, rest)))
    return found


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


def _compared(
    first: Side[OfGroup[Proportion]], second: Side[OfGroup[Proportion]], estimate: type[Difference | Ratio]
) -> tuple[Member | Unmeasured, ...]:
    """Both orders of one pair, since either group may be the worse one."""
    forth: Name = Pair(first[0], second[0])
    one, other = first[1].estimate, second[1].estimate
    if estimate is Ratio and not one.hits and not other.hits:
        return (Unmeasured(forth, "neither group has a hit, so their ratio is not defined: add rows"),)
    back, both = Pair(second[0], first[0]), first[1].together(second[1])
    return (Member(forth, estimate(one, other, *both)), Member(back, estimate(other, one, *both)))


def notes(subject: Subject) -> tuple[str, ...]:
    """What a reader has to know of the reference."""
    if subject.reference_group == "highest":
        return ("The reference is the group with the highest rate in this very data, chosen after looking: it is in part the luckiest.",)
    return ()
