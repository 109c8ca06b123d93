"""Differences of two shares on the same rows, differences of such differences and of means, and their mean."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.clustering import design_effect, effective_number, mover_distance, shrink_correlation, small_sample
from audit.stats.mean_comparisons import MeanDifference
from audit.stats.proportion import FAR, Difference, exact_lower
from audit.stats.sample_size import Clustered, OfPart, Subtracted, TwoSamples, freedom, reaches, scale, with_effect

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PairedDifference(Clustered):
    """First proportion minus second, both of the same rows, such as a candidate's accuracy minus a champion's.

    Tango's score interval, Statistics in Medicine 1998. An end that shows a difference (a lower one above 0, an upper one
    below it) errs there at up to twice its level where nearly all rows on which the two differ favour one of them, and so do
    corrected ends. These are at least as far out as the hybrid (Zou & Donner, Statistics in Medicine 2008) of the exact ends
    of the two shares of such rows. With entities, n is divided by the design effect of the rows' differences.
    """

    both: int
    """Rows that are hits of both."""
    only_first: int
    only_second: int
    neither: int
    entities: int | None = None
    """Number of entities that the rows belong to, where rows are not independent."""
    design_effect: float = 1.0
    """Variance of the difference with entities over variance without; 1 where rows are independent."""
    effective_entities: float | None = None
    """Entities of equal size that tell as much."""
    min_support: ClassVar[int] = 1
    value_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def __post_init__(self) -> None:
        cells = (self.both, self.only_first, self.only_second, self.neither)
        if min(cells) < 0 or sum(cells) < 1:
            msg = f"a paired difference needs cells of at least 0 rows and one row in all, got {cells}"
            raise ValueError(msg)

    @classmethod
    def of(cls, first: NDArray[np.bool_], second: NDArray[np.bool_], clusters: NDArray[np.int64] | None = None) -> PairedDifference:
        """From two flags a row, and the entity of each row where there is one."""
        if len(first) != len(second):
            msg = f"a paired difference needs the same rows, got {len(first)} and {len(second)}"
            raise ValueError(msg)
        neither, only_second, only_first, both = np.bincount(2 * first.astype(np.int64) + second, minlength=4).tolist()
        if clusters is None or not len(first):
            return cls(both, only_first, only_second, neither)
        codes = np.unique(clusters, return_inverse=True)[1]
        entities = int(codes.max()) + 1
        effect = design_effect(first.astype(float) - second, codes, entities)
        return cls(both, only_first, only_second, neither, entities, effect, effective_number(clusters))

    @property
    def value(self) -> float:
        """Difference of the shares."""
        return (self.only_first - self.only_second) / self.n

    @property
    def n(self) -> int:
        """Rows."""
        return self.both + self.only_first + self.only_second + self.neither

    @property
    def method(self) -> str:
        """Name of the interval."""
        return with_effect("Tango's paired score, exact hybrid in corrected ends", self.entities, self.design_effect)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        low = self._lower(self.only_first, self.only_second, lower_alpha)
        return low, 0.0 - self._lower(self.only_second, self.only_first, upper_alpha)  # never -0.0

    def with_sample_size(self, factor: float) -> PairedDifference:
        """The same shares of `factor` times the rows, each cell rounded by itself, so that both directions of a comparison stay equal."""
        both, only_first, only_second, neither = (
            round(each * factor) for each in (self.both, self.only_first, self.only_second, self.neither)
        )
        if not both + only_first + only_second + neither:
            return self
        more = replace(self, both=both, only_first=only_first, only_second=only_second, neither=neither)
        return scale(more, factor, "entities", "effective_entities")

    def _lower(self, more: int, fewer: int, alpha: float) -> float:
        n = self.n / self.design_effect
        if self.entities is not None:
            n *= small_sample(freedom(self), alpha)
        score = _tango_lower(more / self.n, fewer / self.n, n, alpha)
        if score <= 0 and alpha >= FAR:
            return score
        hybrid = min(score, _hybrid_lower(more / self.n, fewer / self.n, n, alpha))
        return hybrid if alpha < FAR else max(0.0, hybrid)


def _tango_lower(more: float, fewer: float, n: float, alpha: float) -> float:
    """The difference under the observed one at which the score test's one-sided p is alpha; `more` and `fewer` are shares."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    value, z = more - fewer, -float(ndtri(alpha))
    if z <= 0 or value <= -1:
        return value

    def excess(true: float) -> float:
        """Observed minus true difference, less z standard errors at the restricted maximum likelihood."""
        half = (more + fewer - (2 - value) * true) / 4
        rarer = half + math.sqrt(max(0.0, half**2 + fewer * true * (1 - true) / 2))
        return value - true - z * math.sqrt(max(0.0, 2 * rarer + true * (1 - true)) / n)

    just_under = value - 1e-12 * (1 + value)  # at the value itself both terms are 0 where the two never differ
    return float(brentq(excess, -1.0, just_under, xtol=1e-13))


