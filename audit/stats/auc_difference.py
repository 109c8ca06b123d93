"""Differences of two areas under the ROC curve, on the same rows and on two samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.auc import Auc, components, covariance
from audit.stats.ellipse import OnEllipse, correlation_of
from audit.stats.pair import Subtracted, TwoSamples, reaches
from audit.stats.sample_size import by_entities

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PairedAuc(Subtracted, OnEllipse):
    """First area minus second, of two scores of the same rows.

    Correlation by DeLong, DeLong & Clarke-Pearson, Biometrics 1988, with entities by Obuchowski, Biometrics 1997. Their
    normal interval errs at up to eight times its level where an area is near 1, since the spread grows as an area falls. So
    the ends are those on the ellipse of both areas' own ends (`audit.stats.ellipse`).
    """

    first: Auc
    second: Auc
    correlation: float
    """Of the two areas."""
    min_support: ClassVar[int] = Auc.min_support

    def __post_init__(self) -> None:
        self.refuse_unlike("areas")

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
    def method(self) -> str:
        """Name of the interval."""
        return by_entities(f"paired DeLong, correlation {self.correlation:.2f}, along both areas' own ends", self.first.entities)

    @property
    def value_range(self) -> tuple[float, float]:
        """Of a difference of shares."""
        return -1.0, 1.0


@dataclass(frozen=True, slots=True)
class AucDifference(Subtracted, TwoSamples):
    """First area minus second, independent samples. Hybrid of their own ends (Newcombe, Statistics in Medicine 1998, method 10)."""

    first: Auc
    second: Auc
    min_support: ClassVar[int] = Auc.min_support

    @property
    def method(self) -> str:
        """Name of the interval."""
        return "Newcombe hybrid of DeLong on the logit scale and Newcombe's score"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        down, up = reaches(self, (lower_alpha, upper_alpha))
        return max(-1.0, self.value - down), min(1.0, self.value + up)

    @property
    def value_range(self) -> tuple[float, float]:
        """Of a difference of areas."""
        return -1.0, 1.0
