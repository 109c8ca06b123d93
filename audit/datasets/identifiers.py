"""Columns that number or name rows, and so differ in rows that are otherwise the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets.values import mostly_numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

_SAVED_INDEX = re.compile(r"unnamed: ?\d+|index|level_\d+|__index_level_\d+__|row([ _]?(id|no|nr|num|number|index))?", re.IGNORECASE)
_NAMED_ID = re.compile(r"(.*[ _.-])?(id|uuid|guid|key)", re.IGNORECASE)
_CAMEL_ID = re.compile(r".*[a-z](Id|ID)")
_TOKEN = re.compile(r"(?=.*\d)(?=.*[^\d.,+-])\S+")
"""One word with a digit and something else in it: an order number, a UUID."""
_DATE = re.compile(r"\d{2,4}[-/.]\d{1,2}[-/.]\d{1,4}(T.*)?")
_RUN = 20
"""Whole numbers that count as row numbers where they leave out hardly a one, wherever they are called nothing of the kind."""
_DENSE = 0.9


def identifies_rows(parts: Sequence[pd.Series], name: str) -> bool:
    """Whether a column of one or several tables numbers or names their rows: by its name or its values, and different in every row."""
    cells = [mostly_numbers(part.dropna()) for part in parts]
    if sum(map(len, cells)) < 2 or not all(len(one) for one in cells):  # noqa: PLR2004  # one row differs from no other
        return False
    whole = all(_whole(one) for one in cells)
    if whole and _SAVED_INDEX.fullmatch(name):
        return True
    if any(one.nunique() < len(one) for one in cells):
        return False
    words = all(one.dtype.kind not in "fcmMb" for one in cells)
    if (whole or words) and (_NAMED_ID.fullmatch(name) or _CAMEL_ID.fullmatch(name)):
        return True
    return _is_run(cells) if whole else words and _are_tokens(cells)


def _whole(cells: pd.Series) -> bool:
    """Whether all cells are whole numbers, also where blanks made them floats."""
    if cells.dtype.kind in "iu":
        return True
    return cells.dtype.kind == "f" and bool(np.equal(np.mod(cells.to_numpy(dtype=float), 1), 0).all())


def _is_run(cells: Sequence[pd.Series]) -> bool:
    """Whether each table, or all together, count on with hardly a gap: rows that were drawn from one table keep its numbers."""
    numbers = [one.to_numpy(dtype=float) for one in cells]
    together = np.unique(np.concatenate(numbers))
    return len(together) >= _RUN and (all(map(_is_dense, numbers)) or _is_dense(together))


def _is_dense(numbers: np.ndarray) -> bool:  # type: ignore[type-arg]
    return len(numbers) >= _DENSE * (numbers.max() - numbers.min() + 1)


def _are_tokens(cells: Sequence[pd.Series]) -> bool:
    texts = (cell for one in cells for cell in one)
    return all(isinstance(text, str) and _TOKEN.fullmatch(text) and not _DATE.fullmatch(text) for text in texts)
