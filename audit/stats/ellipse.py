"""The difference of two correlated estimates, each with ends of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from audit.stats.auc import Auc
    from audit.stats.average_precision import AveragePrecision

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
        ends.append(first.moved(radius * np.cos(angle - half)) - second.moved(radius * np.cos(angle + half)))
    return min(float(ends[0].min()), value), max(float(ends[1].max()), value)


def correlation_of(together: float, variances: tuple[float, float]) -> float:
    """From covariance and variances; 0 where either does not vary."""
    apart = math.sqrt(variances[0] * variances[1])
    return float(np.clip(together / apart, -1.0, 1.0)) if apart > 0 else 0.0
