"""What profiles say of the values of one feature in one window."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets.profiles.categories import Categories
from audit.datasets.profiles.columns import Errors

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.datasets.profiles.columns import Numbers
    from audit.errors import CannotMeasure


@dataclass(frozen=True, slots=True, eq=False)
class Profiled:
    """What a profile says of a feature's values in one window."""

    rows: NDArray[np.int64]
    """(k,) rows that each value stands for."""
    window: int
    """Rows of the window."""
    needs_rows: CannotMeasure
    """What a check says that cannot do without rows."""
    errors: Errors = field(default_factory=Errors)
    """How far shares of the rows may be off."""
    categories: Categories | None = None
    """Values that are no numbers, with those that are not listed."""


def side_of(data: Dataset, name: str, *, numeric: bool) -> tuple[NDArray[np.float64] | NDArray[np.object_], Profiled] | None:
    """The values that a profile tells, with the rows of each; None where it keeps no such values."""
    profile = data.cells.profile
    assert profile is not None  # noqa: S101  # the caller has seen it
    column, needs = profile.columns.get(name), data.cells.needs_rows(name)
    if column is not None and column.kind == "blank":
        gone = np.array([np.nan]) if numeric else np.array([None], dtype=object)
        return gone, Profiled(np.array([data.rows]), data.rows, needs, categories=None if numeric else Categories())
    if numeric:
        numbers = profile.text[name] if column is None else column.numbers
        return None if numbers is None else _numbers(numbers, data.rows, needs)
    categories = None if column is None else column.told_categories
    if categories is None:
        return None
    values = np.array([*categories.counts, None], dtype=object)
    rows = np.array([*categories.counts.values(), data.rows - categories.rows], dtype=np.int64)
    return values, Profiled(rows, data.rows, needs, categories=categories)


def _numbers(numbers: Numbers, window: int, needs: CannotMeasure) -> tuple[NDArray[np.float64], Profiled]:
    """NaN stands for the missing cells."""
    values, rows = numbers.items()
    errors = numbers.errors.times(numbers.rows / window)
    return np.append(values, np.nan), Profiled(np.append(rows, window - numbers.rows), window, needs, errors)
