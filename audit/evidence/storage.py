"""Evidence as bytes and back: its JSON on the first line, its table behind it as Parquet."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from audit import evidence as parts
from audit.errors import InputError
from audit.evidence.codec import Codec, UnreadableError
from audit.evidence.members import Evidence

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

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

    kinds = {name: values.dtype.str if values.dtype.kind not in "UOS" else values.dtype.kind for name, values in columns.items()}
    table = pa.table({name: pa.array(values.tolist()) for name, values in columns.items()})
    file = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({_KINDS: json.dumps(kinds).encode()}), file, compression="zstd")
    return file.getvalue()


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
