"""Functions of a sample that only the jackknife serves: smooth ones, skewed ones and a median."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from audit.stats import GroupJackknife
from benchmarks.populations.case import Case
from benchmarks.trials import Limit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    from benchmarks.populations.case import Drawn

    Sampler: TypeAlias = Callable[[Generator, int], NDArray[np.float64]]
    Function: TypeAlias = Callable[[NDArray[np.float64]], float]

AT_MOST = Limit(0.04)
"""Of a correlation and of a ratio on 200 rows; a median's upper end is let miss 5 %."""


def jackknives() -> list[Case]:
    """On 200 and on 1,000 rows."""
    laws: list[tuple[str, float, Sampler, Function, Limit]] = [
        ("median", math.log(2), _exponential, _median, Limit(0.05)),
        ("ratio of sums", 1 / 1.2, _two, _ratio, AT_MOST),
        ("correlation", 0.8, _normal, _correlation, AT_MOST),
    ]
    return [
        Case(f"GroupJackknife, {name}, n={n}", f"{truth:.2f}", draw, limit, limit, 1000)
        for name, truth, law, function, limit in laws
        for n in (200, 1000)
        for draw in [partial(_jackknives, law=law, function=function, n=n, truth=truth)]
    ]


def _jackknives(rng: Generator, trials: int, *, law: Sampler, function: Function, n: int, truth: float) -> Drawn:
    for _ in range(trials):
        yield jackknife(law(rng, n), function, rng), truth


def jackknife(sample: NDArray[np.float64], function: Function, rng: Generator, person: NDArray[np.int64] | None = None) -> GroupJackknife:
    """Of a function of the sample's rows."""
    return GroupJackknife.of(lambda kept: function(sample[kept]), len(sample), rng, person)


def _exponential(rng: Generator, n: int) -> NDArray[np.float64]:
    return rng.exponential(size=(n, 1))


def _two(rng: Generator, n: int) -> NDArray[np.float64]:
    sample: NDArray[np.float64] = rng.exponential(size=(n, 2)) + np.array([0.0, 0.2])
    return sample


def _normal(rng: Generator, n: int) -> NDArray[np.float64]:
    return rng.multivariate_normal([0.0, 0.0], [[1.0, 0.8], [0.8, 1.0]], n)


def _median(sample: NDArray[np.float64]) -> float:
    return float(np.median(sample))


def _ratio(sample: NDArray[np.float64]) -> float:
    return float(sample[:, 0].sum() / sample[:, 1].sum())


def _correlation(sample: NDArray[np.float64]) -> float:
    return float(np.corrcoef(sample.T)[0, 1])
