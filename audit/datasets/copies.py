"""Rows that stand in a file many times: as evidence, copies of a row are one observation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets.identifiers import identifies_rows
from audit.datasets.values import value_codes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from audit.datasets.table import Dataset

DOMINATE = 0.5
"""Share of a file's rows that its rows are worth, by Kish's measure, from which on downwards copies dominate it."""


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """Rows by what they say."""

    codes: NDArray[np.int64]
    """(n,) the same number for copies of one row."""
    distinct: int
    most: int
    """Rows that are copies of the commonest one."""
    first: int
    """The first of these."""


def dominating_copies(data: Dataset) -> Copies | None:
    """Copies, where they dominate the file; None where they do not, or where nothing tells one case from another.

    Rows are copies where they agree in the text, or in every feature, and in label and prediction. Where rows that agree in the
    features differ in label or prediction, the features are too coarse to tell cases apart, and nothing is said.
    """
    answers = [column for column in (data.columns.label, data.columns.prediction) if column is not None]
    if data.columns.label is None or data.rows < 2:  # noqa: PLR2004  # one row has no copy
        return None
    codes, sizes = np.zeros(data.rows, dtype=np.int64), np.array([], dtype=np.int64)
    for column in _features(data):
        codes = _joined(codes, value_codes((data,), column))
        sizes = np.bincount(codes)
        if data.rows / float(sizes @ sizes) * data.rows > DOMINATE * data.rows:
            return None
    if not sizes.size:
        return None
    both = reduce(_joined, (value_codes((data,), column) for column in answers), codes)
    if both.max() > codes.max():
        return None
    common = int(sizes.argmax())
    return Copies(codes, len(sizes), int(sizes[common]), int(np.flatnonzero(codes == common)[0]))


def remark(data: Dataset) -> tuple[str, ...]:
    """That copies dominate a data set, where they do and no column says which rows belong together."""
    found = data.copies if data.columns.group is None else None
    if found is None:
        return ()
    different = f"{found.distinct:,} different one{'s' if found.distinct > 1 else ''}"
    text = f"{data.rows:,} rows hold {different} (row {data.shown(found.first)} is there {found.most:,} times): copies count as one"
    return (f"{text} observation in every interval. Leave them out, or name what tells the cases apart.",)


def _features(data: Dataset) -> Iterator[str]:
    """What tells one case from another: the text, else the features but for identifiers and groups; numbers with fractions first."""
    if data.columns.text is not None:
        yield data.columns.text
        return
    names = [name for name in data.feature_names() if name in data.cells.names and name not in data.columns.sensitive]
    for name in sorted(names, key=lambda name: data.cells.dtype(name).kind != "f"):
        if not identifies_rows((data,), name):
            yield name


def _joined(codes: NDArray[np.int64], more: NDArray[np.int64]) -> NDArray[np.int64]:
    joined: NDArray[np.int64] = np.unique(codes * (int(more.max()) + 1) + more, return_inverse=True)[1].astype(np.int64)
    return joined
