"""Cells compared as values: 12.0 is the number that `12.00` writes, float32 is float64, a date is the day that its text names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.canonical_text import canonical
from audit.datasets.kinds import is_number

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from audit.datasets.table import Dataset

_TRUTHS = {"true": 1, "false": 0}
_NARROW = (np.float16, np.float32)
_LARGEST_NARROW = float(np.finfo(np.float32).max)


def value_codes(tables: Sequence[Dataset], column: str) -> NDArray[np.int64]:
    """One column of several tables, in one array: equal numbers where the values are equal, 0 where a cell is blank.

    What one of the tables holds as numbers, times or durations is read so in all of them; a declared category is its text.
    """
    import pandas as pd
    from pandas.api import types

    dtypes, kinds = [data.cells.dtype(column) for data in tables], [data.kind(column) for data in tables]
    names = set() if any(kind.declared and not kind.is_ordered for kind in kinds) else {kind.name for kind in kinds}
    narrow = any(dtype in _NARROW for dtype in dtypes)
    if all(types.is_numeric_dtype(dtype) and not types.is_bool_dtype(dtype) for dtype in dtypes):
        parts = [data.cells.column(column) for data in tables]
        return _codes(pd.concat([_narrowed(part) if narrow else part for part in parts], ignore_index=True))
    if names & {"number", "boolean"}:
        return _by_key(tables, column, lambda cells: [_number(cell, narrow=narrow) for cell in cells])
    if names & {"day", "time"}:
        return _by_key(tables, column, _moments)
    return _by_key(tables, column, _durations if "duration" in names else lambda cells: [_text(cell) for cell in cells])


def _codes(cells: pd.Series) -> NDArray[np.int64]:
    import pandas as pd

    return np.asarray(pd.factorize(cells)[0], dtype=np.int64) + 1


def _narrowed(part: pd.Series) -> pd.Series:
    """Numbers as the least exact of the columns can hold them: 0.1 of a float32 column is the 0.1 of any other."""
    return part.astype("float64").astype("float32")


def _by_key(tables: Sequence[Dataset], column: str, keys: Callable[[list[object]], list[object]]) -> NDArray[np.int64]:
    """Codes by a key of each different cell. 1, 1.0 and True are one cell here; so are they one number where they stand together."""
    import pandas as pd

    codes: list[NDArray[np.int64]] = []
    found: list[object] = []
    for data in tables:
        places, cells = data.cells.codes(column)
        code, distinct = pd.factorize(pd.Series(cells, dtype=object))  # of columns of several types each cell was given
        codes.append(np.append(np.where(code < 0, -1, code + len(found)), -1)[places])
        found += list(distinct)
    of_key = _codes(pd.Series([*keys(found), None], dtype=object))
    return np.concatenate([of_key[code] for code in codes])


def _text(cell: object) -> object:
    """A cell as its text; an empty one is blank, as a CSV reads it."""
    return canonical(cell) or None


def _number(cell: object, *, narrow: bool) -> object:
    """A cell as the number that it is or writes, else as its text; a whole number exactly, however many digits it has."""
    if isinstance(cell, str):
        text = cell.strip()
        if not is_number(text):
            return _TRUTHS.get(text.lower(), _text(cell))
        cell = int(text) if text.lstrip("+-").isdigit() else float(text)
    if not isinstance(cell, (int, float, np.number, np.bool_)) or cell != cell:  # noqa: PLR0124  # NaN is unequal to itself
        return _text(cell)
    value = int(cell) if isinstance(cell, (int, np.integer, np.bool_)) else float(cell)
    if narrow and abs(value) <= _LARGEST_NARROW:
        value = float(np.float32(value))
    return int(value) if isinstance(value, int) or value.is_integer() else value


def _moments(cells: list[object]) -> list[object]:
    """Dates and times as moments; one without a zone is taken as UTC. A cell that names none stays text."""
    import pandas as pd

    found = pd.to_datetime(pd.Series([_text(cell) for cell in cells], dtype=object), errors="coerce", format="ISO8601", utc=True)
    return [moment if there else _text(cell) for cell, moment, there in zip(cells, found, found.notna(), strict=True)]


def _durations(cells: list[object]) -> list[object]:
    import pandas as pd

    found = pd.to_timedelta(pd.Series([_text(cell) for cell in cells], dtype=object), errors="coerce")
    return [duration if there else _text(cell) for cell, duration, there in zip(cells, found, found.notna(), strict=True)]
