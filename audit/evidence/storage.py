"""Evidence as bytes and back: its JSON on the first line, its table behind it as Parquet."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from audit import evidence as parts
from audit.errors import InputError
from audit.evidence.codec import Codec, UnreadableError
from audit.evidence.members import Evidence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.evidence import Value

SCHEMA = "audit.evidence/1"
_KINDS = b"audit.kinds"
"""Key of the file's metadata that names each column's NumPy type."""


def types() -> dict[str, Any]:
    """Every type that evidence is made of, by its name."""
    from numpy.typing import NDArray

    return {name: getattr(parts, name) for name in parts.__all__} | {"NDArray": NDArray, "np": np}


@cache
def _codec() -> Codec:
    return Codec(types())


def to_bytes(evidence: Evidence) -> bytes:
    """All of the evidence; TypeError where a value has no form in which it can be stored."""
    try:
        plain = _codec().to_json(evidence)
    except UnreadableError as error:
        msg = f"evidence that cannot be stored: {error}"
        raise TypeError(msg) from error
    head = json.dumps({"schema": SCHEMA, "evidence": plain}, allow_nan=False)
    return head.encode() + b"\n" + (table_to_bytes(evidence.table) if evidence.table else b"")


def from_bytes(content: bytes) -> Evidence:
    """The evidence again, equal to what was stored; anything else is refused."""
    head, _, table = content.partition(b"\n")
    try:
        plain = json.loads(head)
        if not isinstance(plain, dict) or plain.keys() != {"schema", "evidence"} or plain["schema"] != SCHEMA:
            msg = f"stored evidence is not of the form {SCHEMA}"
            raise InputError(msg)
        found = _codec().from_json(Evidence, plain["evidence"])
        return replace(found, table=table_from_bytes(table)) if table else found
    except ValueError as error:  # no JSON, no fitting value, no table
        msg = f"stored evidence cannot be read: {error}"
        raise InputError(msg) from error


def table_to_bytes(columns: Mapping[str, NDArray[np.generic]]) -> bytes:
    """One Parquet file, a column an array."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    kinds = {name: _kind(values) for name, values in columns.items()}
    table = pa.table({name: _arrow(values) for name, values in columns.items()})
    file = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({_KINDS: json.dumps(kinds).encode()}), file, compression="zstd")
    return file.getvalue()


@dataclass(frozen=True, slots=True, eq=False)
class Coded:
    """A column as places in a list of its values, or as a function that gives the cells of some rows."""

    cells: NDArray[np.int64] | Callable[[slice], NDArray[np.generic]]
    """(n,) places in `values`, or what gives the cells."""
    values: Sequence[Value] | None = None
    kind: str = "O"
    """NumPy's letter for the type of its cells."""

    @classmethod
    def of(cls, cells: NDArray[np.generic]) -> Coded:
        """A column at hand."""
        return cls(cells.__getitem__, kind=_kind(cells))


_BATCH = 1 << 20
"""Rows of a row group, which are turned into Arrow's form at once."""


def write_table(path: Path, columns: Mapping[str, Coded], rows: int) -> None:
    """A Parquet file of (rows,) columns, written a row group at a time; `table_from_bytes` reads it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    values = {name: pa.array(column.values) for name, column in columns.items() if column.values is not None}

    def part(name: str, which: slice) -> pa.Array:
        cells = columns[name].cells
        if not callable(cells):
            return values[name].take(pa.array(cells[which]))
        found = _arrow(cells(which))
        return found.cast(pa.string()) if columns[name].kind == "U" else found

    schema = pa.schema([(name, part(name, slice(0, 1)).type) for name in columns])
    kinds = json.dumps({name: column.kind for name, column in columns.items()}).encode()
    schema = schema.with_metadata({_KINDS: kinds})
    with path.open("wb") as raw, pq.ParquetWriter(raw, schema, compression="zstd", use_dictionary=list(values)) as file:
        for start in range(0, rows, _BATCH):
            which = slice(start, min(start + _BATCH, rows))
            file.write_table(pa.table([part(name, which) for name in columns], schema=file.schema))


def _arrow(values: NDArray[np.generic]) -> Any:
    """An array in Arrow's form. Texts are handed over one by one, since Arrow ends those of NumPy's own type at a NUL."""
    import pyarrow as pa

    return pa.array(values.tolist() if values.dtype.kind in "UOS" else values)


def _kind(values: NDArray[np.generic]) -> str:
    return values.dtype.kind if values.dtype.kind in "UOS" else values.dtype.str


def table_from_bytes(content: bytes) -> dict[str, NDArray[np.generic]]:
    """The columns again, each of its type; ValueError where this is not such a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(content))
    except pa.ArrowException as error:
        msg = f"no table: {error}"
        raise ValueError(msg) from error
    kinds = json.loads((table.schema.metadata or {}).get(_KINDS, b"{}"))
    if kinds.keys() != set(table.column_names):
        msg = "its table does not name its columns' types"
        raise ValueError(msg)
    return {name: np.array(table[name].to_pylist(), dtype=kinds[name]) for name in table.column_names}
