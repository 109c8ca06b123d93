"""Difference of two mean losses on the same rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from audit.stats.mean import Mean

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


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
