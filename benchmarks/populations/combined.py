"""Sums of independent estimates."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from audit.stats import AverageDifference, Difference, Proportion
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
