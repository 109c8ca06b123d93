"""JSON lines parsed into a table. Whatever could be read in two ways is refused."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, NoReturn

from audit.datasets import notation
from audit.datasets.file_bytes import Unreadable, decode

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    import pandas as pd


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
