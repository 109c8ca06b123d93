"""Proportions and what is made of two of them: differences and ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.clustering import effect_of_totals, effective_entities, frechet_minimum, mover_distance, shrink_correlation, small_sample
from audit.stats.sample_size import Clustered, Subtracted, TwoSamples, freedom, scale, scale_count, with_effect

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAR = 0.02
"""Error levels below it are a corrected, far tail: there Wilson's interval errs too often and the exact one is used."""
MEDIAN = 0.5
"""The level at which an end is the share itself."""
FEW, FEW_OUTER = 10, 50
"""Hits or misses below which an end is exact; the second for the end towards the nearer of 0 and 1."""
LEAST_LOG = -700.0
"""Logarithm of a ratio below which it counts as 0: soon after it a number has no more digits."""


@dataclass(frozen=True, slots=True)
class Proportion(Clustered):
    """Hits among n rows.

    Wilson, JASA 1927; exact ends (Clopper & Pearson, Biometrika 1934) for levels below 2 % and for few hits or misses, where
    Wilson's end towards 0 or 1 misses in up to 16 %. With entities, rows of one entity move together: n is divided by the
    design effect of the entities' totals (Korn & Graubard, Survey Methodology 1998).
    """

    hits: int
    n: int
    entities: int | None = None
    """Number of entities that the rows belong to, where rows are not independent."""
    design_effect: float = 1.0
    """Variance with entities over variance without; 1 where rows are independent."""
    effective_entities: float | None = None
    """Entities of equal size that tell as much (Kish, Survey Sampling 1965): Student's t has one degree of freedom less."""
    min_support: ClassVar[int] = 1
    value_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

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
        return cls.of_entities(np.bincount(codes, weights=hit.astype(float)).astype(np.float64), np.bincount(codes).astype(np.float64))

    @classmethod
    def of_entities(cls, hits: NDArray[np.float64], rows: NDArray[np.float64]) -> Proportion:
        """From the hits and the rows, at least one, of each entity."""
        n, total = float(rows.sum()), float(hits.sum())
        effect = effect_of_totals(rows, hits - rows * (total / n), total * (1 - total / n))
        return cls(round(total), round(n), len(rows), effect, effective_entities(rows))

    @property
    def value(self) -> float:
        """Share of hits."""
        return self.hits / self.n

    @property
    def method(self) -> str:
        """Name of the interval."""
        return with_effect("Wilson score, exact for few hits or misses and in corrected ends", self.entities, self.design_effect)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        return self._lower(self.hits, lower_alpha), 1.0 - self._lower(self.n - self.hits, upper_alpha)

    def with_sample_size(self, factor: float) -> Proportion:
        """The same share of `factor` times the rows."""
        n = scale_count(self.n, factor)
        return replace(scale(self, factor, "entities", "effective_entities"), hits=round(self.value * n), n=n)

    def with_value(self, value: float) -> Proportion:
        """The same rows with another share of hits."""
        return replace(self, hits=round(min(1.0, max(0.0, value)) * self.n))

    def exact_bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Clopper and Pearson's ends, each at its own level."""
        low, high = (self.effective(alpha) for alpha in (lower_alpha, upper_alpha))
        return exact_lower(self.value * low, low, lower_alpha), 1.0 - exact_lower((1 - self.value) * high, high, upper_alpha)

    def score_bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Wilson's ends however few hits or misses there are, of which Newcombe's difference is made; exact in corrected ends."""
        return self._score_lower(self.hits, lower_alpha), 1.0 - self._score_lower(self.n - self.hits, upper_alpha)

    def effective(self, alpha: float) -> float:
        """Independent rows that tell as much, for an end at this level."""
        n = self.n / self.design_effect
        return n if self.entities is None else n * small_sample(freedom(self), alpha)

    def _lower(self, hits: int, alpha: float) -> float:
        n = self.effective(alpha)
        x = hits / self.n * n
        few = min(x, n - x) < FEW or x < min(FEW_OUTER, n / 2)
        return exact_lower(x, n, alpha) if few and alpha < MEDIAN else self._score_lower(hits, alpha)

    def _score_lower(self, hits: int, alpha: float) -> float:
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


def _ratio(first: Proportion, second: Proportion) -> float:
    if second.hits:
        return first.value / second.value
    return (first.hits + 0.5) / (first.n + 0.5) / (0.5 / (second.n + 0.5))


@dataclass(frozen=True, slots=True)
class _TwoShares(TwoSamples):
    """Two shares, whose entities may be the same. ValueError where there is no such correlation."""

    first: Proportion
    second: Proportion
    correlation: float = 0.0
    """Of the two shares: 0 for two samples."""
    shared: float = 0.0
    """Entities of equal weight with rows in both, from which the correlation is known; 0 for two samples."""
    min_support: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not (-1 <= self.correlation <= 1 and self.shared >= 0) or (self.correlation and not self.shared):
            msg = f"two shares have a correlation from -1 to 1, by entities in both, got {self.correlation} by {self.shared}"
            raise ValueError(msg)

    def method_name(self, apart: str, one: str) -> str:
        """Name of the interval for two samples, or for entities in both."""
        return f"{one}, correlation {self.correlation:.2f} by {self.shared:,.0f} entities in both" if self.shared else apart


@dataclass(frozen=True, slots=True)
class Difference(Subtracted, _TwoShares):
    """First proportion minus second. Newcombe, Statistics in Medicine 1998, method 10.

    Where entities have rows in both, with the correlation of the two (Zou, Psychological Methods 2007; `audit.stats.clustering`).
    """

    value_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    null_value: ClassVar[float] = 0.0

    @property
    def method(self) -> str:
        """Name of the interval."""
        name = "Newcombe hybrid score, exact in corrected ends"
        return self.method_name(name, name)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        if self.shared:
            down, up = _falls(self, self.first, self.second, lower_alpha), _falls(self, self.second, self.first, upper_alpha)
        else:
            down, up = _hybrid(self.first, self.second, lower_alpha), _hybrid(self.second, self.first, upper_alpha)
        return max(-1.0, self.value - down), min(1.0, self.value + up)

    def with_sample_size(self, factor: float) -> Difference:
        """The same shares of `factor` times the rows."""
        return replace(scale(self, factor, "first", "second"), shared=self.shared * factor)

    def with_value(self, value: float) -> Difference:
        """The same rows at another difference; the share of both samples together stays."""
        n, m = self.first.n, self.second.n
        pooled = (self.first.hits + self.second.hits) / (n + m)
        p, q = pooled + value * m / (n + m), pooled - value * n / (n + m)
        shift = max(0.0, -min(p, q)) - max(0.0, max(p, q) - 1.0)
        return replace(self, first=self.first.with_value(p + shift), second=self.second.with_value(q + shift))


@dataclass(frozen=True, slots=True)
class Ratio(_TwoShares):
    """First proportion over second. Koopman, Biometrics 1984 (score interval).

    Where entities have rows in both, MOVER-R with the correlation of the two (Donner & Zou, Statistical Methods in Medical Research
    2012; `audit.stats.clustering`): the ratio at which the end of first minus ratio times second is 0. A share of 0 below the line has
    no finite ratio: the value then adds half a hit to each (Walter, Biometrika 1975).
    """

    value_range: ClassVar[tuple[float, float]] = (0.0, math.inf)
    null_value: ClassVar[float] = 1.0

    @property
    def value(self) -> float:
        """Ratio of the shares."""
        return _ratio(self.first, self.second)

    @property
    def method(self) -> str:
        """Name of the interval."""
        return self.method_name("Koopman score", "MOVER-R (Donner & Zou 2012) of Wilson scores, exact in corrected ends")

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; the upper end is infinite where the second sample has no hit."""
        low = 0.0 if self.first.hits == 0 else self._lower(self.first, self.second, lower_alpha)
        turned = 0.0 if self.second.hits == 0 else self._lower(self.second, self.first, upper_alpha)
        return low, 1.0 / turned if turned > 0 else math.inf

    def with_sample_size(self, factor: float) -> Ratio:
        """The same shares of `factor` times the rows."""
        return replace(scale(self, factor, "first", "second"), shared=self.shared * factor)

    def with_value(self, value: float) -> Ratio:
        """The same rows at another ratio; the share of both samples together stays where it can."""
        n, m = self.first.n, self.second.n
        q = (self.first.hits + self.second.hits) / (n * value + m)
        p, q = (1.0, 1.0 / value) if value * q > 1 else (value * q, q) if q <= 1 else (value, 1.0)
        return replace(self, first=self.first.with_value(p), second=self.second.with_value(q))

    def _lower(self, above: Proportion, below: Proportion, alpha: float) -> float:
        return _mover_lower(self, above, below, alpha) if self.shared else _koopman_lower(above, below, alpha)


