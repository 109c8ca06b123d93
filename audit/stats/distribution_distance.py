"""Distances between two samples' laws by shares of bins, or as norms of a difference of functions, with closed-form intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np

from audit.stats.distance import OfWindows, error_quantile, least_end, matched_freedom, noncentrality
from audit.stats.sample_size import scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

Divergence: TypeAlias = Literal["chi_squared", "jensen_shannon", "hellinger"]
CURVATURE: dict[Divergence, float] = {"chi_squared": 1 / 4, "jensen_shannon": 1 / (8 * math.log(2)), "hellinger": 1 / 8}
"""What the squared distance of two near laws is in units of their chi-square divergence."""
LUCKY = 0.16
"""Chance of a distance one standard deviation low; what is smaller counts as if it were this."""


def squared_divergence(kind: Divergence, p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Between two lists of shares, 0 to 1.

    chi_squared: half the sum of (p - q)^2 / (p + q), the squared Cramer's V of two windows of equal size (Le Cam 1986).
    jensen_shannon: in bits (Lin, IEEE Trans. Information Theory 1991). hellinger: half the sum of (root p - root q)^2.
    """
    if kind == "hellinger":
        return float(np.clip(0.5 * ((np.sqrt(p) - np.sqrt(q)) ** 2).sum(), 0.0, 1.0))
    both = p + q
    p, q, both = (side[both > 0] for side in (p, q, both))
    if kind == "chi_squared":
        return float(np.clip(0.5 * ((p - q) ** 2 / both).sum(), 0.0, 1.0))
    bits = [float((side[side > 0] * np.log2(2 * side[side > 0] / both[side > 0])).sum()) for side in (p, q)]
    return min(1.0, max(0.0, sum(bits) / 2))


@dataclass(frozen=True, slots=True)
class BinnedDistance(OfWindows):
    """Root of a divergence between the shares of k bins: a metric from 0 to 1.

    The squared distance over curvature times (1/n + 1/m) is nearly a noncentral chi-square with k - 1 degrees of freedom: exactly in the
    limit of two near laws, and for any two laws the variance is at most that one, so that the ends are conservative. Both ends invert
    its distribution function. The lower end of jensen_shannon and hellinger is at most the one that chi_squared implies for them (Topsoe,
    IEEE Trans. Information Theory 2000): bins of few rows enlarge these two by more than a chi-square says. As for
    `StabilityIndex`, windows that fit to the row prove no more than their rows do.
    """

    divergence: Divergence
    squared: float
    """The squared distance."""
    squared_chi: float
    """The squared distance by chi_squared."""
    bins: int
    reference: int
    current: int
    min_support: ClassVar[int] = 1
    value_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @classmethod
    def of(
        cls, divergence: Divergence, reference: NDArray[np.int64] | NDArray[np.float64], current: NDArray[np.int64], sizes: tuple[int, int]
    ) -> BinnedDistance:
        """From the rows of each window in each bin, weighted or not; `sizes` are independent rows."""
        p, q = reference / reference.sum(), current / current.sum()
        return cls(divergence, squared_divergence(divergence, p, q), squared_divergence("chi_squared", p, q), len(p), *sizes)

    @property
    def value(self) -> float:
        """The observed distance."""
        return math.sqrt(self.squared)

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"noncentral chi-square, {self.bins} bins"

    @property
    def p_value(self) -> float:
        """Chance of a distance as large without a change."""
        from scipy.special import chdtrc

        return float(chdtrc(self._freedom, self.squared_chi / (CURVATURE["chi_squared"] * self._both)))

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        x, chi = self.squared / self._unit, self.squared_chi / (CURVATURE["chi_squared"] * self._both)
        low = self._unit * noncentrality(min(x, chi), self._freedom, 1 - lower_alpha)
        high = self._unit * max(noncentrality(x, self._freedom, upper_alpha), least_end(self._freedom, upper_alpha, LUCKY))
        return min(self.value, math.sqrt(low)), min(1.0, max(self.value, math.sqrt(high)))

    def with_sample_size(self, factor: float) -> BinnedDistance:
        """The same distance of samples `factor` times as large."""
        return scale(self, factor, "reference", "current")

    def with_value(self, value: float) -> BinnedDistance:
        """The same samples at another distance."""
        factor = CURVATURE["chi_squared"] / CURVATURE[self.divergence]
        return replace(self, squared=value**2, squared_chi=min(1.0, factor * value**2))

    def expected_value(self, truth: float) -> float:
        """Mean of the distance seen where the true one is `truth`, nearly: squares and noise add up."""
        return math.sqrt(truth**2 + self._freedom * self._unit)

    def expected_error(self, truth: float) -> float:
        """Its standard deviation, from that of the square."""
        spread = math.sqrt(2 * self._unit**2 * self._freedom + 4 * self._unit * truth**2)
        return spread / (2 * self.expected_value(truth))

    @property
    def bias_corrected(self) -> float:
        """The distance less what chance alone makes of it."""
        return math.sqrt(max(0.0, self.squared - self._freedom * self._unit))

    @property
    def _freedom(self) -> int:
        return max(1, self.bins - 1)

    @property
    def _unit(self) -> float:
        return CURVATURE[self.divergence] * self._both

    @property
    def _both(self) -> float:
        return 1 / self.reference + 1 / self.current


