"""Proportions and what is made of two of them: differences and ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.counted import Clustered, with_effect
from audit.stats.entities import design_effect, small_sample
from audit.stats.pair import Subtracted, TwoSamples, reaches

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAR = 0.02
"""Error levels below it are a corrected, far tail: there Wilson's interval errs too often and the exact one is used."""


@dataclass(frozen=True, slots=True)
class Proportion(Clustered):
    """Hits among n rows.

    Wilson, JASA 1927; exact ends (Clopper & Pearson, Biometrika 1934) for levels below 2 %. With entities, rows of one
    entity move together: n is divided by the design effect of the entities' totals (Korn & Graubard, Survey Methodology 1998).
    """

    hits: int
    n: int
    entities: int | None = None
    """Number of entities that the rows belong to, where rows are not independent."""
    design_effect: float = 1.0
    """Variance with entities over variance without; 1 where rows are independent."""
    least: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not 0 <= self.hits <= self.n or self.n < 1:
            msg = f"a proportion needs 0 <= hits <= n and n >= 1, got {self.hits} of {self.n}"
            raise ValueError(msg)

    @classmethod
    def of(cls, hit: NDArray[np.bool_], clusters: NDArray[np.int64] | None = None) -> Proportion:
        """From one flag a row, and the entity of each row where there is one."""
        n, hits = len(hit), int(np.count_nonzero(hit))
        if clusters is None or n == 0:
            return cls(hits, n)
        codes = np.unique(clusters, return_inverse=True)[1]
        entities = int(codes.max()) + 1
        return cls(hits, n, entities, design_effect(hit.astype(float), codes, entities))

    @property
    def value(self) -> float:
        """Share of hits."""
        return self.hits / self.n

    @property
    def method(self) -> str:
        """Name of the interval."""
        return with_effect("Wilson score, exact in corrected ends", self.entities, self.design_effect)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        return self._lower(self.hits, lower_alpha), 1.0 - self._lower(self.n - self.hits, upper_alpha)

    def effective(self, alpha: float) -> float:
        """Independent rows that tell as much, for an end at this level."""
        n = self.n / self.design_effect
        return n if self.entities is None else n * small_sample(self.entities, alpha)

    def _lower(self, hits: int, alpha: float) -> float:
        n = self.effective(alpha)
        x = hits / self.n * n
        return exact_lower(x, n, alpha) if alpha < FAR else _wilson_lower(x, n, alpha)


def _wilson_lower(x: float, n: float, alpha: float) -> float:
    from scipy.special import ndtri

    if x <= 0:
        return 0.0
    z = -float(ndtri(alpha))
    p = x / n
    centre = p + z * z / (2 * n)
    return max(0.0, (centre - z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))) / (1 + z * z / n))


def exact_lower(x: float, n: float, alpha: float) -> float:
    """Clopper and Pearson's lower end; `x` and `n` need not be whole."""
    from scipy.special import betaincinv

    return 0.0 if x <= 0 else float(betaincinv(x, n - x + 1, alpha))


@dataclass(frozen=True, slots=True)
class Difference(Subtracted, TwoSamples):
    """First proportion minus second, independent samples. Newcombe, Statistics in Medicine 1998, method 10."""

    first: Proportion
    second: Proportion
    least: ClassVar[int] = 1

    @property
    def method(self) -> str:
        """Name of the interval."""
        return "Newcombe hybrid score, exact in corrected ends"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        down, up = reaches(self, (lower_alpha, upper_alpha))
        return max(-1.0, self.value - down), min(1.0, self.value + up)


@dataclass(frozen=True, slots=True)
class Ratio(TwoSamples):
    """First proportion over second, independent samples. Koopman, Biometrics 1984 (score interval).

    A share of 0 below the line has no finite ratio: the value then adds half a hit to each (Walter, Biometrika 1975).
    """

    first: Proportion
    second: Proportion
    least: ClassVar[int] = 1

    @property
    def value(self) -> float:
        """Ratio of the shares."""
        if self.second.hits:
            return self.first.value / self.second.value
        return (self.first.hits + 0.5) / (self.first.n + 0.5) / (0.5 / (self.second.n + 0.5))

    @property
    def method(self) -> str:
        """Name of the interval."""
        return "Koopman score"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; the upper end is infinite where the second sample has no hit."""
        low = 0.0 if self.first.hits == 0 else _koopman_lower(self.first, self.second, lower_alpha)
        high = math.inf if self.second.hits == 0 else 1.0 / _koopman_lower(self.second, self.first, upper_alpha)
        return low, high


def _koopman_lower(above: Proportion, below: Proportion, alpha: float) -> float:
    """The ratio under the observed one at which the score test's one-sided p is alpha."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    n, m = above.effective(alpha), below.effective(alpha)
    x, y = above.value * n, below.value * m
    z = -float(ndtri(alpha))

    def excess(log_ratio: float) -> float:
        return koopman_score(x, n, y, m, math.exp(log_ratio)) - z

    high = math.log((x / n) / (max(y, 0.25) / m)) + (3.0 if y == 0 else 0.0)
    if excess(high) >= 0:
        return math.exp(high)
    low = high - 1.0
    while excess(low) < 0:
        low -= 1.0
    return math.exp(float(brentq(excess, low, high, xtol=1e-12)))


def koopman_score(x: float, n: float, y: float, m: float, ratio: float) -> float:
    """Signed root of Koopman's statistic when the true ratio is `ratio`; the shares are the restricted maximum likelihood ones."""
    b = ratio * (n + y) + x + m
    q = (b - math.sqrt(max(0.0, b * b - 4 * ratio * (n + m) * (x + y)))) / (2 * ratio * (n + m))
    p = min(ratio * q, 1.0)
    total = sum((k - size * share) ** 2 / (size * share * (1 - share)) for k, size, share in ((x, n, p), (y, m, q)) if 0 < share < 1)
    return math.copysign(math.sqrt(total), x - n * p)
