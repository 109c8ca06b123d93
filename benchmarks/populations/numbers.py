"""Errors of regression: roots of mean squares, shares of variance explained, and differences of both."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from audit.stats import Explained, Mean, MeanDifference, MeanRatio, RootMeanSquare
from benchmarks.populations.case import NOMINAL, PEOPLE, Case, people
from benchmarks.trials import Limit

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from benchmarks.populations.case import Drawn

Law: TypeAlias = Literal["normal", "t5"]
"""Of errors with variance 1: normal, or Student's t with 5 degrees of freedom, whose squares have no third moment."""


def roots() -> list[Case]:
    """The upper end, which decides a pass, errs more often the heavier the errors' tails are."""
    grid: list[tuple[Law, int, float]] = [("normal", 100, 0.037), ("normal", 1000, 0.029), ("t5", 500, 0.065), ("t5", 4000, 0.05)]
    found = [
        Case(f"RootMeanSquare, {law} errors, n={n}", "1", partial(_roots, law=law, n=n), NOMINAL, Limit(most), 5000)
        for law, n, most in grid
    ]
    return [*found, Case(f"RootMeanSquare, {PEOPLE} entities", "1.1180", _root_people, Limit(0.03), Limit(0.04), 4000)]


def explained() -> list[Case]:
    """Normal true numbers; the lower end decides a pass."""
    grid: list[tuple[Law, int, float, float]] = [
        ("normal", 100, 0.5, 0.035),
        ("normal", 100, 0.9, 0.035),
        ("normal", 1000, 0.1, 0.03),
        ("normal", 1000, 0.99, 0.03),
        ("t5", 1000, 0.5, 0.045),
        ("t5", 1000, 0.9, 0.055),
    ]
    return [
        Case(
            f"Explained, {law} errors, n={n}", f"{share:g}", partial(_explained, law=law, n=n, share=share), Limit(most), Limit(0.035), 4000
        )
        for law, n, share, most in grid
    ]


def mean_ratios() -> list[Case]:
    """R² of one model less that of another on the same rows: equals, and one that is better by 0.075."""
    return [
        Case(f"MeanRatio, R² of two models, n={n}", f"{more:g}", partial(_ratios, n=n, more=more), Limit(most), Limit(most), 4000)
        for n, more, most in ((100, 0.0, 0.037), (500, 0.0, 0.03), (500, 0.075, 0.03))
    ]


def mean_differences() -> list[Case]:
    """Mean absolute and root mean squared errors of two groups, and of two models on the same rows."""
    loss = [
        Case(f"MeanDifference, absolute errors, n={n} and {m}", f"{-math.sqrt(2 / math.pi):.4f}", partial(_losses, n=n, m=m), trials=5000)
        for n, m in ((100, 100), (1000, 100))
    ]
    groups = [
        Case(f"MeanDifference, roots, n={n} and {m}", "-1", partial(_groups, n=n, m=m), Limit(most), Limit(most), 4000)
        for n, m, most in ((100, 100, 0.035), (1000, 200, 0.03))
    ]
    paired = [
        Case(
            f"MeanDifference, roots of the same rows, n={n}",
            f"{truth:.4f}",
            partial(_same_rows, n=n, equal=equal),
            Limit(0.033),
            Limit(0.033),
            4000,
        )
        for n, equal, truth in ((200, True, 0.0), (200, False, 1 - math.sqrt(1.25)), (1000, False, 1 - math.sqrt(1.25)))
    ]
    return [*loss, *groups, *paired]


def _errors(rng: Generator, n: int, law: Law) -> NDArray[np.float64]:
    return rng.normal(size=n) if law == "normal" else rng.standard_t(5, n) / math.sqrt(5 / 3)


def _roots(rng: Generator, trials: int, *, law: Law, n: int) -> Drawn:
    return ((RootMeanSquare.of(_errors(rng, n, law)), 1.0) for _ in range(trials))


def _root_people(rng: Generator, trials: int) -> Drawn:
    """Errors of which a person shares a part: variance 1 and 1/4."""
    for _ in range(trials):
        person = people(rng)
        yield RootMeanSquare.of(rng.normal(0, 0.5, PEOPLE)[person] + rng.normal(0, 1, len(person)), person), math.sqrt(1.25)


def _explained(rng: Generator, trials: int, *, law: Law, n: int, share: float) -> Drawn:
    for _ in range(trials):
        known = rng.normal(0, math.sqrt(share), n)
        yield Explained.of(known + math.sqrt(1 - share) * _errors(rng, n, law), known), share


def _ratios(rng: Generator, trials: int, *, n: int, more: float) -> Drawn:
    """True numbers of variance 1, of which both models miss a variance of 1/4 and something of their own: 1/16, or that and `more`."""
    for _ in range(trials):
        missed = rng.normal(0, 0.5, n)
        target = rng.normal(0, math.sqrt(0.75), n) + missed
        first, second = missed + rng.normal(0, 0.25, n), missed + rng.normal(0, math.sqrt(1 / 16 + more), n)
        yield MeanRatio.of(second**2 - first**2, (target - target.mean()) ** 2), more


def _losses(rng: Generator, trials: int, *, n: int, m: int) -> Drawn:
    for _ in range(trials):
        one, other = (Mean.of(np.abs(rng.normal(0, spread, size)), low=0.0) for spread, size in ((1, n), (2, m)))
        yield MeanDifference(one, other), -math.sqrt(2 / math.pi)


def _groups(rng: Generator, trials: int, *, n: int, m: int) -> Drawn:
    for _ in range(trials):
        yield MeanDifference(RootMeanSquare.of(rng.normal(0, 1, n)), RootMeanSquare.of(rng.normal(0, 2, m))), -1.0


def _same_rows(rng: Generator, trials: int, *, n: int, equal: bool) -> Drawn:
    """What both miss, and half as much of the second's own; of the first's own too where they are equal."""
    for _ in range(trials):
        missed = rng.normal(size=n)
        own = [rng.normal(0, 0.5, n) for _ in range(2)]
        truth = 0.0 if equal else 1 - math.sqrt(1.25)
        yield MeanDifference.of_roots(missed + own[0] if equal else missed, missed + own[1]), truth
