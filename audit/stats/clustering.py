"""Entities with rows behind two estimates: how far these move together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    (Obuchowski, Statistics in Medicine 1998, for two shares). Both are 0 for two samples; of a single entity nothing can be told
    of how the two go together, and the worst is taken.
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
    spread = math.sqrt(first.variance * second.variance)
    return (float(np.clip(first.moved[i] @ second.moved[j] / spread, -1.0, 1.0)) if spread > 0 else 0.0), shared


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
