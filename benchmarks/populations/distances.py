"""Distances, which chance alone makes larger than they are: calibration and drift."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import ks_2samp, norm

from audit.stats import CalibrationError, KolmogorovSmirnov, MeanDiscrepancy, StabilityIndex
from benchmarks.populations.case import NOMINAL, Case
from benchmarks.trials import Limit

if TYPE_CHECKING:
    from numpy.random import Generator

    from benchmarks.populations.case import Drawn


def calibrations() -> list[Case]:
    """A perfect model, and over- and underconfident ones: conservative at both ends."""
    return [
        Case(
            f"CalibrationError, n={n}",
            {1.0: "0", 0.6: "overconfident", 1.6: "underconfident"}[steep],
            partial(_calibrations, n=n, steep=steep),
            high=Limit(0.01),
            trials=400,
        )
        for n in (200, 1000)
        for steep in (1.0, 0.6, 1.6)
    ]


def _calibrations(rng: Generator, trials: int, *, n: int, steep: float) -> Drawn:
    """Says p where logit(p) times `steep` is true; the truth is the error over the bins that it got."""
    for _ in range(trials):
        said = np.sort(rng.beta(2, 1, n))
        true = said**steep / (said**steep + (1 - said) ** steep)
        estimate = CalibrationError.of(said, rng.random(n) < true, rng)
        ends = np.cumsum([share.n for share in estimate.observed])[:-1]
        yield estimate, float(sum(abs(part.sum()) for part in np.split(said - true, ends)) / n)


def distances() -> list[Case]:
    """Exact in the limit without a change, else conservative."""
    return [
        Case(f"KolmogorovSmirnov, {n} and {m} rows", f"{2 * norm.cdf(shift / 2) - 1:.2f}", partial(_distances, sizes=(n, m), shift=shift))
        for n, m in ((50, 50), (400, 100), (1000, 1000))
        for shift in (0.0, 0.5, 1.5)
    ]


def _distances(rng: Generator, trials: int, *, sizes: tuple[int, int], shift: float) -> Drawn:
    truth = float(2 * norm.cdf(shift / 2) - 1)
    for _ in range(trials):
        a, b = rng.normal(size=sizes[0]), rng.normal(shift, size=sizes[1])
        yield KolmogorovSmirnov(float(ks_2samp(a, b, method="asymp").statistic), *sizes), truth


def indices() -> list[Case]:
    """Exact near no drift; far from it the law is an approximation, and an end misses up to 3.5 %. Few bins fit to the row by chance."""
    found = [
        Case(f"StabilityIndex, 10 bins, {n} rows a side", "0", partial(_indices, n=n, tilt=0.0), NOMINAL, Limit(0), 5000)
        for n in (200, 1000, 10_000)
    ]
    found += [
        Case(
            f"StabilityIndex, 10 bins, {n} rows a side", f"tilt {tilt}", partial(_indices, n=n, tilt=tilt), Limit(0.035), Limit(0.035), 5000
        )
        for n, tilt in ((300, 0.5), (1000, 1.0), (5000, 0.3))
    ]
    return found + [
        Case(
            f"StabilityIndex, {len(before)} bins, {n} and {m} rows",
            f"{' '.join(map(str, before))}, now {' '.join(map(str, now))}",
            partial(_few_bins, sizes=(n, m), shares=(before, now)),
            Limit(0.045),
            Limit(0.035),
            5000,
        )
        for n, m, before, now in FEW
    ]


FEW = (
    (50, 50, (0.5, 0.5), (0.52, 0.48)),
    (200, 200, (0.5, 0.5), (0.5, 0.5)),
    (100, 100, (0.95, 0.05), (0.93, 0.07)),
    (200, 60, (0.95, 0.05), (0.95, 0.05)),
    (500, 500, (0.99, 0.01), (0.985, 0.015)),
    (100, 100, (0.6, 0.3, 0.1), (0.55, 0.33, 0.12)),
    (500, 500, (0.5, 0.5), (0.6, 0.4)),
    (200, 200, (0.9, 0.1), (0.75, 0.25)),
)
"""Rows of both windows and their shares: near no drift few bins often fit to the row. The lower end errs more the rarer a bin is."""


def _few_bins(rng: Generator, trials: int, *, sizes: tuple[int, int], shares: tuple[tuple[float, ...], tuple[float, ...]]) -> Drawn:
    """As the check counts: bins that hold a row, and half a row more in each where one is empty in one window."""
    p, q = (np.array(one) for one in shares)
    truth = float(((q - p) * np.log(q / p)).sum())
    for a, b in zip(rng.multinomial(sizes[0], p, trials), rng.multinomial(sizes[1], q, trials), strict=True):
        held = a + b > 0
        half = 0.5 * bool((a[held] == 0).any() or (b[held] == 0).any())
        here, there = ((one[held] + half) / (one.sum() + half * held.sum()) for one in (a, b))
        yield StabilityIndex(float(((there - here) * np.log(there / here)).sum()), int(held.sum()), *sizes), truth


def _indices(rng: Generator, trials: int, *, n: int, tilt: float) -> Drawn:
    shares = np.exp(tilt * np.linspace(-1, 1, 10))
    shares /= shares.sum()
    truth = float(((0.1 - shares) * np.log(0.1 / shares)).sum())
    for a, b in zip(rng.multinomial(n, [0.1] * 10, trials), rng.multinomial(n, shares, trials), strict=True):
        p, q = (a + 0.5) / (n + 5), (b + 0.5) / (n + 5)
        yield StabilityIndex(float(((p - q) * np.log(p / q)).sum()), 10, n, n), truth


def discrepancies() -> list[Case]:
    """Normal errors in twenty dimensions of which the kernel's space is the plain one."""
    return [Case("MeanDiscrepancy, 20 dimensions, n=200", f"{far**2:.2f}", partial(_discrepancies, far=far)) for far in (0.0, 0.3, 1.0)]


def _discrepancies(rng: Generator, trials: int, *, far: float) -> Drawn:
    n, dims = 200, 20
    step, there = math.sqrt(2 / n), np.zeros(dims)
    there[0] = far
    for _ in range(trials):
        gap = rng.normal(there, step)
        moments = (dims * step**2, dims * step**4, dims * step**6)
        yield MeanDiscrepancy(float(gap @ gap) - moments[0], float(np.linalg.norm(gap)), moments, step, n, n), far**2
