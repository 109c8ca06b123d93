"""Names of the parts that a measurement splits the data into."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Value: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Slice:
    """A part of the data, named by its columns: `Slice((("region", "north"),))`. The empty slice is all rows."""

    items: tuple[tuple[str, Value], ...] = ()

    def to_json(self) -> dict[str, Value]:
        """As `results.json` writes it: `{"region": "north"}`."""
        return dict(self.items)

    def further(self, column: str, value: Value) -> Slice:
        """The same slice told apart by one thing more, such as a class; an apostrophe marks a name that is taken."""
        while column in dict(self.items):
            column += "'"
        return Slice((*self.items, (column, value)))

    def __str__(self) -> str:
        return ", ".join(f"{column}={'null' if value is None else value}" for column, value in self.items) or "overall"


OVERALL = Slice()


@dataclass(frozen=True, slots=True)
class Pair:
    """An ordered pair of slices: the first is compared with the second."""

    first: Slice
    second: Slice

    def to_json(self) -> list[dict[str, Value]]:
        """As `results.json` writes it: a list of two slices."""
        return [self.first.to_json(), self.second.to_json()]

    def __str__(self) -> str:
        return f"{self.first} against {self.second}"


Name: TypeAlias = Slice | Pair