def _hybrid_lower(more: float, fewer: float, n: float, alpha: float) -> float:
    """From the exact ends of the two shares, which go together as cells of one table do."""
    down, up = more - exact_lower(more * n, n, alpha), 1 - exact_lower((1 - fewer) * n, n, alpha) - fewer
    apart = math.sqrt(more * fewer / ((1 - more) * (1 - fewer))) if more < 1 and fewer < 1 else 0.0
    return max(-1.0, more - fewer - math.sqrt(down**2 + up**2 + 2 * apart * down * up))


@dataclass(frozen=True, slots=True)
class GapChange(Subtracted, TwoSamples):
    """One group's paired difference minus another group's: paired on rows within a group, independent between them.

    Method of variance estimates recovery (Zou & Donner, Statistics in Medicine 2008) of two paired score intervals: each end lies
    as far out as those of the two do together, by the root of the squares, or by their sum where entities may be in both groups.
    """

    first: PairedDifference
    second: PairedDifference
    min_support: ClassVar[int] = 1
    value_range: ClassVar[tuple[float, float]] = (-2.0, 2.0)

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"MOVER (Zou & Donner 2008) of two paired differences: {self.first.method}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        down, up = reaches(self, (lower_alpha, upper_alpha), self.distance)
        return max(-2.0, self.value - down), min(2.0, self.value + up)

    def with_sample_size(self, factor: float) -> GapChange:
        """The same shares of `factor` times the rows."""
        return scale(self, factor, "first", "second")

    def distance(self, first: float, second: float) -> float:
        """How far an end is away by two distances that go into it."""
        clustered = self.first.entities is not None or self.second.entities is not None
        return first + second if clustered else math.hypot(first, second)


@dataclass(frozen=True, slots=True)
class AverageGapChange(TwoSamples):
    """Mean of two changes of gaps that look at different rows, such as those of true and of false positive rates.

    Method of variance estimates recovery, as in `GapChange`: distances go together by the root of their squares, or by their sum
    where entities may be behind both.
    """

    first: GapChange
    second: GapChange
    min_support: ClassVar[int] = 1
    value_range: ClassVar[tuple[float, float]] = (-2.0, 2.0)

    @property
    def value(self) -> float:
        """Mean of the changes."""
        return (self.first.value + self.second.value) / 2

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"mean of two changes, each by {self.first.method}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        ends = [(one.value, *one.bounds(lower_alpha, upper_alpha)) for one in (self.first, self.second)]
        together = self.first.distance
        down, up = together(*(value - low for value, low, _ in ends)), together(*(high - value for value, _, high in ends))
        return max(-2.0, self.value - down / 2), min(2.0, self.value + up / 2)

    def with_sample_size(self, factor: float) -> AverageGapChange:
        """The same shares of `factor` times the rows."""
        return scale(self, factor, "first", "second")


@dataclass(frozen=True, slots=True)
class Amplification(OfPart):
    """Gap between two groups after, minus the size of their gap before, whichever way that went: the smaller of two changes.

    With gaps a after and b before, a - |b| is the smaller of a - b and a + b. The lower end is the smaller lower end of both; the
    upper end the smaller of their upper ends at half the level each, since either may err (Bonferroni).
    """

    kept: GapChange | AverageGapChange | MeanDifference
    """Gap after minus gap before."""
    turned: GapChange | AverageGapChange | MeanDifference
    """Gap after plus gap before, which is the change where the earlier gap went the other way."""
    min_support: ClassVar[int] = 1

    @property
    def value(self) -> float:
        """By how much the gap is wider than it was."""
        return min(self.kept.value, self.turned.value)

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
        return scale(self, factor, "kept", "turned")

    @property
    def value_range(self) -> tuple[float, float]:
        """A gap of shares is at most 1: it can be wider by 1, and narrower by 2 where it turned round. One of means has no limit."""
        return (-math.inf, math.inf) if isinstance(self.kept, MeanDifference) else (-2.0, 1.0)


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
    value_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)

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
        return replace(scale(self, factor, "first", "second"), shared=self.shared * factor)

    def with_value(self, value: float) -> AverageDifference:
        """Both differences moved by the same amount."""
        first, second = (one.with_value(max(-1.0, min(1.0, one.value + value - self.value))) for one in (self.first, self.second))
        return replace(self, first=first, second=second)

    def _together(self, distances: list[float], alpha: float) -> float:
        if self.correlation is not None:
            return mover_distance(distances[0], distances[1], shrink_correlation(-self.correlation, self.shared, alpha))
        clustered = any(share.entities is not None for one in (self.first, self.second) for share in (one.first, one.second))
        return sum(distances) if clustered else math.hypot(*distances)
