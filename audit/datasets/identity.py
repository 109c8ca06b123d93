"""The digest of a data set's rows, so that a test set is known again in another file."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from audit.datasets.table import canonical

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from audit.datasets.table import Dataset


def rows_sha256(data: Dataset, *, without: Collection[str] = ()) -> str:
    """SHA-256 of what the rows are, in their order, without what a candidate says of them.

    A file that also holds saved predictions is another file for each candidate, and the same test set. Rows are told apart by
    id, text and label; where there is neither id nor text, by every column but those of predictions and scores. `without`
    names columns of other candidates.
    """
    digest = hashlib.sha256(f"{data.rows} rows".encode())
    for column in _telling(data, without):
        cells = [canonical(value) for value in data.frame[column].to_list()]
        digest.update(json.dumps([column, cells]).encode())
    return digest.hexdigest()


def _telling(data: Dataset, without: Collection[str]) -> Iterator[str]:
    roles = data.columns
    if roles.id is not None or roles.text is not None:
        named = (roles.id, roles.text, roles.label)
        yield from (column for column in named if column is not None and column in data.frame.columns)
        return
    said = {roles.prediction, roles.score, *_columns_of_scores(data), *without}
    yield from (column for column in sorted(map(str, data.frame.columns)) if column not in said)


def _columns_of_scores(data: Dataset) -> Iterator[str]:
    yield from (column for role, column in data.columns.named().items() if role.startswith("scores"))
