"""Distances between two samples' laws, with intervals for the true distance."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from audit.stats.sample_size import scale

if TYPE_CHECKING:
    from numpy.typing import NDArray


MEAN_SUPREMUM = 0.8687
"""Mean of Kolmogorov's law: of the distance of two samples of one law, over the root of 1/n + 1/m."""
SUPREMUM_DEVIATION = 0.2603
"""Its standard deviation, on the same scale."""
STRIDE = 256
"""Rows of a sorted sample between two values at which distribution functions are compared first."""
LUCKY = 0.16
"""Chance of an index one standard deviation low; what is smaller counts as if it were this."""


class _Windows(Protocol):
    @property
    def reference(self) -> int: ...

    @property
    def current(self) -> int: ...


class OfWindows:
    """Of a reference sample and a current one."""

    __slots__ = ()

    @property
    def n(self: _Windows) -> int:
        """Rows in both samples."""
        return self.reference + self.current

    @property
    def support(self: _Windows) -> float:
        """The smaller sample."""
        return min(self.reference, self.current)


def largest_distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Of two samples' distribution functions, at any value.

    Both functions rise, so between two values they cannot lie farther apart than the one's upper from the other's lower share: only
    the stretches where that is more than the largest distance at their ends are looked at value by value.
    """
    samples = np.sort(one), np.sort(other)
    places = np.sort(np.concatenate([part for x in samples for part in (x[::STRIDE], x[-1:])]))
    counts = [np.searchsorted(x, places, side="right") for x in samples]
    first, second = (count / len(x) for count, x in zip(counts, samples, strict=True))
    seen = float(np.abs(first - second).max())
    open_stretch = np.maximum(first[1:] - second[:-1], second[1:] - first[:-1]) > seen
    if not open_stretch.any():
        return seen
    inside = [x[count[0] :][np.repeat(open_stretch, np.diff(count))] for count, x in zip(counts, samples, strict=True)]
    both = np.sort(np.concatenate(inside))  # keys that rise are found without a jump through memory
    shares = [np.searchsorted(x, both, side="right") / len(x) for x in samples]
    return max(seen, float(np.abs(shares[0] - shares[1]).max(initial=0.0)))


def weighted_distance(one: NDArray[np.float64], weights: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """The same where rows of the first sample count by their weights, which sum to 1."""
    order = np.argsort(one)
    samples = one[order], np.sort(other)
    places = np.concatenate(samples)
    share = np.concatenate([[0.0], np.cumsum(weights[order])])[np.searchsorted(samples[0], places, side="right")]
    return min(1.0, float(np.abs(share - np.searchsorted(samples[1], places, side="right") / len(other)).max()))


@dataclass(frozen=True, slots=True)
class KolmogorovSmirnov(OfWindows):
    """Largest distance between two distribution functions.

    The observed distance is within the noise's supremum of the true one (triangle inequality); the supremum's law is
    Kolmogorov's (Kolmogorov 1933, Smirnov 1939), at most 2 exp(-2 x^2). Under no change the lower end is the two-sample test itself.
    The upper end needs less: the observed distance is at least the one at the value where the true one is largest, and there the
    noise is nearly normal, with a variance of at most a quarter of 1/n + 1/m.
    """

    statistic: float
    reference: int
    """Rows in the reference sample."""
    current: int
    min_support: ClassVar[int] = 1
    value_range: ClassVar[tuple[float, float]] = (0.0, 1.0)
    method: ClassVar[str] = "Kolmogorov-Smirnov band"

    @property
    def value(self) -> float:
        """The observed distance, 0 to 1."""
        return self.statistic

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        low, high = self.radii(lower_alpha, upper_alpha)
        return max(0.0, self.statistic - low), min(1.0, self.statistic + high)

    def with_sample_size(self, factor: float) -> KolmogorovSmirnov:
        """The same distance between samples `factor` times as large."""
        return scale(self, factor, "reference", "current")

    def with_value(self, value: float) -> KolmogorovSmirnov:
        """The same samples at another distance."""
        return replace(self, statistic=value)

    def expected_value(self, truth: float) -> float:
        """Mean of the distance seen where the true one is `truth`, 0 by Kolmogorov's law; the exponent fits simulated samples."""
        chance = MEAN_SUPREMUM * math.sqrt(1 / self.reference + 1 / self.current)
        return float((truth**1.5 + chance**1.5) ** (2 / 3))

    def expected_error(self, truth: float) -> float:
        """Its standard deviation: from that of Kolmogorov's law to that of a share of one half."""
        share = (truth / self.expected_value(truth)) ** 2
        scale = math.sqrt(1 / self.reference + 1 / self.current)
        return scale * math.sqrt(share * 0.25 + (1 - share) * SUPREMUM_DEVIATION**2)

    @property
    def bias_corrected(self) -> float:
        """The distance less what chance alone makes of it."""
        return float(max(0.0, self.statistic**1.5 - self.expected_value(0.0) ** 1.5) ** (2 / 3))

    def radii(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """How far the ends lie from the distance."""
        from scipy.special import ndtri

        scale = math.sqrt(1 / self.reference + 1 / self.current)
        return math.sqrt(-math.log(lower_alpha / 2) / 2) * scale, max(0.0, -float(ndtri(upper_alpha))) / 2 * scale


@dataclass(frozen=True, slots=True)
class StabilityIndex(OfWindows):
    """Population stability index over k bins.

    Over its scale 1/n + 1/m the index is a noncentral chi-square with k - 1 degrees of freedom (Yurdakul & Naranjo, Journal
    of Risk Model Validation 2020); both ends invert its distribution function. The ends are widened to hold the observed index.
    The upper end is never below the one where nothing moved and an index one standard deviation low was seen (power-constrained
    limits, Cowan et al., arXiv:1105.3166): two windows that fit to the row, as those of few bins often do, are no proof of more.
    """

    index: float
    bins: int
    reference: int
    current: int
    min_support: ClassVar[int] = 1
    value_range: ClassVar[tuple[float, float]] = (0.0, math.inf)

    @property
    def value(self) -> float:
        """The observed index (Jeffreys divergence, nats)."""
        return self.index

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"noncentral chi-square, {self.bins} bins"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        scale = 1 / self.reference + 1 / self.current
        x, df = self.index / scale, max(1, self.bins - 1)
        return (
            min(self.index, scale * noncentrality(x, df, 1 - lower_alpha)),
            max(self.index, scale * noncentrality(x, df, upper_alpha), self.lowest_end(upper_alpha)),
        )

    def with_sample_size(self, factor: float) -> StabilityIndex:
        """The same index of samples `factor` times as large."""
        return scale(self, factor, "reference", "current")

    def with_value(self, value: float) -> StabilityIndex:
        """The same samples at another index."""
        return replace(self, index=value)

    def expected_value(self, truth: float) -> float:
        """Mean of the index seen where the true one is `truth`."""
        return truth + (self.bins - 1) * (1 / self.reference + 1 / self.current)

    def expected_error(self, truth: float) -> float:
        """Its standard deviation: of the noncentral chi-square."""
        scale = 1 / self.reference + 1 / self.current
        return math.sqrt(2 * scale**2 * (self.bins - 1) + 4 * scale * truth)

    @property
    def bias_corrected(self) -> float:
        """The index less what chance alone makes of it."""
        return max(0.0, self.index - self.expected_value(0.0))

    def lowest_end(self, alpha: float) -> float:
        """The lowest upper end at this level, whatever index is seen."""
        return (1 / self.reference + 1 / self.current) * least_end(max(1, self.bins - 1), alpha, LUCKY)


def least_end(df: float, alpha: float, quantile: float) -> float:
    """The upper end, as a noncentrality, where nothing is off and the quantile of what chance then makes was seen."""
    from scipy.special import gdtrix

    return noncentrality(float(gdtrix(0.5, df / 2, quantile)), df, alpha)


def noncentrality(x: float, df: float, level: float) -> float:
    """The noncentrality under which the chance of at most x is `level`; 0 where even none makes x that unlikely."""
    from scipy.special import chdtr, chndtrinc

    if x <= 0 or float(chdtr(df, x)) <= level:
        return 0.0
    return max(0.0, float(chndtrinc(x, df, level)))


@dataclass(frozen=True, slots=True)
class MeanDiscrepancy(OfWindows):
    """Squared maximum mean discrepancy (Gretton et al., JMLR 2012), unbiased estimate.

    Its interval is the triangle inequality in the kernel's space: the observed distance of the two mean embeddings is within
    the norm of their joint error of the true one. That norm's square is a weighted sum of squared normals, whose weights are the
    eigenvalues of the error's covariance; its law is that of three matched moments (Imhof, Biometrika 1961, section 4). The upper end
    needs less: the observed distance is at least its own part along the true difference, whose noise is normal and spreads at most
    as along the direction in which the error spreads most.
    """

    squared: float
    """Unbiased estimate of the square; may be a little below 0 by chance."""
    distance: float
    """Norm of the difference of the two empirical mean embeddings."""
    moments: tuple[float, float, float]
    """Sums of the first three powers of the weights of the squared normals."""
    leading: float
    """Standard deviation of the error along the direction in which it is largest."""
    reference: int
    current: int
    min_support: ClassVar[int] = 1
    value_range: ClassVar[tuple[float, float]] = (0.0, math.inf)
    method: ClassVar[str] = "kernel triangle inequality, error of three matched moments"

    @property
    def value(self) -> float:
        """The squared discrepancy, 0 where the estimate falls below it."""
        return max(0.0, self.squared)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        down, up = self.radii(lower_alpha, upper_alpha)
        return min(max(0.0, self.distance - down) ** 2, self.value), max((self.distance + up) ** 2, self.value)

    def with_sample_size(self, factor: float) -> MeanDiscrepancy:
        """The same discrepancy of samples `factor` times as large."""
        first, second, third = self.moments
        resized = replace(self, moments=(first / factor, second / factor**2, third / factor**3), leading=self.leading / math.sqrt(factor))
        return scale(resized, factor, "reference", "current").with_value(self.value)

    def with_value(self, value: float) -> MeanDiscrepancy:
        """The same samples at another discrepancy; the distance has what the error's norm adds."""
        return replace(self, squared=value, distance=math.sqrt(max(0.0, value + self.moments[0])))

    @property
    def bias_corrected(self) -> float:
        """The estimate itself, which chance does not enlarge."""
        return self.value

    def expected_value(self, truth: float) -> float:
        """The true one."""
        return truth

    def expected_error(self, truth: float) -> float:
        """Standard deviation: of the error's square, and of the error along the true difference."""
        return math.sqrt(2 * self.moments[1] + 4 * truth * self.leading**2)

    def radii(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """How far the ends of the distance itself lie from it."""
        from scipy.special import ndtri

        return error_quantile(self.moments, lower_alpha), max(0.0, -float(ndtri(upper_alpha))) * self.leading


def error_quantile(moments: tuple[float, float, float], alpha: float) -> float:
    """What the norm of an error exceeds with chance alpha. Its square is a weighted sum of squared normals; moments are sums of powers."""
    from scipy.special import gammainccinv

    if moments[1] <= 0:
        return 0.0
    freedom = matched_freedom(moments)
    x = 2 * float(gammainccinv(freedom / 2, alpha))
    return math.sqrt(max(0.0, moments[0] + (x - freedom) / math.sqrt(2 * freedom) * math.sqrt(2 * moments[1])))


def matched_freedom(moments: tuple[float, float, float]) -> float:
    """Degrees of freedom of the chi-square that is as skewed."""
    squared = moments[2] ** 2
    return max(1.0, moments[1] ** 3 / squared) if squared > 0 else 1.0  # too small for a float: taken as the most skewed
