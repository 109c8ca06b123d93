"""The cells of a data set, one column at a time, and what a model reads of them. Checks name the columns that they read."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from audit.datasets.kinds import distinct_cells

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from audit.datasets.parts import RowPlaces
    from audit.datasets.profiles.profile import Profile
    from audit.errors import CannotMeasure


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

    @property
    def profile(self) -> Profile | None:
        """What is known in place of rows, where a profile was read; None where rows were."""
        return None

    def needs_rows(self, column: str | None = None) -> CannotMeasure:
        """That a check needs rows, of a store that has none."""
        raise NotImplementedError(column)

    def dtype(self, name: str) -> Any:
        """The type of a column's cells, as pandas names it."""
        return self.column(name).dtype

    def as_written(self, name: str) -> pd.Series[Any]:
        """(n,) the cells of one column, with lists and objects as such, which `column` gives as JSON."""
        return self.column(name)

    def name_of_row(self, row: int) -> str:
        """A row, from 0, as messages name it, counted from 1: `1024`, or `17 of part-2.parquet` where there are several files."""
        return str(row + 1)

    def head(self, rows: int) -> ColumnStore:
        """The first rows."""
        return Selected(self, slice(0, rows))

    def where(self, mask: NDArray[np.bool_]) -> ColumnStore:
        """The rows that a mask marks, numbered anew."""
        return Selected(self, mask)

    def batches(self, names: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
        """Some columns as tables of at most `rows` rows, in which they have the types that they have as a whole."""
        import pandas as pd

        for start in range(0, self.rows, rows):
            yield pd.DataFrame({name: self.column(name).iloc[start : start + rows] for name in names})

    def stream(self, rows: int, texts: Collection[str] = ()) -> Iterator[pd.DataFrame]:  # noqa: ARG002  # they were named at reading
        """All columns as tables of at most `rows` rows, each read once; in `texts` no word stands for an empty cell."""
        yield from self.batches(self.names, rows)

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
            connection.register("cells", self.frame(self._named_in(query)))
            found: pd.DataFrame = connection.execute(query).df()
        return found

    def _named_in(self, query: str) -> tuple[str, ...]:
        """The columns whose names stand in a query; all of them where it may mean all, by a star."""
        without_counts = re.sub(r"count\s*\(\s*\*\s*\)", "", query, flags=re.IGNORECASE)
        named = tuple(name for name in self.names if "*" in without_counts or name.lower() in query.lower())
        return named or self.names[:1]


class InMemory(ColumnStore):
    """Cells of a table at hand."""

    def __init__(self, frame: pd.DataFrame, places: RowPlaces | None = None) -> None:
        """`places` tells which file each row stands in, where there are several."""
        self._frame, self._places = frame, places

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

    def name_of_row(self, row: int) -> str:
        """A row as messages name it."""
        return super().name_of_row(row) if self._places is None else self._places.name(row)

    def frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Some columns as one table; the very table where none are named."""
        return self._frame if names is None else self._frame[list(names)]

    def head(self, rows: int) -> InMemory:
        """The first rows."""
        return InMemory(self._frame.head(rows))

    def where(self, mask: NDArray[np.bool_]) -> InMemory:
        """The rows that a mask marks, numbered anew."""
        return InMemory(self._frame[mask].reset_index(drop=True))


class Selected(ColumnStore):
    """Some rows of another store."""

    def __init__(self, store: ColumnStore, rows: slice | NDArray[np.bool_]) -> None:
        self._store, self._which = store, rows if isinstance(rows, slice) else _as_slice(rows)
        self._rows = len(range(*rows.indices(store.rows))) if isinstance(rows, slice) else int(rows.sum())

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, in their file's order."""
        return self._store.names

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self._rows

    def column(self, name: str) -> pd.Series[Any]:
        """(n,) the cells of one column, numbered anew."""
        return self._store.column(name)[self._which].reset_index(drop=True)

    def batches(self, names: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
        """Some columns as tables of at most `rows` rows, of which those that none of the picked rows lies in are left out."""
        seen = given = 0
        which = np.zeros(self._store.rows, dtype=bool)
        which[self._which] = True
        for part in self._store.batches(names, rows):
            found = part[which[seen : seen + len(part)]]
            seen += len(part)
            if len(found):
                yield found.set_axis(range(given, given + len(found)))
            given += len(found)

    def frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Some columns as one table."""
        return self._store.frame(names)[self._which].reset_index(drop=True)


def _as_slice(mask: NDArray[np.bool_]) -> slice | NDArray[np.bool_]:
    """Marked rows that stand together, as a window of a file in the order of time has them: they are taken without a copy."""
    first, count = int(mask.argmax()), int(mask.sum())
    return slice(first, first + count) if count and mask[first : first + count].all() else mask


def nested_as_json(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Lists and objects as JSON: two of them can be compared and counted, and lists of scores can be read."""
    import pandas as pd

    found = cells.to_list() if cells.dtype.kind == "O" and pd.api.types.infer_dtype(cells) != "string" else []
    if not any(isinstance(cell, (list, dict)) for cell in found):
        return cells
    return pd.Series([json.dumps(cell, default=str) if isinstance(cell, (list, dict)) else cell for cell in found])


class Texts:
    """One text a row."""

    def __init__(self, read: Callable[[], Sequence[str]]) -> None:
        self._read = read

    @classmethod
    def of(cls, texts: Sequence[str]) -> Texts:
        """Texts at hand, such as changed ones."""
        return cls(lambda: texts)

    @cached_property
    def texts(self) -> Sequence[str]:
        """The texts, in the order of the rows."""
        return self._read()

    def __len__(self) -> int:
        return len(self.texts)


class Table:
    """One row of features a row."""

    def __init__(self, read: Callable[[], pd.DataFrame]) -> None:
        self._read = read

    @classmethod
    def of(cls, frame: pd.DataFrame) -> Table:
        """A table at hand, such as rows with noise."""
        return cls(lambda: frame)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """The feature columns, in the order of the rows."""
        return self._read()

    def __len__(self) -> int:
        return len(self.frame)


Inputs: TypeAlias = Texts | Table
