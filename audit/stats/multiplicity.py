"""Many tests at once: adjusted p-values, which are compared with the level that the whole list may err at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Step-down p-values: those at most alpha hold one false alarm or more with chance alpha at most, however the tests hang together.

    Holm, Scandinavian Journal of Statistics 1979. One list a row: (..., m) in, (..., m) out.
    """
    p, order = _sorted(p_values)
    left = np.arange(p.shape[-1], 0, -1)
    return _unsorted(np.minimum(1.0, np.maximum.accumulate(p * left, axis=-1)), order)


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Step-up p-values: among those at most q, a share of q at most is expected to be false alarms.

    Benjamini & Hochberg, JRSS B 1995: for independent tests, and for such as rise and fall together (Benjamini & Yekutieli,
    Annals of Statistics 2001). One list a row: (..., m) in, (..., m) out.
    """
    p, order = _sorted(p_values)
    rank = np.arange(1, p.shape[-1] + 1)
    stepped = np.minimum.accumulate((p * (p.shape[-1] / rank))[..., ::-1], axis=-1)[..., ::-1]
    return _unsorted(np.minimum(1.0, stepped), order)


def false_coverage(p_values: ArrayLike, q: float) -> float:
    """Error of each end of the intervals of those that `benjamini_hochberg` rejects at q, of which a share of q at most then misses.

    Benjamini & Yekutieli, JASA 2005: q times the share of the list that is rejected. An end at this level that faces the
    hypothesis lies beyond it wherever the p-value is the level at which that end reaches it. 0 where nothing is rejected.
    """
    adjusted = benjamini_hochberg(p_values)
    return float(q * np.mean(adjusted <= q)) if adjusted.size else 0.0


def _sorted(p_values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Rising along the last axis, and where each came from."""
    p = np.asarray(p_values, dtype=float)
    if p.ndim == 0 or not np.all((p >= 0) & (p <= 1)):
        msg = "p-values are a list of numbers from 0 to 1"
        raise ValueError(msg)
    order = np.argsort(p, axis=-1, kind="stable")
    return np.take_along_axis(p, order, axis=-1), order


def _unsorted(values: NDArray[np.float64], order: NDArray[np.intp]) -> NDArray[np.float64]:
    found = np.empty_like(values)
    np.put_along_axis(found, order, values, axis=-1)
    return found
