"""Rows that do not lie in a file of the project, such as the answer to a query: kept in a file of this process until it ends."""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audit import disk_cache
from audit.datasets import file_bytes
from audit.datasets.file_bytes import Unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

_NUMBERS = count()
_ABANDONED = 30 * 24 * 3600
"""Seconds without a new file, after which nobody reads a folder any more."""


def scratch_file(name: str) -> Path:
    """A path for a new file of that name, in a folder of its own that nobody else may read. All are deleted when this process ends."""
    folder = _folder(os.getpid()) / str(next(_NUMBERS))
    folder.mkdir()
    return folder / name


@cache
def _folder(process: int) -> Path:
    """On disk, beside the cache: a temporary folder may be kept in memory. What a process left that was killed long ago goes."""
    root = disk_cache.root()
    for old in root.glob("rows-*"):
        with suppress(OSError):
            if old.stat().st_mtime < time.time() - _ABANDONED:
                shutil.rmtree(old, ignore_errors=True)
    made = Path(tempfile.mkdtemp(prefix="rows-", dir=root))
    atexit.register(_remove, made, process)
    return made


def _remove(folder: Path, process: int) -> None:
    """A process that was forked off has the same list of what to do at its end."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def write_rows(batches: Iterable[pa.RecordBatch], schema: pa.Schema, name: str) -> tuple[Path, str]:
    """Rows as a Parquet file, a batch at a time, and the SHA-256 of what they hold, whatever wrote them and in whatever batches."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    path, digest, size = scratch_file(name), RowsDigest(schema), 0
    try:
        with pq.ParquetWriter(path, schema) as writer:
            for batch in batches:
                size += batch.nbytes
                if size > file_bytes.MOST_BYTES:
                    raise file_bytes.too_large("the answer holds")
                digest.update(batch)
                writer.write_batch(batch)
    except Unreadable:
        raise
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid, pa.ArrowTypeError) as error:
        what = f"the answer has a column that cannot be kept ({error})"
        raise Unreadable(what, "cast it in the statement, such as CAST(x AS VARCHAR)") from error
    return path, digest.hexdigest()


class RowsDigest:
    """The SHA-256 of rows in their order: the name and the cells of each column, without what its writer or its batches add."""

    def __init__(self, schema: pa.Schema) -> None:
        self._names, self._rows = schema.names, 0
        self._columns = [hashlib.sha256(_unit(field.type).encode()) for field in schema]

    def update(self, batch: pa.RecordBatch) -> None:
        """Further rows."""
        self._rows += batch.num_rows
        for digest, column in zip(self._columns, batch.columns, strict=True):
            digest.update(_cells(column))

    def hexdigest(self) -> str:
        """Of all rows so far."""
        facts = [self._rows, *((name, digest.hexdigest()) for name, digest in zip(self._names, self._columns, strict=True))]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _unit(kind: Any) -> str:
    """Of days and times, whose cells are whole numbers."""
    import pyarrow as pa

    return str(kind) if pa.types.is_temporal(kind) else ""


def _cells(column: Any) -> bytes:
    """Each cell with whether it is there, in a form that does not depend on the rows around it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    types = pa.types
    if types.is_dictionary(column.type):
        column = column.dictionary_decode()
    kind = column.type
    if types.is_temporal(kind) and not types.is_interval(kind):
        column = column.cast(pa.int32() if kind.bit_width == _NARROW else pa.int64()).cast(pa.int64())
    if types.is_boolean(kind) or types.is_integer(column.type):
        target = pa.uint64() if types.is_uint64(column.type) else pa.int64()
    elif types.is_floating(kind):
        target = pa.float64()
    else:
        return b"".join(_text(cell) for cell in column.to_pylist())
    values = column.cast(target)
    found = np.empty(len(values), dtype=[("there", "?"), ("value", "<f8" if target == pa.float64() else "<i8")])
    found["there"] = column.is_valid().to_numpy(zero_copy_only=False)
    filled = pc.fill_null(values, 0).to_numpy(zero_copy_only=False)
    found["value"] = filled if target != pa.uint64() else filled.view(np.int64)
    return found.tobytes()


_NARROW = 32


def _text(cell: object) -> bytes:
    """A cell behind its length; -1 for an empty one."""
    if cell is None:
        return (-1).to_bytes(8, "little", signed=True)
    content = cell if isinstance(cell, bytes) else (cell if isinstance(cell, str) else repr(cell)).encode("utf-8", "surrogatepass")
    return len(content).to_bytes(8, "little") + content
