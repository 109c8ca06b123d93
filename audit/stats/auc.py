"""Area under the ROC curve."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeVar

import numpy as np

from audit.stats.clustering import LEAST_FREEDOM, effective_number
from audit.stats.ranks import tie_starts
from audit.stats.sample_size import OfTwoClasses, by_entities, scale

if TYPE_CHECKING:
    from numpy.typing import NDArray


Areas = TypeVar("Areas", float, "NDArray[np.float64]")
PLENTY = 300
"""Rows of the rarer class from which on DeLong's interval on the logit scale alone keeps its level."""
FEW_ERRORS = 3.0
"""Rows of it, less than which are ranked wrongly: then it does not."""
GRID = 2001
"""Areas between which the score's ends are interpolated where many are asked for."""


@dataclass(frozen=True, slots=True)
class Auc(OfTwoClasses):
    """Chance that a positive row scores above a negative one.

    Variance of DeLong, DeLong & Clarke-Pearson, Biometrics 1988, by ranks (Sun & Xu, IEEE SPL 2014), taken to the logit
    scale. Near 1 and with few rows of a class that end errs at up to thrice its level, so with fewer than `PLENTY` of the rarer
    class, or hardly an error among them, each end is at least as far out as the score interval of Hanley & McNeil's variance
    (Newcombe, Statistics in Medicine 2006, method 5). With entities the components are summed by entity (Obuchowski, Biometrics
    1997), each without its own pull on the area, and the quantile is Student's. An area of exactly 1 or 0 has no logit: its open
    end is the exact one (Clopper & Pearson 1934) of as many disjoint pairs as the rarer class has rows.
    """

    area: float
    variance: float
    positives: int
    negatives: int
    rarer: float
    """Independent units of the rarer class: rows, or effective entities that hold one."""
    entities: int | None = None
    design_effect: float = 1.0
    """Variance with entities over variance without, at least 1."""
    min_support: ClassVar[int] = 30
    value_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @classmethod
    def of(cls, positive: NDArray[np.bool_], score: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> Auc:
        """From the class and the score of each row; both classes must occur."""
        area, component = components(positive, score)
        m, n = int(np.count_nonzero(positive)), int(np.count_nonzero(~positive))
        alone = covariance(positive, component, component)
        if clusters is None:
            return cls(area, alone, m, n, min(m, n))
        codes = np.unique(clusters, return_inverse=True)[1]
        count = int(codes.max()) + 1
        variance = covariance(positive, component, component, codes)
        rarer = min(effective_number(codes[rows]) for rows in (positive, ~positive))
        return cls(area, variance, m, n, rarer, count, max(1.0, variance / alone) if alone > 0 else (m + n) / count)

    @property
    def value(self) -> float:
        """The area."""
        return self.area

    @property
    def method(self) -> str:
        """Name of the interval."""
        return by_entities(f"DeLong on the logit scale{'' if self._plenty else ' and Newcombe' + chr(39) + 's score'}", self.entities)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        from scipy.special import expit, logit

        if self._degenerate:
            low = lower_alpha ** (1 / self.rarer) if self.area >= 1.0 else 0.0
            high = 1 - upper_alpha ** (1 / self.rarer) if self.area <= 0.0 else 1.0
            return low, high
        centre, lower_z, upper_z = float(logit(self.area)), self._quantile(lower_alpha), self._quantile(upper_alpha)
        low, high = float(expit(centre - lower_z * self._step)), float(expit(centre + upper_z * self._step))
        if self._plenty:
            return low, high
        score_low, score_high = _score_lower(self.area, self._pairs(), lower_z), _score_lower(1 - self.area, self._pairs(), upper_z)
        return min(low, score_low), max(high, 1 - score_high)

    def with_sample_size(self, factor: float) -> Auc:
        """The same area of `factor` times the rows."""
        return replace(scale(self, factor, "positives", "negatives", "rarer", "entities"), variance=self.variance / factor)

    def with_value(self, value: float) -> Auc:
        """The same rows with another area, its variance moved as Hanley & McNeil's moves (Radiology 1982)."""
        count, size = self.positives * self.negatives, self.n / 2
        if not 0 < self.area < 1 or self.variance <= 0:
            return replace(self, area=value, variance=_score_variance(value, (count, size)) * self.design_effect)
        moved = self.variance * _score_variance(value, (count, size)) / _score_variance(self.area, (count, size))
        return replace(self, area=value, variance=moved)

    def ends_at(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """(some,) ends, lower ones where z is negative, at the levels that a standard normal leaves beyond z."""
        from scipy.special import expit, logit, ndtr

        far = np.abs(z)
        if self._degenerate:
            exact = ndtr(-far) ** (1 / self.rarer)
            low, high = (exact if self.area >= 1.0 else 0 * far), (1 - exact if self.area <= 0.0 else 1 + 0 * far)
        else:
            centre, shares = float(logit(self.area)), np.linspace(0.0, 1.0, GRID)
            low, high = expit(centre - far * self._step), expit(centre + far * self._step)
            if not self._plenty:
                below, above = (_score_inverse(area, self._pairs(), shares * area, far) for area in (self.area, 1 - self.area))
                low, high = np.minimum(low, below), np.maximum(high, 1 - above)
        return np.where(z == 0, self.area, np.where(z < 0, low, high))

    @property
    def _degenerate(self) -> bool:
        return self.area >= 1.0 or self.area <= 0.0 or self.variance <= 0.0

    @property
    def _plenty(self) -> bool:
        return self.rarer >= PLENTY and self.rarer * min(self.area, 1 - self.area) >= FEW_ERRORS

    def _quantile(self, alpha: float) -> float:
        """Standard errors at which an end of this level lies: a normal's, with entities Student's."""
        from scipy.special import ndtri, stdtrit

        return -float(ndtri(alpha) if self.entities is None else stdtrit(max(self.rarer - 1, LEAST_FREEDOM), alpha))

    @property
    def _step(self) -> float:
        """Standard error on the logit scale."""
        return math.sqrt(self.variance) / (self.area * (1 - self.area))

    def _pairs(self) -> tuple[float, float]:
        """Pairs of rows that tell as much as the data do, and the mean size of a class."""
        return self.positives * self.negatives / self.design_effect, self.n / 2


def components(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """The area, and for each row the share of the other class that it is in order with; their mean over a class is the area."""
    m, n = int(np.count_nonzero(positive)), int(np.count_nonzero(~positive))
    if not m or not n:
        msg = f"an AUC needs both classes, got {m} positive and {n} negative rows"
        raise ValueError(msg)
    order = np.argsort(score)
    ordered, is_high = score[order], positive[order]
    if np.isnan(ordered[-1]):
        return np.nan, np.full(len(score), np.nan)
    starts = tie_starts(ordered)
    sizes = np.diff(starts, append=len(score))
    high = np.add.reduceat(is_high, starts, dtype=np.int64)
    of_high, of_low = (np.cumsum(count) - count / 2 for count in (sizes - high, high))  # rows of the other class below, ties as halves
    component = np.empty(len(score))
    component[order] = np.where(is_high, np.repeat(of_high, sizes) / n, 1.0 - np.repeat(of_low, sizes) / m)
    return float(high @ of_high) / (m * n), component


def covariance(
    positive: NDArray[np.bool_], first: NDArray[np.float64], second: NDArray[np.float64], codes: NDArray[np.int64] | None = None
) -> float:
    """Covariance of two areas from the components of the same rows; `codes` name the entities 0, 1, ... where rows are clustered."""
    if codes is None:
        return sum(_mean_product(first[rows], second[rows]) for rows in (positive, ~positive))
    count = int(codes.max()) + 1
    if min(len(np.unique(codes[rows])) for rows in (positive, ~positive)) == 1:
        return 0.25
    one, two = (_parts(positive, component, codes) for component in (first, second))
    return (count - 1) / count * float(one @ two)


def influence(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) what each row adds to the area's deviation from the true one."""
    return _deviations(positive, components(positive, score)[1])


def _mean_product(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Covariance of two means; of one row as large as it can be."""
    k = len(first)
    return float((first - first.mean()) @ (second - second.mean())) / (k - 1) / k if k > 1 else 0.25


def _deviations(positive: NDArray[np.bool_], component: NDArray[np.float64]) -> NDArray[np.float64]:
    """What each row adds to the area's deviation from the true one."""
    size = np.where(positive, np.count_nonzero(positive), np.count_nonzero(~positive))
    deviation: NDArray[np.float64] = (component - component[positive].mean()) / size
    return deviation


def _parts(positive: NDArray[np.bool_], component: NDArray[np.float64], codes: NDArray[np.int64]) -> NDArray[np.float64]:
    """(entities,) what each adds to the area's deviation, in each class from the mean of the other entities (CR3)."""
    count, deviation = int(codes.max()) + 1, _deviations(positive, component)
    found = np.zeros(count)
    for rows in (positive, ~positive):
        pull = np.bincount(codes[rows], minlength=count) / np.count_nonzero(rows)
        found += np.bincount(codes[rows], weights=deviation[rows], minlength=count) / (1 - pull)
    return found


def _score_lower(area: float, pairs: tuple[float, float], z: float) -> float:
    """The true area under the observed one at which that lies z standard errors off. The variance is the same for 1 - area."""
    from scipy.optimize import brentq

    if z <= 0:
        return area
    return float(brentq(lambda true: area - true - z * _score_variance(true, pairs) ** 0.5, 0.0, area, xtol=1e-12))


def _score_inverse(area: float, pairs: tuple[float, float], true: NDArray[np.float64], z: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same at many z at once, between rising true areas that end at the observed one."""
    off = np.append((area - true[1:-1]) / np.sqrt(_score_variance(true[1:-1], pairs)), 0.0)
    found: NDArray[np.float64] = np.interp(z, off[::-1], true[:0:-1], right=0.0)
    return found


def _score_variance(true: Areas, pairs: tuple[float, float]) -> Areas:
    """Variance of the observed area where the true one is `true` (Hanley & McNeil, as Newcombe takes it for both classes alike)."""
    count, size = pairs
    variance: Areas = true * (1 - true) * (1 + (size - 1) * ((1 - true) / (2 - true) + true / (1 + true))) / count
    return variance
