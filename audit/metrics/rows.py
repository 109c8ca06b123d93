"""Rows that say the same: which columns decide it, and where in its own or another data set a row stands too."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.datasets.guessed_roles import identifies_rows
from audit.datasets.values import value_codes
from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from audit.datasets import Dataset

_LAST = 0x110000
_DISTINCT = 0.99
"""Share of the cells that are different where a column is said to differ in every row."""


@cache
def _marks() -> Mapping[int, str | None]:
    """Punctuation becomes a space; characters without a shape (category Cf, such as the zero-width space) vanish."""
    kinds = {code: unicodedata.category(chr(code)) for code in range(_LAST)}
    return {code: None if kind == "Cf" else " " for code, kind in kinds.items() if kind == "Cf" or kind[0] == "P"}


@cache
def _shapeless() -> Mapping[int, str | None]:
    return {code: None for code, mark in _marks().items() if mark is None}


def normalise(text: str) -> str:
    """Text without differences of Unicode form, case, punctuation and white space; a text of marks alone keeps its marks."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.translate(_marks()).split()) or " ".join(folded.translate(_shapeless()).split())


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The cells of one or more data sets in the columns that they are compared by, as codes that are equal where the values are."""

    tables: tuple[Dataset, ...]
    columns: tuple[str, ...]
    text: str | None
    """The column of texts among them."""
    left_out: tuple[str, ...] = ()
    """Sentences on columns that are not compared."""
    _codes: dict[str, NDArray[np.unsignedinteger[Any]]] = field(default_factory=dict)
    """Of the columns that were read so far, as narrow as their numbers allow."""

    def codes(self, column: str) -> NDArray[np.unsignedinteger[Any]]:
        """(rows of all data sets,) 0 where a cell is blank."""
        if column not in self._codes:
            found = _text_codes(self.tables) if column == self.text else value_codes(self.tables, column)
            self._codes[column] = found.astype(np.min_scalar_type(int(found.max(initial=0))))
        return self._codes[column]

    def keys(self, columns: Sequence[str]) -> tuple[NDArray[np.int64], ...]:
        """One array a data set: rows with the same number agree in every one of these columns; -1 where a row has nothing but a blank text.

        Blank cells of other columns are equal to each other. Columns of fractions come first: once all rows differ, no other is read.
        """
        import pandas as pd

        rows = sum(data.rows for data in self.tables)
        key, different = np.zeros(rows, dtype=np.int64), np.arange(min(rows, 1))
        for column in sorted(
            columns, key=lambda name: any(data.cells.dtype(name).kind != "f" for data in self.tables if name != self.text)
        ):
            if len(different) == rows and self.text not in columns:
                break
            codes = self.codes(column)
            key, different = pd.factorize(key * (int(codes.max(initial=0)) + 1) + codes.astype(np.int64))
        if self.text in columns:
            key[np.logical_and.reduce([self.codes(column) == 0 for column in columns])] = -1
        return self._split(key)

    def _holds_fractions(self, column: str) -> bool:
        return column != self.text and all(data.cells.dtype(column).kind == "f" for data in self.tables)

    def of(self, column: str) -> tuple[NDArray[np.int64], ...]:
        """One column's codes in each data set."""
        return self._split(self.codes(column).astype(np.int64))

    def differs_in_every_row(self, column: str) -> bool:
        """Whether hardly a value of a column comes twice in a data set, texts as wholes apart."""
        if column == self.text or any(_has_few_values(data, column) for data in self.tables):
            return False
        there = [np.bincount(codes)[1:] for codes in self.of(column)]
        return all(rows.sum() > 1 and np.count_nonzero(rows) >= _DISTINCT * rows.sum() for rows in there)

    def _split(self, values: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        return tuple(np.split(values, np.cumsum([data.rows for data in self.tables])[:-1]))


def _has_few_values(data: Dataset, column: str) -> bool:
    """Whether the range of a column of whole numbers leaves no room for a different one in hardly every row."""
    if not isinstance(data.cells.dtype(column), np.dtype) or data.cells.dtype(column).kind not in "iu":
        return False
    cells = data.cells.column(column)
    return int(cells.max()) - int(cells.min()) + 1 < _DISTINCT * data.rows


def comparison(tables: Sequence[Dataset], named: Sequence[str] | None = None) -> Comparison:
    """What rows are compared by: the text, and the features where there is no text or the policy names them; or the `named` columns.

    Columns that identify rows are left out, unless they are named here; so are those that a data set lacks.
    """
    for data in tables:
        if not data.rows:
            msg = f"{data.role}: the data set has no rows"
            raise CannotMeasure(msg)
    texts = [data.columns.text for data in tables]
    text = texts[0] if None not in texts else None
    wanted = _wanted(tables, text) if named is None else tuple(dict.fromkeys(named))
    kept, lacking, identifying = [], [], []
    for name in wanted:
        if not _shared(tables, name, text):
            lacking.append(name)
        elif named is None and name != text and identifies_rows(tables, name):
            identifying.append(name)
        else:
            kept.append(name)
    if not kept or (named is not None and lacking):
        raise CannotMeasure(_nothing(tables, lacking, identifying))
    left_out = (*_of_one(tables, lacking), *(f"{name} is left out: it numbers or names the rows." for name in identifying))
    return Comparison(tuple(tables), tuple(kept), text, left_out)


def _wanted(tables: Sequence[Dataset], text: str | None) -> tuple[str, ...]:
    named = any(data.columns.features is not None for data in tables)
    features = [name for data in tables for name in data.feature_names() if _is_feature(tables, name)] if named or text is None else []
    texts = {data.columns.text for data in tables} if text is not None else set()
    return tuple(dict.fromkeys([*([] if text is None else [text]), *(name for name in features if name not in texts)]))


def _is_feature(tables: Sequence[Dataset], name: str) -> bool:
    """Whether no data set gives the column another role, such as that of a prediction."""
    return all(name in data.feature_names() or name not in data.cells.names for data in tables)


def _shared(tables: Sequence[Dataset], name: str, text: str | None) -> bool:
    return name == text or all(name in data.cells.names for data in tables)


def _of_one(tables: Sequence[Dataset], names: Sequence[str]) -> Iterator[str]:
    for name in names:
        lacks = ", ".join(data.role for data in tables if name not in data.cells.names)
        yield f"{name} is left out: {lacks} has no such column."


def _nothing(tables: Sequence[Dataset], lacking: Sequence[str], identifying: Sequence[str]) -> str:
    """Why no column is left to compare, and what to do."""
    role = tables[0].role
    if lacking:
        lacks = next(data for data in tables if lacking[0] not in data.cells.names)
        there = ", ".join(lacks.cells.names)
        return f"{lacks.role}: no column {', '.join(map(repr, lacking))} to compare rows by; there are {there}"
    if identifying:
        return f"{role}: nothing but {', '.join(identifying)}, which identifies the rows: name columns.text or columns.features"
    return f"{role}: no column to compare: name columns.text or columns.features"


def _text_codes(tables: Sequence[Dataset]) -> NDArray[np.int64]:
    """Normalised texts as codes; 0 for blank ones."""
    import pandas as pd

    codes, texts = pd.factorize(np.array([text for data in tables for text in data.texts()], dtype=object))
    normalised = pd.factorize(np.array([normalise(text) or None for text in texts], dtype=object))[0] + 1
    return np.asarray(normalised[codes], dtype=np.int64)
