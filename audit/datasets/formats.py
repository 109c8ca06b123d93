"""Bytes of a file parsed into a table: JSON lines and Parquet. Whatever could be read in two ways is refused."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn

from audit.datasets import file_bytes, notation
from audit.datasets.csv_layout import refuse_duplicates
from audit.datasets.file_bytes import Unreadable, decode

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    import pandas as pd

_FEW_ROWS = 1024
"""Rows of lists that are unpacked at once while they are added up."""
_PANDAS_INDEX = re.compile(r"__index_level_\d+__")


def json_lines_table(raw: bytes, verbatim: AbstractSet[str], encoding: str | None = None) -> pd.DataFrame:
    """One object a line. Numbers in `verbatim` columns stay as they are written: beside a gap, pandas would make 7 into 7.0."""
    import pandas as pd

    remedy = "write one JSON object a line"
    rows = []
    for number, line in enumerate(decode(raw, encoding).split("\n"), start=1):
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
    for column in notation.lost_digits(frame):
        cells = [row.get(column) for row in rows]
        if all(cell is None or type(cell) is int for cell in cells):
            frame[column] = notation.whole_numbers(cells)
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
        refuse_duplicates(file.schema_arrow.names)
        table = _unpacked(raw, file)
        table.validate(full=True)  # newer versions of pandas keep text as it is and stumble over it later
        table = table.drop_columns([name for name in table.column_names if _PANDAS_INDEX.fullmatch(name)])
        frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        what = f"is not a whole Parquet file ({error})"
        raise Unreadable(what, "write it again") from error
    for field in table.schema:
        if _needs_care(field.type):
            frame[field.name] = _as_written(table, field)
    for name in notation.lost_digits(frame):
        if pa.types.is_integer(table.schema.field(name).type):
            frame[name] = notation.whole_numbers(table.column(name).to_pylist())
    return frame


def _unpacked(raw: bytes, file: Any) -> Any:
    """The whole table. One that unpacks beyond the limit is refused by what the file says of itself, and by the lengths of its texts.

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
    nested_bytes = 0
    for part in file.iter_batches(batch_size=_FEW_ROWS, columns=nested) if nested else ():
        nested_bytes += part.nbytes
        if nested_bytes > file_bytes.MOST_BYTES:
            raise file_bytes.too_large("unpacks to")
    table = pq.ParquetFile(pa.BufferReader(raw), read_dictionary=texts).read()
    lengths = (pc.sum(pc.binary_length(part.dictionary).take(part.indices)).as_py() for name in texts for part in table.column(name).chunks)
    if sum(length or 0 for length in lengths) > file_bytes.MOST_BYTES:
        raise file_bytes.too_large("unpacks to")
    return table.cast(file.schema_arrow)


def _is_text(kind: Any) -> bool:
    """Text or bytes, with lengths of 32 or of 64 bits, as pandas 2 and pandas 3 write them."""
    import pyarrow as pa

    types = pa.types
    return bool(types.is_string(kind) or types.is_binary(kind) or types.is_large_string(kind) or types.is_large_binary(kind))


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
    if field.type.scale <= 0:
        return notation.whole_numbers([None if cell is None else int(cell) for cell in cells])
    return pd.Series([None if cell is None else float(cell) for cell in cells])
