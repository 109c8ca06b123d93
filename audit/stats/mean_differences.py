"""Differences of two means: of two samples, or row by row."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np

from audit.stats.clustering import mover_distance, shrink_correlation
from audit.stats.mean import Mean, RootMeanSquare
from audit.stats.sample_size import Subtracted
from audit.stats.weighted import WeightedMean, WeightedShare

if TYPE_CHECKING:
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
        totals = []
        for values in (first, second):
            apart = np.square(values) - np.square(values).mean()
            totals.append(apart if clusters is None else np.bincount(np.unique(clusters, return_inverse=True)[1], weights=apart))
        spreads = math.sqrt(float(totals[0] @ totals[0])) * math.sqrt(float(totals[1] @ totals[1]))
        together = float(np.clip(totals[0] @ totals[1] / spreads, -1.0, 1.0)) if spreads > 0 else 0.0
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
        first, second = self.first.with_sample_size(factor), self.second.with_sample_size(factor)
        return replace(self, first=first, second=second, shared=self.shared * factor)

    @property
    def null_value(self) -> float:
        """Where the two do not differ."""
        return 0.0


@dataclass(frozen=True, slots=True)
class PairedMean:
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
    def n(self) -> int:
        """Rows."""
        return self.difference.n

    @property
    def support(self) -> float:
        """Independent units."""
        return self.difference.support

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"rows' differences, {self.difference.method}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; infinite where nothing bounds it."""
        return self.difference.bounds(lower_alpha, upper_alpha)

    def with_sample_size(self, factor: float) -> PairedMean:
        """The same differences of `factor` times the rows."""
        return replace(self, difference=self.difference.with_sample_size(factor))

    def with_value(self, value: float) -> PairedMean:
        """Another mean difference with the same spread."""
        return replace(self, difference=self.difference.with_value(value))

    @property
    def value_range(self) -> tuple[float, float]:
        """That of one row's difference."""
        return self.difference.value_range
