"""A Parquet file read one column at a time, so that its table need not fit into memory. What could be read in two ways is refused.

The file is opened anew for each column: no descriptor and no mapping is shared with processes that fork, and a file that is cut short
meanwhile gives an error, where reading mapped pages would end the process. Why: docs/adr/0017-data-larger-than-memory.md.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import OrderedDict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from audit.datasets import file_bytes, notation
from audit.datasets.column_store import ColumnStore, nested_as_json
from audit.datasets.csv_layout import refuse_duplicates
from audit.datasets.declared_types import apply_types, empty_words
from audit.datasets.file_bytes import Unreadable
from audit.datasets.kinds import distinct_cells
from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from io import BufferedReader
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq
    from numpy.typing import NDArray

    from audit.datasets.columns import ReadOptions

CACHED_BYTES = 2**29
"""Columns that are kept once they are read, those used last; the others are read again when a check asks for them."""
_WIDE = 4
"""Bytes a row from which on a column is wide."""
_FEW_ROWS = 1024
"""Rows of lists that are unpacked at once while they are added up."""
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")
_CELL_BYTES = 64
"""About what Python needs for a number or a short text in a list."""
T = TypeVar("T")


class ParquetColumns(ColumnStore):
    """The cells of a Parquet file, with the data set's words for empty cells and its declared types applied."""

    def __init__(self, path: Path, options: ReadOptions, texts: Collection[str]) -> None:
        """`texts` are columns in which no word stands for an empty cell. Unreadable where this is not such a file."""
        import pyarrow as pa

        self._path, self._options, self._texts = path.absolute(), options, frozenset(texts)
        self._types: dict[str, Any] = {}
        self._cache: OrderedDict[tuple[str, str], tuple[Any, int]] = OrderedDict()
        with file_bytes.open_file(path) as raw:
            self._state = _state(raw)
            self.sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
            with _refusing_damage():
                file = _open(raw)
                refuse_duplicates(file.schema_arrow.names)
                self._schema = file.schema_arrow
                self._rows: int = file.metadata.num_rows
                self._names = tuple(name for name in self._schema.names if not _PANDAS_INDEX.fullmatch(name))
                _refuse_beyond_limit(raw, file)
        self._nested = frozenset(field.name for field in self._schema if pa.types.is_nested(field.type))

    @property
    def names(self) -> tuple[str, ...]:
        """The columns; an index that pandas wrote is one where it has a name."""
        return self._names

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self._rows

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
                others = [(size < _WIDE * self._rows, one) for one, (_, size) in self._cache.items() if one != key]
                del self._cache[min(others, key=lambda other: other[0])[1]]
        self._cache.move_to_end(key)
        kept: T = self._cache[key][0]
        return kept

    def _read(self, name: str) -> pd.Series[Any]:
        if name not in self._names:
            raise KeyError(name)
        with self._reopened() as raw, _refusing_damage():
            self._refuse_change(raw)
            found = _open(raw).read(columns=[name], use_threads=False).select([name])
            found.validate(full=True)  # newer versions of pandas keep text as it is and stumble over it later
            self._refuse_change(raw)
            return self._cells(found, name)

    def batches(self, names: Sequence[str], rows: int) -> Iterator[pd.DataFrame]:
        """Some columns as tables of at most `rows` rows. Columns that are not at hand are read together, a batch at a time.

        The few types whose cells depend on the other rows, such as categories, are read as a whole.
        """
        import pandas as pd
        import pyarrow as pa

        streamed = [name for name in names if ("cells", name) not in self._cache and self._can_be_cut(name)]
        if not streamed:
            yield from super().batches(names, rows)
            return
        start = 0
        with self._reopened() as raw, _refusing_damage():
            self._refuse_change(raw)
            for part in _open(raw).iter_batches(batch_size=rows, columns=streamed, use_threads=False):
                part.validate(full=True)
                table, numbers = pa.Table.from_batches([part]), range(start, start + part.num_rows)
                cells = {name: self._cells(table.select([name]), name).astype(self._types[name]).set_axis(numbers) for name in streamed}
                whole = {name: self.column(name).iloc[numbers.start : numbers.stop] for name in names if name not in cells}
                yield pd.DataFrame({name: cells[name] if name in cells else whole[name] for name in names})
                start = numbers.stop
            self._refuse_change(raw)

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
        apply_types(frame, self._options)
        return frame[name]

    def _reopened(self) -> BufferedReader:
        try:
            return file_bytes.open_file(self._path)
        except Unreadable as error:
            msg = f"{self._path}: {error}"
            raise InputError(msg) from error

    def _refuse_change(self, raw: BufferedReader) -> None:
        """A file that is no longer the one whose digest the record holds."""
        if _state(raw) != self._state:
            msg = f"{self._path}: was changed while it was audited: run the audit again"
            raise InputError(msg)

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


def _state(raw: BufferedReader) -> tuple[int, ...]:
    """What differs once a file's bytes were written or another file was put in its place."""
    about = os.fstat(raw.fileno())
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


def _open(raw: BufferedReader) -> pq.ParquetFile:
    import pyarrow.parquet as pq

    return pq.ParquetFile(raw, pre_buffer=False)


@contextmanager
def _refusing_damage() -> Iterator[None]:
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        what = f"is not a whole Parquet file ({error})"
        raise Unreadable(what, "write it again") from error


def _refuse_beyond_limit(raw: BufferedReader, file: pq.ParquetFile) -> None:
    """A file that unpacks beyond the limit, by what it says of itself, and by the lengths of its texts and lists.

    A text that many rows share is written once: so texts are read as places in a list, and added up before they are written out.
    Lists are unpacked a few rows at a time.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    about = file.metadata
    groups = [about.row_group(group) for group in range(about.num_row_groups)]
    cells = sum(group.column(place).num_values for group in groups for place in range(group.num_columns))
    packed = sum(group.total_byte_size for group in groups)
    widths = sum(kind.byte_width for kind in file.schema_arrow.types if pa.types.is_fixed_size_binary(kind))
    texts = [field.name for field in file.schema_arrow if _is_text(field.type)]
    nested = [field.name for field in file.schema_arrow if pa.types.is_nested(field.type)]
    if max(packed, 8 * cells, widths * about.num_rows) > file_bytes.MOST_BYTES:
        raise file_bytes.too_large("unpacks to")
    unpacked = 0
    for part in file.iter_batches(batch_size=_FEW_ROWS, columns=nested, use_threads=False) if nested else ():
        unpacked += part.nbytes
        if unpacked > file_bytes.MOST_BYTES:
            raise file_bytes.too_large("unpacks to")
    unpacked, listed = 0, pq.ParquetFile(raw, read_dictionary=texts, pre_buffer=False)
    for group in range(about.num_row_groups):
        for name in texts:
            for part in listed.read_row_group(group, columns=[name], use_threads=False).column(name).chunks:
                unpacked += pc.sum(pc.binary_length(part.dictionary).take(part.indices)).as_py() or 0
                if unpacked > file_bytes.MOST_BYTES:
                    raise file_bytes.too_large("unpacks to")


def _is_text(kind: pa.DataType) -> bool:
    """Text or bytes, with lengths of 32 or of 64 bits, as pandas 2 and pandas 3 write them."""
    import pyarrow as pa

    types = pa.types
    return bool(types.is_string(kind) or types.is_binary(kind) or types.is_large_string(kind) or types.is_large_binary(kind))


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
