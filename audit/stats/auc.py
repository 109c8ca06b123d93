"""Area under the ROC curve."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Auc:
    """Chance that a positive row scores above a negative one.

    Variance of DeLong, DeLong & Clarke-Pearson, Biometrics 1988, by ranks (Sun & Xu, IEEE SPL 2014), taken to the logit
    scale. Near 1 and with few rows of a class that end errs at up to thrice its level, so each end is at least as far out as
    the score interval of Hanley & McNeil's variance (Newcombe, Statistics in Medicine 2006, method 5). With entities the
    components are summed by entity (Obuchowski, Biometrics 1997). An area of exactly 1 or 0 has no logit: its open end is the
    exact one (Clopper & Pearson 1934) of as many disjoint pairs as the rarer class has rows.
    """

    area: float
    variance: float
    positives: int
    negatives: int
    rarer: int
    """Independent units of the rarer class: rows, or entities that hold one."""
    entities: int | None = None
    design_effect: float = 1.0
    """Variance with entities over variance without, at least 1."""
    least: ClassVar[int] = 30

    @classmethod
    def of(cls, positive: NDArray[np.bool_], score: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> Auc:
        """From the class and the score of each row; both classes must occur."""
        from scipy.stats import rankdata

        high, low = score[positive], score[~positive]
        m, n = len(high), len(low)
        if not m or not n:
            msg = f"an AUC needs both classes, got {m} positive and {n} negative rows"
            raise ValueError(msg)
        together = rankdata(np.concatenate([high, low]))
        area = (float(together[:m].sum()) - m * (m + 1) / 2) / (m * n)
        component = np.empty(len(score))
        component[positive] = (together[:m] - rankdata(high)) / n
        component[~positive] = 1.0 - (together[m:] - rankdata(low)) / m
        alone = sum(float(np.var(component[rows], ddof=1)) / k if k > 1 else 0.25 for rows, k in ((positive, m), (~positive, n)))
        if clusters is None:
            return cls(area, alone, m, n, min(m, n))
        codes = np.unique(clusters, return_inverse=True)[1]
        count = int(codes.max()) + 1
        totals = np.bincount(codes, weights=(component - area) / np.where(positive, m, n), minlength=count)
        variance = count / (count - 1) * float(totals @ totals) if count > 1 else 0.25
        rarer = min(len(np.unique(codes[rows])) for rows in (positive, ~positive))
        return cls(area, variance, m, n, rarer, count, max(1.0, variance / alone) if alone > 0 else (m + n) / count)

    @property
    def value(self) -> float:
        """The area."""
        return self.area

    @property
    def n(self) -> int:
        """Rows of both classes."""
        return self.positives + self.negatives

    @property
    def support(self) -> float:
        """Rows of the rarer class, or the entities that hold one."""
        return self.rarer

    @property
    def method(self) -> str:
        """Name of the interval."""
        return "DeLong on the logit scale and Newcombe's score" + ("" if self.entities is None else f", {self.entities:,} entities")

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        from scipy.special import expit, logit, ndtri

        if self.area >= 1.0 or self.area <= 0.0 or self.variance <= 0.0:
            low = lower_alpha ** (1 / self.rarer) if self.area >= 1.0 else 0.0
            high = 1 - upper_alpha ** (1 / self.rarer) if self.area <= 0.0 else 1.0
            return low, high
        step = math.sqrt(self.variance) / (self.area * (1 - self.area))
        centre, lower_z, upper_z = float(logit(self.area)), -float(ndtri(lower_alpha)), -float(ndtri(upper_alpha))
        return (
            min(float(expit(centre - lower_z * step)), _score_lower(self.area, self._pairs(), lower_z)),
            max(float(expit(centre + upper_z * step)), 1 - _score_lower(1 - self.area, self._pairs(), upper_z)),
        )

    def _pairs(self) -> tuple[float, float]:
        """Pairs of rows that tell as much as the data do, and the mean size of a class."""
        return self.positives * self.negatives / self.design_effect, self.n / 2


def _score_lower(area: float, pairs: tuple[float, float], z: float) -> float:
    """The true area under the observed one at which that lies z standard errors off. The variance is the same for 1 - area."""
    from scipy.optimize import brentq

    count, size = pairs

    def excess(true: float) -> float:
        spread = true * (1 - true) * (1 + (size - 1) * ((1 - true) / (2 - true) + true / (1 + true))) / count
        return area - true - z * math.sqrt(spread)

    return float(brentq(excess, 0.0, area, xtol=1e-12)) if z > 0 else area
