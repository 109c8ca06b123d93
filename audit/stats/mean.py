"""Means of per-row losses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Mean:
    """Mean of n values, with the skewness taken out of Student's t (Hall, JRSS B 1992, cubic transformation).

    The sufficient statistic is count, mean, standard deviation and skewness, so any level has a closed form and no resample
    is drawn. With entities, n counts them and the values are their totals over the mean size.
    """

    mean: float
    deviation: float
    """Standard deviation of one unit, ddof 1."""
    skewness: float
    units: int
    """Independent units: rows, or entities where rows are clustered."""
    rows: int
    least: ClassVar[int] = 10

    @classmethod
    def of(cls, values: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> Mean:
        """From one finite value a row."""
        if not len(values) or not np.all(np.isfinite(values)):
            msg = f"a mean needs finite values, got {len(values)} values of which {int(np.sum(~np.isfinite(values)))} are not finite"
            raise ValueError(msg)
        mean = float(values.mean())
        units = values - mean
        if clusters is not None:
            codes = np.unique(clusters, return_inverse=True)[1]
            totals = np.bincount(codes, weights=units)
            units = totals * (len(totals) / len(values))
        count = len(units)
        deviation = float(units.std(ddof=1)) if count > 1 else 0.0
        third = float(np.mean((units - units.mean()) ** 3)) / deviation**3 if deviation > 0 else 0.0
        return cls(mean, deviation, third, count, len(values))

    @property
    def value(self) -> float:
        """The mean."""
        return self.mean

    @property
    def n(self) -> int:
        """Rows."""
        return self.rows

    @property
    def support(self) -> float:
        """Independent units."""
        return self.units

    @property
    def method(self) -> str:
        """Name of the interval."""
        name = "skewness-corrected t (Hall 1992)"
        return name if self.units == self.rows else f"{name}, {self.units:,} entities"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        from scipy.stats import t

        if self.units < 2:  # noqa: PLR2004  # one unit has no spread: nothing is known
            return -math.inf, math.inf
        quantile = t(df=self.units - 1).ppf
        scale = self.deviation / math.sqrt(self.units)
        return (
            self.mean - scale * self._inverse(float(quantile(1 - lower_alpha))),
            self.mean - scale * self._inverse(float(quantile(upper_alpha))),
        )

    def _inverse(self, x: float) -> float:
        """The t statistic whose transform is x."""
        root = math.sqrt(self.units)
        if abs(self.skewness) < 1e-9:  # noqa: PLR2004  # the transform's limit is the identity
            return x
        inner = 1 + self.skewness * (x / root - self.skewness / (6 * self.units))
        return root * 3 / self.skewness * (math.copysign(abs(inner) ** (1 / 3), inner) - 1)
