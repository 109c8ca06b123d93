"""One Parquet file of a data set, and how several of them fit together: the same columns, of types that are one."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit.datasets import file_bytes
from audit.datasets.csv_layout import refuse_duplicates
from audit.datasets.file_bytes import Unreadable
from audit.datasets.parts import refuse_other_columns, refuse_other_types
from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedReader
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

    from audit.datasets.parts import Part

_FEW_ROWS = 1024
"""Rows of lists that are unpacked at once while they are added up."""


@dataclass(frozen=True, slots=True, eq=False)
class ParquetPart:
    """One file, as it was when it was first opened."""

    part: Part
    schema: pa.Schema
    """Of its columns and of those that its folders give."""
    rows: int
    sha256: str
    outline: tuple[object, ...]
    """What it says of the size and the values of each column; the same in a file of the same rows, but for its writer."""
    state: tuple[int, ...]
    """What differs once its bytes were written or another file was put in its place."""

    @classmethod
    def of(cls, part: Part) -> ParquetPart:
        """A file, hashed and checked. Unreadable where it is no Parquet file, or unpacks beyond the limit."""
        import pyarrow as pa

        with file_bytes.open_file(part.path) as raw:
            state = _state(raw)
            sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
            with refusing_damage():
                file = _open(raw)
                schema, about = file.schema_arrow, file.metadata
                refuse_duplicates([*schema.names, *(column for column, _ in part.partition)])
                _refuse_beyond_limit(raw, file)
        for column, value in part.partition:
            schema = schema.append(pa.field(column, pa.scalar(value).type))
        return cls(part, schema, about.num_rows, sha256, _outline(about), state)

    def read(self, name: str) -> pa.Table:
        """One column. Its bytes must be those that were hashed."""
        column = dict(self.part.partition)
        if name in column:
            return self._constant(name, self.rows)
        with self._reopened() as raw:
            found = _open(raw).read(columns=[name], use_threads=False).select([name])
            found.validate(full=True)  # newer versions of pandas keep text as it is and stumble over it later
            self._refuse_change(raw)
            return found

    def batches(self, names: Sequence[str], rows: int) -> Iterator[pa.Table]:
        """Some columns as tables of at most `rows` rows."""
        import pyarrow as pa

        column = dict(self.part.partition)
        stored = [name for name in names if name not in column]
        if not stored:
            for start in range(0, self.rows, rows):
                yield self._with_partition(None, names, min(rows, self.rows - start))
            return
        with self._reopened() as raw:
            for part in _open(raw).iter_batches(batch_size=rows, columns=stored, use_threads=False):
                part.validate(full=True)
                yield self._with_partition(pa.Table.from_batches([part]), names, part.num_rows)
            self._refuse_change(raw)

    def _with_partition(self, found: pa.Table | None, names: Sequence[str], rows: int) -> pa.Table:
        import pyarrow as pa

        there = () if found is None else found.column_names
        columns = [found.column(name) if found is not None and name in there else self._constant(name, rows).column(name) for name in names]
        return pa.table(dict(zip(names, columns, strict=True)))

    def _constant(self, name: str, rows: int) -> pa.Table:
        import pyarrow as pa

        return pa.table({name: pa.repeat(pa.scalar(dict(self.part.partition)[name]), rows)})

    @contextmanager
    def _reopened(self) -> Iterator[BufferedReader]:
        try:
            raw = file_bytes.open_file(self.part.path)
        except Unreadable as error:
            msg = f"{self.part.path}: {error}"
            raise InputError(msg) from error
        with raw:
            self._refuse_change(raw)
            yield raw

    def refuse_change(self) -> None:
        """InputError where it is no longer the file that was hashed."""
        with self._reopened():
            pass

    def _refuse_change(self, raw: BufferedReader) -> None:
        """A file that is no longer the one whose digest the record holds."""
        if _state(raw) != self.state:
            msg = f"{self.part.path}: was changed while it was audited: run the audit again"
            raise InputError(msg)


def names_in(path: Path) -> list[str]:
    """The columns of a file."""
    with file_bytes.open_file(path) as raw:
        names: list[str] = _open(raw).schema_arrow.names
    return names


def common_schema(files: Sequence[ParquetPart]) -> pa.Schema:
    """The columns of the first file, each of the type that holds the cells of all."""
    import pyarrow as pa

    first, fields = files[0], list[Any]()
    for file in files[1:]:
        refuse_other_columns((first.part.name, first.schema.names), (file.part.name, file.schema.names))
    filled = [file for file in files if file.rows] or [first]
    for name in first.schema.names:
        kinds = [(file.part.name, file.schema.field(name).type) for file in filled]
        if all(kind == kinds[0][1] for _, kind in kinds):
            fields.append(filled[0].schema.field(name).with_nullable(True))
            continue
        plain = [(part, kind.value_type if pa.types.is_dictionary(kind) else kind) for part, kind in kinds]
        refuse_other_types(name, [(part, _family(kind)) for part, kind in plain], "write every file with one type")
        try:
            unified = pa.unify_schemas([pa.schema([pa.field(name, kind)]) for _, kind in plain], promote_options="permissive")
        except pa.ArrowException as error:
            what = f"column {name!r} has types that do not fit together in its files ({error})"
            raise Unreadable(what, "write every file with one type") from error
        fields.append(unified.field(name))
    return pa.schema(fields)


def _family(kind: pa.DataType) -> str | None:
    """What a column's cells are, in words; None for one without a filled cell."""
    import pyarrow as pa

    types = pa.types
    if types.is_null(kind):
        return None
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind):
        return "numbers"
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return "text"
    if types.is_timestamp(kind):
        return "times without a zone" if kind.tz is None else "times with a zone"
    return "true and false" if types.is_boolean(kind) else "days" if types.is_date(kind) else str(kind)


def refuse_same_rows(files: Sequence[ParquetPart]) -> None:
    """Two files with the same rows in the same order: a part that was written or copied twice."""
    seen = dict[tuple[object, ...], list[ParquetPart]]()
    for file in files:
        like = seen.setdefault((file.part.partition, file.rows, file.outline), [])
        for other in like if file.rows else ():
            if file.sha256 == other.sha256 or all(file.read(name).equals(other.read(name)) for name in file.schema.names):
                what = f"{file.part.name} holds the same {file.rows:,} rows as {other.part.name}"
                raise Unreadable(what, "take one of them away")
        like.append(file)


def _outline(about: Any) -> tuple[object, ...]:
    """Of each column: its name, and the least and the greatest value that the file notes."""
    found = list[object]()
    for place in range(about.num_columns):
        notes = [about.row_group(group).column(place).statistics for group in range(about.num_row_groups)]
        known = [note for note in notes if note is not None and note.has_min_max]
        name = about.schema.column(place).path
        if len(known) == len(notes) and known:
            found.append((name, repr(min(note.min_raw for note in known)), repr(max(note.max_raw for note in known))))
        else:
            found.append((name,))
    return tuple(sorted(found, key=repr))


def _state(raw: BufferedReader) -> tuple[int, ...]:
    about = os.fstat(raw.fileno())
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


def _open(raw: BufferedReader) -> pq.ParquetFile:
    import pyarrow.parquet as pq

    return pq.ParquetFile(raw, pre_buffer=False)


@contextmanager
def refusing_damage() -> Iterator[None]:
    """What pyarrow finds wrong in a file, as Unreadable."""
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
