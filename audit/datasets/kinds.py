"""What a column is made of: numbers, categories, texts, days, times, durations or truth values, with the odd cells counted."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from audit.redaction.masking import quoted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

KindName: TypeAlias = Literal["number", "category", "text", "day", "time", "duration", "boolean", "blank"]
EMPTY_WORDS = frozenset(
    {"#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"}
    | {"N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}
)
"""Words that `pandas.read_csv` takes for an empty cell unless it is told otherwise."""
MOSTLY = 0.9
"""Share of the filled cells, without words for empty ones, that are numbers (days, times) in a column of numbers with odd cells."""
_HALF, _FEW_WORDS, _MANY_NUMBERS = 0.5, 2, 20
"""Where one or two words alone stand among more different numbers than there are classes, half of the cells are enough."""
ORDERED: frozenset[KindName] = frozenset({"number", "day", "time", "duration", "boolean"})
"""Kinds whose cells are numbers on a scale: a day counts as days, times and durations as seconds, truth values as 0 and 1."""
_SHOWN_WORDS = 3
_FEW_ROWS = 100
"""Rows that are looked at first, since a column without a cell is rare."""
_SECONDS_A_DAY = 86_400
_EPOCH_DAY = date(1970, 1, 1).toordinal()
_FIRST, _LONGEST = frozenset("+-.0123456789"), 60
"""Characters with which a number, a day or a time begins, and how many it has at most."""
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
_CODE = re.compile(r"[+-]?0\d[\d.]*")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")


@dataclass(frozen=True, slots=True)
class OddCells:
    """Cells that are filled and not of their column's kind."""

    rows: int
    first: int
    """Place of the first row that holds one, from 0."""
    words: tuple[tuple[str, int], ...]
    """The most frequent of them with the number of their rows."""


@dataclass(frozen=True, slots=True)
class ColumnKind:
    """What a column is, and which of its cells are something else."""

    name: KindName
    rows: int
    blank: int
    """Rows whose cell is empty."""
    odd: OddCells | None = None
    declared: bool = False
    """Whether the data set's `types` say so."""

    @property
    def is_ordered(self) -> bool:
        """Whether its cells are numbers on a scale."""
        return self.name in ORDERED

    def describe(self, column: str, name_of_row: Callable[[int], str] = lambda row: f"{row + 1:,}") -> str:
        """`x: numbers in 398 of 400 rows; 'NA' in 2, first in row 8`; empty where no cell is odd."""
        if self.odd is None:
            return ""
        words = ", ".join(f"{quoted(word)} in {count:,}" for word, count in self.odd.words)
        more = self.odd.rows - sum(count for _, count in self.odd.words)
        words += f", other words in {more:,}" if more else ""
        right = self.rows - self.blank - self.odd.rows
        return f"{column}: {self.name}s in {right:,} of {self.rows:,} rows; {words}, first in row {name_of_row(self.odd.first)}"


@dataclass(frozen=True, slots=True, eq=False)
class NumberColumn:
    """A column as numbers."""

    values: NDArray[np.float64]
    """(n,) NaN where the cell is empty or odd."""
    kind: ColumnKind


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """A column's cells, each with what it is."""

    codes: NDArray[np.int64]
    """(n,) place of each row's cell; -1 where it is empty."""
    distinct: Sequence[object]
    kinds: NDArray[np.object_]
    """(k,) of each different cell; `code` is a number with a zero before its first digit."""
    numbers: NDArray[np.float64]
    """(k,) NaN where a cell is none."""

    def rows_of(self, *kinds: str) -> NDArray[np.bool_]:
        """(n,) rows whose cell is of one of these kinds."""
        return np.append(np.isin(self.kinds, kinds), "blank" in kinds)[self.codes]


Codes: TypeAlias = "tuple[NDArray[np.int64], Sequence[object]]"
"""What `distinct_cells` gives of a column."""


def kind_of(cells: pd.Series[Any], declared: KindName | None = None, codes: Callable[[], Codes] | None = None) -> ColumnKind:
    """The kind of a column: as declared, else by its type, else by what most of its cells are. `codes` gives its different cells."""
    if declared is not None:
        return _named(cells, declared, declared=True)
    simple = _kind_of_dtype(cells)
    if simple is not None:
        return _named(cells, simple, declared=False)
    parts = parts_of(cells, codes)
    blank = parts.rows_of("blank")
    name = Tally.of(parts).kind
    return ColumnKind(name, len(cells), int(blank.sum()), _odd(parts, name, blank))


