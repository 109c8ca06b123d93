"""Average precision: area under the precision-recall curve, summed by steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.clustering import LEAST_FREEDOM, by_entity, effective_number
from audit.stats.sample_size import OfTwoClasses, by_entities, scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEW = 10.0
"""Units that carry the variance, below which it tells little."""
FURTHEST = 1e-100
"""Level beyond which no end moves further: the quantiles are not computed there."""
HIGH = 0.9
"""From here on a mean of shares is at its most uncertain where each is 0 or 1."""


@dataclass(frozen=True, slots=True)
class AveragePrecision(OfTwoClasses):
    """Mean over the positive rows of the share of positive rows among those that score no lower.

    Variance by the infinitesimal jackknife (Jaeckel 1972; Efron, JASA 1983), taken to the logit scale as Boyd, Eng & Page, ECML
    PKDD 2013, take theirs. Where few rows carry it, it is itself uncertain: Student's t with as many degrees of freedom as
    units carry it, less one (after Satterthwaite, Biometrics Bulletin 1946). A row counts among those that score no lower than
    itself, which makes the value too large by a known mean: the lower end is moved outwards by twice as much (Efron &
    Tibshirani 1993, chapter 10). Where a high value rests on fewer units than `FEW`, the lower end need not lie below the
    exact one (Clopper & Pearson, Biometrika 1934) of as many shares of 0 or 1 as the rarer class has rows, the binomial
    interval of Boyd; nor can it be told otherwise where the value is 1.
    """

    precision: float
    variance: float
    bias: float
    """What counting a row among its own adds on average."""
    carriers: float
    """Units that carry the variance: the squared sum of their squared shares over the sum of the fourth powers."""
    positives: int
    negatives: int
    rarer: float
    """Independent units of the rarer class: rows, or effective entities that hold one."""
    entities: int | None = None
    min_support: ClassVar[int] = 30
    value_range: ClassVar[tuple[float, float]] = (0.0, 1.0)

    @classmethod
    def of(cls, positive: NDArray[np.bool_], score: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> AveragePrecision:
        """From the class and the score of each row; both classes must occur."""
        value, bias, shares = _parts(positive, score)
        units = by_entity(shares, clusters)
        rarer: float = min(int(np.count_nonzero(side)) for side in (positive, ~positive))
        if clusters is not None:  # each without its own pull on the mean over the positive rows (CR3)
            pull = by_entity(positive.astype(float), clusters) / np.count_nonzero(positive)
            units = units * (1 - 1 / len(units)) / np.maximum(1 - pull, 1 / len(positive))
            rarer = min(effective_number(clusters[side]) for side in (positive, ~positive))
        squares = float((units**2).sum())
        variance = squares * len(units) / (len(units) - 1) if len(units) > 1 else 0.25
        carriers = squares**2 / float((units**4).sum()) if squares > 0 else 0.0
        m, entities = int(np.count_nonzero(positive)), None if clusters is None else len(units)
        return cls(value, variance if value < 1.0 else 0.0, bias, carriers, m, len(positive) - m, rarer, entities)

    @property
    def value(self) -> float:
        """The average precision."""
        return self.precision

    @property
    def allowance(self) -> float:
        """By how much the lower end is moved outwards for the bias; something of the value is left."""
        return min(2 * self.bias, 0.99 * self.precision) if self.variance > 0 else 0.0

    @property
    def method(self) -> str:
        """Name of the interval."""
        return by_entities("infinitesimal jackknife on the logit scale", self.entities)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        low, high = self._lower(np.array([lower_alpha])), self._upper(np.array([upper_alpha]))
        return float(low[0]), float(high[0])

    def with_sample_size(self, factor: float) -> AveragePrecision:
        """The same precision of `factor` times the rows."""
        more = scale(self, factor, "positives", "negatives", "rarer", "entities")
        return replace(more, variance=self.variance / factor, bias=self.bias / factor, carriers=self.carriers * factor)

    def with_value(self, value: float) -> AveragePrecision:
        """The same rows with another precision, its variance moved as that of a share moves; of a perfect ranking it is that of a share."""
        spread, seen = value * (1 - value), self.precision * (1 - self.precision)
        if not 0 < self.precision < 1 or self.variance <= 0:
            return replace(self, precision=value, variance=spread / self.rarer, carriers=float(self.rarer))
        return replace(self, precision=value, variance=self.variance * spread / seen)

    def ends_at(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """(some,) ends, lower ones where z is negative, at the levels that a standard normal leaves beyond z."""
        from scipy.special import ndtr

        alpha = ndtr(-np.abs(z))
        return np.where(z == 0, self.precision, np.where(z < 0, self._lower(alpha), self._upper(alpha)))

    def _lower(self, alpha: NDArray[np.float64]) -> NDArray[np.float64]:
        from scipy.special import betaincinv, expit, logit

        alpha = np.maximum(alpha, FURTHEST)
        if self.variance <= 0:
            return alpha ** (1 / self.rarer)
        there = self.precision - self.allowance
        end: NDArray[np.float64] = expit(logit(there) - self._reach(alpha))
        if self.carriers < FEW and there >= HIGH:
            end = np.maximum(end, betaincinv(self.rarer * there, self.rarer * (1 - there) + 1, alpha))
        return np.minimum(end, self.precision)

    def _upper(self, alpha: NDArray[np.float64]) -> NDArray[np.float64]:
        from scipy.special import expit, logit

        if self.variance <= 0:
            return np.ones_like(alpha)
        end: NDArray[np.float64] = expit(logit(self.precision) + self._reach(np.maximum(alpha, FURTHEST)))
        return end

    def _reach(self, alpha: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far an end at each level lies from the value on the logit scale."""
        from scipy.special import stdtrit

        step = self.variance**0.5 / (self.precision * (1 - self.precision))
        freedom = max(self.carriers - 1, 1.0)
        if self.entities is not None:
            freedom = max(min(freedom, self.rarer - 1), LEAST_FREEDOM)
        quantile = np.maximum(0.0, -stdtrit(freedom, alpha))
        reach: NDArray[np.float64] = quantile * step
        return reach


def influence(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n,) what each row adds to the deviation of the average precision from the true one, to first order."""
    return _parts(positive, score)[2]


def _parts(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> tuple[float, float, NDArray[np.float64]]:
    """The value, its mean excess, and (n,) what each row adds to its deviation. Rows of one score stand at one threshold."""
    m, n = int(np.count_nonzero(positive)), len(positive)
    if not m or m == n:
        msg = f"an average precision needs both classes, got {m} positive and {n - m} negative rows"
        raise ValueError(msg)
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), n - 1)
    found, called = np.cumsum(positive[order])[last], last + 1.0  # down to each threshold
    here = np.diff(np.append(0, found))
    precision = found / called
    value = float(here @ precision) / m
    bias = float(here @ ((called - found) / (called * np.maximum(called - 1, 1)))) / m
    gain, loss = (np.cumsum(part[::-1])[::-1] for part in (here / called, here * found / called**2))
    at = np.searchsorted(last, np.arange(n))
    units = np.empty(n)
    units[order] = (positive[order] * (precision[at] - value + gain[at]) - loss[at]) / m
    return value, bias, units
