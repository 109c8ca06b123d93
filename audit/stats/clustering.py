"""Entities that rows belong to: what they take from a sample's information, and how far two estimates move together."""

from __future__ import annotations

import math
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True, eq=False)
class Influence:
    """What each entity adds to an estimate."""

    entities: NDArray[np.int64]
    """(k,) codes, rising."""
    moved: NDArray[np.float64]
    """(k,) by how much its rows move the estimate."""
    rows: NDArray[np.float64]
    """(k,) how many there are."""
    variance: float
    """Of the estimate, as its interval has it: the sum of the squares at least."""

    @classmethod
    def of(cls, deviations: NDArray[np.float64], clusters: NDArray[np.int64], variance: float = 0.0) -> Influence:
        """From (n,) by how much each row moves the estimate, which come to 0, and the entity of each."""
        entities, codes, rows = np.unique(clusters, return_inverse=True, return_counts=True)
        k = len(entities)
        moved = np.bincount(codes, weights=deviations).astype(np.float64) * math.sqrt(k / max(1, k - 1))
        return cls(entities, moved, rows.astype(float), max(variance, float(moved @ moved)))

    def minus(self, other: Influence) -> Influence:
        """Of this estimate minus the other; an entity may be behind both."""
        entities, codes = np.unique(np.concatenate([self.entities, other.entities]), return_inverse=True)
        moved = np.bincount(codes, weights=np.concatenate([self.moved, -other.moved])).astype(np.float64)
        rows = np.bincount(codes, weights=np.concatenate([self.rows, other.rows])).astype(np.float64)
        return Influence(entities, moved, rows, float(moved @ moved))


def cluster_correlation(first: Influence | None, second: Influence | None) -> tuple[float, float]:
    """Correlation of two estimates, and how many entities of equal weight are behind both (Kish, Survey Sampling 1965).

    Entities are independent, so that the covariance is the sum of the products of what each adds to the one and to the other
    (Obuchowski, Statistics in Medicine 1998, for two shares). Both are 0 for two samples; a single entity does not show
    how the two go together, so the worst is taken.
    """
    if first is None or second is None:
        return 0.0, 0.0
    _, i, j = np.intersect1d(first.entities, second.entities, assume_unique=True, return_indices=True)
    if not len(i):
        return 0.0, 0.0
    weight = np.sqrt(first.rows[i] * second.rows[j])
    shared = float(weight.sum() ** 2 / (weight @ weight))
    if len(first.entities) == 1 or len(second.entities) == 1:
        return -1.0, shared
    return correlation_of(float(first.moved[i] @ second.moved[j]), first.variance, second.variance), shared


def correlation_of(covariance: float, first: float, second: float) -> float:
    """Of two estimates from their covariance and the variance of each; 0 where either does not vary."""
    spread = math.sqrt(first) * math.sqrt(second)
    return float(np.clip(covariance / spread, -1.0, 1.0)) if spread > 0 else 0.0


def correlation_of_parts(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """The same from (units,) what each row or entity adds to the deviation of each estimate."""
    return correlation_of(float(first @ second), float(first @ first), float(second @ second))


def correlations(covariances: NDArray[np.float64]) -> NDArray[np.float64]:
    """(k, k) of the same; 1 where an estimate does not vary."""
    size = np.sqrt(np.diag(covariances))
    spread = np.outer(size, size)
    found: NDArray[np.float64] = np.divide(covariances, spread, out=np.ones_like(covariances), where=spread > 0)
    return found


def shrink_correlation(correlation: float, shared: float, alpha: float) -> float:
    """The correlation as an end at this level counts it, where what is positive makes the interval narrower.

    As if 2 t² entities more had shown none, with Student's t at the level. For two shares whose entities agree throughout, the
    ends of their difference (from Wilson's, Zou 2007) are then t² / entities away: about as far as Tango's paired score has
    them (Statistics in Medicine 1998), and no longer 0. A `shared` of 0 leaves the correlation as it is.
    """
    from scipy.special import stdtrit

    if correlation <= 0 or shared <= 0:
        return correlation
    return correlation * shared / (shared + 2 * float(stdtrit(max(shared - 1, 1), alpha)) ** 2)


def frechet_minimum(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The lowest correlation of two flags with chances in these ranges (Fréchet, Annales de l'Université de Lyon 1951)."""
    least, most = (math.sqrt(_odds(a) * _odds(b)) for a, b in zip(one, other, strict=True))
    if least <= 1 <= most:
        return -1.0
    return -most if most < 1 else -1 / least


def _odds(chance: float) -> float:
    return chance / max(1 - chance, 1e-300)


def mover_distance(one: float, other: float, correlation: float) -> float:
    """How far a difference's end is away where it moves by these two distances (Zou, Psychological Methods 2007)."""
    if math.isinf(one) or math.isinf(other):
        return math.inf
    return math.sqrt(max(0.0, one**2 + other**2 - 2 * correlation * one * other))
