"""Means of per-row losses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.counted import OfUnits

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Mean(OfUnits):
    """Mean of n values, with the skewness taken out of Student's t (Hall, JRSS B 1992, cubic transformation).

    The sufficient statistic is count, mean, standard deviation and skewness, so any level has a closed form and no resample
    is drawn. With entities, the units are the entities and their values the totals over the mean size. Values that are all
    alike show no spread: each end then allows for the share of rows that may differ unseen (1 - alpha^(1/n), Clopper &
    Pearson 1934), each as far away as the range reaches, and is open where the range is.
    """

    mean: float
    deviation: float
    """Standard deviation of one unit, ddof 1."""
    skewness: float
    units: int
    """Independent units: rows, or entities where rows are clustered."""
    rows: int
    low: float | None = None
    """The least that a value can be; None where it has no end."""
    high: float | None = None
    """The most that a value can be; None where it has no end."""
    least: ClassVar[int] = 50

    @classmethod
    def of(
        cls,
        values: NDArray[np.float64],
        clusters: NDArray[np.int64] | None = None,
        *,
        low: float | None = None,
        high: float | None = None,
    ) -> Mean:
        """From one finite value a row, and the range in which a value must lie."""
        if not len(values) or not np.all(np.isfinite(values)):
            msg = f"a mean needs finite values, got {len(values)} values of which {int(np.sum(~np.isfinite(values)))} are not finite"
            raise ValueError(msg)
        if (low is not None and values.min() < low) or (high is not None and values.max() > high):
            msg = f"values from {values.min()} to {values.max()} leave their range [{low}, {high}]"
            raise ValueError(msg)
        mean = float(values.mean())
        units = values - mean
        if clusters is not None:
            codes = np.unique(clusters, return_inverse=True)[1]
            totals = np.bincount(codes, weights=units)
            units = totals * (len(totals) / len(values))
        deviation = float(units.std(ddof=1)) if len(units) > 1 else 0.0
        if deviation <= 1e-12 * float(np.abs(values).max()):  # what rounding leaves of equal values
            return cls(mean, 0.0, 0.0, len(units), len(values), low, high)
        third = float(np.mean(((units - units.mean()) / deviation) ** 3))  # the cube of a tiny deviation is 0
        return cls(mean, deviation, third, len(units), len(values), low, high)

    @property
    def value(self) -> float:
        """The mean."""
        return self.mean

    @property
    def method(self) -> str:
        """Name of the interval."""
        return self.by_units("skewness-corrected t (Hall 1992)")

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; infinite where nothing bounds it."""
        from scipy.special import stdtrit

        lowest = -math.inf if self.low is None else self.low
        highest = math.inf if self.high is None else self.high
        if self.deviation == 0:
            low, high = (1 - alpha ** (1 / self.units) for alpha in (lower_alpha, upper_alpha))
            return self.mean - low * (self.mean - lowest), self.mean + high * (highest - self.mean)
        scale, df = self.deviation / math.sqrt(self.units), self.units - 1
        low = self.mean - scale * self._inverse(float(stdtrit(df, 1 - lower_alpha)))
        high = self.mean - scale * self._inverse(float(stdtrit(df, upper_alpha)))
        return max(lowest, min(low, self.mean)), min(highest, max(high, self.mean))

    def _inverse(self, x: float) -> float:
        """The t statistic whose transform is x."""
        root = math.sqrt(self.units)
        if abs(self.skewness) < 1e-9:  # noqa: PLR2004  # the transform's limit is the identity
            return x
        inner = 1 + self.skewness * (x / root - self.skewness / (6 * self.units))
        return root * 3 / self.skewness * (math.copysign(abs(inner) ** (1 / 3), inner) - 1)
