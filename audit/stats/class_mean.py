"""The mean over classes of a number that each class has by itself."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np

from audit.stats.auc import Auc
from audit.stats.average_precision import AveragePrecision
from audit.stats.clustering import by_entity
from audit.stats.ranking_differences import PairedAuc, PairedPrecision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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
        size = np.sqrt((shares**2).sum(axis=1))
        together, apart = shares @ shares.T, np.outer(size, size)
        found = np.divide(together, apart, out=np.ones_like(apart), where=apart > 0)
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
