"""What a data set declares of its columns: words that stand for an empty cell, and the type that a column has."""

from __future__ import annotations

from datetime import UTC, date, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from audit.canonical_text import canonical
from audit.datasets import notation
from audit.datasets.columns import quote
from audit.datasets.file_bytes import Unreadable
from audit.datasets.kinds import distinct_cells
from audit.redaction.masking import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from collections.abc import Set as AbstractSet

    import pandas as pd

    from audit.datasets.columns import ReadOptions
    from audit.datasets.kinds import KindName


def kinds_of_columns(options: ReadOptions) -> dict[str, KindName]:
    """The declared kinds by column; a date is a day."""
    return {column: "day" if name == "date" else name for column, name in options.types.items()}


def refuse_unknown_columns(options: ReadOptions, there: Iterable[str]) -> None:
    """A type of a column that is not there."""
    names = list(there)
    for column in options.types:
        if column not in names:
            near = get_close_matches(column, names, n=1)
            what = f"types.{column}: no column {column!r}" + (f", did you mean {near[0]!r}?" if near else "")
            raise Unreadable(what, f"it has {', '.join(names)}")


def empty_words(frame: pd.DataFrame, options: ReadOptions, texts: AbstractSet[str]) -> None:
    """Cells that say a word for an empty cell become empty; those of texts stay."""
    words = set(options.missing_words)
    if not words:
        return
    for name in [name for name in frame.columns if name not in texts]:
        cells = frame[name]
        if cells.dtype.kind == "O":
            gone = cells.map(lambda cell: isinstance(cell, str) and cell.strip() in words)
        elif cells.dtype.kind in "iuf":
            gone = cells.isin([float(word) for word in words if notation.to_plain(word, ".") is not None])
        else:
            continue
        if gone.any():
            frame[name] = cells.mask(gone.astype(bool))


def apply_types(frame: pd.DataFrame, options: ReadOptions, name_of_row: Callable[[int], str] = lambda row: f"{row + 1:,}") -> None:
    """The columns of a table as what they are declared to be; the first cell that is something else is refused, with its row's name."""
    for column, kind in kinds_of_columns(options).items():
        if column not in frame.columns:
            continue
        cells = frame[column]
        if kind == "number" and cells.dtype.kind in "iuf" and not cells.isin([float("inf"), float("-inf")]).any():
            continue
        codes, distinct = distinct_cells(cells)
        found = []
        for value in distinct:
            try:
                found.append(None if canonical(value) is None else _TYPES[kind](value))
            except (ValueError, TypeError):
                row = next(row for row, code in enumerate(codes.tolist()) if distinct[code] == value and code >= 0)
                _refuse_cell(name_of_row(row), value, column, kind)
        if kind == "time":
            found = _in_one_zone(found, column)
        frame[column] = _series(codes, found, kind)


def _refuse_cell(row: str, value: object, column: str, kind: str) -> None:
    shown = quoted(str(value))
    what = f"row {row} has {shown} in column {column!r}, which is declared to hold {_FORMS[kind]}"
    if kind == "number" and notation.to_plain(str(value), ",") is not None:
        raise Unreadable(what, 'say whether the comma is the decimal mark (`decimal: ","`) or stands between thousands (`decimal: "."`)')
    listed = f" (`missing: [{quote(str(value))}]`)" if shown == repr(str(value)) else ""
    raise Unreadable(what, f"mend it, or list it where it stands for an empty cell{listed}")


def _series(codes: Any, found: list[Any], kind: str) -> pd.Series[Any]:
    import numpy as np
    import pandas as pd

    if kind == "number":
        return notation.series_of(codes, found)
    cells = np.empty(len(found) + 1, dtype=object)
    cells[:-1] = found
    series = pd.Series(cells[codes], dtype=object)
    return pd.to_datetime(series) if kind == "time" else series


def _in_one_zone(found: list[datetime | None], column: str) -> list[datetime | None]:
    """Times with a zone as those of Greenwich; beside them one without is refused, since it may be of any."""
    zoned = [value is not None and value.tzinfo is not None for value in found]
    if not any(zoned):
        return found
    without = next((value for value, has in zip(found, zoned, strict=True) if value is not None and not has), None)
    if without is not None:
        what = f"column {column!r} has times with a zone and without one, such as {without.isoformat()!r}"
        raise Unreadable(what, "write the zone in every row, or in none")
    return [None if value is None else value.astimezone(UTC) for value in found]


def _number(value: object) -> str:
    text = str(value).strip()
    if isinstance(value, (bool, date)) or not (plain := text.removeprefix("+")):
        raise ValueError(text)
    float(plain.replace("_", "x"))  # Python reads 1_000 as a number, and files do not mean one
    if plain.strip("-").lower() in {"nan", "inf", "infinity"}:
        raise ValueError(text)
    return plain


def _day(value: object) -> date:
    if isinstance(value, str):
        return date.fromisoformat(value.strip())
    if isinstance(value, datetime) and (value.hour, value.minute, value.second, value.microsecond) == (0, 0, 0, 0):
        return value.date()
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError(value)


def _time(value: object) -> datetime:
    found = datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
    if isinstance(found, date) and not isinstance(found, datetime):
        found = datetime(found.year, found.month, found.day)  # noqa: DTZ001  # a file's days have no zone
    if not isinstance(found, datetime) or not _FIRST_YEAR < found.year < _LAST_YEAR:
        raise ValueError(value)
    return found


_FIRST_YEAR, _LAST_YEAR = 1677, 2262
"""Years whose times pandas can hold."""
_TYPES: dict[str, Callable[[object], Any]] = {"text": str, "category": canonical, "number": _number, "day": _day, "time": _time}
_FORMS = {
    "number": "numbers",
    "day": "days such as 2026-01-31",
    "time": "times such as 2026-01-31T12:00:00",
}
