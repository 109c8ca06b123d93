"""What a profile keeps of one column: how many cells are empty, and its numbers or its values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

import numpy as np

from audit.canonical_text import canonical
from audit.datasets.kinds import ORDERED, ColumnKind, KindName, OddCells
from audit.datasets.profiles.categories import Categories
from audit.datasets.profiles.quantiles import Quantiles
from audit.redaction.masking import COMMON

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SCALES = ORDERED - {"boolean"}
"""Kinds whose cells are kept as numbers."""
FEW_NUMBERS = 256
"""Different numbers up to which each is counted, without any error."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean and spread of the finite numbers."""

    rows: int = 0
    mean: float = 0.0
    squares: float = 0.0
    """Sum of the squared distances from the mean."""
    low: float = math.inf
    high: float = -math.inf

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Moments:
        """Of finite numbers."""
        if not len(values):
            return cls()
        mean = float(values.mean())
        return cls(len(values), mean, float(((values - mean) ** 2).sum()), float(values.min()), float(values.max()))

    def merged(self, other: Moments) -> Moments:
        """Of the numbers of both (Chan, Golub & LeVeque, American Statistician 1983)."""
        rows = self.rows + other.rows
        if not self.rows or not other.rows:
            return self if self.rows else other
        apart = other.mean - self.mean
        mean = (self.rows * self.mean + other.rows * other.mean) / rows
        squares = self.squares + other.squares + apart**2 * self.rows * other.rows / rows
        return Moments(rows, mean, squares, min(self.low, other.low), max(self.high, other.high))

    @property
    def deviation(self) -> float:
        """Standard deviation."""
        return math.sqrt(self.squares / self.rows) if self.rows else 0.0

    def to_json(self) -> list[object]:
        """As a file holds it."""
        return [self.rows, self.mean, self.squares, self.low, self.high] if self.rows else []


@dataclass(frozen=True, slots=True)
class Errors:
    """How far shares of numbers may be off, as shares of them, at most but for a chance far below that of any interval."""

    up_to: float = 0.0
    """Of the numbers up to any one."""
    between: float = 0.0
    """Of the numbers between any two."""
    binned: float = 0.0
    """Of the numbers in bins that were chosen without a look at these."""

    def times(self, share: float) -> Errors:
        """The same as shares of more rows."""
        return Errors(share * self.up_to, share * self.between, share * self.binned)


