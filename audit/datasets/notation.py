"""Numbers as people write them: decimal points or commas, with or without separators between thousands; and long whole numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from audit.datasets.kinds import MOSTLY, distinct_cells

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

Mark: TypeAlias = Literal[".", ","]
EXACT = 2**53
"""Whole numbers below it are told apart as floats too."""
_WHOLE = re.compile(r"\s*[+-]?\d+\s*")
_SPACES = "\\u0020\\u00a0\\u202f\\u2009'\\u2019"


def _pattern(mark: Mark) -> re.Pattern[str]:
    """A number under a decimal mark: plain, or with one separator between groups of three digits; no zero before other digits."""
    other = "," if mark == "." else r"\."
    point = re.escape(mark)
    grouped = rf"[1-9]\d{{0,2}}(?:(?P<group>[{other}{_SPACES}])\d{{3}}(?:(?P=group)\d{{3}})*)"
    whole = rf"(?:{grouped}|0|[1-9]\d*)"
    return re.compile(rf"[+-]?(?:{whole}(?:{point}\d*)?|{point}\d+)(?:[eE][+-]?\d+)?")


_PATTERNS: dict[Mark, re.Pattern[str]] = {".": _pattern("."), ",": _pattern(",")}
_PLAIN = re.compile(r"[+-]?(?:(?:0|[1-9]\d*)\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_STRIPPED = re.compile(rf"[{_SPACES}]")
_FIRST, _LONGEST = frozenset("+-.,0123456789"), 60
"""Characters with which a number begins, and how many it has at most."""


def _fits(text: str, mark: Mark) -> bool:
    return text[:1] in _FIRST and len(text) <= _LONGEST and _PATTERNS[mark].fullmatch(text) is not None


def _fits_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None


def to_plain(text: str, mark: Mark) -> str | None:
    """A number as Python reads it, digits kept; None where the text is none under this mark."""
    text = text.strip()
    if not _fits(text, mark):
        return None
    text = _STRIPPED.sub("", text)
    return text.replace(",", "") if mark == "." else text.replace(".", "").replace(",", ".")


def mark_advice(cell: object) -> str:
    """What to set where a cell that is to be a number is one under a decimal comma."""
    is_number = isinstance(cell, str) and to_plain(cell, ",") is not None
    return '; where its comma is the decimal mark, set `decimal: ","`' if is_number else ""


class Notation:
    """A column of text looked at once: which of its different cells are numbers, under which mark."""

    def __init__(self, cells: pd.Series[Any]) -> None:
        self.codes, distinct = distinct_cells(cells)
        self.is_text = all(isinstance(value, str) for value in distinct if value is not None)
        self.texts = [value.strip() if isinstance(value, str) else "" for value in distinct]
        self.filled = [text for text in self.texts if text]
        self._point, self._comma = ({text for text in self.filled if _fits(text, mark)} for mark in (".", ","))
        self.plain = sum(_fits_plain(text) for text in self._point)
        """How many different cells are numbers as Python reads them."""

    def _of(self, mark: Mark) -> set[str]:
        return self._point if mark == "." else self._comma

    def is_written_with(self, mark: Mark) -> bool:
        """Whether every filled cell is a number under this mark."""
        return bool(self.filled) and all(text in self._of(mark) for text in self.filled)

    def mostly(self, mark: Mark) -> bool:
        """Whether nine different filled cells in ten are."""
        return bool(self.filled) and sum(text in self._of(mark) for text in self.filled) >= MOSTLY * len(self.filled)

    def only(self, mark: Mark) -> bool:
        """Whether a cell is a number under this mark and under the other it is none."""
        return bool(self._of(mark) - self._of("," if mark == "." else "."))

    @property
    def has_groups(self) -> bool:
        """Whether a number under the decimal point is written with separators between thousands."""
        return self.plain < len(self._point)

    @property
    def example(self) -> tuple[str, int]:
        """The first cell that is no plain number, and its row from 1."""
        odd = {code for code, text in enumerate(self.texts) if text and not _fits_plain(text)}
        row = next(row for row, code in enumerate(self.codes.tolist()) if code in odd)
        return self.texts[self.codes[row]], row + 1

    def read(self, mark: Mark) -> list[str | None]:
        """Each different cell as a plain number; an odd one as it stands, an empty one None."""
        return [(to_plain(text, mark) or text) if text else None for text in self.texts]


def series_of(codes: NDArray[np.int64], plain: Sequence[str | None]) -> pd.Series[Any]:
    """Rows' cells as numbers, from plain numbers that each different cell is; whole ones keep every digit."""
    import numpy as np
    import pandas as pd

    is_whole = all(_WHOLE.fullmatch(text) for text in plain if text is not None)
    if not is_whole:
        values = np.array([*(np.nan if text is None else float(text) for text in plain), np.nan])
        return pd.Series(values[codes])
    wholes = [None if text is None else int(text) for text in plain]
    cells = np.array([*wholes, None], dtype=object)[codes]
    return whole_numbers(cells.tolist())


def whole_numbers(cells: Sequence[int | None]) -> pd.Series[Any]:
    """Whole numbers beside blanks: as floats where these tell them apart, else as wide as they are."""
    import pandas as pd

    there = [cell for cell in cells if cell is not None]
    largest, least = max(there, default=0), min(there, default=0)
    if len(there) == len(cells) and least >= -(2**63) and largest < 2**63:
        return pd.Series(cells, dtype="int64")
    if least > -EXACT and largest < EXACT:
        return pd.Series(cells, dtype="float64")
    if least >= -(2**63) and largest < 2**63:
        return pd.Series(cells, dtype="Int64")
    if least >= 0 and largest < 2**64:
        return pd.Series(cells, dtype="UInt64")
    return pd.Series([None if cell is None else str(cell) for cell in cells], dtype=object)


def lost_digits(frame: pd.DataFrame) -> tuple[str, ...]:
    """Columns of floats that are all whole, one of them too large to be told from its neighbours."""
    import numpy as np

    found = []
    for name in frame.columns[(frame.dtypes == "float64").to_numpy()]:
        values = frame[name].to_numpy()
        values = values[np.isfinite(values)]
        if values.size and np.abs(values).max() >= EXACT and (values == np.floor(values)).all():
            found.append(str(name))
    return tuple(found)


def is_whole(text: str) -> bool:
    """Whether a text is a whole number in digits alone."""
    return _WHOLE.fullmatch(text) is not None
