"""The cells of a data set, one column at a time: checks name the columns that they read, and touch no others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from audit.datasets.kinds import distinct_cells

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


class ColumnStore(ABC):
    """Rows in their file's order, read by column. What it returns is shared, so it is never written to."""

    @property
    @abstractmethod
    def names(self) -> tuple[str, ...]:
        """The columns, in their file's order."""

    @property
    @abstractmethod
    def rows(self) -> int:
        """Number of rows."""

    @abstractmethod
    def column(self, name: str) -> pd.Series[Any]:
        """(n,) the cells of one column, numbered from 0. KeyError where there is no such column."""

    @abstractmethod
    def frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Some columns as one table, for a model or a library that takes no less; all columns where none are named."""

    @abstractmethod
    def head(self, rows: int) -> ColumnStore:
        """The first rows."""

    @abstractmethod
    def where(self, mask: NDArray[np.bool_]) -> ColumnStore:
        """The rows that a mask marks, numbered anew."""

    @abstractmethod
    def batches(self, names: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
        """Some columns as tables of at most `rows` rows."""

    def codes(self, name: str) -> tuple[NDArray[np.int64], list[object]]:
        """(n,) places in a list of the column's cells, -1 where there is none; see `kinds.distinct_cells`."""
        return distinct_cells(self.column(name))

    def sql(self, query: str) -> pd.DataFrame:
        """What DuckDB answers to a query over the table `cells`. It opens no file, no network and no extension.

        The connection is made for this query, so that no thread of it lives in a process that forks later.
        """
        import duckdb

        settings = {"enable_external_access": "false", "autoload_known_extensions": "false", "autoinstall_known_extensions": "false"}
        with duckdb.connect(":memory:", config={**settings, "threads": 1, "lock_configuration": "true"}) as connection:
            connection.register("cells", self._queried())
            found: pd.DataFrame = connection.execute(query).df()
        return found

    @abstractmethod
    def _queried(self) -> Any:
        """The rows as an object that DuckDB can read."""


class InMemory(ColumnStore):
    """Cells of a table at hand."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self._frame = frame

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in their file's order."""
        return tuple(map(str, self._frame.columns))

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self._frame)

    def column(self, name: str) -> pd.Series[Any]:
        """(n,) the cells of one column."""
        return self._frame[name]

    def frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Some columns as one table; the very table where none are named."""
        return self._frame if names is None else self._frame[list(names)]

    def head(self, rows: int) -> InMemory:
        """The first rows."""
        return InMemory(self._frame.head(rows))

    def where(self, mask: NDArray[np.bool_]) -> InMemory:
        """The rows that a mask marks, numbered anew."""
        return InMemory(self._frame[mask].reset_index(drop=True))

    def batches(self, names: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
        """Some columns as tables of at most `rows` rows."""
        table = self.frame(names)
        for start in range(0, self.rows, rows):
            yield table.iloc[start : start + rows]

    def _queried(self) -> Any:
        return self._frame
