"""Parquet files read one column at a time, so that their table need not fit into memory. What could be read in two ways is refused.

A file is opened anew for each column: no descriptor and no mapping is shared with processes that fork, and a file that is cut short
meanwhile gives an error, where reading mapped pages would end the process. Why: docs/adr/0017-data-larger-than-memory.md.
"""

from __future__ import annotations

import re
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from audit.datasets import notation, parquet_part
from audit.datasets.column_store import ColumnStore, nested_as_json
from audit.datasets.declared_types import apply_types, empty_words
from audit.datasets.file_bytes import Unreadable
from audit.datasets.kinds import distinct_cells
from audit.datasets.parquet_part import ParquetPart, refusing_damage
from audit.datasets.parts import RowPlaces

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    import pandas as pd
    import pyarrow as pa
    from numpy.typing import NDArray

    from audit.datasets.columns import ReadOptions
    from audit.datasets.parts import Part

CACHED_BYTES = 2**29
"""Columns that are kept once they are read, those used last; the others are read again when a check asks for them."""
_WIDE = 4
"""Bytes a row from which on a column is wide."""
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
_CELL_BYTES = 64
"""About what Python needs for a number or a short text in a list."""
T = TypeVar("T")


class ParquetColumns(ColumnStore):
    """The cells of one or more Parquet files, with the data set's words for empty cells and its declared types applied."""

    def __init__(self, parts: Sequence[Part], options: ReadOptions, texts: Collection[str]) -> None:
        """`texts` are columns in which no word stands for an empty cell. Unreadable where a file is no such file, or fits no other."""
        import pyarrow as pa

        self._options, self._texts = options, frozenset(texts)
        self._types: dict[str, Any] = {}
        self._cache: OrderedDict[tuple[str, str], tuple[Any, int]] = OrderedDict()
        self._files = [ParquetPart.of(part) for part in parts] if len(parts) == 1 else [*map(_named, parts)]
        self._schema = parquet_part.common_schema(self._files)
        parquet_part.refuse_same_rows(self._files)
        self._names = tuple(name for name in self._schema.names if not _PANDAS_INDEX.fullmatch(name))
        self._nested = frozenset(field.name for field in self._schema if pa.types.is_nested(field.type))
        self.places = RowPlaces([(file.part.name, file.rows) for file in self._files])
        self.digests = tuple((file.part.name, file.sha256) for file in self._files)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns; an index that pandas wrote is one where it has a name."""
        return self._names

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.places.rows

    def name_of_row(self, row: int) -> str:
        """A row as messages name it."""
        return self.places.name(row)

    def column(self, name: str) -> pd.Series[Any]:
        """(n,) the cells of one column; lists and objects as JSON, so that two of them can be compared and counted."""
        cells = self._kept("cells", name, lambda: nested_as_json(self._read(name)))
        self._types[name] = cells.dtype
        return cells

    def dtype(self, name: str) -> Any:
        """The type of a column's cells, known without reading it again."""
        return self._types[name] if name in self._types else self.column(name).dtype

    def as_written(self, name: str) -> pd.Series[Any]:
        """(n,) the cells of one column, with lists and objects as such."""
        return self._read(name) if name in self._nested else self.column(name)

    def codes(self, name: str) -> tuple[NDArray[np.int64], list[object]]:
        """(n,) places in a list of the column's cells, -1 where there is none."""
        codes, distinct = self._kept("codes", name, lambda: _narrow(*distinct_cells(self.column(name))))
        return codes.astype(np.int64), distinct

    def _kept(self, kind: str, name: str, read: Callable[[], T]) -> T:
        """What was read before, or is read now and kept, while what was not used for longest goes: wide columns before narrow codes."""
        key = (kind, name)
        if key not in self._cache:
            found = read()
            self._cache[key] = (found, _size(found))
            while len(self._cache) > 1 and sum(size for _, size in self._cache.values()) > CACHED_BYTES:
                others = [(size < _WIDE * self.rows, one) for one, (_, size) in self._cache.items() if one != key]
                del self._cache[min(others, key=lambda other: other[0])[1]]
        self._cache.move_to_end(key)
        kept: T = self._cache[key][0]
        return kept

    def _read(self, name: str) -> pd.Series[Any]:
        import pyarrow as pa

        if name not in self._names:
            raise KeyError(name)
        with refusing_damage():
            return self._cells(pa.concat_tables([self._as_one(file.read(name)) for file in self._files]), name)

    def _as_one(self, table: pa.Table) -> pa.Table:
        """The columns of one file in the types that they have in all of them."""
        import pyarrow as pa

        fields = [self._schema.field(name) for name in table.column_names]
        cells = [cells if cells.type == field.type else cells.cast(field.type) for cells, field in zip(table.columns, fields, strict=True)]
        return pa.table(cells, schema=pa.schema(fields))

    def batches(self, names: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
        """Some columns as tables of at most `rows` rows. Columns that are not at hand are read together, a batch at a time.

        The few types whose cells depend on the other rows, such as categories, are read as a whole.
        """
        import pandas as pd

        streamed = [name for name in names if ("cells", name) not in self._cache and self._can_be_cut(name)]
        if not streamed:
            yield from super().batches(names, rows)
            return
        start = 0
        with refusing_damage():
            for table in (one for file in self._files for one in file.batches(streamed, rows)):
                numbers, found = range(start, start + table.num_rows), self._as_one(table)
                cells = {name: self._cells(found.select([name]), name).astype(self._types[name]).set_axis(numbers) for name in streamed}
                whole = {name: self.column(name).iloc[numbers.start : numbers.stop] for name in names if name not in cells}
                yield pd.DataFrame({name: cells[name] if name in cells else whole[name] for name in names})
                start = numbers.stop

    def stream(self, rows: int, texts: Collection[str] = ()) -> Iterator[pd.DataFrame]:
        """All columns as tables of at most `rows` rows: none is read as a whole, so a column's type may differ between tables."""
        import pandas as pd

        self._texts |= frozenset(texts)
        with refusing_damage():
            for table in (self._as_one(one) for file in self._files for one in file.batches(self._names, rows)):
                yield pd.DataFrame({name: nested_as_json(self._cells(table.select([name]), name)) for name in self._names})

    def _can_be_cut(self, name: str) -> bool:
        """Whether some rows of a column are read as the whole column is, but for a type that blanks elsewhere make wider."""
        import pyarrow as pa

        kind, found = self._schema.field(name).type, self.dtype(name)
        if name in self._options.types or not isinstance(found, np.dtype):
            return False
        is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
        return (is_number and found.kind in "iufb") or (pa.types.is_string(kind) and found.kind == "O")

    def _cells(self, found: pa.Table, name: str) -> pd.Series[Any]:
        """The cells of a table of one column, as the options say that they are read."""
        import pyarrow as pa

        frame: pd.DataFrame = found.to_pandas(ignore_metadata=True, use_threads=False)
        kind = self._schema.field(name).type
        if pa.types.is_decimal(kind) or name in self._nested:
            frame[name] = _as_written(found.column(name), kind)
        elif notation.lost_digits(frame) and pa.types.is_integer(kind):
            frame[name] = notation.whole_numbers(found.column(name).to_pylist())
        empty_words(frame, self._options, self._texts)
        apply_types(frame, self._options, self.places.name)
        return frame[name]

    def refuse_change(self) -> None:
        """InputError where a file is no longer the one that was hashed."""
        for file in self._files:
            file.refuse_change()

    def frame(self, names: Sequence[str] | None = None) -> pd.DataFrame:
        """Some columns as one table, which then is in memory; all columns where none are named."""
        import pandas as pd

        return pd.DataFrame({name: self.column(name) for name in (self._names if names is None else names)})


def _narrow(codes: NDArray[np.int64], distinct: list[object]) -> tuple[NDArray[np.signedinteger[Any]], list[object]]:
    """Places in a type that is as narrow as their number allows, in which most columns of words can be kept."""
    return codes.astype(np.min_scalar_type(-len(distinct) - 1)), distinct


def _size(found: Any) -> int:
    """Bytes, about, of a column or of its codes and distinct cells."""
    return int(found[0].nbytes) + _CELL_BYTES * len(found[1]) if isinstance(found, tuple) else int(found.memory_usage(deep=False))


def _named(part: Part) -> ParquetPart:
    """One of several files, whose name stands before what is wrong in it."""
    try:
        return ParquetPart.of(part)
    except Unreadable as error:
        what = f"{part.name}: {error.what}"
        raise Unreadable(what, error.remedy) from error


def _as_written(column: pa.ChunkedArray, kind: pa.DataType) -> pd.Series[Any]:
    """Decimals as a CSV gives them, since 1.00 is 1; nested cells as JSON lines give them."""
    import pandas as pd
    import pyarrow as pa

    cells = column.to_pylist()
    if not pa.types.is_decimal(kind):
        return pd.Series(cells, dtype=object)
    if kind.scale <= 0:
        return notation.whole_numbers([None if cell is None else int(cell) for cell in cells])
    return pd.Series([None if cell is None else float(cell) for cell in cells])
