"""A profile in place of rows: label, prediction and declared slices stand for rows, and whatever else asks for rows is told why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from audit.datasets.column_store import ColumnStore
from audit.datasets.kinds import distinct_cells
from audit.datasets.profiles import profile as profile_file
from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from audit.datasets.profiles.profile import Profile

MOST_ROWS = 200_000_000
"""Up to which counts are written out as rows."""


class ProfiledCells(ColumnStore):
    """What a profile has of each column."""

    def __init__(self, path: Path) -> None:
        """Unreadable where the file is no sound profile."""
        self._path = path
        self._profile, self.sha256 = profile_file.load(path)

    @property
    def profile(self) -> Profile:
        """What is known in place of rows."""
        return self._profile

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in the order of the file that was profiled."""
        return tuple(self._profile.columns)

    @property
    def rows(self) -> int:
        """Number of rows that were profiled."""
        return self._profile.rows

    def column(self, name: str) -> pd.Series[Any]:
        """(n,) cells of label, prediction or a declared slice: rows that hold the same stand together, in one order for all of these."""
        import pandas as pd

        if name not in self._profile.columns:
            raise KeyError(name)
        if name not in self._profile.joint.columns or self.rows > MOST_ROWS:
            raise self.needs_rows(name)
        cells, counts = self._profile.joint.cell_of_each_row(name)
        values = np.empty(len(cells), dtype=object)
        values[:] = cells
        return pd.Series(values[np.repeat(np.arange(len(cells)), counts)]).infer_objects()

    def codes(self, name: str) -> tuple[NDArray[np.int64], list[object]]:
        """(n,) places in a list of the column's cells, -1 where there is none."""
        return distinct_cells(self.column(name))

    def frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Some columns as one table."""
        import pandas as pd

        return pd.DataFrame({name: self.column(name) for name in (self.names if names is None else names)})

    def name_of_row(self, row: int) -> str:  # noqa: ARG002  # rows that hold the same are told apart by nothing
        """That a profile does not tell it."""
        return "unknown in a profile"

    def head(self, rows: int) -> ProfiledCells:  # noqa: ARG002  # a profile has no first rows
        """The same profile."""
        return self

    def where(self, mask: NDArray[np.bool_]) -> ColumnStore:
        """Refused."""
        del mask
        raise self.needs_rows()

    def needs_rows(self, column: str | None = None) -> CannotMeasure:
        """That rows are needed, which a profile does not hold."""
        of = "" if column is None else f" of column {column!r}"
        return CannotMeasure(f"needs rows{of}, and {self._path} is a profile: give the file that it was made of")
