"""Rows by bin where a window is a profile, and the least and the most rows that the window itself may have in each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets import canonical
from audit.metrics.usable_features import RARE
from audit.redaction.masking import COMMON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.metrics.profiled_windows import Profiled
    from audit.metrics.windows import Feature


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """Rows of one window by bin."""

    rows: NDArray[np.int64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]

    def where(self, bins: NDArray[np.intp]) -> Counted:
        """In some of the bins."""
        return Counted(self.rows[bins], self.least[bins], self.most[bins])


def edges(feature: Feature, bins: int) -> NDArray[np.float64] | None:
    """Quantiles of the reference; None for a feature that is binned by value, as `bins.of` decides."""
    if not feature.numeric:
        return None
    values, rows = feature.reference.astype(float), feature.rows_of_values()[0]
    there = np.isfinite(values) & (rows > 0)
    if len(np.unique(values[there])) <= bins:
        return None
    levels = np.linspace(0, 1, bins + 1)[1:-1]
    found: NDArray[np.float64] = np.unique(_quantiles(values[there], rows[there], levels, single=feature.profiled[0] is None))
    return found


def _quantiles(values: NDArray[np.float64], rows: NDArray[np.int64], levels: NDArray[np.float64], *, single: bool) -> NDArray[np.float64]:
    """Of single values as numpy gives them; of a profile, whose values rise, those in which each level lies."""
    if single:
        return np.quantile(values, levels)
    below = np.cumsum(rows)
    places: NDArray[np.intp] = np.minimum(np.searchsorted(below, levels * below[-1]), len(below) - 1)
    return values[places]


def by_quantile(feature: Feature, at: NDArray[np.float64]) -> tuple[Counted, Counted]:
    """Of both windows, with the missing cells in the last bin."""
    sides, bins = [], len(at) + 2
    for values, rows, side in zip((feature.reference, feature.current), feature.rows_of_values(), feature.profiled, strict=True):
        numbers = values.astype(float)
        places = np.where(np.isnan(numbers), bins - 1, np.searchsorted(at, numbers, side="left"))
        error = 0.0 if side is None else side.errors.binned if side is feature.profiled[1] else side.errors.between
        sides.append(_within(np.bincount(places, weights=rows, minlength=bins).astype(float), error))
    return sides[0], sides[1]


def by_value(feature: Feature) -> tuple[list[str], tuple[Counted, Counted], frozenset[str]]:
    """The values that have bins of their own, both windows with other values and missing cells last, and values that few rows share."""
    pairs = zip((feature.reference, feature.current), feature.rows_of_values(), strict=True)
    tables = [_rows_by_value(values, rows) for values, rows in pairs]
    names = sorted(name for name, rows in tables[0].items() if name is not None and rows >= RARE and not _is_lost(feature, name, rows))
    reference, current = (_named(table, names, side) for table, side in zip(tables, feature.profiled, strict=True))
    return names, (reference, current), frozenset(name for name in names if tables[0][name] < COMMON)


def _is_lost(feature: Feature, name: str, rows: int) -> bool:
    """Whether the current window's profile may hide a value for its few rows alone: it then counts among the others in both."""
    current = feature.profiled[1]
    told = None if current is None else current.categories
    if current is None or told is None or name in told.counts:
        return False
    expected = rows / int(feature.rows_of_values()[0].sum()) * current.window
    return expected <= 2 * told.unlisted


def _within(rows: NDArray[np.float64], error: float) -> Counted:
    """Rows between two numbers are off by a share of `error` at most; missing cells, in the last bin, are counted."""
    off = np.where(np.arange(len(rows)) < len(rows) - 1, error * rows.sum(), 0.0)
    return Counted(rows.round().astype(np.int64), np.maximum(rows - off, 0.0), np.minimum(rows + off, max(rows[:-1].sum(), rows[-1])))


def _rows_by_value(values: NDArray[np.float64] | NDArray[np.object_], rows: NDArray[np.int64]) -> dict[str | None, int]:
    found: dict[str | None, int] = {}
    for value, count in zip(values.tolist(), rows.tolist(), strict=True):
        name = canonical(value)
        found[name] = found.get(name, 0) + count
    return found


def _named(table: dict[str | None, int], names: Sequence[str], side: Profiled | None) -> Counted:
    """A listed value may have more rows than are told, which are then among the others."""
    categories = None if side is None else side.categories
    listed = np.array([table.get(name, 0) for name in names], dtype=np.int64)
    gone = table.get(None, 0)
    window = sum(table.values()) if side is None else side.window
    rows = np.array([*listed, window - gone - listed.sum(), gone], dtype=np.int64)
    if categories is None:
        return _within(rows.astype(float), 0.0 if side is None else side.errors.between)
    short = np.array([min(categories.shortfall(name), categories.other) for name in names], dtype=float)
    least = np.array([*listed, max(0.0, rows[-2] - short.sum()), gone], dtype=float)
    return Counted(rows, least, np.array([*(listed + short), rows[-2], gone], dtype=float))
