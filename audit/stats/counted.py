"""How an estimate counts what is behind it: rows, entities that they belong to, rows of two classes."""

from __future__ import annotations

from typing import Protocol


class _Rows(Protocol):
    @property
    def rows(self) -> int: ...


class _Units(_Rows, Protocol):
    @property
    def units(self) -> int: ...


class _Entities(Protocol):
    @property
    def n(self) -> int: ...

    @property
    def entities(self) -> int | None: ...


class _Classes(Protocol):
    @property
    def positives(self) -> int: ...

    @property
    def negatives(self) -> int: ...

    @property
    def rarer(self) -> int: ...


class OfRows:
    """Of so many rows."""

    __slots__ = ()

    @property
    def n(self: _Rows) -> int:
        """Rows."""
        return self.rows


class OfUnits(OfRows):
    """Of so many rows in so many independent units: as many where rows are independent, entities where they are clustered."""

    __slots__ = ()

    @property
    def support(self: _Units) -> float:
        """Independent units."""
        return self.units

    def by_units(self: _Units, name: str) -> str:
        """The name of an interval, and how many entities it is made from."""
        return by_entities(name, None if self.units == self.rows else self.units)


class Clustered:
    """Of rows that may belong to entities."""

    __slots__ = ()

    @property
    def support(self: _Entities) -> float:
        """Entities where rows are clustered, else rows."""
        return self.n if self.entities is None else self.entities


class OfTwoClasses:
    """Of positive and negative rows."""

    __slots__ = ()

    @property
    def n(self: _Classes) -> int:
        """Rows of both classes."""
        return self.positives + self.negatives

    @property
    def support(self: _Classes) -> float:
        """Rows of the rarer class, or the entities that hold one."""
        return self.rarer


def by_entities(name: str, entities: int | None) -> str:
    """The name of an interval, and how many entities it is made from where rows belong to some."""
    return name if entities is None else f"{name}, {entities:,} entities"


def with_effect(name: str, entities: int | None, effect: float) -> str:
    """The same with the design effect of the entities."""
    return name if entities is None else f"{name}; {entities:,} entities, design effect {effect:.2f}"
