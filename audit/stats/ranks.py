"""Ranks of values, as `scipy.stats.rankdata` gives them, without a second for the import of that package."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def mid_ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) ranks from 1; equal values share the mean of theirs. NaN throughout where a value is NaN."""
    order = np.argsort(values)
    ordered = values[order]
    if ordered.size and np.isnan(ordered[-1]):
        return np.full(len(values), np.nan)
    starts = tie_starts(ordered)
    ends = np.append(starts[1:], len(values))
    ranks = np.empty(len(values))
    ranks[order] = np.repeat((starts + ends + 1) / 2, ends - starts)
    return ranks


def tie_starts(ordered: NDArray[np.float64]) -> NDArray[np.int64]:
    """(k,) places at which each of the k different values begins."""
    begins = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=begins[1:])
    return np.flatnonzero(begins)
