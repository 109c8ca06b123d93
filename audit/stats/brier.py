"""Parts of the Brier score: squared distances of the bins' shares (Murphy, Journal of Applied Meteorology 1973)."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.calibration import equal_mass
from audit.stats.clustering import effective_number, small_sample
from audit.stats.distance import least_end, noncentrality
from audit.stats.proportion import Proportion
from audit.stats.sample_size import Clustered, OfRows, by_entities, freedom, scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVEL = 0.025
"""Of the ends within which a bin's share is taken to vary most."""
FEWEST = 1e-3
"""Degrees of freedom where nothing varies."""


@dataclass(frozen=True, slots=True)
class SquaredDistance(OfRows, Clustered):
    """Squared distance of the bins' shares from where they are measured, less what chance adds (Bröcker, QJRMS 2012).

    What was seen is a sum of squared normals with unequal variances. Its ends invert the noncentral chi-square with the same mean
    whose scale is the largest of the variances, and so with at least the variance (Box, Annals of Mathematical Statistics 1954);
    the lower end is above 0 only where a chi-square test says that chance alone does not make it. A bin's variance is the largest
    within its share's own ends, so that shares of 0 and 1 leave room. With entities variances are those of their totals. The upper
    end is never below that of the median where the distance is 0 and one direction at least is in play (power-constrained limits,
    Cowan et al., arXiv:1105.3166): a distance that is small by luck, as of two bins that fit to the row, is no proof of more.
    """

    seen: float
    """The squared distance that was seen."""
    chance: float
    """What chance alone adds to it, on average."""
    largest: float
    """Largest variance along any direction."""
    bins: int
    rows: int
    entities: int | None = None
    effective_entities: float | None = None
    """Entities of equal size that tell as much."""
    min_support: ClassVar[int] = 100
    value_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @property
    def value(self) -> float:
        """The distance seen less what chance adds, 0 where that is more."""
        return max(0.0, self.seen - self.chance)

    @property
    def method(self) -> str:
        """Name of the interval."""
        return by_entities(f"noncentral chi-square, equal-mass bins: {self.bins}", self.entities)

    @property
    def noise_floor(self) -> float:
        """95th percentile of the value where nothing but chance is at work."""
        from scipy.special import gdtrix

        return max(0.0, float(gdtrix(1 / (2 * self.largest), self._freedom(1.0) / 2, 0.95)) - self.chance)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        (scale, freedom), (broad, loose) = self._law(lower_alpha), self._law(upper_alpha)
        low = scale * noncentrality(self.seen / scale, freedom, 1 - lower_alpha)
        high = broad * max(noncentrality(self.seen / broad, loose, upper_alpha), least_end(max(1.0, loose), upper_alpha, 0.5))
        return min(low, self.value), min(1.0, max(high, self.value))

    def with_sample_size(self, factor: float) -> SquaredDistance:
        """The same distance of `factor` times the rows; what chance adds shrinks."""
        more, chance = scale(self, factor, "rows", "entities", "effective_entities"), self.chance / factor
        return replace(more, seen=max(0.0, self.seen - self.chance) + chance, chance=chance, largest=self.largest / factor)

    def with_value(self, value: float) -> SquaredDistance:
        """Another distance with the same noise."""
        return replace(self, seen=max(0.0, value + self.chance))

    @property
    def bias_corrected(self) -> float:
        """The value, from which what chance adds is taken already."""
        return self.value

    def expected_value(self, truth: float) -> float:
        """The true one, nearly: the value is never below 0."""
        return truth

    def expected_error(self, truth: float) -> float:
        """Standard deviation: of the noncentral chi-square."""
        return math.sqrt(2 * self.chance * self.largest + 4 * truth * self.largest)

    def _law(self, alpha: float) -> tuple[float, float]:
        """Scale and degrees of freedom of the chi-square that an end at this level inverts."""
        wider = 1.0 if self.entities is None else 1.0 / small_sample(freedom(self), alpha)
        return self.largest * wider, self._freedom(wider)

    def _freedom(self, wider: float) -> float:
        return max(FEWEST, self.chance / (self.largest * wider))


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Brier score = reliability - resolution + uncertainty + what varies within the bins."""

    reliability: SquaredDistance
    """From the mean stated probability: 0 is best."""
    resolution: SquaredDistance
    """From the share of all rows: more is better."""
    uncertainty: float
    """Variance of the event."""
    score: float
    """Mean squared error of the probabilities."""

    @property
    def within(self) -> float:
        """What the bins leave over (Stephenson, Coelho & Jolliffe, Weather and Forecasting 2008)."""
        return self.score - (self.reliability.seen - self.resolution.seen + self.uncertainty)


def decompose(
    probability: NDArray[np.float64], hit: NDArray[np.bool_], clusters: NDArray[np.int64] | None = None, *, bins: int = 15
) -> Decomposition:
    """From the stated probability of an event and whether it came to be, one a row, over bins of equal mass."""
    of_row = equal_mass(probability, bins)
    y, n = hit.astype(float), len(hit)
    sizes = np.bincount(of_row).astype(float)
    weight, rate = sizes / n, float(y.mean())
    stated, shares = (np.bincount(of_row, weights=values) / sizes for values in (probability, y))
    codes = None if clusters is None else np.unique(clusters, return_inverse=True)[1].astype(np.int64)
    most = _most(of_row, hit, codes, weight)
    entities = (None, None) if codes is None else (int(codes.max()) + 1, effective_number(codes))
    off, spread = (
        (_covariance(values - means[of_row], of_row, codes)) for values, means in ((probability - y, stated - shares), (y, shares))
    )
    centred = np.eye(len(weight)) - np.sqrt(np.outer(weight, weight))
    around = centred @ spread @ centred

    def squared(distance: NDArray[np.float64], noise: NDArray[np.float64]) -> SquaredDistance:
        seen, chance = float(weight @ distance**2), float(np.trace(noise))
        return SquaredDistance(seen, chance, max(most, float(np.linalg.eigvalsh(noise)[-1])), len(weight), n, *entities)

    return Decomposition(
        squared(stated - shares, off), squared(shares - rate, around), rate * (1 - rate), float(np.mean((probability - y) ** 2))
    )


def _most(of_row: NDArray[np.int64], hit: NDArray[np.bool_], codes: NDArray[np.int64] | None, weight: NDArray[np.float64]) -> float:
    """Largest variance of a bin's weighted share that its ends allow."""
    found = []
    for k in range(len(weight)):
        rows = of_row == k
        share = Proportion.of(hit[rows], None if codes is None else codes[rows])
        nearest = float(np.clip(0.5, *share.bounds(LEVEL, LEVEL)))
        found.append(nearest * (1 - nearest) * share.design_effect * float(weight[k]) / share.n)
    return max(found)


def _covariance(deviation: NDArray[np.float64], of_row: NDArray[np.int64], codes: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """(bins, bins) covariance of the bins' means, each times the root of its weight; `deviation` is that from the row's bin's mean."""
    from scipy.sparse import coo_array

    n, sizes = len(of_row), np.bincount(of_row).astype(float)
    part = deviation / np.sqrt(sizes[of_row] * n)
    if codes is None:
        return np.diag(np.bincount(of_row, weights=part**2) * sizes / np.maximum(1.0, sizes - 1))
    places = (codes, of_row), (int(codes.max()) + 1, len(sizes))
    totals, counts = (coo_array((values, places[0]), shape=places[1]).tocsr() for values in (part, np.ones(n)))
    effective = sizes**2 / counts.power(2).sum(axis=0)  # entities of equal size that would weigh as unevenly
    factor = np.sqrt(effective / np.maximum(0.5, effective - 1))
    found: NDArray[np.float64] = (totals.T @ totals).toarray() * np.outer(factor, factor)
    return found