def count(cells: pd.Series[Any], kind: ColumnKind, codes: Callable[[], Codes] | None = None) -> ColumnKind:
    """A kind that was found on all rows, with the empty and odd cells of these ones."""
    if kind.declared or _kind_of_dtype(cells) is not None:
        return _named(cells, kind.name, declared=kind.declared)
    parts = parts_of(cells, codes)
    blank = parts.rows_of("blank")
    return ColumnKind(kind.name, len(cells), int(blank.sum()), _odd(parts, kind.name, blank))


def to_numbers(cells: pd.Series[Any]) -> NDArray[np.float64]:
    """(n,) numbers, days since 1970, seconds since 1970 or seconds; NaN where a cell is none of these."""
    kind = cells.dtype.kind
    if kind == "m":
        return np.asarray(cells.dt.total_seconds().to_numpy(dtype=float), dtype=np.float64)
    if kind == "M":
        utc = cells.dt.tz_localize("UTC") if cells.dt.tz is None else cells.dt.tz_convert("UTC")
        return np.asarray((utc - datetime(1970, 1, 1, tzinfo=UTC)).dt.total_seconds().to_numpy(dtype=float), dtype=np.float64)
    if kind in "biuf":
        return np.asarray(cells.to_numpy(dtype=float, na_value=np.nan), dtype=np.float64)
    parts = parts_of(cells)
    numbers = parts.numbers
    if "time" in parts.kinds:  # beside times, a day is its midnight
        numbers = np.where(parts.kinds == "day", numbers * _SECONDS_A_DAY, numbers)
    return np.append(numbers, np.nan)[parts.codes]


def _kind_of_dtype(cells: pd.Series[Any]) -> KindName | None:
    """What the column's type says; None where its cells must be looked at."""
    if cells.iloc[:_FEW_ROWS].isna().all() and cells.isna().all():
        return "blank"
    if str(cells.dtype) == "category":
        return "category"
    named: dict[str, KindName] = {"b": "boolean", "i": "number", "u": "number", "f": "number", "M": "time", "m": "duration"}
    return named.get(cells.dtype.kind)


def _named(cells: pd.Series[Any], name: KindName, *, declared: bool) -> ColumnKind:
    return ColumnKind(name, len(cells), int(cells.isna().sum()), declared=declared)


def parts_of(cells: pd.Series[Any], codes: Callable[[], Codes] | None = None) -> Cells:
    """What each cell is. `codes` gives the different cells."""
    places, distinct = distinct_cells(cells) if codes is None else codes()
    found = [_part(value) for value in distinct]
    kinds = np.array([kind for kind, _ in found], dtype=object)
    return Cells(places, distinct, kinds, np.array([number for _, number in found], dtype=float))


def distinct_cells(cells: pd.Series[Any]) -> tuple[NDArray[np.int64], list[object]]:
    """(n,) places in a list of cells, -1 where there is none: each value once, or every cell where values of several kinds are mixed.

    In such a mixture 1, 1.0 and True would count as one value, and a list could not be looked up.
    """
    import pandas as pd

    if cells.dtype != object or pd.api.types.infer_dtype(cells, skipna=True) in {"string", "boolean"}:
        codes, distinct = pd.factorize(cells)
        return codes.astype(np.int64), pd.Series(distinct).to_list()
    return np.arange(len(cells)), cells.to_list()


_EMPTY = ("blank", math.nan)
_WORD = ("word", math.nan)


def _part(value: object) -> tuple[str, float]:
    """What one cell is, and its number."""
    if type(value) is str:  # the usual case of a column that must be looked at
        return _part_of_text(value.strip())
    if value is None or type(value).__name__ == "NAType" or value != value:  # noqa: PLR0124  # NaN and NaT are unequal to themselves
        return _EMPTY
    return next((part(value) for kind, part in _PARTS if isinstance(value, kind)), _WORD)


def _part_of_text(text: str) -> tuple[str, float]:
    if not text:
        return _EMPTY
    if text[0] not in _FIRST or len(text) > _LONGEST:
        return ("empty word", math.nan) if text in EMPTY_WORDS else _WORD
    if text in EMPTY_WORDS or _CODE.fullmatch(text):
        return "empty word" if text in EMPTY_WORDS else "code", math.nan
    return ("number", float(text)) if is_number(text) else _part_of_date(text)


def is_number(text: str) -> bool:
    """Whether a text without blanks around it writes a number."""
    return len(text) <= _LONGEST and _NUMBER.fullmatch(text) is not None


