"""Differences of differences of shares, and their mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from audit.stats.clustering import mover_distance, shrink_correlation
from audit.stats.paired import PairedDifference  # noqa: TC001  # read at run time where a stored estimate is opened
from audit.stats.proportion import Difference  # noqa: TC001  # read at run time where a stored estimate is opened
from audit.stats.sample_size import Subtracted, TwoSamples, reaches


@dataclass(frozen=True, slots=True)
class GapChange(Subtracted, TwoSamples):
    """One group's paired difference minus another group's: paired on rows within a group, independent between them.

    Method of variance estimates recovery (Zou & Donner, Statistics in Medicine 2008) of two paired score intervals: each end lies
    as far out as those of the two do together, by the root of the squares, or by their sum where entities may be in both groups.
    """

    first: PairedDifference
    second: PairedDifference
    min_support: ClassVar[int] = 1

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"MOVER (Zou & Donner 2008) of two paired differences: {self.first.method}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        down, up = reaches(self, (lower_alpha, upper_alpha), self._together)
        return max(-2.0, self.value - down), min(2.0, self.value + up)

    def with_sample_size(self, factor: float) -> GapChange:
        """The same shares of `factor` times the rows."""
        return replace(self, first=self.first.with_sample_size(factor), second=self.second.with_sample_size(factor))

    @property
    def value_range(self) -> tuple[float, float]:
        """Of a difference of two gaps."""
        return -2.0, 2.0

    def _together(self, first: float, second: float) -> float:
        clustered = self.first.entities is not None or self.second.entities is not None
        return first + second if clustered else math.hypot(first, second)


@dataclass(frozen=True, slots=True)
class Amplification:
    """Gap between two groups after, minus the size of their gap before, whichever way that went: the smaller of two changes.

    With gaps a after and b before, a - |b| is the smaller of a - b and a + b. The lower end is the smaller lower end of both; the
    upper end the smaller of their upper ends at half the level each, since either may err (Bonferroni).
    """

    kept: GapChange
    """Gap after minus gap before."""
    turned: GapChange
    """Gap after plus gap before, which is the change where the earlier gap went the other way."""
    min_support: ClassVar[int] = 1

    @property
    def value(self) -> float:
        """By how much the gap is wider than it was."""
        return min(self.kept.value, self.turned.value)

    @property
    def n(self) -> int:
        """Rows of both groups."""
        return self.kept.n

    @property
    def support(self) -> float:
        """The smaller group."""
        return self.kept.support

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"smaller of two changes of a gap, each by {self.kept.method}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        ends = [one.bounds(lower_alpha, upper_alpha / 2) for one in (self.kept, self.turned)]
        return min(low for low, _ in ends), min(high for _, high in ends)

    def with_sample_size(self, factor: float) -> Amplification:
        """The same shares of `factor` times the rows."""
        return replace(self, kept=self.kept.with_sample_size(factor), turned=self.turned.with_sample_size(factor))

    @property
    def value_range(self) -> tuple[float, float]:
        """A gap of at most 1 can be wider by 1, and narrower by 2 where it turned round."""
        return -2.0, 1.0


@dataclass(frozen=True, slots=True)
class AverageDifference(TwoSamples):
    """Mean of two differences of shares. Method of variance estimates recovery (Zou & Donner, Statistics in Medicine 2008).

    Each end lies as far out as those of the two differences do together: by the root of the squares where rows are independent,
    since the two look at different rows; where entities may have rows in both, with the correlation of the two (Zou, Psychological
    Methods 2007), or by their sum where nothing is known of it.
    """

    first: Difference
    second: Difference
    correlation: float | None = None
    """Of the two differences, by their entities; None where it is not known."""
    shared: float = 0.0
    """Entities of equal weight with rows behind both, from which the correlation is known."""
    min_support: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if self.shared < 0 or (self.correlation is not None and not -1 <= self.correlation <= 1):
            msg = f"a correlation is from -1 to 1, by entities in both, got {self.correlation} by {self.shared}"
            raise ValueError(msg)

    @property
    def value(self) -> float:
        """Mean of the differences."""
        return (self.first.value + self.second.value) / 2

    @property
    def method(self) -> str:
        """Name of the interval."""
        known = "" if self.correlation is None else f", correlation {self.correlation:.2f} by {self.shared:,.0f} entities in both"
        return f"MOVER (Zou & Donner 2008) of two differences{known}, each by {self.first.method}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        both = (self.first, self.second)
        ends = [one.bounds(lower_alpha, upper_alpha) for one in both]
        down = [one.value - low for one, (low, _) in zip(both, ends, strict=True)]
        up = [high - one.value for one, (_, high) in zip(both, ends, strict=True)]
        low, high = self._together(down, lower_alpha), self._together(up, upper_alpha)
        return max(-1.0, self.value - low / 2), min(1.0, self.value + high / 2)

    def with_sample_size(self, factor: float) -> AverageDifference:
        """The same shares of `factor` times the rows."""
        first, second = self.first.with_sample_size(factor), self.second.with_sample_size(factor)
        return replace(self, first=first, second=second, shared=self.shared * factor)

    def with_value(self, value: float) -> AverageDifference:
        """Both differences moved by the same amount."""
        first, second = (one.with_value(max(-1.0, min(1.0, one.value + value - self.value))) for one in (self.first, self.second))
        return replace(self, first=first, second=second)

    @property
    def value_range(self) -> tuple[float, float]:
        """Of a difference of shares."""
        return -1.0, 1.0

    def _together(self, distances: list[float], alpha: float) -> float:
        if self.correlation is not None:
            return mover_distance(distances[0], distances[1], shrink_correlation(-self.correlation, self.shared, alpha))
        clustered = any(share.entities is not None for one in (self.first, self.second) for share in (one.first, one.second))
        return sum(distances) if clustered else math.hypot(*distances)
