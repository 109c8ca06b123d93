"""What columns are where nobody says so: roles by their names, and columns that number or name the rows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets.kinds import to_numbers
from audit.datasets.table import MOST_CLASSES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from audit.datasets.table import Dataset


NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "row_id"),
    "text": ("text", "sentence", "review", "comment"),
    "label": ("label", "target", "y", "y_true", "class"),
    "prediction": ("prediction", "predicted", "y_pred", "pred"),
    "score": ("score", "y_score", "probability", "proba"),
}
"""Column names that a role is taken from when nothing is said."""


def guess(data: Dataset, said: Mapping[str, object]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Roles taken from column names alone, but for those that are said, and what a reader must know of them."""
    there = list(data.cells.names)
    named = {role: column for role, known in NAMES.items() if (column := _called(known, there)) is not None}
    taken_roles = {*said, *(["score"] if "scores" in said else [])}
    free = {role: column for role, column in named.items() if role not in taken_roles}
    remarks = []
    others = set(there) - {column for column in (*free.values(), *said.values()) if isinstance(column, str)}
    if others and "text" in free and not reads_as_text(data, free["text"]):
        column = free.pop("text")
        remarks.append(
            f"{column} is not taken for the text, since few of its cells are filled and different: --column text={column} makes it so"
        )
    if free:
        taken = ", ".join(role if role == column else f"{role} from {column}" for role, column in free.items())
        remarks.insert(0, f"roles by the names of the columns: {taken}; --column ROLE=COLUMN names another, --column ROLE= none")
    return free, tuple(remarks)


def _called(known: Sequence[str], there: Sequence[str]) -> str | None:
    """The column with the first of the known names; in other case where none is written so and one alone is meant."""
    exact = next((name for name in known if name in there), None)
    other = next((same for name in known if (same := [column for column in there if column.lower() == name])), [])
    return exact or (other[0] if len(other) == 1 else None)


def reads_as_text(data: Dataset, column: str) -> bool:
    """Whether most cells are filled, and either many or most of the filled ones are different."""
    filled = [text for cell in data.cells.column(column).dropna().to_list() if (text := str(cell).strip())]
    different = len(set(filled))
    return 2 * len(filled) >= data.rows and (different > MOST_CLASSES or 2 * different >= len(filled))


_SAVED_INDEX = re.compile(r"unnamed: ?\d+|index|level_\d+|__index_level_\d+__|row([ _]?(id|no|nr|num|number|index))?", re.IGNORECASE)
_NAMED_ID = re.compile(r"(.*[ _.-])?(id|uuid|guid|key)", re.IGNORECASE)
_CAMEL_ID = re.compile(r".*[a-z](Id|ID)")
_TOKEN = re.compile(r"(?=.*\d)(?=.*[^\d.,+-])\S+")
"""One word with a digit and something else in it: an order number, a UUID."""
_DATE = re.compile(r"\d{2,4}[-/.]\d{1,2}[-/.]\d{1,4}(T.*)?")
_RUN = 20
"""Whole numbers that count as row numbers where they leave out hardly a one, whatever their column is called."""
_DENSE = 0.9
_FIRST = 1000
"""Numbers among which a fraction mostly is, where a column holds any."""


def is_called_identifier(name: str) -> bool:
    """Whether a column's name says that it names rows or entities: `id`, `cust_id`, `orderId`."""
    return bool(_NAMED_ID.fullmatch(name) or _CAMEL_ID.fullmatch(name))


def identifies_rows(tables: Sequence[Dataset], name: str) -> bool:
    """Whether a column of one or several tables numbers or names their rows: by its name or its values, and different in every row."""
    kinds = {data.kind(name).name for data in tables}
    if kinds <= {"category", "text"}:
        return _words_identify(tables, name)
    if kinds != {"number"} or not all(_is_whole(data, name) for data in tables):
        return False
    columns = [data.cells.column(name) for data in tables]
    finite = [np.isfinite(to_numbers(cells)) for cells in columns]
    cells = [part if there.all() else part[there] for part, there in zip(columns, finite, strict=True)]
    if not _can_differ(cells):
        return False
    if _SAVED_INDEX.fullmatch(name):
        return True
    numbers = [to_numbers(part) for part in cells]
    if any(map(_is_crowded, numbers)) or any(one.nunique() < len(one) for one in cells):
        return False
    return is_called_identifier(name) or _is_run(numbers)


def _words_identify(tables: Sequence[Dataset], name: str) -> bool:
    for data in tables:
        codes, distinct = data.cells.codes(name)
        if len(distinct) < np.count_nonzero(codes >= 0):  # known without a look at the cells
            return False
    cells = [data.cells.column(name).dropna() for data in tables]
    if not _can_differ(cells) or any(one.nunique() < len(one) for one in cells):
        return False
    return is_called_identifier(name) or _are_tokens(cells)


def _can_differ(cells: Sequence[pd.Series]) -> bool:
    """Whether each table has a filled cell, and there are two: one row differs from no other."""
    return all(map(len, cells)) and sum(map(len, cells)) > 1


def _is_whole(data: Dataset, name: str) -> bool:
    """Whether every number of a column is a whole one."""
    if data.cells.dtype(name).kind in "iu":
        return True
    numbers, finite = to_numbers(data.cells.column(name)), np.isfinite
    first = numbers[:_FIRST]
    return bool((first[finite(first)] % 1 == 0).all() and (numbers[finite(numbers)] % 1 == 0).all())


def _is_crowded(numbers: NDArray[np.float64]) -> bool:
    """Whether there are more whole numbers than places between the least and the largest, so that one comes twice."""
    return bool(len(numbers) > numbers.max() - numbers.min() + 1)


def _is_run(numbers: Sequence[NDArray[np.float64]]) -> bool:
    """Whether each table, or all together, count on with hardly a gap: rows that were drawn from one table keep its numbers."""
    together = np.unique(np.concatenate(numbers))
    return len(together) >= _RUN and (all(map(_is_dense, numbers)) or _is_dense(together))


def _is_dense(numbers: NDArray[np.float64]) -> bool:
    return bool(len(numbers) >= _DENSE * (numbers.max() - numbers.min() + 1))


def _are_tokens(cells: Sequence[pd.Series]) -> bool:
    texts = (cell for one in cells for cell in one)
    return all(isinstance(text, str) and _TOKEN.fullmatch(text) and not _DATE.fullmatch(text) for text in texts)
