"""Ratio of two means of the same rows, and the share of variance explained, which is 1 minus such a ratio."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.clustering import mean_parts
from audit.stats.mean import half_of_sum
from audit.stats.sample_size import OfUnits, scale_count, scale_units

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_DOUBLINGS = 200
"""Of the distance from the ratio, in the search for an end; an end that is farther away is open."""


@dataclass(frozen=True, slots=True)
class MeanRatio(OfUnits):
    """Mean of the first over mean of the second value of each row; the second ones are positive on the whole.

    Fieller's pivot (JRSS B 1954): at a true ratio r the values first - r second have the mean 0. An end is the r at which that
    mean is as far from 0 as the level allows, in Student's t with the skewness taken out (Hall, JRSS B 1992). The sufficient
    statistic are the means and the joint second and third moments, so that any level has an end without a resample. An end is
    open where no ratio is so far off: where the second mean itself is hardly told from 0, and where the rows show no spread at all.
    With entities as in `Mean`.
    """

    numerator: float
    denominator: float
    second: tuple[float, float, float]
    """Variances and covariance of one unit, ddof 1: of the first, of both, of the second."""
    third: tuple[float, float, float, float]
    """Third central moments of one unit, from the first alone to the second alone."""
    units: float
    """Independent units: rows, or effective entities where rows are clustered."""
    rows: int
    half: tuple[int, int] | None = None
    """Rows that hold half of the sum of the first values, and rows with one above 0; None where some are below 0."""
    min_support: ClassVar[int] = 100

    @classmethod
    def of(cls, first: NDArray[np.float64], second: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> MeanRatio:
        """From two finite values a row, and the entity of each row where there is one."""
        if len(first) != len(second) or not len(first) or not (np.isfinite(first).all() and np.isfinite(second).all()):
            msg = f"a ratio of means needs finite values of the same rows, got {len(first)} and {len(second)}"
            raise ValueError(msg)
        if second.mean() <= 0:
            msg = f"a ratio of means needs a positive second mean, got {second.mean()}"
            raise ValueError(msg)
        n, units = len(first), float(len(first))
        u, v = first - first.mean(), second - second.mean()
        if clusters is None:
            units, spread, cube = n, 1 / max(1, n - 1), 1 / n
        else:
            (u, units), (v, _) = mean_parts(u / n, clusters), mean_parts(v / n, clusters)
            spread, cube = units, units**2 if units >= cls.min_support else 0.0
        a, b, c = (float(np.sum(u ** (2 - i) * v**i)) * spread for i in range(3))
        p, q, r, s = (float(np.sum(u ** (3 - i) * v**i)) * cube for i in range(4))
        half = half_of_sum(first) if first.min() >= 0 else None
        return cls(float(first.mean()), float(second.mean()), (a, b, c), (p, q, r, s), units, n, half)

    @property
    def value(self) -> float:
        """The ratio."""
        return self.numerator / self.denominator

    @property
    def method(self) -> str:
        """Name of the interval."""
        return self.by_units("Fieller's, skewness-corrected t (Hall 1992)")

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; infinite where nothing bounds it."""
        from scipy.special import stdtrit

        df = self.units - 1
        if df < 1 or self._still(self.value):
            return -math.inf, math.inf
        low, high = float(stdtrit(df, 1 - lower_alpha)), float(stdtrit(df, upper_alpha))
        ends = self._end(lambda ratio: self._pivot(ratio) - low, -1), self._end(lambda ratio: high - self._pivot(ratio), 1)
        if self.units == self.rows or not any(self.third):
            return ends
        plain = replace(self, third=(0.0, 0.0, 0.0, 0.0)).bounds(lower_alpha, upper_alpha)
        return min(ends[0], plain[0]), max(ends[1], plain[1])

    def with_sample_size(self, factor: float) -> MeanRatio:
        """The same moments of `factor` times the rows."""
        return replace(self, units=scale_units(self.units, self.rows, factor), rows=scale_count(self.rows, factor))

    def _end(self, beyond: Callable[[float], float], direction: int) -> float:
        """Where the pivot leaves the level: positive from there on."""
        from scipy.optimize import brentq

        if beyond(self.value) >= 0:  # a level above a half
            return self.value
        step = self._error()
        inside = self.value
        for _ in range(_DOUBLINGS):
            outside = self.value + direction * step
            if not math.isfinite(outside):
                break
            if beyond(outside) >= 0:
                return float(brentq(beyond, inside, outside, xtol=1e-12 * max(1e-12, abs(outside)), rtol=1e-12))
            inside, step = outside, 2 * step
        return direction * math.inf

    def _error(self) -> float:
        """Standard error of the ratio."""
        return math.sqrt(self._variance(self.value) / self.units) / self.denominator

    def _variance(self, ratio: float) -> float:
        a, b, c = self.second
        return max(0.0, a - 2 * ratio * b + ratio**2 * c)

    def _still(self, ratio: float) -> bool:
        """Whether first - ratio second is the same in every row, but for what rounding leaves."""
        return self._variance(ratio) <= (1e-12 * (abs(self.numerator) + abs(ratio) * self.denominator)) ** 2

    def _pivot(self, ratio: float) -> float:
        """Student's t of first - ratio second, its skewness taken out; infinite where nothing varies."""
        away, variance = self.numerator - ratio * self.denominator, self._variance(ratio)
        if self._still(ratio):
            return math.copysign(math.inf, away)
        p, q, r, s = self.third
        skewness = (p - 3 * ratio * q + 3 * ratio**2 * r - ratio**3 * s) / math.sqrt(variance) ** 3
        root = math.sqrt(self.units)
        t = away / math.sqrt(variance) * root
        return t + skewness * t**2 / (3 * root) + skewness**2 * t**3 / (27 * self.units) + skewness / (6 * root)


@dataclass(frozen=True, slots=True)
class Explained:
    """Share of the variance that predictions explain: 1 minus the mean squared error over the variance of the true values."""

    unexplained: MeanRatio
    min_support: ClassVar[int] = MeanRatio.min_support

    @classmethod
    def of(cls, target: NDArray[np.float64], predicted: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> Explained:
        """From the true and the predicted value of each row; true values that are all alike are refused."""
        return cls(MeanRatio.of(np.square(target - predicted), np.square(target - target.mean()), clusters))

    @property
    def value(self) -> float:
        """The coefficient of determination, which may be negative."""
        return 1 - self.unexplained.value

    @property
    def n(self) -> int:
        """Rows."""
        return self.unexplained.n

    @property
    def support(self) -> float:
        """Independent units."""
        return self.unexplained.support

    @property
    def method(self) -> str:
        """Name of the interval."""
        return self.unexplained.method

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; the lower one infinite where nothing bounds it."""
        low, high = self.unexplained.bounds(upper_alpha, lower_alpha)
        return 1 - high, min(1.0, 1 - low)

    def with_sample_size(self, factor: float) -> Explained:
        """The same moments of `factor` times the rows."""
        return replace(self, unexplained=self.unexplained.with_sample_size(factor))

    @property
    def value_range(self) -> tuple[float, float]:
        """No lower end: predictions can be arbitrarily wrong."""
        return -math.inf, 1.0
