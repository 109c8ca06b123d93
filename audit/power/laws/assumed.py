"""Estimates out of stated figures, for a plan that has no pilot. The others' own constructors take stated figures as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.stats.auc import Auc
from audit.stats.calibration import CalibrationError
from audit.stats.confusion import Confusion
from audit.stats.proportion import Proportion
from audit.stats.scaling import hanley_mcneil

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.stats.scores import Average, Metric

STEPS = 40
"""Halvings of the share of right rows."""


def auc(area: float, positives: int, negatives: int) -> Auc:
    """With Hanley & McNeil's variance (Radiology 1982)."""
    return Auc(area, hanley_mcneil(area, positives, negatives), positives, negatives, min(positives, negatives))


def calibration(n: int, *, bins: int = 15, error: float = 0.0) -> CalibrationError:
    """Probabilities spread evenly over 0 to 1, off towards the middle by as much everywhere."""
    bins = min(bins, n)
    said = (np.arange(bins) + 0.5) / bins
    size = np.diff(np.rint(np.linspace(0, n, bins + 1))).astype(int)
    true = said + np.where(said > 0.5, -error, error)  # noqa: PLR2004  # the middle
    observed = tuple(Proportion(round(min(1.0, max(0.0, p)) * k), k) for p, k in zip(true.tolist(), size.tolist(), strict=True))
    noise = np.abs(np.random.default_rng(n).binomial(size, said, (2000, bins)) - said * size).sum(axis=1) / n
    return CalibrationError(tuple(said.tolist()), observed, float(np.quantile(noise, 0.95)))


def confusion(value: float, sizes: Sequence[int], metric: Metric, average: Average = "macro") -> Confusion:
    """Rows of each class as given, each class right equally often, its errors spread evenly over the others."""
    low, high = 0.0, 1.0
    for _ in range(STEPS):
        right = (low + high) / 2
        low, high = (right, high) if _table(right, sizes, metric, average).value < value else (low, right)
    return _table(high, sizes, metric, average)


def _table(right: float, sizes: Sequence[int], metric: Metric, average: Average) -> Confusion:
    """Errors of a class that do not divide evenly go to the classes after it."""
    k = len(sizes)
    table = np.diag([round(n * right) for n in sizes])
    for i, n in enumerate(sizes):
        each, rest = divmod(n - table[i, i], max(1, k - 1))
        for step in range(1, k):
            table[i, (i + step) % k] = each + (step <= rest)
    return Confusion((tuple(table.ravel().tolist()),), metric, average)
