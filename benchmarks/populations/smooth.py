"""Smooth calibration errors: without bins."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from audit.stats import SmoothCalibrationError
from audit.stats.smooth_calibration import crossing
from benchmarks.populations.case import Case

if TYPE_CHECKING:
    from numpy.random import Generator

    from benchmarks.populations.case import Drawn

ENTITIES = 150


def smooth_errors() -> list[Case]:
    """Calibrated, over- and underconfident models of frequent and of rare events, a single probability, and people: conservative."""
    found = [
        Case(f"SmoothCalibrationError, {name} event, n={n}", said, partial(_drawn, n=n, shape=shape, steep=steep), trials=300)
        for name, shape in (("frequent", (2.0, 1.0)), ("rare", (1.0, 20.0)))
        for n in (200, 1000)
        for steep, said in {1.0: "0", 0.5: "overconfident", 2.0: "underconfident"}.items()
    ]
    found += [Case("SmoothCalibrationError, all .999, n=300", "0.009", partial(_alike, n=300, said=0.999, true=0.99), trials=300)]
    return [*found, Case(f"SmoothCalibrationError, {ENTITIES} people", "0", _people, trials=300)]


def _drawn(rng: Generator, trials: int, *, n: int, shape: tuple[float, float], steep: float) -> Drawn:
    """Says p where logit(p) times `steep` is true; the truth is that of the true probabilities of these rows."""
    for _ in range(trials):
        said = rng.beta(*shape, n)
        true = said**steep / (said**steep + (1 - said) ** steep)
        yield SmoothCalibrationError.of(said, rng.random(n) < true), crossing(said, (true - said) / n)


def _alike(rng: Generator, trials: int, *, n: int, said: float, true: float) -> Drawn:
    for _ in range(trials):
        yield SmoothCalibrationError.of(np.full(n, said), rng.random(n) < true), abs(true - said)


def _people(rng: Generator, trials: int) -> Drawn:
    """Rows of a person are all alike."""
    for _ in range(trials):
        person, said = np.repeat(np.arange(ENTITIES), rng.integers(1, 8, ENTITIES)), rng.beta(2, 1, ENTITIES)
        yield SmoothCalibrationError.of(said[person], (rng.random(ENTITIES) < said)[person], person), 0.0