@dataclass(frozen=True, slots=True)
class Numbers:
    """Numbers without the missing ones: counted one by one while they are few, and in a sketch of their quantiles."""

    quantiles: Quantiles = field(default_factory=Quantiles)
    counts: Mapping[float, int] | None = field(default_factory=dict)
    """Rows by number; None once there were more different ones than are counted."""
    moments: Moments = field(default_factory=Moments)
    whole: bool = True
    """Whether each is a whole number."""

    @property
    def rows(self) -> int:
        """Rows with a number."""
        return self.quantiles.rows

    def added(self, values: NDArray[np.float64]) -> Numbers:
        """With further numbers."""
        counts = self.counts
        if counts is not None:
            counts = _together(counts, _counted(values))
        finite = values[np.isfinite(values)]
        moments = self.moments.merged(Moments.of(finite))
        whole = self.whole and len(finite) == len(values) and bool((np.floor(values) == values).all())
        return Numbers(self.quantiles.added(values), counts, moments, whole)

    def merged(self, other: Numbers) -> Numbers:
        """Of the rows of both."""
        counts = None if self.counts is None else _together(self.counts, other.counts)
        moments, whole = self.moments.merged(other.moments), self.whole and other.whole
        quantiles = self.quantiles.merged(other.quantiles) if counts is None else Quantiles.of_counts(counts)
        return Numbers(quantiles, counts, moments, whole)

    def items(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(k,) rising numbers and the (k,) rows that each stands for."""
        if self.counts is None:
            return self.quantiles.items()
        values = sorted(self.counts)
        return np.array(values, dtype=float), np.array([self.counts[value] for value in values], dtype=np.int64)

    @property
    def errors(self) -> Errors:
        """How far shares of the numbers may be off."""
        if self.counts is not None:
            return Errors()
        return Errors(self.quantiles.rank_error, self.quantiles.share_error, self.quantiles.bin_error)

    def to_json(self, size: int) -> dict[str, object]:
        """As a file holds it; `size` is that of a sketch."""
        stored: dict[str, object] = {"moments": self.moments.to_json(), "whole": self.whole}
        if self.counts is None:
            return stored | {"quantiles": self.quantiles.to_json(size)}
        return stored | {"counts": {repr(value): count for value, count in sorted(self.counts.items())}}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Numbers:
        """What `to_json` wrote; ValueError where it cannot have."""
        if set(stored) not in ({"moments", "whole", "quantiles"}, {"moments", "whole", "counts"}):
            msg = "numbers are counted or in a sketch"
            raise ValueError(msg)
        rows, *figures = stored["moments"] or [0]
        moments = Moments(int(rows), *map(float, figures))
        if "quantiles" in stored:
            return cls(Quantiles.from_json(stored["quantiles"]), None, moments, bool(stored["whole"]))
        counts = {float(value): count for value, count in stored["counts"].items()}
        if len(counts) > FEW_NUMBERS or any(type(count) is not int or count < 1 or value != value for value, count in counts.items()):  # noqa: PLR0124  # NaN is unequal to itself
            msg = "counts of numbers are whole and positive"
            raise ValueError(msg)
        return cls(Quantiles.of_counts(counts), counts, moments, bool(stored["whole"]))


def _counted(values: NDArray[np.float64]) -> dict[float, int] | None:
    """Rows by number; None where there are more different ones than are counted."""
    import pandas as pd

    if len(pd.unique(values[: 4 * FEW_NUMBERS])) > FEW_NUMBERS:  # known without a look at the others
        return None
    found = pd.Series(values + 0.0).value_counts()
    return None if len(found) > FEW_NUMBERS else dict(zip(found.index.to_numpy(dtype=float).tolist(), found.tolist(), strict=True))


def _together(one: Mapping[float, int], other: Mapping[float, int] | None) -> dict[float, int] | None:
    if other is None:
        return None
    found = {value: one.get(value, 0) + other.get(value, 0) for value in {**one, **other}}
    return found if len(found) <= FEW_NUMBERS else None


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a profile."""

    kind: KindName
    rows: int
    blank: int
    """Rows whose cell is empty."""
    odd: int = 0
    """Rows whose cell is filled and not of the column's kind; they count as missing."""
    declared: bool = False
    """Whether the reading options say of which kind it is."""
    codes: bool = False
    """Whether numbers in it are written with a zero before their first digit, as codes are."""
    numbers: Numbers | None = None
    categories: Categories | None = None
    """None, as its numbers are, where what stands in it is not told: of texts, ids and entities."""

    @property
    def told_categories(self) -> Categories | None:
        """Its values as categories: also of numbers that were counted; where none may be told, all as such that are not listed."""
        if self.categories is not None:
            return self.categories
        if self.numbers is None:
            filled = self.rows - self.blank
            return Categories(other=filled, unlisted=filled, hidden=filled)
        if self.numbers.counts is None:
            return None
        return Categories({str(canonical(value)): count for value, count in self.numbers.counts.items()})

    @property
    def may_name_rows(self) -> bool:
        """Whether each row may have a value of its own, as far as is known."""
        if self.numbers is None:
            return self.categories is None or not self.categories.counts
        counts, moments = self.numbers.counts, self.numbers.moments
        return self.numbers.whole and moments.rows <= moments.high - moments.low + 1 and max((counts or {0.0: 1}).values()) == 1

    @property
    def column_kind(self) -> ColumnKind:
        """What a data set says of it."""
        odd = OddCells(self.odd, 0, ()) if self.odd else None
        return ColumnKind(self.kind, self.rows, self.blank, odd, self.declared)

    def merged(self, other: Column) -> Column:
        """Of the rows of both; ValueError where these are of different kinds."""
        kinds = {column.kind for column in (self, other)} - {"blank"}
        told = any(part is not None for column in (self, other) for part in (column.numbers, column.categories))
        if len(kinds) > 1 and told:
            raise ValueError(" and ".join(sorted(kinds)))
        first, second = (self, other) if self.kind != "blank" else (other, self)
        found = {name: _merge(getattr(first, name), getattr(second, name)) for name in ("numbers", "categories")}
        return Column(
            first.kind,
            self.rows + other.rows,
            self.blank + other.blank,
            self.odd + other.odd,
            self.declared or other.declared,
            self.codes or other.codes,
            **found,
        )

    def to_json(self, size: int, room: int) -> dict[str, object]:
        """As a file holds it: sketches of that size, and as many letters of values."""
        stored: dict[str, object] = {"kind": self.kind, "blank": self.blank}
        stored |= {name: getattr(self, name) for name in ("odd", "declared", "codes") if getattr(self, name)}
        if self.numbers is not None:
            stored["numbers"] = self.numbers.to_json(size)
        if self.categories is not None:
            stored["categories"] = self.categories.to_json(room, 1 if self.kind == "boolean" else COMMON)
        return stored

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], rows: int) -> Column:
        """What `to_json` wrote; ValueError where it cannot have, or where it holds another number of rows."""
        numbers = Numbers.from_json(stored["numbers"]) if "numbers" in stored else None
        categories = Categories.from_json(stored["categories"]) if "categories" in stored else None
        kind, blank, odd = stored["kind"], stored["blank"], stored.get("odd", 0)
        seen = {found.rows + blank + odd for found in (numbers, categories) if found is not None}
        if kind not in get_args(KindName) or any(type(count) is not int or count < 0 for count in (blank, odd)) or seen - {rows}:
            msg = "its counts do not add up"
            raise ValueError(msg)
        if (categories is not None and kind in {*SCALES, "blank"}) or (numbers is not None and kind not in SCALES):
            msg = f"it holds something else than {kind}"
            raise ValueError(msg)
        return cls(kind, rows, blank, odd, bool(stored.get("declared")), bool(stored.get("codes")), numbers, categories)


def _merge(first: Any, second: Any) -> Any:
    """Of two parts, of which a blank column has none."""
    return first if second is None else second if first is None else first.merged(second)
