"""Sentences on columns whose cells can be read in two ways."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets.kinds import distinct_cells
from audit.datasets.options import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.datasets.table import Dataset

EMPTY_WORDS = frozenset(
    {"#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>"}
    | {"N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"}
)
"""Words that `pandas.read_csv` takes for an empty cell unless it is told otherwise."""
_OWN_WORDS = ("id", "text", "group", "output", "label", "prediction", "score", "scores", "weight")
"""Roles in which odd words are refused, or are what the column is for."""


def on_columns(data: Dataset) -> tuple[str, ...]:
    """What a reader must know of columns of words and numbers, one sentence a column."""
    return tuple(text for column in _looked_at(data) for text in _on_column(data, column))


def _looked_at(data: Dataset) -> Iterator[str]:
    taken = {column for role, column in data.columns.named().items() if role.split(".")[0] in _OWN_WORDS}
    for column in map(str, data.frame.columns):
        if column not in taken and column not in data.types and data.frame[column].dtype.kind == "O":
            yield column


def _on_column(data: Dataset, column: str) -> Iterator[str]:
    kind = data.kind(column)
    if kind.odd is not None:
        words = [word.strip() for word, _ in kind.odd.words if not re.search(r"\d", word)]
        listed = ", ".join(map(quote, words))
        advice = f"Set `missing: [{listed}]` if it stands for an empty cell" if words else "Mend these cells"
        yield f"{kind.describe(column)}. {advice}, or set `types: {{{quote(column)}: text}}`."
    elif kind.name == "category":
        codes, distinct = distinct_cells(data.frame[column])
        is_word = np.array([*(isinstance(value, str) and value.strip() in EMPTY_WORDS for value in distinct), False])
        rows = np.flatnonzero(is_word[codes])
        if rows.size:
            word = str(distinct[codes[rows[0]]]).strip()
            what = f"{column}: {word!r} is read as a word, not as an empty cell, in {rows.size:,} of {data.rows:,} rows"
            empty, category = f"`missing: [{quote(word)}]`", f"`types: {{{quote(column)}: category}}`"
            advice = f"Set {empty} if it stands for an empty cell, as pandas takes it, or {category}"
            yield f"{what}, first in row {rows[0] + 1:,}. {advice}."
