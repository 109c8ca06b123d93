"""Intervals without a law: order statistics of the rows, and a jackknife of any function of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.clustering import design_effect, effective_number, small_sample
from audit.stats.mean import Mean
from audit.stats.sample_size import Clustered, OfRows, OfUnits, freedom, scale, scale_units, with_effect

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

REACH = 8.0
"""Standard errors of the rank on either side within which values are kept: levels down to 1e-14."""
KEPT = 1000
"""Values kept at most; an end between two of them is the outer one."""


@dataclass(frozen=True, slots=True)
class Quantile(OfRows, Clustered):
    """The value that a share of all rows does not exceed.

    Its ends are order statistics, whatever the law of the values (Thompson, Annals of Mathematical Statistics 1936): the
    number of rows below the true quantile is binomial. An end beyond the least or the largest value seen is open. With
    entities the number of rows is divided by the design effect of the share at the quantile (Woodruff, JASA 1952).
    """

    share: float
    """0.95 for the 95th percentile."""
    rows: int
    ranks: tuple[int, ...]
    """Rising, from 1: which order statistics are kept."""
    values: tuple[float, ...]
    """The value at each rank."""
    entities: int | None = None
    """Number of entities that the rows belong to, where rows are not independent."""
    design_effect: float = 1.0
    effective_entities: float | None = None
    """Entities of equal size that tell as much."""
    min_support: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            msg = f"a quantile's share lies between 0 and 1, got {self.share}"
            raise ValueError(msg)
        if self._middle() not in self.ranks or len(self.ranks) != len(self.values):
            found = f"{len(self.values)} values at {len(self.ranks)} ranks"
            msg = f"a quantile needs the value at rank {self._middle()} of {self.rows}, got {found}"
            raise ValueError(msg)

    @classmethod
    def of(cls, values: NDArray[np.float64], share: float, clusters: NDArray[np.int64] | None = None) -> Quantile:
        """From one finite value a row."""
        n = len(values)
        if not n or not np.all(np.isfinite(values)):
            msg = f"a quantile needs finite values, got {n} values of which {int(np.sum(~np.isfinite(values)))} are not finite"
            raise ValueError(msg)
        if not 0 < share < 1:
            msg = f"a quantile's share lies between 0 and 1, got {share}"
            raise ValueError(msg)
        ascending, middle = np.sort(values), _rank(n, share)
        entities, effect, effective = None, 1.0, None
        if clusters is not None:
            codes = np.unique(clusters, return_inverse=True)[1]
            entities = int(codes.max()) + 1
            effect, effective = design_effect((values <= ascending[middle - 1]).astype(float), codes, entities), effective_number(codes)
        reach = math.ceil(REACH * math.sqrt(n * share * (1 - share) * effect)) + KEPT // 4
        first, last = max(1, middle - reach), min(n, middle + reach)
        spaced = np.linspace(first, last, min(KEPT, last - first + 1)).round().astype(int)
        ranks = np.unique(np.append(spaced, middle))
        return cls(share, n, tuple(ranks.tolist()), tuple(ascending[ranks - 1].tolist()), entities, effect, effective)

    @property
    def value(self) -> float:
        """The least value that at least this share of the rows do not exceed."""
        return self.values[self.ranks.index(self._middle())]

    @property
    def method(self) -> str:
        """Name of the interval."""
        return with_effect("order statistics, binomial", self.entities, self.design_effect)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; infinite where too few rows lie beyond."""
        from scipy.special import betainc

        ranks = np.array(self.ranks, dtype=float)
        low_rows, high_rows = (self._effective(alpha) for alpha in (lower_alpha, upper_alpha))
        below, above = ranks * low_rows / self.rows, (self.rows - ranks + 1) * high_rows / self.rows
        # a lower end at rank r is too high if fewer than r rows lie below the true quantile, an upper one mirrored
        sure_low = betainc(np.maximum(low_rows - below + 1, 1e-9), below, 1 - self.share) <= lower_alpha
        sure_high = betainc(np.maximum(high_rows - above + 1, 1e-9), above, self.share) <= upper_alpha
        low = self.values[int(np.flatnonzero(sure_low)[-1])] if sure_low.any() else -math.inf
        high = self.values[int(np.flatnonzero(sure_high)[0])] if sure_high.any() else math.inf
        return min(low, self.value), max(high, self.value)

    def _effective(self, alpha: float) -> float:
        """Independent rows that tell as much, for an end at this level."""
        n = self.rows / self.design_effect
        return n if self.entities is None else n * small_sample(freedom(self), alpha)

    def _middle(self) -> int:
        return _rank(self.rows, self.share)


