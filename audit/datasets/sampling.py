"""Samples: rows drawn from a data set by its policy, and files that the policy declares to be a sample of more rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from audit import seeds
from audit.datasets.column_store import InMemory
from audit.errors import CannotMeasure, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.datasets.column_store import ColumnStore
    from audit.datasets.table import Dataset

_AT_ONCE = 65_536
"""Rows that are looked at together while the drawn ones are picked."""
_MOST_CELLS = 20_000_000
"""Cells of a sample up to which it is kept in memory, picked in one pass; the columns of a larger one are read as they are asked for."""


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows that stand for more rows than there are."""

    population: int
    """Rows that they stand for."""
    at_random: bool
    """Whether every choice of as many of these rows was equally likely."""


def draw(data: Dataset, *, rows: int | None, share: float | None, seed: int) -> Dataset:
    """Some rows, each equally likely, in their order; with `columns.group` some entities, each equally likely, with all their rows.

    The seed of the policy and the role decide which, so that the same data give the same sample.
    """
    if data.cells.profile is not None:
        msg = f"datasets.{data.role}: {data.path}: sample: is a profile, which holds no rows to draw from: leave `sample` out"
        raise InputError(msg)
    rng, column = seeds.stream(seed, f"datasets.{data.role}.sample"), data.columns.group
    try:
        entities = data.entities()
    except CannotMeasure as error:
        msg = f"datasets.{data.role}: {data.path}: {error}"
        raise InputError(msg) from error
    units = data.rows if entities is None else int(entities.max()) + 1
    wanted = max(1, round(units * (share if share is not None else min(1.0, (rows or 1) / data.rows))))
    if wanted >= units:
        return replace(data, remarks=(*data.remarks, f"`sample` asks for as many rows as there are: all {data.rows:,} are audited."))
    drawn = np.zeros(units, dtype=bool)
    drawn[rng.choice(units, wanted, replace=False, shuffle=False)] = True
    mask = drawn if entities is None else drawn[entities]
    of_what = "rows" if entities is None else f"entities in column {column!r}, with all their rows"
    count = int(mask.sum())
    remark = f"a sample is audited, drawn at random with the policy's seed: {wanted:,} of {units:,} {of_what}"
    remark += "." if entities is None else f", {count:,} of {data.rows:,}."
    cells = _picked(data.cells, mask)
    sample = Sample(data.rows, at_random=entities is None)
    return replace(data.where(mask), cells=cells, whole=data, sample=sample, remarks=(*data.remarks, remark))


def _picked(cells: ColumnStore, mask: NDArray[np.bool_]) -> ColumnStore:
    """The marked rows, picked in one pass over all columns where they are few enough for that."""
    if isinstance(cells, InMemory) or int(mask.sum()) * len(cells.names) > _MOST_CELLS:
        return cells.where(mask)
    import pandas as pd

    parts, start = [], 0
    for part in cells.batches(cells.names, _AT_ONCE):
        parts.append(part[mask[start : start + len(part)]])
        start += len(part)
    whole = pd.concat([part for part in parts if len(part)], ignore_index=True)
    return InMemory(whole.astype({name: cells.dtype(name) for name in cells.names}))


def declare(data: Dataset, *, share: float, how: Literal["random", "other"]) -> Dataset:
    """A data set whose file holds a share of the rows that it stands for, as its policy says."""
    whole = None if data.whole is None else replace(data.whole, sample=Sample(round(data.whole.rows / share), at_random=how == "random"))
    drawn_at_random = data.sample is None or data.sample.at_random
    sample = Sample(round((data.whole or data).rows / share), at_random=how == "random" and drawn_at_random)
    chosen = "drawn at random" if how == "random" else "not drawn at random"
    remark = f"its file is declared to be a sample of a larger population: {100 * share:g} % of its rows, {chosen}."
    return replace(data, sample=sample, whole=whole, remarks=(*data.remarks, remark))
