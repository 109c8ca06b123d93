"""How an estimate counts what is behind it: rows, entities, rows of two classes, and what is made of two estimates."""

from __future__ import annotations

import math
from dataclasses import fields, replace
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import DataclassInstance

    from audit.stats.interface import Estimate

Sized = TypeVar("Sized", bound="DataclassInstance")


class _Rows(Protocol):
    @property
    def rows(self) -> int: ...


class _Units(_Rows, Protocol):
    @property
    def units(self) -> float: ...


class _Entities(Protocol):
    @property
    def n(self) -> int: ...

    @property
    def entities(self) -> int | None: ...

    @property
    def effective_entities(self) -> float | None: ...


class _Classes(Protocol):
    @property
    def positives(self) -> int: ...

    @property
    def negatives(self) -> int: ...

    @property
    def rarer(self) -> float: ...


class OfRows:
    """Of so many rows."""

    __slots__ = ()

    @property
    def n(self: _Rows) -> int:
        """Rows."""
        return self.rows


class OfUnits(OfRows):
    """Of so many rows in so many independent units: as many where rows are independent, effective entities where they are clustered."""

    __slots__ = ()

    @property
    def support(self: _Units) -> float:
        """Independent units."""
        return self.units

    def by_units(self: _Units, name: str) -> str:
        """The name of an interval, and how many entities of equal size it is made from."""
        return name if self.units == self.rows else f"{name}, {self.units:,.0f} effective entities"


class Clustered:
    """Of rows that may belong to entities."""

    __slots__ = ()

    @property
    def support(self: _Entities) -> float:
        """Effective entities where rows are clustered, else rows."""
        return self.n if self.entities is None else freedom(self)


class OfPart:
    """Of the rows and independent units of its first field, which is an estimate itself."""

    __slots__ = ()

    @property
    def n(self: DataclassInstance) -> int:
        """Rows."""
        return _part(self).n

    @property
    def support(self: DataclassInstance) -> float:
        """Independent units."""
        return _part(self).support


def _part(estimate: DataclassInstance) -> Estimate:
    found: Estimate = getattr(estimate, fields(estimate)[0].name)
    return found


class OfTwoClasses:
    """Of positive and negative rows."""

    __slots__ = ()

    @property
    def n(self: _Classes) -> int:
        """Rows of both classes."""
        return self.positives + self.negatives

    @property
    def support(self: _Classes) -> float:
        """Rows of the rarer class, or the effective entities that hold one."""
        return self.rarer


def freedom(estimate: _Entities) -> float:
    """Entities of equal size that tell as much; all of them where a stored estimate does not say."""
    return float(estimate.entities or 0) if estimate.effective_entities is None else estimate.effective_entities


def by_entities(name: str, entities: int | None) -> str:
    """The name of an interval, and how many entities it is made from where rows belong to some."""
    return name if entities is None else f"{name}, {entities:,} entities"


def with_effect(name: str, entities: int | None, effect: float) -> str:
    """The same with the design effect of the entities."""
    return name if entities is None else f"{name}; {entities:,} entities, design effect {effect:.2f}"


def scale_count(count: int, factor: float) -> int:
    """A count on `factor` times the rows, at least 1."""
    return max(1, round(count * factor))


def scale(estimate: Sized, factor: float, *fields: str) -> Sized:
    """The estimate with these fields on `factor` times the rows, every other one as it is.

    A field holds a count, an effective number that need not be whole, None, another estimate, or a tuple of estimates.
    """
    return replace(estimate, **{name: _scaled(getattr(estimate, name), factor) for name in fields})


def _scaled(field: Any, factor: float) -> Any:
    if field is None:
        return None
    if isinstance(field, tuple):
        return tuple(one.with_sample_size(factor) for one in field)
    if isinstance(field, Real):
        return scale_count(int(field), factor) if isinstance(field, Integral) else field * factor
    return field.with_sample_size(factor)


class Sides(Protocol):
    """Two estimates that are compared."""

    @property
    def first(self) -> Estimate:
        """The one."""

    @property
    def second(self) -> Estimate:
        """The other."""


class Subtracted:
    """First minus second, of whichever rows."""

    __slots__ = ()

    @property
    def value(self: Sides) -> float:
        """The difference."""
        return self.first.value - self.second.value


class TwoSamples:
    """Two sides that look at different rows."""

    __slots__ = ()

    @property
    def n(self: Sides) -> int:
        """Rows in both samples."""
        return self.first.n + self.second.n

    @property
    def support(self: Sides) -> float:
        """The smaller sample's."""
        return min(self.first.support, self.second.support)


def reaches(pair: Sides, levels: tuple[float, float], together: Callable[[float, float], float] = math.hypot) -> tuple[float, float]:
    """How far below and above first minus second the ends lie, from the ends of each side (Newcombe 1998; Zou & Donner 2008).

    `levels` are those of the lower and the upper end; `together` joins the distances, by the root of the squares where the sides
    are independent.
    """
    low_1, high_1 = pair.first.bounds(*levels)
    low_2, high_2 = pair.second.bounds(*levels[::-1])
    value_1, value_2 = pair.first.value, pair.second.value
    return together(value_1 - low_1, high_2 - value_2), together(high_1 - value_1, value_2 - low_2)


def scale_units(units: float, rows: int, factor: float) -> float:
    """Independent units on `factor` times the rows: as many as rows where each row is one."""
    return float(scale_count(rows, factor)) if units == rows else _scaled(units, factor)
