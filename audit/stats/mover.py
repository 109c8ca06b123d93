"""Sums of independent estimates, whose ends are recovered from the ends of each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from audit.stats.pair import TwoSamples
from audit.stats.proportion import Difference  # noqa: TC001  # read at run time where a stored estimate is opened


@dataclass(frozen=True, slots=True)
class AverageDifference(TwoSamples):
    """Mean of two differences of shares. Method of variance estimates recovery (Zou & Donner, Statistics in Medicine 2008).

    Each end lies as far out as those of the two differences do together: by the root of the squares where rows are independent,
    since the two look at different rows; by their sum where entities may have rows in both.
    """

    first: Difference
    second: Difference
    least: ClassVar[int] = 1

    @property
    def value(self) -> float:
        """Mean of the differences."""
        return (self.first.value + self.second.value) / 2

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"MOVER (Zou & Donner 2008) of two differences, each by {self.first.method}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        both = (self.first, self.second)
        ends = [one.bounds(lower_alpha, upper_alpha) for one in both]
        down = [one.value - low for one, (low, _) in zip(both, ends, strict=True)]
        up = [high - one.value for one, (_, high) in zip(both, ends, strict=True)]
        return max(-1.0, self.value - self._together(down) / 2), min(1.0, self.value + self._together(up) / 2)

    def _together(self, distances: list[float]) -> float:
        clustered = any(share.entities is not None for one in (self.first, self.second) for share in (one.first, one.second))
        return sum(distances) if clustered else math.hypot(*distances)
