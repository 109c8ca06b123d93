"""The digest of a data set's rows, so that a test set is known again in another file."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from audit.datasets.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from audit.datasets.table import Dataset


def rows_sha256(data: Dataset, *, without: Collection[str] = ()) -> str:
    """SHA-256 of what the rows are, in whatever order they stand, without what a candidate says of them.

    A file that also holds saved predictions is another file for each candidate, and the same test set; so is one whose rows
    were shuffled. Rows are told apart by text and label, or by id and label, whatever these columns are called; where there
    is neither text nor id, by every column but those of predictions and scores. `without` names columns of other candidates.
    """
    telling = _telling(data, without)
    columns = [[canonical(value) for value in data.frame[column].to_list()] for column in telling.values()]
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
        return {role: column for role, column in named.items() if column is not None and column in data.frame.columns}
    said = {roles.prediction, roles.score, *_columns_of_scores(data), *without}
    return {column: column for column in sorted(map(str, data.frame.columns)) if column not in said}


def _columns_of_scores(data: Dataset) -> Iterator[str]:
    yield from (column for role, column in data.columns.named().items() if role.startswith("scores"))
