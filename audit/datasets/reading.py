"""Files read into data sets: CSV, Parquet and JSON lines. Whatever could be read in two ways is refused."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import zlib
from collections import Counter
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from audit.datasets.table import Dataset, canonical
from audit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from audit.datasets.columns import Columns

_KINDS = {
    ".csv": "csv",
    ".csv.gz": "csv",
    ".parquet": "parquet",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".jsonl.gz": "jsonl",
    ".ndjson.gz": "jsonl",
}
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def read(
    role: str,
    path: Path,
    columns: Columns,
    *,
    optional: frozenset[str] = frozenset(),
    source: str | None = None,
    licence: str | None = None,
) -> Dataset:
    """The data set in a file. Its digest is of the very bytes that were parsed. `optional` names roles that the file may lack."""
    kind = next((kind for ending, kind in _KINDS.items() if path.name.lower().endswith(ending)), None)
    if kind is None:
        _refuse(role, path, "not a kind of file that can be read", f"give one that ends in {', '.join(_KINDS)}")
    raw = _bytes(role, path)
    sha256 = hashlib.sha256(raw).hexdigest()
    if kind == "parquet":
        frame = _parquet(role, path, raw)
    else:
        text = _text(role, path, raw)
        frame = _csv(role, path, text, _verbatim(columns)) if kind == "csv" else _json_lines(role, path, text)
    if frame.empty:
        _refuse(role, path, "holds no rows", "nothing can be measured on it: give a file with rows")
    columns = _without_absent(columns, {str(column) for column in frame.columns}, optional)
    _refuse_missing_columns(role, path, frame, columns)
    _refuse_bad_ids(role, path, frame, columns.id)
    return Dataset(role, path, frame, columns, sha256, source, licence)


def _refuse(role: str, path: Path, what: str, remedy: str) -> NoReturn:
    msg = f"datasets.{role}: {path}: {what}: {remedy}"
    raise InputError(msg)


def _bytes(role: str, path: Path) -> bytes:
    if path.is_dir():
        _refuse(role, path, "is a folder", "name one file in it")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        _refuse(role, path, "there is no such file", "mend the path, or make the file first")
    except OSError as error:
        _refuse(role, path, f"cannot be read ({error.strerror})", "see to its permissions")


def _text(role: str, path: Path, raw: bytes) -> str:
    """The file's text, unpacked; a byte order mark is dropped."""
    if path.name.lower().endswith(".gz"):
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error) as error:
            _refuse(role, path, f"is not a whole gzip file ({error})", "pack it again")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        _refuse(role, path, f"line {line}: not UTF-8 (byte 0x{raw[error.start]:02x})", "save the file as UTF-8")


def _verbatim(columns: Columns) -> set[str]:
    """Columns whose cells are names or text: read as they stand, so that `007` stays `007` in every file."""
    return {column for column in (columns.id, columns.text, columns.group, columns.output) if column is not None}


def _csv(role: str, path: Path, text: str, verbatim: set[str]) -> pd.DataFrame:
    """Only an empty cell is a missing one: `NA` and `null` are words that a text may say."""
    import pandas as pd

    header = _csv_header(role, path, text)
    if not header:
        return pd.DataFrame()
    types: Any = {column: str for column in header if column in verbatim}
    try:
        return pd.read_csv(
            io.StringIO(text),
            dtype=types,
            index_col=False,
            keep_default_na=False,
            na_values=[""],
            low_memory=False,  # one type a column, whatever the length of the file
            float_precision="round_trip",
        )
    except ValueError as error:  # pandas' parser errors are ValueErrors
        _refuse(role, path, f"cannot be parsed ({error})", "write it with a CSV library")


