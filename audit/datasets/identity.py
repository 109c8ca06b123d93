"""The digest of a data set's rows, so that a test set is known again in another file."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.canonical_text import canonical_values

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from audit.datasets.table import Dataset


def rows_sha256(data: Dataset, *, without: Collection[str] = ()) -> str:
    """SHA-256 of what the rows are, in whatever order they stand, without what a candidate says of them.

    A file that also holds saved predictions is another file for each candidate, and the same test set; so is one whose rows
    were shuffled. Rows are told apart by text and label, or by id and label, whatever these columns are called; where there
    is neither text nor id, by every column but those of predictions and scores. `without` names columns of other candidates.
    """
    telling = _telling(data, without)
    columns = [canonical_values(data.cells.column(column).to_list()) for column in telling.values()]
    digest = hashlib.sha256(json.dumps([data.rows, list(telling)]).encode())
    for row in sorted(json.dumps(cells) for cells in zip(*columns, strict=True)):
        digest.update(row.encode())
    return digest.hexdigest()


def _telling(data: Dataset, without: Collection[str]) -> dict[str, str]:
    """Columns that tell rows apart, under names that do not change with the file."""
    roles = data.columns
    if roles.id is not None or roles.text is not None:
        named = {"id": roles.id} if roles.text is None else {"text": roles.text}
        named |= {"label": roles.label}
        return {role: column for role, column in named.items() if column is not None and column in data.cells.names}
    said = {roles.prediction, roles.score, *_columns_of_scores(data), *without}
    return {column: column for column in sorted(data.cells.names) if column not in said}


def _columns_of_scores(data: Dataset) -> Iterator[str]:
    yield from (column for role, column in data.columns.named().items() if role.startswith("scores"))


_LEAST = 20
"""Different values, and changes of the label along them, below which a column could be alike in other rows by chance."""
_FEWEST_COLUMNS, _MOST_CELLS = 16, 5_000_000
"""Columns that are looked at in any case, and cells beyond which no further ones are."""


def columns_sha256(data: Dataset) -> tuple[str, ...]:
    """One digest of each column that tells rows apart, together with the label, whatever the roles, names and order of all others are.

    Two sets that share one are the same rows: nobody gets a fresh test set by declaring other roles. Left out are columns of few
    values. Numbers that only count rows, and texts, which may do so too, need a label that changes along them.
    """
    label = data.columns.label
    labels = None if label is None or label not in data.cells.names else _codes(_words(data.cells.column(label)))
    names = sorted(data.cells.names)[: max(_FEWEST_COLUMNS, _MOST_CELLS // max(data.rows, 1))]
    found = {_column_sha256(data.cells.column(name), labels) for name in names if name != label and _tells(data.cells.column(name))}
    return tuple(sorted(digest for digest in found if digest is not None))


def _tells(values: pd.Series[Any]) -> bool:
    """Whether a column has many different values."""
    try:
        return values.nunique() >= max(_LEAST, len(values) // 4)
    except TypeError:  # lists, which cannot be counted
        return False


def _column_sha256(values: pd.Series[Any], labels: NDArray[np.uint64] | None) -> str | None:
    cells: NDArray[Any] | None = _numbers(values)
    counts_rows = cells is None or bool(np.all(np.diff(np.sort(cells)) == 1))
    if cells is None:
        cells = _codes(_words(values))
    else:
        with np.errstate(over="ignore"):
            cells = cells.astype(np.float32)  # readers differ in the last digits
    codes = np.zeros(len(cells), dtype=np.uint64) if labels is None else labels
    order = np.lexsort((codes, cells))
    if counts_rows and np.count_nonzero(codes[order][1:] != codes[order][:-1]) < _LEAST:
        return None
    return hashlib.sha256(cells[order].tobytes() + codes[order].tobytes()).hexdigest()


def _numbers(values: pd.Series[Any]) -> NDArray[np.float64] | None:
    """(n,) a column's numbers, also where a role had them read as text; None where some are none."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(values):
        return None
    numeric = pd.to_numeric(values, errors="coerce")
    if numeric.isna().sum() > values.isna().sum():
        return None
    found: NDArray[np.float64] = numeric.to_numpy(dtype=np.float64, na_value=np.nan) + 0.0  # no -0.0
    return found


def _words(values: pd.Series[Any]) -> list[str]:
    """Every value as text, the same in every format."""
    return [str(text) for text in canonical_values(values.tolist())]


def _codes(words: list[str]) -> NDArray[np.uint64]:
    """(n,) eight bytes of each word's own digest."""
    known = {word: int.from_bytes(hashlib.sha256(word.encode("utf-8", "surrogatepass")).digest()[:8]) for word in set(words)}
    return np.array([known[word] for word in words], dtype=np.uint64)
