"""The cells that lie at a location: those of its files, or the answer of a database to a statement."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit.datasets import postgres_query, sql_query, stores
from audit.datasets.addresses import DATABASES, Address
from audit.datasets.column_store import InMemory
from audit.datasets.csv_file import csv_table
from audit.datasets.declared_types import refuse_unknown_columns
from audit.datasets.file_bytes import Unreadable
from audit.datasets.joined_files import join_files
from audit.datasets.json_lines import json_lines_table
from audit.datasets.parquet_file import ParquetColumns
from audit.datasets.parquet_part import names_in as parquet_names
from audit.datasets.parts import Part, find_parts, listing_sha256

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from audit.datasets.column_store import ColumnStore
    from audit.datasets.columns import Columns, ReadOptions
    from audit.datasets.joined_files import JoinedFiles
    from audit.datasets.parts import Listing, Location

_OF_CSV = ("separator", "decimal", "encoding")
"""Keys that say how text becomes cells."""


@dataclass(frozen=True, slots=True, eq=False)
class Contents:
    """What was read."""

    cells: ColumnStore
    sha256: str
    """Of the bytes of the file, of the list of several files, or of the rows of an answer."""
    remarks: tuple[str, ...]
    """How it was read."""


def read_contents(location: Location, columns: Columns, options: ReadOptions) -> Contents:
    """The cells at a location. Unreadable tells what is wrong and where."""
    if location.sql is not None:
        return _answer(location.sql, location, columns, options)
    path = location.path
    if path.protocol in DATABASES if isinstance(path, Address) else sql_query.is_database(path):
        what = "is a database"
        raise Unreadable(what, "say which rows of it are meant, such as `sql: SELECT * FROM sales ORDER BY id`")
    listing = files_at(location)
    parts = listing.parts
    if parts[0].format == "Parquet":
        cells = _parquet(parts, columns, options)
        return Contents(cells, listing_sha256(cells.digests), listing.remarks)
    joined = _joined(parts, columns, options)
    if not joined.frame.empty:
        refuse_unknown_columns(options, map(str, joined.frame.columns))
    store = InMemory(joined.frame, joined.places)
    return Contents(store, listing_sha256(joined.digests), (*listing.remarks, *joined.remarks))


def files_at(location: Location) -> Listing:
    """The files at a location; those that lie elsewhere are fetched."""
    return stores.fetch(location.path) if isinstance(location.path, Address) else find_parts(location.path, within=location.within)


def _parquet(parts: Sequence[Part], columns: Columns, options: ReadOptions) -> ParquetColumns:
    """Whatever is wrong in a file is found before anything is measured."""
    _refuse_keys_of_csv(options, "Parquet", _OF_CSV)
    cells = ParquetColumns(parts, options, texts_of(columns))
    if cells.rows:
        refuse_unknown_columns(options, cells.names)
    for column in dict.fromkeys((*options.types, *cells.names)) if cells.rows else ():
        cells.as_written(column)
    return cells


def _joined(parts: Sequence[Part], columns: Columns, options: ReadOptions) -> JoinedFiles:
    kind = parts[0].format
    if kind != "CSV":
        _refuse_keys_of_csv(options, kind, ("separator", "decimal"))
    return join_files(parts, lambda plain: _table(kind, plain, columns, options), options, texts_of(columns))


def _table(kind: str, plain: bytes, columns: Columns, options: ReadOptions) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table in the bytes of a CSV or of JSON lines, and remarks on how it was read."""
    if kind == "CSV":
        return csv_table(plain, _verbatim(columns), texts_of(columns), options)
    return json_lines_table(plain, _verbatim(columns), options.encoding), ()


def _answer(statement: str, location: Location, columns: Columns, options: ReadOptions) -> Contents:
    """The answer to a statement. How cells are read is said of the files, and of the columns of the answer."""
    path, of_files = location.path, frozenset[str]()
    remarks: tuple[str, ...] = ()
    if isinstance(path, Address) and path.protocol in DATABASES:
        _refuse_keys_of_csv(options, "a database", _OF_CSV)
        answer, sha256, remarks = postgres_query.query(statement, path)
    elif isinstance(path, Path) and sql_query.is_database(path):
        _refuse_keys_of_csv(options, "a database of DuckDB", _OF_CSV)
        answer, sha256 = sql_query.query_database(statement, path)
    else:
        listing = files_at(location)
        answer, sha256, of_files, said = _query_files(statement, listing.parts, columns, options)
        remarks = (*listing.remarks, *said)
    of_answer = {column: kind for column, kind in options.types.items() if column not in of_files or column in parquet_names(answer)}
    own = options.model_copy(update={**dict.fromkeys(_OF_CSV), "types": of_answer})
    return Contents(_parquet([Part(answer, "the answer")], columns, own), sha256, remarks)


def _query_files(
    statement: str, parts: Sequence[Part], columns: Columns, options: ReadOptions
) -> tuple[Path, str, frozenset[str], tuple[str, ...]]:
    """The answer with its digest, the columns of the files, and remarks on how they were read."""
    if parts[0].format != "Parquet":
        joined = _joined(parts, columns, options)
        return *sql_query.query_frame(statement, joined.frame), frozenset(map(str, joined.frame.columns)), joined.remarks
    _refuse_keys_of_csv(options, "Parquet", _OF_CSV)
    files = ParquetColumns(parts, options, ())  # refuses files that do not fit together
    answer, sha256 = sql_query.query_files(statement, parts)
    files.refuse_change()
    return answer, sha256, frozenset(files.names), ()


def _refuse_keys_of_csv(options: ReadOptions, kind: str, keys: Sequence[str]) -> None:
    useless = [key for key in keys if getattr(options, key) is not None]
    if useless:
        what = f"is {kind}, and {' and '.join(useless)} {'are' if len(useless) > 1 else 'is'} for CSV"
        raise Unreadable(what, "leave it out")


def _verbatim(columns: Columns) -> set[str]:
    """Columns whose cells are names or text: read as they stand, so that `007` stays `007` in every file."""
    return texts_of(columns) | {column for column in (columns.id, columns.group) if column is not None}


def texts_of(columns: Columns) -> set[str]:
    """Columns of texts, in which every word is one."""
    return {column for column in (columns.text, columns.output) if column is not None}
