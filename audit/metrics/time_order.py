"""The rows of a data set in the order of their time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure
from audit.formatting import number

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.datasets import Dataset

_DAY = 86_400.0
_LEAST_ROWS = 2


@dataclass(frozen=True, slots=True, eq=False)
class TimeOrder:
    """Rows from the earliest to the latest, those of one moment in the order of the file."""

    rows: NDArray[np.int64]
    """(n,) places in the file."""
    times: NDArray[np.float64] | None
    """(n,) of these rows: days since 1970, or the column's own numbers; None where no column tells the time."""
    dated: bool
    """Whether times are days since 1970."""

    @classmethod
    def of(cls, data: Dataset) -> TimeOrder:
        """By `columns.time`, else as the file has them; a row without a time is refused, and so is a single row."""
        if data.rows < _LEAST_ROWS:
            msg = f"{data.role} has {data.rows} row, and an order needs two: use a longer window"
            raise CannotMeasure(msg)
        column = data.columns.time
        if column is None:
            return cls(np.arange(data.rows), None, dated=False)
        found = data.as_numbers(column)
        lacking = np.flatnonzero(~np.isfinite(found.values))
        if lacking.size:
            msg = f"{data.role}: column {column!r} tells no time in {lacking.size:,} of {data.rows:,} rows (first: row "
            msg += f"{data.shown(int(lacking[0]))}): fill it, or leave these rows out of the file"
            raise CannotMeasure(msg)
        rows = np.argsort(found.values, kind="stable")
        times = found.values[rows] / (_DAY if found.kind.name == "time" else 1.0)
        return cls(rows, times, dated=found.kind.name in {"day", "time"})

    def moment(self, place: int) -> str:
        """When the row at this place of the order came, in words."""
        if self.times is None:
            return f"row {place + 1:,}"
        if not self.dated:
            return f"time {number(float(self.times[place]))}"
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=float(self.times[place]))).strftime("%Y-%m-%d")

    def axis(self) -> tuple[NDArray[np.float64], str]:
        """(n,) places on an axis, and its label."""
        if self.times is None:
            return np.arange(1.0, len(self.rows) + 1), "rows, in the order of the file"
        if not self.dated:
            return self.times, "time"
        return self.times - self.times[0], f"days since {self.moment(0)}"

    def notes(self, data: Dataset) -> tuple[str, ...]:
        """A word where nothing tells the time."""
        return () if self.times is not None else (f"No column tells the time of a row ({data.role}): the order of the file counts.",)
