"""Sums of independent estimates."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from audit.stats import AverageDifference, Difference, Proportion, WeightedMean, WeightedShare
from benchmarks.populations.case import Case
from benchmarks.trials import Limit

if TYPE_CHECKING:
    from numpy.random import Generator

    from benchmarks.populations.case import Drawn


def average_differences() -> list[Case]:
    """True and false positive rates of two groups; Newcombe's ends, of which these are made, err a little over their level: at most 3 %."""
    rates = ((0.7, 0.7, 0.2, 0.2), (0.8, 0.7, 0.2, 0.1), (0.95, 0.85, 0.05, 0.02), (0.6, 0.9, 0.3, 0.1))
    sizes = ((30, 60, 40, 90), (150, 100, 300, 200), (800, 300, 900, 1200))
    return [
        Case(
            f"AverageDifference, {min(size)} to {max(size)} rows",
            _told(true),
            partial(_averages, sizes=size, rates=true),
            LIMIT,
            LIMIT,
            5000,
        )
        for size in sizes
        for true in rates
    ]


LIMIT = Limit(0.03)


def _told(rates: tuple[float, float, float, float]) -> str:
    return f"({rates[0]} - {rates[1]} + {rates[2]} - {rates[3]}) / 2"


def _averages(rng: Generator, trials: int, *, sizes: tuple[int, int, int, int], rates: tuple[float, float, float, float]) -> Drawn:
    truth = (rates[0] - rates[1] + rates[2] - rates[3]) / 2
    for hits in rng.binomial(sizes, rates, (trials, 4)).tolist():
        a, b, c, d = (Proportion(x, n) for x, n in zip(hits, sizes, strict=True))
        yield AverageDifference(Difference(a, b), Difference(c, d)), truth


def weighted_shares() -> list[Case]:
    """Weights that know nothing of the hits, and such as are larger where there is a hit, so that the share is not that of the rows."""
    return [
        Case(f"WeightedShare, n={n}", f"{share}, spread {spread}", partial(_shares, n=n, share=share, spread=spread), LIMIT, LIMIT)
        for n in (60, 300)
        for share in (0.1, 0.5)
        for spread in (0.0, 0.5, 1.0)
    ]


def _shares(rng: Generator, trials: int, *, n: int, share: float, spread: float) -> Drawn:
    """A hit weighs half as much again."""
    truth = 1.5 * share / (1.5 * share + 1 - share)
    for _ in range(trials):
        hit = rng.random(n) < share
        yield WeightedShare.of(hit, np.exp(spread * rng.standard_normal(n)) * np.where(hit, 1.5, 1.0)), truth


def weighted_means() -> list[Case]:
    """Values as skewed as incomes, or as normals, under weights that know nothing of them or rise with them."""
    return [
        Case(f"WeightedMean, n={n}, {told}", told_true, partial(_means, n=n, skewed=skewed, tilt=tilt), LIMIT, limit)
        for n in (200, 800)
        for told, told_true, skewed, tilt, limit in POPULATIONS
    ]


POPULATIONS = (
    ("normal", "0", False, 0.0, LIMIT),
    ("normal, weights rise", "0.4", False, 0.4, Limit(0.045)),
    ("exponential", "1", True, 0.0, LIMIT),
)
"""Name, true mean, whether values are exponential, how steeply weights rise with them, and what the upper end may miss."""


def _means(rng: Generator, trials: int, *, n: int, skewed: bool, tilt: float) -> Drawn:
    """Weights exp(tilt x) move a standard normal's mean by the tilt."""
    for _ in range(trials):
        values = rng.exponential(1.0, n) if skewed else rng.standard_normal(n)
        weights = np.exp(tilt * values + 0.5 * rng.standard_normal(n))
        yield WeightedMean.of(values, weights), 1.0 if skewed else tilt
