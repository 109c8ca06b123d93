"""Rates of many groups from one pass over the rows: a table of counts for each group, and every rate as a proportion of its cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from audit.stats import Difference, Proportion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Rate: TypeAlias = Literal[
    "accuracy",
    "selection_rate",
    "true_positive_rate",
    "false_positive_rate",
    "precision",
    "true_negative_rate",
    "false_negative_rate",
    "negative_predictive_value",
    "false_discovery_rate",
    "false_omission_rate",
    "zero_one_loss",
    "base_rate",
]
RATES: tuple[Rate, ...] = get_args(Rate)

_HIT = {
    "accuracy": ((0, 0), (1, 1)),
    "selection_rate": ((0, 1), (1, 1)),
    "true_positive_rate": ((1, 1),),
    "false_positive_rate": ((0, 1),),
    "precision": ((1, 1),),
    "true_negative_rate": ((0, 0),),
    "false_negative_rate": ((1, 0),),
    "negative_predictive_value": ((0, 0),),
    "false_discovery_rate": ((0, 1),),
    "false_omission_rate": ((1, 0),),
    "zero_one_loss": ((0, 1), (1, 0)),
    "base_rate": ((1, 0), (1, 1)),
}
"""Cells (true, predicted) that are hits."""
_ALL = ((0, 0), (0, 1), (1, 0), (1, 1))
_COUNTED = {
    "accuracy": _ALL,
    "selection_rate": _ALL,
    "true_positive_rate": ((1, 0), (1, 1)),
    "false_positive_rate": ((0, 0), (0, 1)),
    "precision": ((0, 1), (1, 1)),
    "true_negative_rate": ((0, 0), (0, 1)),
    "false_negative_rate": ((1, 0), (1, 1)),
    "negative_predictive_value": ((0, 0), (1, 0)),
    "false_discovery_rate": ((0, 1), (1, 1)),
    "false_omission_rate": ((0, 0), (1, 0)),
    "zero_one_loss": _ALL,
    "base_rate": _ALL,
}
"""Cells of the rows that the rate is a share of."""


@dataclass(frozen=True, slots=True)
class Frame:
    """Counts of each crossing of groups; fairlearn's `MetricFrame` by its cells."""

    groups: tuple[tuple[object, ...], ...]
    """One value a column."""
    tables: NDArray[np.int64]
    """(groups, 2, 2) rows, true by predicted."""

    @classmethod
    def of(cls, y_true: NDArray[np.bool_], y_pred: NDArray[np.bool_], columns: Sequence[NDArray[np.generic]]) -> Frame:
        """From one flag a row, and the columns whose crossings are the groups."""
        codes, groups = _crossed(columns)
        cell = (codes * 2 + y_true) * 2 + y_pred
        return cls(groups, np.bincount(cell, minlength=4 * len(groups)).reshape(-1, 2, 2))

    def overall(self, rate: Rate) -> Proportion | None:
        """Of all rows; None where none counts."""
        return _share(self.tables.sum(axis=0), rate)

    def by_group(self, rate: Rate) -> tuple[Proportion | None, ...]:
        """Of each group; None where none of its rows counts."""
        return tuple(_share(table, rate) for table in self.tables)

    def gaps(self, rate: Rate) -> tuple[Difference, ...]:
        """Every ordered pair of groups that have the rate."""
        shares = [share for share in self.by_group(rate) if share is not None]
        return tuple(Difference(one, other) for one in shares for other in shares if one is not other)


def _crossed(columns: Sequence[NDArray[np.generic]]) -> tuple[NDArray[np.int64], tuple[tuple[object, ...], ...]]:
    """Each row's group, and the groups that occur."""
    import pandas as pd

    found = [pd.factorize(column, sort=True, use_na_sentinel=False) for column in columns]
    together = np.zeros(len(columns[0]), dtype=np.int64)
    for codes, values in found:
        together = together * len(values) + codes
    sizes = [len(values) for _, values in found]
    there, compact = np.unique(together, return_inverse=True)
    parts = np.unravel_index(there, sizes)
    names = tuple(tuple(values[i] for (_, values), i in zip(found, row, strict=True)) for row in zip(*parts, strict=True))
    return compact.astype(np.int64), names


def _share(table: NDArray[np.int64], rate: Rate) -> Proportion | None:
    hits, counted = (int(sum(table[cell] for cell in cells[rate])) for cells in (_HIT, _COUNTED))
    return Proportion(hits, counted) if counted else None
