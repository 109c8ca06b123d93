"""Sentences on columns whose cells can be read in two ways."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets.columns import quote
from audit.datasets.kinds import EMPTY_WORDS, MOSTLY
from audit.redaction.masking import looks_personal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.datasets.kinds import ColumnKind
    from audit.datasets.table import Dataset

_OWN_WORDS = ("id", "text", "output", "label", "prediction", "score", "scores", "weight")
"""Roles in which odd words are refused, or are what the column is for."""


_MOSTLY_BLANK = 0.5
"""Share of blank texts from which on they are reported."""
_UNIT = re.compile(
    r"(?P<before>[$€£¥₹]|(?:EUR|USD|GBP|CHF)(?= ))? ?[+-]?\d[\d.,]*(?:[eE][+-]?\d+)? ?"
    r"(?P<behind>[%‰°$€£¥₹]|°[CF]|EUR|USD|GBP|CHF|[kmµ]?g|[kcmµ]?m|[mµn]?s|min|h|[kM]?Wh|[mc]?l|px|[kMG]?B)?"
)
"""A number with a sign of currency before it, or a unit behind it: `3%`, `$ 12.50`, `70 kg`. Other letters may be part of a code."""
_DIFFERENT = 10
"""Different cells below which numbers with a unit may as well be categories."""
_SHOWN = 3
"""Columns that are listed one by one; more of them are summarised."""


def on_columns(data: Dataset) -> tuple[str, ...]:
    """What a reader must know of columns of words and numbers."""
    numbers: list[tuple[str, str]] = []
    words: list[tuple[str, str]] = []
    for column in _looked_at(data):
        kind = data.kind(column)
        if kind.odd is not None:
            numbers.append(_odd_cells(data, kind, column))
        elif kind.name == "category":
            words += filter(None, (_empty_words(data, column), _units(data, column)))
    return (*_blank_texts(data), *_together(numbers, "numbers"), *_together(words, "categories"))


def _blank_texts(data: Dataset) -> Iterator[str]:
    column = data.columns.text
    blank = 0 if column is None else int(data.blank(column).sum())
    if blank and blank >= _MOSTLY_BLANK * data.rows:
        yield f"column {column!r} holds no text in {blank:,} of {data.rows:,} rows."


def _looked_at(data: Dataset) -> Iterator[str]:
    taken = {column for role, column in data.columns.named().items() if role.split(".")[0] in _OWN_WORDS}
    for column in data.cells.names:
        if column not in taken and column not in data.types and data.cells.dtype(column).kind == "O":
            yield column


def _together(found: list[tuple[str, str]], of: str) -> Iterator[str]:
    """Each column's sentence with what to do; of many columns those of the first, and how many more there are."""
    for what, advice in found[:_SHOWN]:
        yield f"{what}. {advice}."
    if len(found) > _SHOWN:
        columns = ", ".join(what.partition(":")[0] for what, _ in found[_SHOWN:][:_MOST])
        more = f" and {len(found) - _SHOWN - _MOST} more" if len(found) > _SHOWN + _MOST else ""
        yield f"The same holds of {len(found) - _SHOWN} further columns of {of}: {columns}{more}."


_MOST = 10
"""Names of further columns."""


def _odd_cells(data: Dataset, kind: ColumnKind, column: str) -> tuple[str, str]:
    words = [word.strip() for word, _ in kind.odd.words if not re.search(r"\d", word) and not looks_personal(word)] if kind.odd else []
    listed = ", ".join(map(quote, words))
    advice = f"Set `missing: [{listed}]` if it stands for an empty cell" if words else "Mend these cells"
    return kind.describe(column, data.cells.name_of_row), f"{advice}, or set `types: {{{quote(column)}: text}}`"


def _empty_words(data: Dataset, column: str) -> tuple[str, str] | None:
    codes, distinct = data.cells.codes(column)
    is_word = np.array([*(isinstance(value, str) and value.strip() in EMPTY_WORDS for value in distinct), False])
    rows = np.flatnonzero(is_word[codes])
    if not rows.size:
        return None
    word = str(distinct[codes[rows[0]]]).strip()
    what = (
        f"{column}: {word!r} is read as a word, not as an empty cell, in {rows.size:,} of {data.rows:,} rows, first in row "
        f"{data.cells.name_of_row(int(rows[0]))}"
    )
    empty, category = f"`missing: [{quote(word)}]`", f"`types: {{{quote(column)}: category}}`"
    return what, f"Set {empty} if it stands for an empty cell, as pandas takes it, or {category}"


def _units(data: Dataset, column: str) -> tuple[str, str] | None:
    """Numbers that are words because of the unit in every cell."""
    codes, distinct = data.cells.codes(column)
    found = [_UNIT.fullmatch(value.strip()) if isinstance(value, str) else None for value in distinct]
    units = Counter(match.groups("") for match in found if match is not None)
    if not units or len(distinct) < _DIFFERENT:
        return None
    (before, behind), _ = units.most_common(1)[0]
    same = np.array([*(match is not None and match.groups("") == (before, behind) for match in found), False])
    rows, filled = int(same[codes].sum()), int((codes >= 0).sum())
    if not before + behind or rows < MOSTLY * filled:
        return None
    example = quoted(str(distinct[int(codes[np.flatnonzero(same[codes])[0]])]))
    what = f"{column}: numbers with {before + behind!r} in {rows:,} of {data.rows:,} rows, such as {example}, are read as words"
    return what, f"Write the numbers alone if they are amounts, or set `types: {{{quote(column)}: text}}`"
