"""What a population of `coverage` is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from benchmarks.trials import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.stats import Estimate

    Drawn: TypeAlias = Iterator[tuple[Estimate, float]]
    Draw: TypeAlias = Callable[[Generator, int], Drawn]

ALPHA = 0.025
NOMINAL = Limit(ALPHA)
PEOPLE = 80
"""Entities of the clustered cases, of one to seven rows each."""


@dataclass(frozen=True, slots=True)
class Case:
    """A population, how an estimate is drawn from it, and what its ends may miss."""

    name: str
    truth: str
    """For the reader."""
    draw: Draw
    """So many estimates, each with the true value."""
    low: Limit = NOMINAL
    high: Limit = NOMINAL
    trials: int = 4000
    """Enough to see an error of 3.5 %."""
    alpha: float = ALPHA


def people(rng: Generator) -> NDArray[np.int64]:
    """The entity of each row."""
    return np.repeat(np.arange(PEOPLE), rng.integers(1, 8, PEOPLE))
