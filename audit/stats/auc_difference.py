"""Differences of two areas under the ROC curve, on the same rows and on two samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.auc import Auc, components, covariance
from audit.stats.ellipse import correlation_of, difference_ends

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PairedAuc:
    """First area minus second, of two scores of the same rows.

    Correlation by DeLong, DeLong & Clarke-Pearson, Biometrics 1988, with entities by Obuchowski, Biometrics 1997. Their
    normal interval errs at up to eight times its level where an area is near 1, since the spread grows as an area falls. So
    the ends are those on the ellipse of both areas' own ends (`audit.stats.ellipse`).
    """

    first: Auc
    second: Auc
    correlation: float
    """Of the two areas."""
    least: ClassVar[int] = Auc.least

    def __post_init__(self) -> None:
        one, two = ((auc.positives, auc.negatives) for auc in (self.first, self.second))
        if not -1 <= self.correlation <= 1 or one != two:
            msg = f"two areas of the same rows need a correlation from -1 to 1 and the same counts, got {self.correlation}, {one}, {two}"
            raise ValueError(msg)

    @classmethod
    def of(
        cls,
        positive: NDArray[np.bool_],
        first: NDArray[np.float64],
        second: NDArray[np.float64],
        clusters: NDArray[np.int64] | None = None,
    ) -> PairedAuc:
        """From the class and the two scores of each row; both classes must occur."""
        one, two = Auc.of(positive, first, clusters), Auc.of(positive, second, clusters)
        codes = None if clusters is None else np.unique(clusters, return_inverse=True)[1]
        together = covariance(positive, components(positive, first)[1], components(positive, second)[1], codes)
        return cls(one, two, correlation_of(together, (one.variance, two.variance)))

    @property
    def value(self) -> float:
        """Difference of the areas."""
        return self.first.area - self.second.area

    @property
    def n(self) -> int:
        """Rows of both classes."""
        return self.first.n

    @property
    def support(self) -> float:
        """Rows of the rarer class, or the entities that hold one."""
        return self.first.support

    @property
    def method(self) -> str:
        """Name of the interval."""
        name = f"paired DeLong, correlation {self.correlation:.2f}, along both areas' own ends"
        return name if self.first.entities is None else f"{name}, {self.first.entities:,} entities"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        return difference_ends(self.first, self.second, self.correlation, (lower_alpha, upper_alpha))


@dataclass(frozen=True, slots=True)
class AucDifference:
    """First area minus second, independent samples. Hybrid of their own ends (Newcombe, Statistics in Medicine 1998, method 10)."""

    first: Auc
    second: Auc
    least: ClassVar[int] = Auc.least

    @property
    def value(self) -> float:
        """Difference of the areas."""
        return self.first.area - self.second.area

    @property
    def n(self) -> int:
        """Rows in both samples."""
        return self.first.n + self.second.n

    @property
    def support(self) -> float:
        """The smaller sample's."""
        return min(self.first.support, self.second.support)

    @property
    def method(self) -> str:
        """Name of the interval."""
        return "Newcombe hybrid of DeLong on the logit scale and Newcombe's score"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        low_1, high_1 = self.first.bounds(lower_alpha, upper_alpha)
        low_2, high_2 = self.second.bounds(upper_alpha, lower_alpha)
        down = math.hypot(self.first.area - low_1, high_2 - self.second.area)
        up = math.hypot(high_1 - self.first.area, self.second.area - low_2)
        return max(-1.0, self.value - down), min(1.0, self.value + up)