def _moves(pair: _TwoShares, falling: Proportion, rising: Proportion, alpha: float) -> tuple[float, float, float]:
    """How far one share may fall and the other rise at this level, and how the two go together there.

    A share of 0 or 1 has shown nothing of that: then as badly as its end allows.
    """
    low, high = falling.score_bounds(alpha, 0.5)[0], rising.score_bounds(0.5, alpha)[1]
    p, q = falling.value, rising.value
    if all(0 < one.hits < one.n for one in (falling, rising)):
        return p - low, high - q, shrink_correlation(pair.correlation, pair.shared, alpha)
    return p - low, high - q, min(pair.correlation, frechet_minimum((low, p), (q, high)))


def _hybrid(falling: Proportion, rising: Proportion, alpha: float) -> float:
    """How far the difference of two samples may fall."""
    low, high = falling.score_bounds(alpha, 0.5)[0], rising.score_bounds(0.5, alpha)[1]
    return math.hypot(falling.value - low, high - rising.value)


def _falls(pair: _TwoShares, falling: Proportion, rising: Proportion, alpha: float) -> float:
    return mover_distance(*_moves(pair, falling, rising, alpha))


def _mover_lower(pair: _TwoShares, above: Proportion, below: Proportion, alpha: float) -> float:
    """The smaller root of (p - r q)² = down² + (r up)² - 2 correlation r down up."""
    down, up, correlation = _moves(pair, above, below, alpha)
    p, q = above.value, below.value
    square, half, rest = q * q - up * up, p * q - correlation * down * up, max(0.0, (p - down) * (p + down))
    below_it = half + math.sqrt(max(0.0, half * half - square * rest))
    value = _ratio(above, below)
    return rest / below_it if rest < value * below_it else value


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
        if low < LEAST_LOG:
            return 0.0
    return math.exp(float(brentq(excess, low, high, xtol=1e-12)))


def koopman_score(x: float, n: float, y: float, m: float, ratio: float) -> float:
    """Signed root of Koopman's statistic when the true ratio is `ratio`; the shares are the restricted maximum likelihood ones.

    The smaller root of ratio (n + m) q² - b q + x + y, in the form that subtracts nothing from what is nearly its equal.
    """
    b, apart = ratio * (n + y) + x + m, ratio * (n + y) - x - m
    q = 2 * (x + y) / (b + math.sqrt(apart * apart + 4 * ratio * (n - x) * (m - y)))
    p = min(ratio * q, 1.0)
    total = sum((k - size * share) ** 2 / (size * share * (1 - share)) for k, size, share in ((x, n, p), (y, m, q)) if 0 < share < 1)
    return math.copysign(math.sqrt(total), x - n * p)
