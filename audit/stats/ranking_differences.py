"""What is made of several areas or average precisions: differences of two, and the mean over classes."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, Protocol, TypeAlias

import numpy as np

from audit.stats.auc import Auc, components, covariance
from audit.stats.average_precision import AveragePrecision, influence
from audit.stats.clustering import by_entity, correlation_of, correlation_of_parts, correlations
from audit.stats.sample_size import Subtracted, TwoSamples, by_entities, reaches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

DIRECTIONS = 721
"""Points of the ellipse that are looked at, half a degree apart."""


class _Sides(Protocol):
    @property
    def first(self) -> Auc | AveragePrecision: ...

    @property
    def second(self) -> Auc | AveragePrecision: ...

    @property
    def correlation(self) -> float: ...


class OnEllipse:
    """First minus second of two correlated estimates of the same rows."""

    __slots__ = ()

    @property
    def n(self: _Sides) -> int:
        """Rows of both classes."""
        return self.first.n

    @property
    def support(self: _Sides) -> float:
        """Rows of the rarer class, or the entities that hold one."""
        return self.first.support

    def refuse_unlike(self: _Sides, what: str) -> None:
        """ValueError where the two cannot be of the same rows, or have no such correlation."""
        one, two = ((side.positives, side.negatives) for side in (self.first, self.second))
        if not -1 <= self.correlation <= 1 or one != two:
            msg = f"two {what} of the same rows need a correlation from -1 to 1 and the same counts, got {self.correlation}, {one}, {two}"
            raise ValueError(msg)

    def bounds(self: _Sides, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        return difference_ends(self.first, self.second, self.correlation, (lower_alpha, upper_alpha))


def difference_ends(
    first: Auc | AveragePrecision, second: Auc | AveragePrecision, correlation: float, alphas: tuple[float, float]
) -> tuple[float, float]:
    """Lower and upper end of first minus second.

    Each estimate moves along its own ends at rising levels, both together on the ellipse of their correlation, and an end is
    the least or the largest difference there: the profile of a normal confidence region (Cox & Hinkley, Theoretical Statistics
    1974, section 9.2) in the scale in which the estimates have their ends, of Student's radius for the rarer class. The
    correlation counts as if two rows more of it had shown none, for scores that agree on every row seen may differ on others.
    """
    from scipy.special import stdtrit

    support, value = first.support, first.value - second.value
    angle = np.linspace(0.0, 2 * math.pi, DIRECTIONS)
    half = math.acos(correlation * support / (support + 2)) / 2
    ends = []
    for alpha in alphas:
        radius = max(0.0, -float(stdtrit(max(support - 1, 1), alpha)))
        ends.append(first.ends_at(radius * np.cos(angle - half)) - second.ends_at(radius * np.cos(angle + half)))
    return min(float(ends[0].min()), value), max(float(ends[1].max()), value)


@dataclass(frozen=True, slots=True)
class PairedAuc(Subtracted, OnEllipse):
    """First area minus second, of two scores of the same rows.

    Correlation by DeLong, DeLong & Clarke-Pearson, Biometrics 1988, with entities by Obuchowski, Biometrics 1997. Their
    normal interval errs at up to eight times its level where an area is near 1, since the spread grows as an area falls. So
    the ends are those on the ellipse of both areas' own ends (`audit.stats.ranking_differences`).
    """

    first: Auc
    second: Auc
    correlation: float
    """Of the two areas."""
    min_support: ClassVar[int] = Auc.min_support
    value_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)

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
        return cls(one, two, correlation_of(together, one.variance, two.variance))

    @property
    def method(self) -> str:
        """Name of the interval."""
        return by_entities(f"paired DeLong, correlation {self.correlation:.2f}, along both areas' own ends", self.first.entities)


@dataclass(frozen=True, slots=True)
class AucDifference(Subtracted, TwoSamples):
    """First area minus second, independent samples. Hybrid of their own ends (Newcombe, Statistics in Medicine 1998, method 10)."""

    first: Auc
    second: Auc
    min_support: ClassVar[int] = Auc.min_support
    value_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)
    method: ClassVar[str] = "Newcombe hybrid of DeLong on the logit scale and Newcombe's score"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        down, up = reaches(self, (lower_alpha, upper_alpha))
        return max(-1.0, self.value - down), min(1.0, self.value + up)


@dataclass(frozen=True, slots=True)
class PairedPrecision(Subtracted, OnEllipse):
    """First average precision minus second, of two scores of the same rows.

    Correlation by the infinitesimal jackknife, of the entities' sums where rows belong to some; ends on the ellipse of both
    values' own ends (`audit.stats.ranking_differences`).
    """

    first: AveragePrecision
    second: AveragePrecision
    correlation: float
    """Of the two values."""
    min_support: ClassVar[int] = AveragePrecision.min_support
    value_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def __post_init__(self) -> None:
        self.refuse_unlike("average precisions")

    @classmethod
    def of(
        cls,
        positive: NDArray[np.bool_],
        first: NDArray[np.float64],
        second: NDArray[np.float64],
        clusters: NDArray[np.int64] | None = None,
    ) -> PairedPrecision:
        """From the class and the two scores of each row; both classes must occur."""
        one, two = (AveragePrecision.of(positive, score, clusters) for score in (first, second))
        return cls(one, two, correlation_of_parts(*(by_entity(influence(positive, score), clusters) for score in (first, second))))

    @property
    def method(self) -> str:
        """Name of the interval."""
        name = f"paired infinitesimal jackknife, correlation {self.correlation:.2f}, along both values' own ends"
        return by_entities(name, self.first.entities)


OfClass: TypeAlias = Auc | AveragePrecision | PairedAuc | PairedPrecision


@dataclass(frozen=True, slots=True)
class ClassMean:
    """Mean of one estimate a class, all on the same rows, every class counting alike.

    Each end lies as far out as the classes' own ends do together (method of variance estimates recovery: Zou & Donner, Statistics
    in Medicine 2008), correlated as the rows' shares in the estimates are. A class whose estimate shows no variance counts as
    fully correlated with every other. What an end of a class allows for a known mean excess is the same way in every class, so
    that it adds up whole.
    """

    parts: tuple[OfClass, ...]
    correlations: tuple[tuple[float, ...], ...]
    """(k, k) of the parts."""
    min_support: ClassVar[int] = 30

    def __post_init__(self) -> None:
        if not self.parts or {len(self.correlations), *map(len, self.correlations)} != {len(self.parts)}:
            msg = f"a mean over {len(self.parts)} classes needs as many rows and columns of correlations"
            raise ValueError(msg)

    @classmethod
    def of(cls, parts: Sequence[OfClass], shares: NDArray[np.float64], clusters: NDArray[np.int64] | None = None) -> ClassMean:
        """From one estimate a class and the (k, n) shares that each row has in their deviations."""
        shares = np.stack([by_entity(each, clusters) for each in shares])
        found = correlations(shares @ shares.T)
        np.fill_diagonal(found, 1.0)
        return cls(tuple(parts), tuple(tuple(row) for row in np.clip(found, -1.0, 1.0).tolist()))

    @property
    def value(self) -> float:
        """The mean."""
        return sum(part.value for part in self.parts) / len(self.parts)

    @property
    def n(self) -> int:
        """Rows, the same for every class."""
        return self.parts[0].n

    @property
    def support(self) -> float:
        """Rows of the class that has fewest, or the entities that hold one."""
        return min(part.support for part in self.parts)

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"Zou & Donner's combination of {len(self.parts)} classes, each by {self.parts[0].method}"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        ends = np.array([part.bounds(lower_alpha, upper_alpha) for part in self.parts])
        values, (down, up) = np.array([part.value for part in self.parts]), np.array([_excess(part) for part in self.parts]).T
        low = self.value - down.mean() - self._together(np.maximum(0.0, values - down - ends[:, 0]))
        return float(low), float(self.value + up.mean() + self._together(np.maximum(0.0, ends[:, 1] - values - up)))

    def with_sample_size(self, factor: float) -> ClassMean:
        """The same values of `factor` times the rows; itself where the classes' kind cannot tell."""
        parts = tuple(part.with_sample_size(factor) for part in self.parts if isinstance(part, (Auc, AveragePrecision)))
        return replace(self, parts=parts) if len(parts) == len(self.parts) else self

    def with_value(self, value: float) -> ClassMean | None:
        """Every class shifted by the same amount on the logit scale; None for a difference of two models."""
        parts = [part for part in self.parts if isinstance(part, (Auc, AveragePrecision))]
        if len(parts) < len(self.parts):
            return None
        odds = [math.log(share / (1 - share)) for part in parts if (share := min(1 - 1e-9, max(1e-9, part.value)))]
        low, high = -60.0, 60.0
        for _ in range(60):
            shift = (low + high) / 2
            there = [1 / (1 + math.exp(-one - shift)) for one in odds]
            low, high = (shift, high) if sum(there) < value * len(there) else (low, shift)
        return replace(self, parts=tuple(part.with_value(share) for part, share in zip(parts, there, strict=True)))

    @property
    def value_range(self) -> tuple[float, float]:
        """That of one class."""
        return self.parts[0].value_range

    def _together(self, distances: NDArray[np.float64]) -> float:
        """How far the mean's end lies out where the classes' lie so far."""
        return math.sqrt(max(0.0, float(distances @ np.array(self.correlations) @ distances))) / len(self.parts)


def _excess(part: OfClass) -> tuple[float, float]:
    """What the lower and the upper end of a class allow for its bias."""
    if isinstance(part, AveragePrecision):
        return part.allowance, 0.0
    return (part.first.allowance, part.second.allowance) if isinstance(part, PairedPrecision) else (0.0, 0.0)