@dataclass(frozen=True, slots=True)
class NormDistance(OfWindows):
    """Norm of the difference of two functions, or of two mean vectors, that samples estimate.

    Lower end: the observed norm is within the norm of the error of the true one (triangle inequality). The error's square is at most a
    weighted sum of squared normals; its law is that of three matched moments (Imhof, Biometrika 1961, section 4). Upper end: along the
    true difference the error is normal, with at most the spread of its worst direction. It also allows for a part of the law
    that the smaller sample never showed, as large as chance leaves (exact, Clopper & Pearson 1934), at the full width of the values.
    """

    distance: float
    moments: tuple[float, float, float]
    """Sums of the first three powers of the weights of the squared normals."""
    leading: float
    """Standard deviation of the error in its worst direction."""
    width: float
    """How much distance a part of the law makes where it moves as far as values lie apart, per unit of its share."""
    reference: int
    current: int
    largest: float | None = None
    """The largest distance that there is; None where there is none."""
    min_support: ClassVar[int] = 10
    value_range: ClassVar[tuple[float, float]] = (0.0, math.inf)
    method: ClassVar[str] = "triangle inequality, error of three matched moments"

    @property
    def value(self) -> float:
        """The observed distance."""
        return self.distance

    @property
    def p_value(self) -> float:
        """Chance of a distance as large without a change."""
        from scipy.special import gammaincc

        if self.moments[1] <= 0:
            return 1.0 if self.distance <= 0 else 0.0
        freedom = matched_freedom(self.moments)
        x = freedom + (self.distance**2 - self.moments[0]) / math.sqrt(2 * self.moments[1]) * math.sqrt(2 * freedom)
        return float(gammaincc(freedom / 2, max(0.0, x) / 2))

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        from scipy.special import ndtri

        unseen = 1 - upper_alpha ** (1 / min(self.reference, self.current))
        up = max(-float(ndtri(upper_alpha)) * self.leading, self.width * unseen, 0.0)
        high = self.distance + up
        low = max(0.0, self.distance - error_quantile(self.moments, lower_alpha))
        return low, high if self.largest is None else min(high, self.largest)

    def with_sample_size(self, factor: float) -> NormDistance:
        """The same distance of samples `factor` times as large."""
        first, second, third = self.moments
        resized = replace(self, moments=(first / factor, second / factor**2, third / factor**3), leading=self.leading / math.sqrt(factor))
        return scale(resized, factor, "reference", "current")

    def with_value(self, value: float) -> NormDistance:
        """The same samples at another distance."""
        return replace(self, distance=value)

    def expected_value(self, truth: float) -> float:
        """Mean of the distance seen where the true one is `truth`, nearly: squares and noise add up."""
        return math.sqrt(truth**2 + self.moments[0])

    def expected_error(self, truth: float) -> float:
        """Its standard deviation: of the error's square, and of the error along the true difference."""
        seen = self.expected_value(truth)
        return math.sqrt(2 * self.moments[1] + 4 * truth**2 * self.leading**2) / (2 * seen) if seen > 0 else 0.0

    @property
    def bias_corrected(self) -> float:
        """The distance less what chance alone makes of it."""
        return math.sqrt(max(0.0, self.distance**2 - self.moments[0]))


def power_sums(matrix: NDArray[np.float64]) -> tuple[float, float, float]:
    """Sums of the eigenvalues, their squares and their cubes of a symmetric matrix."""
    square = matrix @ matrix
    return float(np.trace(matrix)), float(np.trace(square)), float((square * matrix).sum())


