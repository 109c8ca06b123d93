"""Change of a gap between two groups from one model to another on the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

from audit.stats.pair import Subtracted, TwoSamples, reaches
from audit.stats.paired import PairedDifference  # noqa: TC001  # read at run time where a stored estimate is opened


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
