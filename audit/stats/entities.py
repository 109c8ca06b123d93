"""What rows of one entity take from the information of a sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_FREEDOM = 0.5
"""Degrees of freedom of Student's t at least: a single entity has none."""


def design_effect(values: NDArray[np.float64], codes: NDArray[np.int64], entities: int) -> float:
    """Variance of the mean by entities over that of independent rows; see `effect_of_totals`. `codes` name the entities 0, 1, ..."""
    mean = float(values.mean())
    sizes = np.bincount(codes, minlength=entities).astype(float)
    totals = np.bincount(codes, weights=values - mean, minlength=entities).astype(float)
    return effect_of_totals(sizes, totals, float((values - mean) @ (values - mean)))


def effect_of_totals(sizes: NDArray[np.float64], totals: NDArray[np.float64], squares: float) -> float:
    """Design effect from (entities,) rows and sums of the rows' deviations from the mean, and the sum of the squares of these.

    At least 1, and at least 1 + (mean size of a row's entity - 1) times the intraclass correlation (Kish, Survey Sampling 1965):
    where the few rows that miss lie in small entities, the totals alone know too little. An entity with many of the rows pulls
    the mean towards itself, which its total does not show: the totals are divided by the share of the rows of all others (CR3,
    the jackknife of MacKinnon & White, Journal of Econometrics 1985).
    """
    n, entities = float(sizes.sum()), len(sizes)
    alike = float(sizes @ sizes) / n
    if entities < 2 or squares <= 0:  # noqa: PLR2004  # a variance needs two entities
        return alike
    parts = without_pull(totals, sizes)
    return max(1.0, float(parts @ parts) / squares, 1.0 + (alike - 1.0) * _intraclass(sizes, totals, squares))


def without_pull(totals: NDArray[np.float64], sizes: NDArray[np.float64]) -> NDArray[np.float64]:
    """(entities,) totals of deviations as they would be from the mean of the other entities; 0 for a single entity."""
    entities = len(sizes)
    if entities < 2:  # noqa: PLR2004  # there are no others
        return np.zeros(entities)
    found: NDArray[np.float64] = totals / (1 - sizes / sizes.sum()) * np.sqrt((entities - 1) / entities)
    return found


def mean_parts(deviations: NDArray[np.float64], clusters: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
    """(entities,) what each adds to the deviation of a mean, whose squares add up to its variance; and the effective entities.

    `deviations` are those of the rows from the mean, over the number of rows; of a weighted mean times its weights over their sum.
    """
    codes = np.unique(clusters, return_inverse=True)[1]
    sizes = np.bincount(codes).astype(float)
    totals = np.bincount(codes, weights=deviations).astype(float)
    return without_pull(totals, sizes), effective_entities(sizes)


def effective_entities(sizes: NDArray[np.float64]) -> float:
    """Entities of equal size that tell as much as these (Kish, Survey Sampling 1965)."""
    return round(float(sizes.sum() ** 2 / (sizes @ sizes)), 9)  # a whole number where all are of one size


def effective_number(clusters: NDArray[np.int64]) -> float:
    """The same from the entity of each row."""
    return effective_entities(np.unique(clusters, return_counts=True)[1].astype(float))


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


def small_sample(entities: float, alpha: float) -> float:
    """Factor on n that turns a normal quantile into Student's with one degree of freedom less than (effective) entities."""
    from scipy.special import ndtri, stdtrit

    if alpha >= 0.5:  # noqa: PLR2004  # both quantiles are 0 at the median
        return 1.0
    return float(ndtri(alpha) / stdtrit(max(entities - 1, LEAST_FREEDOM), alpha)) ** 2
