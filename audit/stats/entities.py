"""What rows of one entity take from the information of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def design_effect(values: NDArray[np.float64], codes: NDArray[np.int64], entities: int) -> float:
    """Variance of the mean by entities' totals over that of independent rows, at least 1, and at least what likeness within entities asks.

    The latter is 1 + (mean size of a row's entity - 1) times the intraclass correlation (Kish, Survey Sampling 1965): where
    the few rows that miss lie in small entities, the totals alone know too little. `codes` name the entities 0 to `entities` - 1.
    """
    n, mean = len(values), float(values.mean())
    sizes = np.bincount(codes, minlength=entities).astype(float)
    alike = float(sizes @ sizes) / n
    if entities < 2 or np.all(values == values[0]):  # noqa: PLR2004  # a variance needs two entities
        return alike
    totals = np.bincount(codes, weights=values - mean, minlength=entities)
    clustered = entities / (entities - 1) * float(totals @ totals) / n**2
    squares = float((values - mean) @ (values - mean))
    return max(1.0, clustered / (squares / n**2), 1.0 + (alike - 1.0) * _intraclass(sizes, totals.astype(float), squares))


def _intraclass(sizes: NDArray[np.float64], totals: NDArray[np.float64], squares: float) -> float:
    """Intraclass correlation by analysis of variance (Donner, International Statistical Review 1986), 0 to 1.

    `totals` and `squares` are those of the deviations from the mean of all rows.
    """
    n, entities = sizes.sum(), len(sizes)
    if n <= entities:
        return 0.0
    explained = float(totals @ (totals / sizes))
    between, within = explained / (entities - 1), (squares - explained) / (n - entities)
    typical = (n - sizes @ sizes / n) / (entities - 1)
    total = between + (typical - 1) * within
    return float(np.clip((between - within) / total, 0.0, 1.0)) if total > 0 else 0.0


def by_entity(values: NDArray[np.float64], clusters: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """(entities,) sums of the rows' values; the (n,) values themselves where rows are independent."""
    if clusters is None:
        return values
    return np.bincount(np.unique(clusters, return_inverse=True)[1], weights=values).astype(np.float64)


def small_sample(entities: int, alpha: float) -> float:
    """Factor on n that turns a normal quantile into Student's with one degree of freedom less than entities."""
    from scipy.special import ndtri, stdtrit

    if alpha >= 0.5:  # noqa: PLR2004  # both quantiles are 0 at the median
        return 1.0
    return float(ndtri(alpha) / stdtrit(max(entities - 1, 1), alpha)) ** 2