PSEUDO_ROWS = 2
"""At either end of a sample, for the spread of the upper end."""
GRID = 100
"""Quantiles of both samples, and as many equal steps, at which the error of a distribution function is worked out."""


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Two sorted samples, and their distribution functions at places between which little happens."""

    reference: NDArray[np.float64]
    current: NDArray[np.float64]
    places: NDArray[np.float64]

    @classmethod
    def of(cls, reference: NDArray[np.float64], current: NDArray[np.float64], *, even: bool) -> Steps:
        """From two samples in any order; at quantiles of both and, where asked, at equal steps, which need finite values."""
        sides = np.sort(reference), np.sort(current)
        places = [side[np.linspace(0, len(side) - 1, min(len(side), GRID)).round().astype(int)] for side in sides]
        if even:
            places.append(np.linspace(min(side[0] for side in sides), max(side[-1] for side in sides), GRID))
        return cls(*sides, np.unique(np.concatenate(places)))

    def shares(self, at: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Of each sample, up to each place."""
        before, now = (np.searchsorted(side, at, side="right") / len(side) for side in (self.reference, self.current))
        return before, now

    def covariance(self, sizes: tuple[int, int]) -> NDArray[np.float64]:
        """(places, places) of the error of the difference of the two functions.

        Each sample's from its own law or from that of both samples, whichever spreads more: a value that only the larger sample shows
        has no spread in the smaller one.
        """
        own = self.shares(self.places)
        both = (own[0] * sizes[0] + own[1] * sizes[1]) / sum(sizes)
        parts = [max((_of_shares(f), _of_shares(both)), key=np.trace) / size for f, size in zip(own, sizes, strict=True)]
        found: NDArray[np.float64] = parts[0] + parts[1]
        return found

    def cautious_covariance(self, sizes: tuple[int, int]) -> NDArray[np.float64]:
        """The same from each sample's own law and two more rows at either end (Agresti & Coull, American Statistician 1998)."""
        laws = [(f * size + PSEUDO_ROWS) / (size + 2 * PSEUDO_ROWS) for f, size in zip(self.shares(self.places), sizes, strict=True)]
        parts = [_of_shares(f) / size for f, size in zip(laws, sizes, strict=True)]
        found: NDArray[np.float64] = parts[0] + parts[1]
        return found


def _of_shares(f: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance of the shares of one row up to each place."""
    found: NDArray[np.float64] = np.minimum.outer(f, f) - np.outer(f, f)
    return found


def cramer_von_mises(reference: NDArray[np.float64], current: NDArray[np.float64], sizes: tuple[int, int]) -> NormDistance:
    """Root of the mean squared difference of two distribution functions, over the even mixture of both laws (Anderson 1962).

    At samples of equal size without ties its square is SciPy's statistic times (1/n + 1/m). `sizes` are independent rows.
    """
    steps = Steps.of(reference, current, even=False)
    squares = []
    for side in (steps.reference, steps.current):
        before, now = steps.shares(side)
        squares.append(float(((before - now) ** 2).mean()))
    before, now = steps.shares(steps.places)
    weight = np.diff((before + now) / 2, prepend=0.0)
    root = np.sqrt(weight)
    weights = np.outer(root, root)
    leading = math.sqrt(max(0.0, float(np.linalg.eigvalsh(steps.cautious_covariance(sizes) * weights)[-1])))
    return NormDistance(math.sqrt(sum(squares) / 2), power_sums(steps.covariance(sizes) * weights), leading, 1.0, *sizes, 1.0)


def wasserstein(reference: NDArray[np.float64], current: NDArray[np.float64], sizes: tuple[int, int]) -> NormDistance:
    """Area between two distribution functions, in the values' unit: how far rows must move on average to make one law the other.

    The norm is bounded by a weighted square one (Cauchy-Schwarz) whose weights are the error's own spread; the worst direction's
    spread is at most that of the values themselves, since the area is a mean of a function that rises no faster than they do.
    """
    steps = Steps.of(reference, current, even=True)
    both = np.sort(np.concatenate([steps.reference, steps.current]))
    before, now = steps.shares(both[:-1])
    area = float(np.abs(before - now) @ np.diff(both))
    ends = [both[0], both[-1]] * PSEUDO_ROWS
    variance = sum(float(np.append(side, ends).var()) / size for side, size in zip((reference, current), sizes, strict=True))
    error = steps.covariance(sizes)[:-1, :-1]
    step, spread = np.diff(steps.places), np.sqrt(np.diag(error))
    weight = np.sqrt(np.divide(step, spread, out=np.zeros_like(step), where=spread > 0))
    sums = power_sums(error * np.outer(weight, weight) * float(spread @ step))
    return NormDistance(area, sums, math.sqrt(variance), float(both[-1] - both[0]), *sizes)


def mean_distance(reference: NDArray[np.float64], current: NDArray[np.float64]) -> NormDistance:
    """Euclidean distance of the means of two samples of vectors, (n, d) and (m, d), of independent rows."""
    samples = [side - reference.mean(axis=0) for side in (reference, current)]
    difference = samples[1].mean(axis=0)
    error = sum(np.atleast_2d(np.cov(side, rowvar=False)) / len(side) for side in samples)
    farthest = max(float(np.sqrt(np.einsum("ij,ij->i", side, side).max())) for side in samples)
    leading = math.sqrt(max(0.0, float(np.linalg.eigvalsh(error)[-1])))
    return NormDistance(float(np.linalg.norm(difference)), power_sums(np.asarray(error)), leading, farthest, len(reference), len(current))
