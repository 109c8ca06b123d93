"""Rows made comparable: normalised text, and the number of the first row that says the same."""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets import canonical
from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from audit.datasets import Dataset

_LAST = 0x110000


@cache
def _marks() -> Mapping[int, str | None]:
    """Punctuation becomes a space; characters without a shape (category Cf, such as the zero-width space) vanish."""
    table: dict[int, str | None] = {}
    for code in range(_LAST):
        category = unicodedata.category(chr(code))
        if category[0] == "P":
            table[code] = " "
        elif category == "Cf":
            table[code] = None
    return table


def normalise(text: str) -> str:
    """Text without differences of Unicode form, case, punctuation and white space; a text of marks alone keeps its marks."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.translate(_marks()).split()) or " ".join(folded.split())


def compared(data: Dataset) -> tuple[str, ...]:
    """Columns that make two rows equal: the text, and the features where there is no text or the policy names them."""
    text = () if data.columns.text is None else (data.columns.text,)
    features = data.feature_names() if data.columns.features is not None or not text else ()
    names = tuple(dict.fromkeys(text + features))
    if not data.rows:
        msg = f"{data.role}: the data set has no rows"
        raise CannotMeasure(msg)
    if not names:
        msg = f"{data.role}: no column to compare: name columns.text or columns.features"
        raise CannotMeasure(msg)
    return names


def keys(tables: Sequence[Dataset], columns: Sequence[str]) -> tuple[NDArray[np.int64], ...]:
    """One array a data set: rows with the same number agree in every column, within and across data sets."""
    for data in tables:
        missing = [column for column in columns if column not in data.frame.columns]
        if missing:
            msg = f"{data.role}: no column {', '.join(map(repr, missing))}, which the other data set has: the rows cannot be compared"
            raise CannotMeasure(msg)
    key = np.zeros(sum(data.rows for data in tables), dtype=np.int64)
    for column in columns:
        codes = _codes(tables, column)
        key = np.unique(key * (int(codes.max(initial=0)) + 1) + codes, return_inverse=True)[1].astype(np.int64)
    return tuple(np.split(key, np.cumsum([data.rows for data in tables])[:-1]))


def _codes(tables: Sequence[Dataset], column: str) -> NDArray[np.int64]:
    """A column's cells as numbers from 0, equal where the cells are; missing cells are equal to each other."""
    import pandas as pd
    from pandas.api import types

    parts = [data.frame[column] for data in tables]
    if all(types.is_numeric_dtype(part) and not types.is_bool_dtype(part) for part in parts):
        cells = pd.concat(parts, ignore_index=True)
    else:
        known: dict[str, str] = {}
        cells = pd.Series([_cell(value, known) for part in parts for value in part.to_list()], dtype=object)
    return np.asarray(pd.factorize(cells)[0], dtype=np.int64) + 1


def _cell(value: object, known: dict[str, str]) -> str | None:
    text = canonical(value)
    if text is None or text == "<NA>":
        return None
    if text not in known:
        known[text] = normalise(text)
    return known[text]