def _part_of_date(text: str) -> tuple[str, float]:
    try:
        if _DAY.fullmatch(text):
            return _part(date.fromisoformat(text))
        return _part(datetime.fromisoformat(text)) if _TIME.fullmatch(text) else _WORD
    except ValueError:
        return _WORD


def _part_of_time(value: Any) -> tuple[str, float]:
    return "time", (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()


_PARTS: tuple[tuple[Any, Callable[[Any], tuple[str, float]]], ...] = (
    (str, lambda value: _part_of_text(value.strip())),
    ((bool, np.bool_), lambda value: ("boolean", float(value))),
    (datetime, _part_of_time),
    (date, lambda value: ("day", float(value.toordinal() - _EPOCH_DAY))),
    (timedelta, lambda value: ("duration", value.total_seconds())),
    (time, lambda value: ("duration", (datetime.combine(date.min, value) - datetime.min).total_seconds())),  # noqa: DTZ901  # since midnight
    ((int, float, np.number, Decimal), lambda value: ("number", float(value))),
)
"""How a cell of each type is read; the first that fits counts, since a truth value is a whole number too."""


@dataclass(frozen=True, slots=True)
class Tally:
    """What the cells of a column are, from which its kind follows; the tallies of a column's parts add up."""

    rows: Counter[str]
    """By what their cell is."""
    only_text: bool = True
    """Whether every cell is a text."""
    words: frozenset[str] = frozenset()
    """Some of the different words: no more are kept than matter."""
    numbers: frozenset[float] = frozenset()
    """The same of numbers."""

    @classmethod
    def of(cls, parts: Cells) -> Tally:
        """Of some cells."""
        import pandas as pd

        there = np.bincount(parts.codes[parts.codes >= 0], minlength=len(parts.distinct))
        rows = Counter({"blank": int((parts.codes < 0).sum())})
        for kind, count in zip(parts.kinds.tolist(), there.tolist(), strict=True):
            rows[kind] += count
        only_text = all(isinstance(value, str) for value in parts.distinct if value is not None)
        words: set[str] = set()
        for value, kind in zip(parts.distinct, parts.kinds, strict=True):
            if len(words) > _FEW_WORDS:
                break
            words |= set() if kind in {"number", "empty word", "blank"} else {str(value)}
        numbers = pd.unique(parts.numbers[parts.kinds == "number"])[: _MANY_NUMBERS + 1]
        return cls(rows, only_text, frozenset(words), frozenset(numbers.tolist()))

    def plus(self, other: Tally) -> Tally:
        """Of the cells of both."""
        words = frozenset(islice(sorted(self.words | other.words), _FEW_WORDS + 1))
        numbers = frozenset(islice(sorted(self.numbers | other.numbers), _MANY_NUMBERS + 1))
        return Tally(self.rows + other.rows, self.only_text and other.only_text, words, numbers)

    @property
    def filled(self) -> int:
        """Rows whose cell is not empty."""
        return self.rows.total() - self.rows["blank"]

    @property
    def kind(self) -> KindName:
        """The kind of at least nine filled cells in ten. Codes such as 007 make categories; so does text that is numbers throughout."""
        counts = Counter(self.rows)
        meant = self.filled - counts["empty word"]
        enough = MOSTLY * meant
        if not meant or counts["code"]:
            return "category" if self.filled else "blank"
        if counts["number"] == self.filled and self.only_text:
            return "category"
        if counts["boolean"] == self.filled:
            return "boolean"
        counts["time"] += 0 if counts["day"] >= enough else counts["day"]  # a day is a time too
        names: tuple[KindName, ...] = ("number", "duration", "day", "time")
        found: KindName = next((name for name in names if counts[name] >= enough), "category")
        few_words = len(self.words) <= _FEW_WORDS and len(self.numbers) > _MANY_NUMBERS
        return "number" if found == "category" and counts["number"] >= _HALF * meant and few_words else found


def _odd(parts: Cells, name: KindName, blank: NDArray[np.bool_]) -> OddCells | None:
    if name not in ORDERED:
        return None
    odd = np.flatnonzero(~parts.rows_of(name, *(("day",) if name == "time" else ())) & ~blank)
    if not odd.size:
        return None
    words = Counter(str(parts.distinct[code]) for code in parts.codes[odd].tolist())
    return OddCells(len(odd), int(odd[0]), tuple(words.most_common(_SHOWN_WORDS)))
