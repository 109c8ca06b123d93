"""What a requirement asks of its members' ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Chances: TypeAlias = tuple[float, float]
"""That the lower end clears the bound, and that the upper end does not."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One bound of a requirement, with the levels at which `audit.decision.judge.deciding_interval` asks each member for its ends."""

    bound: float
    floor: bool
    """True for `min`, False for `max`."""
    alpha: float = 0.025
    """Nominal error of the end that faces pass."""
    count: int = 1
    """Members that the policy names; the end that faces fail errs at its level over it."""
    min_n: int = 1
    """Support below which nothing passes."""
    failing: float | None = None
    """Nominal error of the end that faces fail, where it is not `alpha`."""

    @property
    def levels(self) -> tuple[float, float]:
        """Of the lower and of the upper end."""
        each = (self.alpha if self.failing is None else self.failing) / self.count
        return (self.alpha, each) if self.floor else (each, self.alpha)

    def clears(self, end: float) -> bool:
        """Whether an end lies above the bound: inclusive for `min`, which may be met, and not for `max`."""
        return end >= self.bound if self.floor else end > self.bound

    def of_ends(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> Chances:
        """From drawn ends."""
        if self.floor:
            return float(np.mean(low >= self.bound)), float(np.mean(high < self.bound))
        return float(np.mean(low > self.bound)), float(np.mean(high <= self.bound))
