"""Simulated windows of a monitor: their e-values from the package's own estimates, and the days on which detectors alarm."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from audit.stats import Difference, KolmogorovSmirnov, Mean, Proportion, StabilityIndex
from audit.stats.e_process import BETS, log_e_values, log_normal_bets, log_share_bets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.stats import Estimate

    Numbers: TypeAlias = NDArray[np.float64]

NEVER = 0
"""Day of an alarm that did not come; days count from 1."""
BINS = 10


@dataclass(frozen=True, slots=True)
class Windows:
    """Rows of the reference and of each daily window."""

    reference: int
    current: int

    def __str__(self) -> str:
        return f"{self.reference:,} / {self.current:,}"


def alarm_days(log_e: Iterator[Numbers], threshold: float) -> NDArray[np.int64]:
    """(runs,) first day of an alarm in each run, from (runs, members, bets) log e-values a day: Shiryaev-Roberts, any member."""
    m, days = np.zeros(1), np.zeros(0, dtype=np.int64)
    for day, found in enumerate(log_e, start=1):
        m = np.minimum((m + 1) * np.exp(found), 1e300)
        alarm = (m.mean(axis=-1) >= threshold).any(axis=-1)
        days = np.where((days == NEVER) & alarm, day, days) if len(days) else np.where(alarm, day, NEVER)
    return days


def error_rates(rng: Generator, rates: list[float], runs: int, *, labels: int, bound: float) -> Iterator[Numbers]:
    """Day by day (runs, 1, bets) log e-values of so many labels a day at these true error rates."""
    by_errors = np.array([log_share_bets(errors, labels, bound) for errors in range(labels + 1)])
    for rate in rates:
        yield by_errors[rng.binomial(labels, rate, runs)][:, None]


def of_values(values: Numbers, make: Callable[[float], KolmogorovSmirnov | StabilityIndex], floor: float) -> Numbers:
    """(..., bets) log e-values of distances. Only the few whose end at the median lies above the floor are asked for more."""
    log_e = np.broadcast_to(log_normal_bets(None), (*values.shape, len(BETS))).copy()
    low, high = floor, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if make(middle).bounds(0.5, 0.5)[0] > floor else (middle, high)
    for place in zip(*np.nonzero(values > low), strict=True):
        log_e[place] = log_e_values(make(float(values[place])), floor, floor=False)
    return log_e


def on_the_bound(rng: Generator, windows: int) -> dict[str, tuple[list[Estimate], float]]:
    """For each kind of estimate so many windows of a true value on its bound, with the bound; two samples are drawn anew each time."""
    index = shift_of_index(0.1)

    def entities() -> Proportion:
        hits = rng.binomial(10, rng.beta(1.0, 9.0, 30)).astype(float)  # a rate of .1, correlated .09 within an entity
        return Proportion.of_entities(hits, np.full(30, 10.0))

    def stability() -> StabilityIndex:
        sizes = Windows(2_000, 500)
        return StabilityIndex(float(indices(rng, sizes, 1, shift=index)[0]), BINS, sizes.reference, sizes.current)

    def smirnov() -> KolmogorovSmirnov:
        current = moved(sorted_uniform(rng, (1,), 500), shift_of(0.1))
        return KolmogorovSmirnov(float(distances(sorted_uniform(rng, (), 2_000), current)[0]), 2_000, 500)

    kinds: dict[str, tuple[Callable[[], Estimate], float]] = {
        "mean of exponential losses, 50 rows": (lambda: Mean.of(rng.exponential(1.0, 50), low=0.0), 1.0),
        "mean of lognormal losses, 200 rows": (lambda: Mean.of(rng.lognormal(-0.5, 1.0, 200), low=0.0), 1.0),
        "share among 30 entities of 10 rows": (entities, 0.1),
        "difference of two shares, 200 rows each": (
            lambda: Difference(Proportion(int(rng.binomial(200, 0.3)), 200), Proportion(int(rng.binomial(200, 0.2)), 200)),
            0.1,
        ),
        "KS distance, 2,000 / 500 rows": (smirnov, 0.1),
        "PSI, 2,000 / 500 rows": (stability, 0.1),
    }
    return {name: ([draw() for _ in range(windows)], bound) for name, (draw, bound) in kinds.items()}


def sorted_uniform(rng: Generator, shape: tuple[int, ...], rows: int) -> Numbers:
    """(*shape, rows) uniform numbers, each row rising."""
    gaps = rng.standard_exponential((*shape, rows + 1), method="zig", dtype=np.float64).cumsum(axis=-1)
    found: Numbers = gaps[..., :-1] / gaps[..., -1:]
    return found


def distances(reference: Numbers, current: Numbers) -> Numbers:
    """(days,) Kolmogorov-Smirnov distances of rising windows (days, rows) to a rising reference, as `largest_distance` gives them."""
    share = np.searchsorted(reference, current, side="right") / len(reference)
    steps = np.arange(1, current.shape[1] + 1) / current.shape[1]
    found: Numbers = np.maximum((steps - share).max(axis=1), (share - steps + 1 / current.shape[1]).max(axis=1))
    return found


def indices(rng: Generator, sizes: Windows, days: int, *, shift: float = 0.0) -> Numbers:
    """(days,) stability indices over ten quantile bins of one normal reference, of windows that are so far off."""
    edges = sorted_uniform(rng, (), sizes.reference)[np.arange(1, BINS) * sizes.reference // BINS - 1]
    p = np.full(BINS, 1 / BINS)
    counts = rng.multinomial(sizes.current, np.diff(moved(edges, -shift), prepend=0, append=1), size=days)
    half = np.where((counts == 0).any(axis=1), 0.5, 0.0)[:, None]
    before, now = ((n * rows + half) / (n + BINS * half) for n, rows in ((sizes.reference, p), (sizes.current, counts / sizes.current)))
    found: Numbers = ((now - before) * np.log(now / before)).sum(axis=1)
    return found


def moved(uniform: Numbers, shift: float | Numbers) -> Numbers:
    """Ranks of a normal feature, as shares, after a shift in standard deviations."""
    from scipy.special import ndtr, ndtri

    found: Numbers = ndtr(ndtri(uniform) + shift)
    return found


def shift_of(distance: float) -> float:
    """The shift of a normal law whose Kolmogorov-Smirnov distance it is: 2 Phi(shift / 2) - 1."""
    from scipy.special import ndtri

    return 2 * float(ndtri((1 + distance) / 2))


def shift_of_index(index: float) -> float:
    """The shift of a normal law at which its stability index over its own tenths is so large."""
    from scipy.optimize import brentq

    tenths = np.arange(1, BINS) / BINS

    def excess(shift: float) -> float:
        q = np.diff(moved(tenths, -shift), prepend=0, append=1)
        return float(((q - 1 / BINS) * np.log(q * BINS)).sum()) - index

    return float(brentq(excess, 0.0, 3.0))


def false_by_benjamini_hochberg(p: Numbers, level: float) -> NDArray[np.bool_]:
    """(...) whether any of the last axis's p-values is rejected at this false discovery rate."""
    ranks = np.arange(1, p.shape[-1] + 1) / p.shape[-1]
    found: NDArray[np.bool_] = (np.sort(p, axis=-1) <= level * ranks).any(axis=-1)
    return found


def p_values(values: Numbers, sizes: Windows) -> Numbers:
    """Of distances without drift, by Kolmogorov's law."""
    from scipy.stats import kstwobign

    found: Numbers = kstwobign.sf(values * math.sqrt(sizes.reference * sizes.current / (sizes.reference + sizes.current)))
    return found
