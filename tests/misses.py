"""How often each end of an interval misses the truth, and how often it may."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.stats import Estimate


def misses(draw: Callable[[], Estimate], truth: float, trials: int, alpha: float = 0.025) -> tuple[float, float]:
    """Share of trials in which the lower end lies above the truth, and in which the upper end lies below it."""
    ends = np.array([draw().bounds(alpha, alpha) for _ in range(trials)])
    return float(np.mean(ends[:, 0] > truth)), float(np.mean(ends[:, 1] < truth))


def most(nominal: float, trials: int) -> float:
    """The nominal share and three Monte-Carlo errors."""
    return nominal + 3 * float(np.sqrt(nominal * (1 - nominal) / trials))
