"""Streams of losses: their mean by betting, and the difference at a moment that the stream itself chose."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from audit.stats import BettingMean, ChosenDifference, Difference, Proportion
from audit.stats.change_points import page_hinkley, sharpest_cut
from benchmarks.populations.case import PEOPLE, Case, people

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from benchmarks.populations.case import Drawn

TRIALS = 1000


def betting_means() -> list[Case]:
    """Errors, losses that are mostly small, a rate that moves, and entities."""
    steady, moving = np.full(300, 0.1), np.repeat([0.05, 0.25], 200)
    return [
        Case("BettingMean, errors, n=300", "0.1", partial(_errors, rates=steady), trials=TRIALS),
        Case("BettingMean, errors, n=400, from .05 to .25", "0.15", partial(_errors, rates=moving), trials=TRIALS),
        Case("BettingMean, losses of beta(.3, 2.7), n=300", "0.1", _losses, trials=TRIALS),
        Case(f"BettingMean, errors, {PEOPLE} entities of 1 to 7 rows", "0.3", _of_people, trials=TRIALS),
    ]


def chosen_differences() -> list[Case]:
    """At a moment that Page-Hinkley proposes, so readily that it nearly always does; with and without a change."""
    still, risen = np.full(600, 0.2), np.repeat([0.1, 0.25], [400, 200])
    return [
        Case("ChosenDifference, n=600, no change", "0", partial(_chosen, rates=still), trials=TRIALS),
        Case("ChosenDifference, n=600, .1 to .25 after 400 rows", "at the moment", partial(_chosen, rates=risen), trials=TRIALS),
    ]


def _errors(rng: Generator, trials: int, *, rates: NDArray[np.float64]) -> Drawn:
    return ((BettingMean.of((rng.random(len(rates)) < rates).astype(float)), float(rates.mean())) for _ in range(trials))


def _losses(rng: Generator, trials: int) -> Drawn:
    return ((BettingMean.of(rng.beta(0.3, 2.7, 300)), 0.1) for _ in range(trials))


def _of_people(rng: Generator, trials: int) -> Drawn:
    for _ in range(trials):
        of_row = people(rng)
        errors = rng.random(len(of_row)) < rng.beta(1.5, 3.5, PEOPLE)[of_row]
        yield BettingMean.of(errors.astype(float), of_row), 0.3


def _chosen(rng: Generator, trials: int, *, rates: NDArray[np.float64]) -> Drawn:
    n = len(rates)
    for _ in range(trials):
        errors = rng.random(n) < rates
        found = page_hinkley(errors.astype(float), threshold=3.0, tolerance=0.005)
        cut = max((sharpest_cut(errors, since, row) for row, since in found), key=lambda one: _clearness(errors, one), default=n // 2)
        before, after = Proportion.of(errors[:cut]), Proportion.of(errors[cut:])
        yield (
            ChosenDifference(Difference(after, before), 0.5 / (n - 1) if found else 0.5),
            float(rates[cut:].mean() - rates[:cut].mean()),
        )


def _clearness(errors: NDArray[np.bool_], cut: int) -> float:
    return float((errors[cut:].mean() - errors[:cut].mean()) * np.sqrt(cut * (len(errors) - cut)))
