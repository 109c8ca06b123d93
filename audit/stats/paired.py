"""Difference of two proportions on the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.clustering import design_effect, effective_number, small_sample
from audit.stats.proportion import FAR, exact_lower
from audit.stats.sample_size import Clustered, freedom, scale_entities, scale_optional, with_effect

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
        entities, effective = scale_entities(self.entities, factor), scale_optional(self.effective_entities, factor)
        return replace(more, entities=entities, effective_entities=effective)

    @property
    def value_range(self) -> tuple[float, float]:
        """Of a difference of shares."""
        return -1.0, 1.0

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