def _csv_header(role: str, path: Path, text: str) -> list[str]:
    """The names of the columns. Every record must have as many cells: pandas would fill up a short one in silence."""
    limit = csv.field_size_limit(max(len(text), 1))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        for record in reader:
            if record and len(record) != len(header):
                what = f"line {reader.line_num}: {len(record)} cells under {len(header)} column names"
                _refuse(role, path, what, "mend the line (a comma or a line break in a cell must be quoted)")
    except csv.Error as error:
        _refuse(role, path, f"line {reader.line_num}: {error}", "mend the quotes of this line")
    finally:
        csv.field_size_limit(limit)
    if "" in header:
        what = f"column {header.index('') + 1} of the first line has no name"
        _refuse(role, path, what, "name it; a row number that pandas wrote is left out with index=False")
    _refuse_duplicate_columns(role, path, header)
    return header


def _json_lines(role: str, path: Path, text: str) -> pd.DataFrame:
    import pandas as pd

    rows = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_unambiguous, parse_constant=_no_constant)
            if "\\u" in line:
                json.dumps(row, ensure_ascii=False).encode()  # half of a surrogate pair is no text
        except ValueError as error:
            _refuse(role, path, f"line {number}: {error}", "write one JSON object a line")
        if not isinstance(row, dict):
            _refuse(role, path, f"line {number}: not a JSON object", "write one JSON object a line")
        rows.append(row)
    return pd.DataFrame.from_records(rows)


def _unambiguous(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        name = Counter(name for name, _ in pairs).most_common(1)[0][0]
        msg = f"{name!r} is given twice"
        raise ValueError(msg)
    return found


def _no_constant(name: str) -> NoReturn:
    msg = f"{name} is not JSON (null is a missing value)"
    raise ValueError(msg)


def _parquet(role: str, path: Path, raw: bytes) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(raw))
    except (pa.ArrowException, OSError) as error:
        _refuse(role, path, f"is not a whole Parquet file ({error})", "write it again")
    _refuse_duplicate_columns(role, path, table.column_names)
    table = table.drop_columns([name for name in table.column_names if _PANDAS_INDEX.fullmatch(name)])
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)  # so that an index that pandas wrote stays a column
    return frame


def _refuse_duplicate_columns(role: str, path: Path, names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        _refuse(role, path, f"column {twice[0]!r} is there {names.count(twice[0])} times", "give every column its own name")


def _without_absent(columns: Columns, there: set[str], optional: frozenset[str]) -> Columns:
    """The roles without those optional ones whose column the file lacks."""
    changed: dict[str, object] = {
        role: None for role, column in columns.named().items() if role in optional and "." not in role and column not in there
    }
    if "sensitive" in optional:
        changed["sensitive"] = tuple(column for column in columns.sensitive if column in there)
    named = columns.scores.values() if isinstance(columns.scores, dict) else columns.scores or ()
    if "scores" in optional and there.isdisjoint(named):
        changed["scores"] = None
    return columns.model_copy(update=changed)


def _refuse_missing_columns(role: str, path: Path, frame: pd.DataFrame, columns: Columns) -> None:
    """All of them at once, each with the nearest name that is there."""
    there = [str(column) for column in frame.columns]
    absent = [(use, name) for use, name in columns.named().items() if name not in there]
    if absent:
        told = []
        for use, name in absent:
            near = get_close_matches(name, there, n=1)
            told.append(f"columns.{use}: no column {name!r}" + (f", did you mean {near[0]!r}?" if near else ""))
        first = absent[0][0].split(".")[0]
        remedy = f"it has {', '.join(there)}; a role that this file lacks is set to null: datasets.{role}.columns: {{{first}: null}}"
        _refuse(role, path, "; ".join(told), remedy)


def _refuse_bad_ids(role: str, path: Path, frame: pd.DataFrame, column: str | None) -> None:
    if column is None:
        return
    ids = [canonical(value) for value in frame[column].to_list()]
    if None in ids:
        _refuse(role, path, f"row {ids.index(None) + 1} has no id in column {column!r}", "give every row an id, or leave columns.id out")
    counts = Counter(ids)
    first = next((value for value in ids if counts[value] > 1), None)
    if first is not None:
        _refuse(role, path, f"id {first!r} is there {counts[first]} times in column {column!r}", "give every row its own id")
