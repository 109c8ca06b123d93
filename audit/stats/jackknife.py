"""Any function of a sample that can be asked again without some of its rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.clustering import effective_number
from audit.stats.mean import Mean
from audit.stats.sample_size import OfUnits, scale_count, scale_units

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

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
        return replace(self, pseudo=pseudo, rows=scale_count(self.rows, factor), units=scale_units(self.units, self.rows, factor))

    def with_value(self, value: float) -> GroupJackknife:
        """The same spread around another value."""
        return replace(self, whole=value, pseudo=replace(self.pseudo, mean=self.pseudo.mean + value - self.whole))