def _rank(n: int, share: float) -> int:
    """Rank of the quantile among n rows; what rounding adds to n times the share does not count."""
    return max(1, math.ceil(n * share - 1e-9))


FEWEST, GROUPS = 25, 100
"""Groups that are left out in turn: the root of the rows or entities, between these."""


@dataclass(frozen=True, slots=True)
class GroupJackknife(OfUnits):
    """A function of the rows, with the spread that it shows when one group of them in turn is left out.

    Pseudo-values of Tukey, Annals of Mathematical Statistics 1958, of groups drawn at random: leaving out more than a row at a
    time serves medians too, for which leaving out single ones fails (Shao & Wu, Annals of Statistics 1989). Their mean has
    the ends of Student's t; each is moved outwards, never inwards, for the skewness and the bias that they show. Entities are left
    out whole.
    """

    whole: float
    """The function of all rows."""
    pseudo: Mean
    """Of one pseudo-value a group."""
    rows: int
    units: float
    """Rows, or effective entities where rows are clustered."""
    min_support: ClassVar[int] = 200

    @classmethod
    def of(
        cls, function: Callable[[NDArray[np.bool_]], float], n: int, rng: Generator, clusters: NDArray[np.int64] | None = None
    ) -> GroupJackknife:
        """From a function of the (n,) mask of the rows it is to see, which gives a finite number."""
        unit = np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]
        units = int(unit.max()) + 1
        groups = min(units, max(FEWEST, min(GROUPS, math.isqrt(units))))
        if groups < 2:  # noqa: PLR2004  # something must stay
            msg = f"leaving out groups of rows needs at least two rows or entities, got {units}"
            raise ValueError(msg)
        group = rng.permutation(np.arange(units) % groups)[unit]
        whole = function(np.ones(n, dtype=bool))
        without = np.array([function(group != one) for one in range(groups)])
        return cls(whole, Mean.of(groups * whole - (groups - 1) * without), n, n if clusters is None else effective_number(unit))

    @property
    def value(self) -> float:
        """The function of all rows."""
        return self.whole

    @property
    def method(self) -> str:
        """Name of the interval."""
        return self.by_units(f"jackknife of {self.pseudo.units} groups, {self.pseudo.method}")

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; infinite where no group makes a difference."""
        if self.pseudo.deviation == 0:
            return -math.inf, math.inf
        ends = [pseudo.bounds(lower_alpha, upper_alpha) for pseudo in (self.pseudo, replace(self.pseudo, skewness=0.0))]
        low, high, bias = min(low for low, _ in ends), max(high for _, high in ends), self.whole - self.pseudo.mean
        return min(low, low + bias, self.whole), max(high, high + bias, self.whole)

    def with_sample_size(self, factor: float) -> GroupJackknife:
        """As many groups of `factor` times the rows, which differ less."""
        pseudo = replace(self.pseudo, deviation=self.pseudo.deviation / math.sqrt(factor))
        return replace(scale(self, factor, "rows"), pseudo=pseudo, units=scale_units(self.units, self.rows, factor))

    def with_value(self, value: float) -> GroupJackknife:
        """The same spread around another value."""
        return replace(self, whole=value, pseudo=replace(self.pseudo, mean=self.pseudo.mean + value - self.whole))
