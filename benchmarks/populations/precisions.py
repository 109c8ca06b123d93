"""Average precisions, two of them compared, and means over classes."""

from __future__ import annotations

import math
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from audit.stats import Auc, AveragePrecision, ClassMean, PairedPrecision
from audit.stats import auc as areas
from audit.stats import average_precision as precisions
from benchmarks.populations.case import ALPHA, Case
from benchmarks.trials import Limit

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from benchmarks.populations.case import Drawn

NEARLY = Limit(0.03)
"""Where half of the positives score among the others."""


def average_precisions() -> list[Case]:
    """Normal scores, the class of each row drawn; jackknife and normal quantile alone miss up to .065 at the lower end."""
    grid = [(200, 0.5), (600, 0.5), (500, 0.1), (3000, 0.02), (150, 0.8)]
    found = [
        Case(f"AveragePrecision, {n} rows, {share:g} positive", f"{true_precision(share, shift):.3f}", draw, NEARLY)
        for n, share in grid
        for shift in (0.5, 1.5, 3.0)
        for draw in [partial(_precisions, n=n, share=share, shift=shift)]
    ]
    at, far, least = f"{true_precision(0.5, 1.5):.3f}", partial(_precisions, n=600, share=0.5, shift=1.5), Limit(ALPHA / 5)
    return [
        *found,
        Case("AveragePrecision, 600 rows, 0.5 positive", at, far, least, least, 4000, ALPHA / 5),
        Case("AveragePrecision, 160 entities of 3", f"{true_precision(0.3, 1.5):.3f}", _precision_people, NEARLY),
    ]


@cache
def true_precision(share: float, shift: float) -> float:
    """Of normal scores, those of the positives `shift` higher: the mean precision at a positive's score, integrated."""
    at = np.linspace(-10, 10 + shift, 200_001)
    found, others = share * norm.sf(at - shift), (1 - share) * norm.sf(at)
    precision = np.divide(found, found + others, out=np.ones_like(found), where=found + others > 0)
    return float((norm.pdf(at - shift) * precision).sum() * (at[1] - at[0]))


def _precisions(rng: Generator, trials: int, *, n: int, share: float, shift: float) -> Drawn:
    for _ in range(trials):
        positive = rng.random(n) < share
        yield AveragePrecision.of(positive, rng.normal(positive * shift)), true_precision(share, shift)


def _precision_people(rng: Generator, trials: int) -> Drawn:
    """Half of the score's variance is the entity's, and all rows of an entity are of one class."""
    person = np.repeat(np.arange(160), 3)
    for _ in range(trials):
        positive = (rng.random(160) < 0.3)[person]  # noqa: PLR2004  # a base rate
        score = (rng.normal(size=160)[person] + rng.normal(size=480)) / math.sqrt(2) + positive * 1.5
        yield AveragePrecision.of(positive, score, person), true_precision(0.3, 1.5)


def paired_precisions() -> list[Case]:
    """Two scores of the same rows, which share half of their variance."""
    return [
        Case(f"PairedPrecision, {n} rows, {share:g} positive", f"{first} and {second} apart", draw, NEARLY, NEARLY, 2000)
        for n, share in ((400, 0.3), (1500, 0.05))
        for first, second in ((1.5, 1.5), (2.5, 1.5))
        for draw in [partial(_two_precisions, n=n, share=share, shifts=(first, second))]
    ]


def _two_precisions(rng: Generator, trials: int, *, n: int, share: float, shifts: tuple[float, float]) -> Drawn:
    truth = true_precision(share, shifts[0]) - true_precision(share, shifts[1])
    for _ in range(trials):
        positive, shared = rng.random(n) < share, rng.normal(size=n)
        first, second = ((shared + rng.normal(size=n)) / math.sqrt(2) + positive * shift for shift in shifts)
        yield PairedPrecision.of(positive, first, second), truth


def class_means() -> list[Case]:
    """Three or ten classes, each row's own class scored higher; of areas and of average precisions."""
    return [
        Case(f"ClassMean, {kind} of {k} classes, n={n}", f"{shift} apart", draw, NEARLY, NEARLY, 2000)
        for kind in ("areas", "precisions")
        for k, n in ((3, 300), (10, 600))
        for shift in (1.0, 2.5)
        for draw in [partial(_class_means, kind=kind, n=n, k=k, shift=shift)]
    ]


def _class_means(rng: Generator, trials: int, *, kind: str, n: int, k: int, shift: float) -> Drawn:
    truth = float(norm.cdf(shift / math.sqrt(2))) if kind == "areas" else true_precision(1 / k, shift)
    for _ in range(trials):
        yield class_mean(kind, rng.integers(0, k, n), rng.normal(size=(n, k)), shift), truth


def class_mean(kind: str, label: NDArray[np.int64], noise: NDArray[np.float64], shift: float) -> ClassMean:
    """Of (n, k) scores that are noise, that of the row's own class raised by `shift`."""
    scores = noise + shift * np.eye(noise.shape[1])[label]
    sides = [(label == one, scores[:, one]) for one in range(noise.shape[1])]
    if kind == "areas":
        return ClassMean.of([Auc.of(*side) for side in sides], np.stack([areas.influence(*side) for side in sides]))
    return ClassMean.of([AveragePrecision.of(*side) for side in sides], np.stack([precisions.influence(*side) for side in sides]))
