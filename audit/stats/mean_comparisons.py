"""Differences and ratios of two means: of two samples, or row by row."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np

from audit.stats.clustering import by_entity, correlation_of_parts, mean_parts, mover_distance, shrink_correlation
from audit.stats.mean import Mean, RootMeanSquare, half_of_sum
from audit.stats.sample_size import OfPart, OfUnits, Subtracted, scale, scale_units
from audit.stats.weighted import WeightedMean, WeightedShare

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

OfGroup: TypeAlias = Mean | RootMeanSquare | WeightedMean | WeightedShare


@dataclass(frozen=True, slots=True)
class MeanDifference(Subtracted):
    """First minus second, put together from the ends of both.

    Method of variance estimates recovery (Zou & Donner, Statistics in Medicine 2008; with a correlation Zou, Psychological
    Methods 2007): each end is as far away as the two ends that it moves between, by Pythagoras.
    """

    first: OfGroup
    second: OfGroup
    correlation: float = 0.0
    """Of the two estimates: 0 for two samples."""
    paired: bool = False
    """Whether both are of the same rows."""
    shared: float = 0.0
    """Entities of equal weight with rows in both samples, from which the correlation is known; 0 for the same rows."""
    min_support: ClassVar[int] = RootMeanSquare.min_support
    null_value: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        if not -1 <= self.correlation <= 1 or self.shared < 0 or type(self.first) is not type(self.second):
            msg = f"a difference is of two of a kind with a correlation from -1 to 1, got {self.first}, {self.second}, {self.correlation}"
            raise ValueError(msg)

    @classmethod
    def of_roots(cls, first: NDArray[np.float64], second: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> MeanDifference:
        """Of the roots of the mean squares of two values a row."""
        if len(first) != len(second):
            msg = f"a paired difference needs the same rows, got {len(first)} and {len(second)}"
            raise ValueError(msg)
        one, two = (by_entity(np.square(values) - np.square(values).mean(), clusters) for values in (first, second))
        together = correlation_of_parts(one, two)
        return cls(RootMeanSquare.of(first, clusters), RootMeanSquare.of(second, clusters), together, paired=True)

    @property
    def n(self) -> int:
        """Rows: of the same rows each once."""
        return self.first.n if self.paired else self.first.n + self.second.n

    @property
    def support(self) -> float:
        """Independent units of the smaller sample."""
        return min(self.first.support, self.second.support)

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"MOVER (Zou & Donner 2008) of {self.first.method}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; infinite where nothing bounds it."""
        (low_1, high_1), (low_2, high_2) = self.first.bounds(lower_alpha, upper_alpha), self.second.bounds(upper_alpha, lower_alpha)
        below, above = (shrink_correlation(self.correlation, self.shared, alpha) for alpha in (lower_alpha, upper_alpha))
        down = mover_distance(self.first.value - low_1, high_2 - self.second.value, below)
        up = mover_distance(high_1 - self.first.value, self.second.value - low_2, above)
        return self.value - down, self.value + up

    def with_sample_size(self, factor: float) -> MeanDifference:
        """The same values of `factor` times the rows."""
        return replace(scale(self, factor, "first", "second"), shared=self.shared * factor)


@dataclass(frozen=True, slots=True)
class PairedMean(OfPart):
    """First mean minus second, as the mean of the rows' own differences: what both models find hard drops out."""

    difference: Mean
    min_support: ClassVar[int] = Mean.min_support

    @classmethod
    def of(
        cls,
        first: NDArray[np.float64],
        second: NDArray[np.float64],
        clusters: NDArray[np.int64] | None = None,
        *,
        low: float | None = None,
        high: float | None = None,
    ) -> PairedMean:
        """From two finite values a row, and the range in which each value must lie."""
        if len(first) != len(second):
            msg = f"a paired mean needs the same rows, got {len(first)} and {len(second)}"
            raise ValueError(msg)
        for values in (first, second):
            Mean.of(values, low=low, high=high)  # refuses what leaves the range
        furthest = None if low is None or high is None else high - low
        return cls(Mean.of(first - second, clusters, low=None if furthest is None else -furthest, high=furthest))

    @property
    def value(self) -> float:
        """The mean difference."""
        return self.difference.value

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"rows' differences, {self.difference.method}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; infinite where nothing bounds it."""
        return self.difference.bounds(lower_alpha, upper_alpha)

    def with_sample_size(self, factor: float) -> PairedMean:
        """The same differences of `factor` times the rows."""
        return scale(self, factor, "difference")

    def with_value(self, value: float) -> PairedMean:
        """Another mean difference with the same spread."""
        return replace(self, difference=self.difference.with_value(value))

    @property
    def value_range(self) -> tuple[float, float]:
        """That of one row's difference."""
        return self.difference.value_range


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
        return replace(scale(self, factor, "rows"), units=scale_units(self.units, self.rows, factor))

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
class Explained(OfPart):
    """Share of the variance that predictions explain: 1 minus the mean squared error over the variance of the true values."""

    unexplained: MeanRatio
    min_support: ClassVar[int] = MeanRatio.min_support
    value_range: ClassVar[tuple[float, float]] = (-math.inf, 1.0)

    @classmethod
    def of(cls, target: NDArray[np.float64], predicted: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> Explained:
        """From the true and the predicted value of each row; true values that are all alike are refused."""
        return cls(MeanRatio.of(np.square(target - predicted), np.square(target - target.mean()), clusters))

    @property
    def value(self) -> float:
        """The coefficient of determination, which may be negative."""
        return 1 - self.unexplained.value

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
        return scale(self, factor, "unexplained")
