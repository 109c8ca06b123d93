"""Shares and means of rows that stand for more or fewer of the population. Only the ratios of the weights matter."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.clustering import by_entity, design_effect, effective_entities, small_sample, without_pull
from audit.stats.mean import Mean
from audit.stats.proportion import exact_lower
from audit.stats.sample_size import scale, scale_count

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class WeightedShare:
    """Weighted share of hits: exact ends on as many rows as the weighted ones are worth (Korn & Graubard, Survey Methodology 1998).

    They are worth the fewer of two counts: what the linearised variance of the ratio of totals says (Binder, ISR 1983), each row or
    entity without its own pull on the share (CR3), and the sum of the weights squared over the sum of their squares (Kish, Survey
    Sampling 1965), which knows of heavy rows that happen to hit alike. The latter, less one, is Student's degrees of freedom.
    """

    share: float
    rows: int
    effective_n: float
    """Independent rows of equal weight that tell as much."""
    entities: int | None = None
    effective_units: float | None = None
    """Rows, or entities, of equal weight that tell as much; None where rows have one weight."""
    min_support: ClassVar[int] = 1
    value_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    def __post_init__(self) -> None:
        if not (0 <= self.share <= 1 and 0 < self.effective_n <= self.rows):
            got = f"{self.share} of {self.rows} worth {self.effective_n}"
            msg = f"a weighted share lies between 0 and 1 on rows worth 1 each at most, got {got}"
            raise ValueError(msg)

    @classmethod
    def of(cls, hit: NDArray[np.bool_], weights: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> WeightedShare:
        """From one flag and one weight over 0 a row, and the entity of each where there is one."""
        values = hit.astype(float)
        share = min(1.0, float(np.average(values, weights=weights)))
        effective_n, entities = kish(weights), None
        effective = effective_entities(by_entity(weights, clusters))
        if clusters is not None:
            codes = np.unique(clusters, return_inverse=True)[1]
            entities = int(codes.max()) + 1
            effective_n /= design_effect(values, codes, entities)
        variance = linearised(values - share, weights, clusters)
        if variance > 0:
            effective_n = min(effective_n, share * (1 - share) / variance)
        return cls(share, len(hit), effective_n, entities, None if clusters is None and weights.min() == weights.max() else effective)

    @property
    def value(self) -> float:
        """Weighted share of hits."""
        return self.share

    @property
    def n(self) -> int:
        """Rows."""
        return self.rows

    @property
    def support(self) -> float:
        """Rows of equal weight that tell as much; not more than there are such entities."""
        return self.effective_n if self.entities is None else min(self.effective_n, self.effective_units or float(self.entities))

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"Korn-Graubard exact, weighted rows worth {self.effective_n:,.0f}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        return self._lower(self.share, lower_alpha), 1.0 - self._lower(1.0 - self.share, upper_alpha)

    def with_sample_size(self, factor: float) -> WeightedShare:
        """The same share of `factor` times the rows."""
        rows = scale_count(self.rows, factor)
        effective_n = min(float(rows), self.effective_n * factor)
        return replace(scale(self, factor, "entities", "effective_units"), rows=rows, effective_n=effective_n)

    def _lower(self, share: float, alpha: float) -> float:
        units = self.entities if self.effective_units is None else self.effective_units
        n = self.effective_n * (1.0 if units is None else small_sample(units, alpha))
        return min(share, exact_lower(share * n, n, alpha))


@dataclass(frozen=True, slots=True)
class WeightedMean:
    """Weighted mean: that of as many equal rows as the weighted ones are worth (Kish 1965), its variance the linearised one at least.

    As in `Mean` of entities, each row or entity counts without its own pull on the mean, and an end moves outwards alone for the
    skewness.
    """

    equal: Mean
    """Of rows of equal weight that tell as much."""
    rows: int
    min_support: ClassVar[int] = Mean.min_support

    @classmethod
    def of(cls, values: NDArray[np.float64], weights: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> WeightedMean:
        """From one finite value and one weight over 0 a row, and the entity of each where there is one."""
        if clusters is None and weights.min() == weights.max():
            return cls(Mean.of(values), len(values))
        mean = float(np.average(values, weights=weights))
        units = effective_entities(by_entity(weights, clusters))
        spread, parts = float(np.average((values - mean) ** 2, weights=weights)), _parts(values - mean, weights, clusters)
        deviation = math.sqrt(units * max(spread / max(1, units - 1), float(parts @ parts)))
        if deviation <= 1e-12 * float(np.abs(values).max()):  # what rounding leaves of equal values
            return cls(Mean(mean, 0.0, 0.0, units, len(values)), len(values))
        skewness = units**2 * float(np.sum(parts**3)) / deviation**3 if units >= cls.min_support else 0.0
        return cls(Mean(mean, deviation, skewness, units, len(values)), len(values))

    @property
    def value(self) -> float:
        """The weighted mean."""
        return self.equal.mean

    @property
    def n(self) -> int:
        """Rows."""
        return self.rows

    @property
    def support(self) -> float:
        """Rows of equal weight, or entities, that tell as much."""
        return self.equal.units

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"skewness-corrected t (Hall 1992), weighted rows worth {self.equal.units:,.0f}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        return self.equal.bounds(lower_alpha, upper_alpha)

    def with_sample_size(self, factor: float) -> WeightedMean:
        """The same mean and spread of `factor` times the rows."""
        return scale(self, factor, "equal", "rows")

    @property
    def value_range(self) -> tuple[float, float]:
        """That of one value."""
        return self.equal.value_range


def kish(weights: NDArray[np.float64]) -> float:
    """Rows of equal weight that tell as much where weights and values have nothing to do with each other."""
    return min(float(len(weights)), float(weights.sum() ** 2 / (weights @ weights)))


def linearised(deviations: NDArray[np.float64], weights: NDArray[np.float64], clusters: NDArray[np.int64] | None) -> float:
    """Variance of a weighted mean from the deviations of its rows, summed by entity where there is one (Binder 1983)."""
    parts = _parts(deviations, weights, clusters)
    return float(parts @ parts)


def _parts(deviations: NDArray[np.float64], weights: NDArray[np.float64], clusters: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """(units,) what each row or entity adds to the deviation of the weighted mean."""
    pulled = weights * deviations / weights.sum()
    return without_pull(by_entity(pulled, clusters), by_entity(weights, clusters))
