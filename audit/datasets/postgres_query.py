"""The answer of a PostgreSQL server to one SELECT statement, in a transaction that cannot write."""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Any

from audit.datasets.file_bytes import Unreadable
from audit.datasets.notation import EXACT
from audit.datasets.scratch_files import write_rows
from audit.errors import pip_install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pyarrow as pa

    from audit.datasets.addresses import Address

_NO_CODE = re.compile(r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'|\"[^\"]*\"", re.DOTALL)
"""Comments, texts and quoted names, as far as a remark needs to know them."""
_ORDERED = re.compile(r"\border\s+by\b", re.IGNORECASE)
_SELECT = re.compile(r"\s*(?:select|with|values|table)\b", re.IGNORECASE)


def query(statement: str, address: Address) -> tuple[Path, str, tuple[str, ...]]:
    """The answer as a Parquet file, the digest of its rows, and a remark where nothing sets their order."""
    try:
        from adbc_driver_postgresql import dbapi
    except ImportError as error:
        what = "the driver of PostgreSQL is not installed"
        raise Unreadable(what, pip_install("postgres")) from error
    code = _NO_CODE.sub(" ", statement)
    if _SELECT.match(code) is None:
        what = "sql: is no SELECT"
        raise Unreadable(what, "write one SELECT statement")
    try:
        connection = dbapi.connect(address.url)
    except Exception as error:  # noqa: BLE001  # the driver's errors may quote the address; what is shown is made below
        what = f"cannot be reached ({address.hide(error)})"
        raise Unreadable(what, "see to the server, the address and the user") from None
    with closing(connection), closing(connection.cursor()) as cursor:
        try:
            cursor.execute("SET TRANSACTION READ ONLY")
            # a line end, since the driver writes more behind the statement, which a comment would swallow
            cursor.execute(statement.strip().removesuffix(";") + "\n")
            reader = cursor.fetch_record_batch()
            schema = _schema(reader.schema)
            answer, sha256 = write_rows(_batches(reader, schema, address), schema, "answer.parquet")
        except Unreadable:
            raise
        except Exception as error:  # noqa: BLE001  # as above
            raise _wrong(error, address) from None
        finally:
            connection.rollback()
    unordered = _ORDERED.search(code) is None
    remark = "the statement has no ORDER BY: its rows may come in another order next time, and with them another digest."
    return answer, sha256, (remark,) if unordered else ()


def _wrong(error: Exception, address: Address) -> Unreadable:
    return Unreadable(f"sql: {address.hide(error)}", "mend the statement; it may hold one SELECT")


def _schema(schema: pa.Schema) -> pa.Schema:
    """The columns with numerics, which the driver gives as text, as floats; types that nobody else knows are refused."""
    import pyarrow as pa

    fields = []
    for one in schema:
        is_number = _type_name(one) == "numeric"
        if isinstance(one.type, pa.BaseExtensionType) and not is_number:
            what = f"sql: column {one.name!r} has the type {_type_name(one)}"
            raise Unreadable(what, f"cast it, such as {one.name}::text")
        fields.append(pa.field(one.name, pa.float64() if is_number else one.type))
    return pa.schema(fields)


def _type_name(one: Any) -> str:
    name = (one.metadata or {}).get(b"ADBC:postgresql:typname")
    return str(one.type) if name is None else str(name.decode())


def _batches(reader: Any, schema: pa.Schema, address: Address) -> Iterator[pa.RecordBatch]:
    """What goes wrong in a row shows only when it is fetched."""
    import pyarrow as pa

    batches = iter(reader)
    while True:
        try:
            batch = next(batches, None)
        except Exception as error:  # noqa: BLE001  # the driver's errors may quote the address
            raise _wrong(error, address) from None
        if batch is None:
            return
        yield pa.record_batch([_column(batch.column(place), field) for place, field in enumerate(schema)], schema=schema)


def _column(cells: pa.Array, field: pa.Field) -> pa.Array:
    """Numerics as floats, unless a whole one among them would lose its last digits."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if cells.type == field.type:
        return cells
    found = (cells.storage if isinstance(cells.type, pa.BaseExtensionType) else cells).cast(field.type)
    if (pc.max(pc.abs(pc.if_else(pc.is_finite(found), found, 0.0))).as_py() or 0.0) >= EXACT:
        what = f"sql: column {field.name!r} is numeric, with numbers of more digits than a float holds"
        raise Unreadable(what, f"cast it, such as {field.name}::bigint or {field.name}::text")
    return found
