"""Bytes of a file parsed into a table: CSV, JSON lines, Parquet. Whatever could be read in two ways is refused."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import zlib
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    import pandas as pd

_LONGEST_CELL = 2**31 - 1
"""Characters: as many as the csv module can be told on every machine."""
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")

_ZERO_LED = re.compile(r"\s*[+-]?0\d[\d.]*\s*$")
_MAYBE_ZERO_LED = re.compile(r"(?:^|[,\"])[ \t]*[+-]?0\d", re.MULTILINE)


class Unreadable(ValueError):
    """What is wrong in a file, with its line where there is one, and what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        self.what, self.remedy = what, remedy
        super().__init__(f"{what}: {remedy}")


def unpacked(raw: bytes) -> bytes:
    """What a gzip file holds."""
    try:
        return gzip.decompress(raw)
    except (OSError, EOFError, zlib.error) as error:
        what = f"is not a whole gzip file ({error})"
        raise Unreadable(what, "pack it again") from error


def csv_table(raw: bytes, verbatim: AbstractSet[str]) -> pd.DataFrame:
    """Only an empty cell is a missing one: `NA` and `null` are words that a text may say.

    `verbatim` columns stay text, and so do those with codes such as `007`, which is not the same as `7`.
    """
    import pandas as pd

    text, header = _records(_text(raw))
    if not header:
        return pd.DataFrame()
    types: Any = {column: str for column in header if column in verbatim} | dict.fromkeys(_zero_led(text, header), str)
    exact: Any = (
        {} if tuple(map(int, pd.__version__.split(".")[:2])) >= (3, 1) else {"float_precision": "round_trip"}
    )  # the default from 3.1 on
    try:
        frame: pd.DataFrame = pd.read_csv(
            io.StringIO(text),
            dtype=types,
            index_col=False,
            skip_blank_lines=False,  # or a text of blanks alone would go with its row
            keep_default_na=False,
            na_values=[""],
            low_memory=False,  # one type a column, whatever the length of the file
            **exact,
        )
    except ValueError as error:  # pandas' parser errors are ValueErrors
        what = f"cannot be parsed ({error})"
        raise Unreadable(what, "write it with a CSV library") from error
    return frame


def _zero_led(text: str, header: list[str]) -> frozenset[str]:
    """Columns that hold a number written with a zero before its first digit."""
    if _MAYBE_ZERO_LED.search(text) is None:
        return frozenset()
    with _cells_of_any_length():
        records = csv.reader(io.StringIO(text, newline=""), strict=True)
        next(records)
        return frozenset(name for record in records for name, cell in zip(header, record, strict=False) if _ZERO_LED.match(cell))


@contextmanager
def _cells_of_any_length() -> Iterator[None]:
    limit = csv.field_size_limit(_LONGEST_CELL)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _text(raw: bytes) -> str:
    """UTF-8; a byte order mark is dropped."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        what = f"line {line}: not UTF-8 (byte 0x{raw[error.start]:02x})"
        raise Unreadable(what, "save the file as UTF-8") from error


def _records(text: str) -> tuple[str, list[str]]:
    """The text without its empty lines, and the names of the columns. A NUL is refused: pandas would end the cell there."""
    if "\0" in text:
        what = f"line {text.count(chr(10), 0, text.index(chr(0))) + 1}: holds a NUL character"
        raise Unreadable(what, "take it out, and save the file as UTF-8 text")
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        with _cells_of_any_length():
            header = next(reader, [])
            gaps = _gaps(reader, len(header))
    except csv.Error as error:
        what = f"line {reader.line_num}: {error}"
        raise Unreadable(what, "mend the quotes of this line") from error
    if "" in header:
        what = f"column {header.index('') + 1} of the first line has no name"
        raise Unreadable(what, "name it; a row number that pandas wrote is left out with index=False")
    _refuse_duplicates(header)
    return (_without_gaps(text) if gaps else text), header


def _gaps(reader: Any, width: int) -> int:
    """Number of empty lines. Every record must have as many cells: pandas would fill up a short one in silence."""
    gaps = 0
    for record in reader:
        if record and len(record) != width:
            what = f"line {reader.line_num}: {len(record)} cells under {width} column names"
            raise Unreadable(what, "mend the line (a comma or a line break in a cell must be quoted)")
        gaps += not record
    return gaps


def _without_gaps(text: str) -> str:
    """The same records, quoted: a cell that is empty, or blank, is no empty line."""
    kept = io.StringIO(newline="")
    with _cells_of_any_length():
        csv.writer(kept, quoting=csv.QUOTE_ALL).writerows(filter(None, csv.reader(io.StringIO(text, newline=""), strict=True)))
    return kept.getvalue()


def json_lines_table(raw: bytes, verbatim: AbstractSet[str]) -> pd.DataFrame:
    """One object a line. Numbers in `verbatim` columns stay as they are written: beside a gap, pandas would make 7 into 7.0."""
    import pandas as pd

    remedy = "write one JSON object a line"
    rows = []
    for number, line in enumerate(_text(raw).split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line, object_pairs_hook=_unambiguous, parse_constant=_no_constant)
            if "\\u" in line:
                json.dumps(row, ensure_ascii=False).encode()  # half of a surrogate pair is no text
        except (ValueError, RecursionError) as error:
            what = f"line {number}: {error}"
            raise Unreadable(what, remedy) from error
        if not isinstance(row, dict):
            what = f"line {number}: not a JSON object"
            raise Unreadable(what, remedy)
        rows.append(row)
    frame = pd.DataFrame.from_records(rows)
    for column in verbatim & set(frame.columns):
        frame[column] = pd.Series([row.get(column) for row in rows], dtype=object)
    return frame


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


def parquet_table(raw: bytes) -> pd.DataFrame:
    """An index that pandas wrote stays a column where it has a name, and is dropped where it has none."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(raw))
        _refuse_duplicates(file.schema_arrow.names)
        table = file.read()
        table.validate(full=True)  # newer versions of pandas keep text as it is and stumble over it later
        table = table.drop_columns([name for name in table.column_names if _PANDAS_INDEX.fullmatch(name)])
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        what = f"is not a whole Parquet file ({error})"
        raise Unreadable(what, "write it again") from error
    for field in table.schema:
        if _needs_care(field.type):
            frame[field.name] = _as_written(table, field)
    return frame


def _needs_care(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_decimal(kind) or pa.types.is_nested(kind))


def _as_written(table: Any, field: Any) -> pd.Series[Any]:
    """Decimals as a CSV gives them, since 1.00 is 1; nested cells as JSON lines give them."""
    import pandas as pd
    import pyarrow as pa

    cells = table.column(field.name).to_pylist()
    if not pa.types.is_decimal(field.type):
        return pd.Series(cells, dtype=object)
    whole = field.type.scale <= 0 and None not in cells
    return pd.Series([int(cell) for cell in cells] if whole else [None if cell is None else float(cell) for cell in cells])


def _refuse_duplicates(names: list[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        what = f"column {twice[0]!r} is there {names.count(twice[0])} times"
        raise Unreadable(what, "give every column its own name")
