"""Bands of a column of numbers: between edges that somebody gives, or between quantiles of the data."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.datasets.table import Dataset

_EXACT = 1e15
"""Whole numbers below it are written without a decimal point."""


@dataclass(frozen=True, slots=True)
class Bands:
    """Each band begins at an edge and ends below the next one; the first and the last are open."""

    column: str
    edges: tuple[float, ...]
    """Ascending, at least one."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every band's name, from the lowest on: `under 25`, `25 to <45`, `45 and over`."""
        edges = [_written(edge) for edge in self.edges]
        between = (f"{low} to <{high}" for low, high in pairwise(edges))
        return (f"under {edges[0]}", *between, f"{edges[-1]} and over")

    def codes(self, data: Dataset) -> NDArray[np.int64]:
        """(n,) place of each row's band among the names; one past the last of a cell that is empty or no number."""
        numbers = numbers_of(data, self.column)
        found = np.searchsorted(np.array(self.edges), numbers, side="right")
        return np.where(np.isnan(numbers), len(self.edges) + 1, found).astype(np.int64)

    def empty(self, data: Dataset) -> tuple[str, ...]:
        """Names of the bands without a row."""
        counts = np.bincount(self.codes(data), minlength=len(self.edges) + 2)
        return tuple(name for name, count in zip(self.names, counts.tolist(), strict=False) if not count)

    def __str__(self) -> str:
        return f"{self.column} at {', '.join(map(_written, self.edges))}"


def quantile_bands(data: Dataset, column: str, count: int) -> Bands:
    """Bands of nearly equally many rows. Edges are values of the data; equal values share a band, so there may be fewer bands."""
    numbers = numbers_of(data, column)
    numbers = numbers[~np.isnan(numbers)]
    if not numbers.size:
        msg = f"{data.role}: column {column!r} holds no number, so it has no bands: name another column"
        raise CannotMeasure(msg)
    shares = np.arange(1, count) / count
    edges = np.unique(np.quantile(numbers, shares, method="higher"))
    edges = edges[np.isfinite(edges) & (edges > numbers.min())]
    if not edges.size:
        msg = f"{data.role}: column {column!r} holds too few different numbers for {count} bands of equally many rows: give edges instead"
        raise CannotMeasure(msg)
    return Bands(column, tuple(edges.tolist()))


def numbers_of(data: Dataset, column: str) -> NDArray[np.float64]:
    """(n,) a column's numbers, NaN where a cell is empty or no number. A column of anything else is refused."""
    kind = data.kind(column)
    if kind.name not in {"number", "blank"}:
        msg = f"{data.role}: column {column!r} holds no numbers ({kind.name}), and bands are of numbers: name the column alone"
        raise CannotMeasure(msg)
    return data.as_numbers(column).values


def _written(edge: float) -> str:
    return str(int(edge)) if float(edge).is_integer() and abs(edge) < _EXACT else repr(float(edge))
