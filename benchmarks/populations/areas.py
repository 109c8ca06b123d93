"""Areas under the ROC curve, and two of them compared."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import norm

from audit.stats import Auc, AucDifference, PairedAuc
from benchmarks.populations.case import Case

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.random import Generator

    from benchmarks.populations.case import Drawn


def areas() -> list[Case]:
    """Normal scores; DeLong's interval on the logit scale alone misses up to .07 at the lower end (area .95, 30 positives)."""
    grid = [(30, 300), (50, 50), (150, 350)]
    found = [
        Case(f"Auc, {a} against {b} rows", f"{area}", partial(_areas, sizes=(a, b), area=area))
        for a, b in grid
        for area in (0.6, 0.8, 0.95)
    ]
    spread = partial(_areas, sizes=(60, 240), area=0.8, spread=1.6)
    return [
        *found,
        Case("Auc, 60 against 240, positives spread wider", "0.8", spread),
        Case("Auc, 60 + 60 entities of 3", "0.8", _area_people),
    ]


def _areas(rng: Generator, trials: int, *, sizes: tuple[int, int], area: float, spread: float = 1.0) -> Iterator[tuple[Auc, float]]:
    positive = np.arange(sum(sizes)) < sizes[0]
    shift = float(norm.ppf(area)) * math.sqrt(1 + spread**2)
    for _ in range(trials):
        yield Auc.of(positive, rng.normal(positive * shift, np.where(positive, spread, 1.0))), area


def _area_people(rng: Generator, trials: int) -> Drawn:
    """Half of the score's variance is the entity's."""
    person, shift = np.repeat(np.arange(120), 3), float(norm.ppf(0.8)) * math.sqrt(2)
    for _ in range(trials):
        score = (rng.normal(size=120)[person] + rng.normal(size=360)) / math.sqrt(2)
        yield Auc.of(person < 60, score + (person < 60) * shift, person), 0.8  # noqa: PLR2004  # half the entities


def paired_areas() -> list[Case]:
    """Two scores of the same rows."""
    return [Case("PairedAuc, 100 and 300 rows", f"{a} - {b}", partial(_two_areas, areas=(a, b))) for a, b in ((0.8, 0.8), (0.9, 0.8))]


def _two_areas(rng: Generator, trials: int, *, areas: tuple[float, float]) -> Drawn:
    """Both scores of a row share half of their variance."""
    positive = np.arange(400) < 100  # noqa: PLR2004  # a quarter
    shifts = [float(norm.ppf(area)) * math.sqrt(2) for area in areas]
    for _ in range(trials):
        shared = rng.normal(size=400)
        first, second = ((shared + rng.normal(size=400)) / math.sqrt(2) + positive * shift for shift in shifts)
        yield PairedAuc.of(positive, first, second), areas[0] - areas[1]


def area_differences() -> list[Case]:
    """Two models, each on a sample of its own."""
    grid = [((50, 50), (150, 350), (0.8, 0.8)), ((60, 240), (60, 240), (0.9, 0.8)), ((60, 240), (60, 240), (0.97, 0.9))]
    return [
        Case(
            f"AucDifference, {one[0]} + {one[1]} and {two[0]} + {two[1]} rows",
            f"{a} - {b}",
            partial(_area_differences, sizes=(one, two), areas=(a, b)),
        )
        for one, two, (a, b) in grid
    ]


def _area_differences(rng: Generator, trials: int, *, sizes: tuple[tuple[int, int], tuple[int, int]], areas: tuple[float, float]) -> Drawn:
    samples = [_areas(rng, trials, sizes=size, area=area) for size, area in zip(sizes, areas, strict=True)]
    for (first, _), (second, _) in zip(*samples, strict=True):
        yield AucDifference(first, second), areas[0] - areas[1]
