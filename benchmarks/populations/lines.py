"""Slopes and intercepts of the line that mends probabilities, and their distance from no mending."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from audit.stats import Departure
from audit.stats.recalibration import line, unfit
from benchmarks.populations.case import ALPHA, Case
from benchmarks.trials import Limit

if TYPE_CHECKING:
    from numpy.random import Generator

    from benchmarks.populations.case import Drawn

SPREAD = 1.5
"""Standard deviation of the stated log odds."""
FEW = Limit(0.035)
"""With some fifty to a hundred of the rarer outcome the lower end misses a little more often."""
PEOPLE = 200


def coefficients() -> list[Case]:
    """Calibrated, over- and underconfident models; events as frequent as not, and rare ones; people of one to seven rows."""
    found = [
        Case(
            f"Coefficient, slope, n={n}, centre {centre:g}", f"{slope:g}", partial(_lines, n=n, slope=slope, centre=centre), FEW, FEW, 1000
        )
        for n, centre in ((150, 0.0), (500, -2.5), (1000, 0.0))
        for slope in (1.0, 0.6, 1.5)
    ]
    intercept = partial(_lines, n=400, slope=0.6, centre=-1.0, which="intercept")
    found += [Case("Coefficient, intercept, n=400, centre -1", "slope 0.6", intercept, FEW, FEW, 2000)]
    return [*found, Case(f"Coefficient, slope, {PEOPLE} people", "1", _people, FEW, FEW, 2000)]


def departures() -> list[Case]:
    """On the ideal the upper end hardly ever misses; off it each end is that of the coefficient."""
    return [
        Case(
            f"Departure, slope from 1, n={n}", f"{abs(slope - 1):.1f}", partial(_lines, n=n, slope=slope, far=True), Limit(ALPHA), FEW, 1000
        )
        for n in (150, 1000)
        for slope in (1.0, 0.6, 1.5)
    ]


def _lines(
    rng: Generator,
    trials: int,
    *,
    n: int,
    slope: float,
    centre: float = 0.0,
    which: Literal["slope", "intercept"] = "slope",
    far: bool = False,
) -> Drawn:
    truth = slope if which == "slope" else _in_the_large(slope, centre)
    for _ in range(trials):
        x = rng.normal(centre, SPREAD, n)
        said, hit = expit(x), rng.random(n) < expit(slope * x)
        if unfit(said, hit) is None:
            found = line(said, hit)
            one = found.slope if which == "slope" else found.intercept
            yield (Departure(one, 1.0), abs(slope - 1.0)) if far else (one, truth)


def _in_the_large(slope: float, centre: float) -> float:
    """The intercept at which probabilities with slope 1 are right on the whole."""
    x = np.random.default_rng(1).normal(centre, SPREAD, 1_000_000)
    true = float(expit(slope * x).mean())
    return float(brentq(lambda above: float(expit(above + x).mean()) - true, -5.0, 5.0))


def _people(rng: Generator, trials: int) -> Drawn:
    """Rows of a person are all alike."""
    for _ in range(trials):
        person, x = np.repeat(np.arange(PEOPLE), rng.integers(1, 8, PEOPLE)), rng.normal(0.0, SPREAD, PEOPLE)
        said, hit = expit(x)[person], (rng.random(PEOPLE) < expit(x))[person]
        if unfit(said, hit) is None:
            yield line(said, hit, person).slope, 1.0
