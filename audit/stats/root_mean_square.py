"""Root of a mean of squares."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.mean import Mean

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RootMeanSquare:
    """Root of the mean of squared values. Its ends are the roots of the mean's (Hall, JRSS B 1992): a root keeps their levels."""

    squares: Mean
    min_support: ClassVar[int] = 100

    @classmethod
    def of(cls, values: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> RootMeanSquare:
        """From one finite value a row, and the entity of each row where there is one."""
        return cls(Mean.of(np.square(values), clusters, low=0.0))

    @property
    def value(self) -> float:
        """The root."""
        return math.sqrt(self.squares.value)

    @property
    def n(self) -> int:
        """Rows."""
        return self.squares.n

    @property
    def support(self) -> float:
        """Independent units."""
        return self.squares.support

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"root of the mean square's, {self.squares.method}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; infinite where nothing bounds it."""
        low, high = self.squares.bounds(lower_alpha, upper_alpha)
        return math.sqrt(low), math.sqrt(high)

    def with_sample_size(self, factor: float) -> RootMeanSquare:
        """The same errors of `factor` times the rows."""
        return replace(self, squares=self.squares.with_sample_size(factor))

    def with_value(self, value: float) -> RootMeanSquare | None:
        """All errors larger or smaller by one factor: their squares spread as their mean does."""
        mean = max(0.0, value) ** 2
        if self.squares.mean <= 0 or value <= 0:
            return None
        return replace(self, squares=replace(self.squares, mean=mean, deviation=self.squares.deviation * mean / self.squares.mean))

    @property
    def value_range(self) -> tuple[float, float]:
        """Of a root."""
        return 0.0, math.inf
