"""Squared distances of bins: reliability and resolution of the Brier score."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from audit.stats.brier import decompose
from audit.stats.calibration import equal_mass
from benchmarks.populations.case import Case

if TYPE_CHECKING:
    from numpy.random import Generator

    from benchmarks.populations.case import Drawn

STEEP = {1.0: "0", 0.6: "overconfident", 1.6: "underconfident"}
ENTITIES = 150


def squared_distances() -> list[Case]:
    """Calibrated, over- and underconfident models of frequent and of rare events, and people: conservative at both ends."""
    found = [
        Case(f"SquaredDistance, {name} event, n={n}", said, partial(_drawn, n=n, shape=shape, steep=steep), trials=1000)
        for name, shape in (("frequent", (2.0, 1.0)), ("rare", (1.0, 20.0)))
        for n in (200, 1000)
        for steep, said in STEEP.items()
    ]
    resolution = partial(_drawn, n=1000, shape=(2.0, 1.0), steep=1.0, resolution=True)
    found.append(Case("SquaredDistance, resolution, n=1000", "0.05", resolution, trials=1000))
    return [*found, Case(f"SquaredDistance, {ENTITIES} people", "0", _people, trials=1000)]


def _drawn(rng: Generator, trials: int, *, n: int, shape: tuple[float, float], steep: float, resolution: bool = False) -> Drawn:
    """Says p where logit(p) times `steep` is true; the truth is that over the bins that it got."""
    for _ in range(trials):
        said = rng.beta(*shape, n)
        true = said**steep / (said**steep + (1 - said) ** steep)
        found, of_row = decompose(said, rng.random(n) < true), equal_mass(said, 15)
        size = np.bincount(of_row)
        shares, stated = (np.bincount(of_row, weights=values) / size for values in (true, said))
        from_what = np.full(len(size), true.mean()) if resolution else stated
        yield (found.resolution if resolution else found.reliability), float(size @ (shares - from_what) ** 2 / n)


def _people(rng: Generator, trials: int) -> Drawn:
    """Rows of a person are all alike."""
    for _ in range(trials):
        person, said = np.repeat(np.arange(ENTITIES), rng.integers(1, 8, ENTITIES)), rng.beta(2, 1, ENTITIES)
        yield decompose(said[person], (rng.random(ENTITIES) < said)[person], person).reliability, 0.0
