"""Means of values a row, differences of two on the same rows, and order statistics."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from audit.stats import Mean, PairedMean, Quantile
from benchmarks.populations.case import ALPHA, NOMINAL, PEOPLE, Case, people
from benchmarks.trials import Limit

if TYPE_CHECKING:
    from numpy.random import Generator

    from benchmarks.populations.case import Drawn


def means() -> list[Case]:
    """Losses: normal, exponential (upper end at most 3 % at 100, docs/adr/0004), log-normal, and with entities."""
    found = [
        Case(f"Mean, normal, n={n}", "1", partial(_means, law="normal", n=n), Limit(ALPHA, "=", 0.001), Limit(ALPHA, "=", 0.001), 20_000)
        for n in (50, 500)
    ]
    found += [
        Case(f"Mean, exponential, n={n}", "1", partial(_means, law="exponential", n=n), NOMINAL, Limit(most), 10_000)
        for n, most in ((100, 0.03), (500, 0.026), (2000, 0.026))
    ]
    found += [Case("Mean, log loss of a model, n=300", "0.5", partial(_means, law="log", n=300), NOMINAL, Limit(0.028), 10_000)]
    return [*found, Case(f"Mean, {PEOPLE} entities", "1", _mean_people, Limit(0.028), Limit(0.028), 5000)]


def _means(rng: Generator, trials: int, *, law: str, n: int) -> Drawn:
    for _ in range(trials):
        if law == "log":  # a calibrated probability of the class that came to be
            said = rng.random(n)
            yield Mean.of(-np.log(np.where(rng.random(n) < said, said, 1 - said)), low=0.0), 0.5
        else:
            yield Mean.of(rng.normal(1, 1, n) if law == "normal" else rng.exponential(size=n)), 1.0


def _mean_people(rng: Generator, trials: int) -> Drawn:
    for _ in range(trials):
        person = people(rng)
        yield Mean.of(rng.normal(1, 1, PEOPLE)[person] + rng.normal(0, 0.5, len(person)), person), 1.0


def paired_means() -> list[Case]:
    """Log losses of two models on the same rows: alike, and one twice as sure as it may be, whose loss is pi / 2 - 1 instead of 1 / 2.

    Of 100 rows an end misses as often as that of a mean of as many exponential values.
    """
    alike = [
        Case(f"PairedMean, log loss of equals, n={n}", "0", partial(_two_losses, n=n), Limit(most), Limit(most), 5000)
        for n, most in ((100, 0.03), (500, ALPHA))
    ]
    surer = partial(_two_losses, n=500, surer=True)
    return [*alike, Case("PairedMean, log loss of one too sure, n=500", f"{math.pi / 2 - 1.5:.4f}", surer, trials=5000)]


def _two_losses(rng: Generator, trials: int, *, n: int, surer: bool = False) -> Drawn:
    """Evenly spread chances of an event, on the logit scale: both models err alike, or the first doubles what the second knows."""
    for _ in range(trials):
        known = rng.logistic(size=n)
        sign = np.where(rng.random(n) < 1 / (1 + np.exp(-known)), -1.0, 1.0)
        said = (2 * known, known) if surer else (known + rng.normal(0, 0.5, n), known + rng.normal(0, 0.5, n))
        first, second = (np.logaddexp(0.0, sign * one) for one in said)
        yield PairedMean.of(first, second, low=0.0), math.pi / 2 - 1.5 if surer else 0.0


def quantiles() -> list[Case]:
    """Of exponential values."""
    return [
        Case(f"Quantile, {share:g} of exponential, n={n}", f"{-math.log(1 - share):.2f}", partial(_quantiles, n=n, share=share))
        for n in (100, 1000)
        for share in (0.5, 0.95)
    ]


def _quantiles(rng: Generator, trials: int, *, n: int, share: float) -> Drawn:
    return ((Quantile.of(rng.exponential(size=n), share), -math.log(1 - share)) for _ in range(trials))
