"""Gates of known populations, for `flip_rate`: how samples are drawn at any true value, and the known power."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy.stats import norm

from audit.power.analysis import end_probabilities
from audit.power.member import DecisionRule, PlannedMember
from audit.stats import Auc, CalibrationError, Difference, Proportion, Ratio
from benchmarks.exact import share_decided, two_decided

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.random import Generator

    from audit.stats import Estimate

    Samples: TypeAlias = Iterator[tuple[Estimate, ...]]

PILOT = 50
"""Rows of the pilot behind a foreseen power, as a multiple of the gate's."""
RATE = 0.3
"""Share of both groups together that is selected."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One requirement on one population."""

    name: str
    check: str
    n: int
    floor: bool
    bound: float
    off: tuple[float, float]
    """True values on the good and on the bad side."""
    draw: Callable[[Generator, float, int], Samples]
    """So many samples' members at a true value."""
    power: Callable[[float], float]
    """Share of samples at a true value that are decided."""
    known: str
    """How the power is known."""
    trials: int
    most: float = 0.025
    """What a false pass and a false fail may be."""


def of(n: int) -> list[Gate]:
    """Every gate at so many rows, with true values so far off the bound that most samples are decided where that can be."""
    far = math.sqrt(500 / n)
    return [
        _accuracy(n, (0.9 + round(0.03 * far, 3), 0.9 - round(0.035 * far, 3))),
        _area(n, (0.85 + round(0.045 * far, 3), 0.85 - round(0.055 * far, 3))),
        _parity(n, "demographic_parity_difference", (max(0.0, round(0.1 - 0.1 * far, 3)), round(0.1 + 0.13 * far, 3))),
        _parity(n, "demographic_parity_ratio", (min(1.0, round(0.8 + 0.3 * far, 3)), round(0.8 - 0.3 * far, 3))),
        _calibration(n, *{200: (0.25, 0.38), 500: (0.16, 0.25), 2000: (0.08, 0.13)}[n]),
    ]


def _accuracy(n: int, off: tuple[float, float]) -> Gate:
    def draw(rng: Generator, truth: float, trials: int) -> Samples:
        return ((Proportion(hits, n),) for hits in rng.binomial(n, truth, trials).tolist())

    power = partial(share_decided, n, bound=0.9)
    return Gate("accuracy, min .90", "performance/accuracy", n, True, 0.9, off, draw, power, "enumeration", 20_000, 0.03)


def _area(n: int, off: tuple[float, float]) -> Gate:
    positive = np.arange(n) < 0.4 * n

    def draw(rng: Generator, truth: float, trials: int) -> Samples:
        shift = float(norm.ppf(truth)) * math.sqrt(2)
        return ((Auc.of(positive, rng.normal(positive * shift)),) for _ in range(trials))

    def power(truth: float) -> float:
        many = np.repeat(positive, PILOT)
        pilot = Auc.of(many, np.random.default_rng(1).normal(many * float(norm.ppf(truth)) * math.sqrt(2)))
        return sum(end_probabilities([PlannedMember(pilot, truth)], DecisionRule(0.85, floor=True), 1 / PILOT))

    return Gate("AUC, min .85", "performance/roc_auc", n, True, 0.85, off, draw, power, "audit.power.analysis", 10_000)


def _parity(n: int, check: str, off: tuple[float, float]) -> Gate:
    """Two groups of n/2 rows."""
    kind, floor, bound = (Ratio, True, 0.8) if check.endswith("ratio") else (Difference, False, 0.1)
    half = n // 2

    def arms(truth: float) -> tuple[float, float]:
        """The first group is the worse one."""
        if kind is Ratio:
            return 2 * RATE * truth / (1 + truth), 2 * RATE / (1 + truth)
        return RATE + truth / 2, RATE - truth / 2

    def draw(rng: Generator, truth: float, trials: int) -> Samples:
        for x, y in zip(*(rng.binomial(half, p, trials).tolist() for p in arms(truth)), strict=True):
            first, second = Proportion(x, half), Proportion(y, half)
            yield kind(first, second), kind(second, first)

    name = f"parity {check.rsplit('_', maxsplit=1)[-1]}, {'min .80' if floor else 'max .10'}"

    def power(truth: float) -> float:
        return two_decided(half, arms(truth), bound, ratio=floor)

    return Gate(name, f"fairness/{check}", n, floor, bound, off, draw, power, "enumeration", 20_000)


def _calibration(n: int, bound: float, bad: float) -> Gate:
    """Says p between .4 and .9 where p less the true error is true."""

    def draw(rng: Generator, truth: float, trials: int) -> Samples:
        for _ in range(trials):
            said = rng.uniform(0.4, 0.9, n)
            yield (CalibrationError.of(said, rng.random(n) < said - truth, rng),)

    def power(truth: float) -> float:
        rng = np.random.default_rng(1)
        said = rng.uniform(0.4, 0.9, PILOT * n)
        pilot = CalibrationError.of(said, rng.random(PILOT * n) < said - 0.2, rng)
        return sum(end_probabilities([PlannedMember(pilot, truth)], DecisionRule(bound, floor=False), 1 / PILOT))

    check, name = "calibration/expected_calibration_error", f"calibration, max {bound:.2f}"
    return Gate(name, check, n, False, bound, (0.0, bad), draw, power, "audit.power.analysis", 4000)
