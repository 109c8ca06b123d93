"""The answer of DuckDB to a statement over the files of a data set, or over the tables of a DuckDB database.

A statement comes from a policy, which is no program: it may read the data set's own files and nothing else. It reaches no other file,
no network and no extension, changes nothing, and its settings are locked.
"""

from __future__ import annotations

import glob
import json
from datetime import date
from typing import TYPE_CHECKING, Any

from audit.datasets.file_bytes import Unreadable, open_file
from audit.datasets.scratch_files import scratch_file, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import duckdb
    import pandas as pd
    import pyarrow as pa

    from audit.datasets.parts import Part, PartitionValue

TABLE = "data"
"""The name under which a statement reads the files."""
_MAGIC, _MAGIC_AT = b"DUCK", 8
_SETTINGS = {"autoload_known_extensions": "false", "autoinstall_known_extensions": "false", "python_enable_replacements": "false"}
_ROWS = 65_536
"""Rows that are fetched at once."""


def is_database(path: Path) -> bool:
    """Whether a file is a database of DuckDB."""
    if not path.is_file():
        return False
    with open_file(path) as file:
        return file.read(_MAGIC_AT + len(_MAGIC)).endswith(_MAGIC)


def query_files(statement: str, parts: Sequence[Part]) -> tuple[Path, str]:
    """The answer over Parquet files as a Parquet file, and the digest of its rows."""
    import duckdb

    paths = [str(_plain_path(part.path.absolute())) for part in parts]
    with duckdb.connect(":memory:", config=_config()) as connection:
        _confine(connection, paths)
        groups: dict[tuple[tuple[str, PartitionValue], ...], list[str]] = {}
        for part, path in zip(parts, paths, strict=True):
            groups.setdefault(part.partition, []).append(path)
        tables = " UNION ALL BY NAME ".join(_table(partition, files) for partition, files in groups.items())
        connection.execute(f"CREATE VIEW {TABLE} AS {tables}")
        return _answer(connection, statement)


def query_frame(statement: str, frame: pd.DataFrame) -> tuple[Path, str]:
    """The answer over a table at hand."""
    import pyarrow as pa

    from audit.datasets.parts import Part

    path = scratch_file("table.parquet")
    try:
        frame.to_parquet(path, index=False)
    except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
        what = f"a column has cells of several kinds, which no table of a database can hold ({error})"
        raise Unreadable(what, "say what it holds, such as `types: {column: text}`") from error
    return query_files(statement, [Part(path, path.name)])


def query_database(statement: str, path: Path) -> tuple[Path, str]:
    """The answer over the tables of a database, which is only read."""
    import duckdb

    try:
        connection = duckdb.connect(str(path), read_only=True, config=_config())
    except duckdb.Error as error:
        what = f"cannot be opened as a database of DuckDB ({_first_line(error)})"
        raise Unreadable(what, "close other programs that write to it, or write it with this version of DuckDB") from error
    with connection:
        _confine(connection, [])
        return _answer(connection, statement)


def _config() -> dict[str, Any]:
    return {**_SETTINGS, "threads": 1}  # one order of rows, and no thread that lives in a process that forks later


def _confine(connection: duckdb.DuckDBPyConnection, paths: Sequence[str]) -> None:
    folder = scratch_file("spilled")
    connection.execute(f"SET temp_directory = {_literal(str(folder))}")
    connection.execute(f"SET allowed_paths = [{', '.join(map(_literal, paths))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")


def _plain_path(path: Path) -> Path:
    """A path that DuckDB takes for no pattern."""
    if not glob.has_magic(str(path)):
        return path
    link = scratch_file("part.parquet")
    link.symlink_to(path)
    return link


def _table(partition: Sequence[tuple[str, PartitionValue]], files: Sequence[str]) -> str:
    """The rows of some files, with the columns that their folders give."""
    columns = "".join(f", {_literal(value)} AS {_identifier(column)}" for column, value in partition)
    listed = ", ".join(map(_literal, files))
    return f"SELECT *{columns} FROM read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"  # noqa: S608  # quoted above


def _literal(value: PartitionValue) -> str:
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    if value is None or isinstance(value, int):
        return "NULL" if value is None else f"{value}::BIGINT"
    return "'" + value.replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _answer(connection: duckdb.DuckDBPyConnection, statement: str) -> tuple[Path, str]:
    """The rows of the one SELECT that a text holds, fetched a batch at a time."""
    import duckdb

    try:
        statements = connection.extract_statements(statement)
    except duckdb.Error as error:
        raise _wrong(error) from error
    kinds = [one.type.name for one in statements]
    if kinds != ["SELECT"]:
        what = f"sql: holds {len(kinds)} statements" if len(kinds) != 1 else f"sql: is {kinds[0]}, and only SELECT is read"
        raise Unreadable(what, "write one SELECT statement")
    try:
        relation = connection.sql(statement)
        reader = relation.to_arrow_reader(_ROWS) if hasattr(relation, "to_arrow_reader") else relation.fetch_arrow_reader(_ROWS)
    except duckdb.Error as error:
        raise _wrong(error) from error
    return write_rows(_batches(reader), reader.schema, "answer.parquet")


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """What goes wrong in a row shows only when it is fetched."""
    import duckdb
    import pyarrow as pa

    try:
        yield from reader
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        raise _wrong(error) from error


def _wrong(error: Exception) -> Unreadable:
    return Unreadable(f"sql: {_first_line(error)}", f"mend the statement; it may read the table {TABLE!r}, or the tables of its database")


def _first_line(error: Exception) -> str:
    return json.dumps(str(error).split("\n", maxsplit=1)[0], ensure_ascii=False)[1:-1]
