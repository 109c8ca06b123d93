"""Cells compared as values: 12.0 is the number that `12.00` writes, float32 is float64, a date is the day that its text names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets.table import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_ZERO_LED = re.compile(r"[+-]?0\d")
_MOST = 0.9
"""Share of a text column's cells that write numbers, from which its cells are compared as numbers."""
_TRUTHS = {"true": 1, "false": 0}


def value_codes(parts: Sequence[pd.Series]) -> NDArray[np.int64]:
    """One column of several tables, in one array: equal numbers where the values are equal, 0 where a cell is blank."""
    import pandas as pd
    from pandas.api import types

    numeric = [types.is_numeric_dtype(part) and not types.is_bool_dtype(part) for part in parts]
    if all(numeric):
        return _codes(pd.concat(_of_one_width(parts), ignore_index=True))
    if any(map(_is_date, parts)):
        return _by_key(parts, _moments)
    if any(map(types.is_timedelta64_dtype, parts)):
        return _by_key(parts, _durations)
    if any(numeric) or any(types.is_bool_dtype(part) for part in parts) or _writes_numbers(parts):
        narrow = any(part.dtype in (np.float16, np.float32) for part in parts)
        return _by_key(parts, lambda cells: [_number(cell, narrow=narrow) for cell in cells])
    return _by_key(parts, lambda cells: [_text(cell) for cell in cells])


def mostly_numbers(cells: pd.Series) -> pd.Series:
    """Text as the numbers that it writes, without the few cells that write none; cells as they are where those are more than a few."""
    import pandas as pd

    if cells.dtype.kind in "biufcmM":
        return cells
    numbers = pd.to_numeric(cells, errors="coerce").dropna()
    return numbers if len(numbers) >= _MOST * len(cells) else cells


def quantities(cells: pd.Series) -> NDArray[np.float64] | None:
    """What a column of numbers, times or durations holds, without its blanks; None where it is none."""
    import pandas as pd
    from pandas.api import types

    there = mostly_numbers(cells.dropna())
    if there.dtype.kind in "iuf":
        return there.to_numpy(dtype=float)
    if types.is_timedelta64_dtype(there):
        return np.asarray(there.dt.total_seconds(), dtype=float)
    if types.is_bool_dtype(there):
        return None
    moments = pd.to_datetime(there.astype(str), errors="coerce", format="ISO8601", utc=True).dropna()
    return np.asarray(moments.astype("int64"), dtype=float) if len(moments) >= max(1, _MOST * len(there)) else None


def _codes(cells: pd.Series) -> NDArray[np.int64]:
    import pandas as pd

    return np.asarray(pd.factorize(cells)[0], dtype=np.int64) + 1


def _of_one_width(parts: Sequence[pd.Series]) -> list[pd.Series]:
    """Numbers as the least exact of the columns can hold them: 0.1 of a float32 column is the 0.1 of any other."""
    if any(part.dtype in (np.float16, np.float32) for part in parts):
        return [part.astype("float64").astype("float32") for part in parts]
    return list(parts)


def _by_key(parts: Sequence[pd.Series], keys: Callable[[list[object]], list[object]]) -> NDArray[np.int64]:
    """Codes by a key of each different cell. 1, 1.0 and True are one cell here; so are they one number where they stand together."""
    import pandas as pd

    codes, found = [], []
    for part in parts:
        code, distinct = pd.factorize(part.astype(object))
        codes.append(np.where(code < 0, -1, code + len(found)))
        found += list(distinct)
    of_key = _codes(pd.Series([*keys(found), None], dtype=object))
    return np.concatenate([of_key[code] for code in codes]) if codes else np.zeros(0, dtype=np.int64)


def _text(cell: object) -> object:
    """A cell as its text; an empty one is blank, as a CSV reads it."""
    return canonical(cell) or None


def _number(cell: object, *, narrow: bool) -> object:
    """A cell as the number that it is or writes, else as its text."""
    if isinstance(cell, str):
        text = cell.strip()
        if _NUMBER.fullmatch(text) is None:
            return _TRUTHS.get(text.lower(), _text(cell))
        cell = int(text) if text.lstrip("+-").isdigit() else float(text)
    if not isinstance(cell, (int, float, np.number, np.bool_)) or np.isnan(cell):
        return _text(cell)
    if narrow:
        cell = np.float32(cell)  # type: ignore[arg-type]
    return int(cell) if float(cell).is_integer() else float(cell)


def _writes_numbers(parts: Sequence[pd.Series]) -> bool:
    """Whether nearly every text in the columns writes a number; codes such as 007 are no numbers."""
    texts = [cell.strip() for part in parts for cell in part.dropna().unique() if isinstance(cell, str)]
    texts = [text for text in texts if text]
    numbers = sum(_NUMBER.fullmatch(text) is not None for text in texts)
    return bool(texts) and numbers >= _MOST * len(texts) and not any(map(_ZERO_LED.match, texts))


def _is_date(part: pd.Series) -> bool:
    from pandas.api import types

    if part.dtype != object:
        return types.is_datetime64_any_dtype(part)
    return types.infer_dtype(part, skipna=True) in {"date", "datetime", "datetime64"}


def _moments(cells: list[object]) -> list[object]:
    """Dates and times as moments; one without a zone is taken as UTC. A cell that names none stays text."""
    import pandas as pd

    found = pd.to_datetime(pd.Series([_text(cell) for cell in cells], dtype=object), errors="coerce", format="ISO8601", utc=True)
    return [_text(cell) if moment is pd.NaT else moment for cell, moment in zip(cells, found, strict=True)]


def _durations(cells: list[object]) -> list[object]:
    import pandas as pd

    found = pd.to_timedelta(pd.Series([_text(cell) for cell in cells], dtype=object), errors="coerce")
    return [_text(cell) if duration is pd.NaT else duration for cell, duration in zip(cells, found, strict=True)]
