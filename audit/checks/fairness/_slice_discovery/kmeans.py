"""Clusters of points: k-means, the same for the same stream of random numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

ROUNDS, SAMPLE = 25, 10_000
"""Rounds at most, and points that the centres are learnt from."""
_BLOCK = 20_000


def centres(points: NDArray[np.float64], k: int, rng: Generator) -> NDArray[np.float64]:
    """(k or fewer, d) centres by Lloyd's rounds from the seeding of Arthur & Vassilvitskii (SODA 2007)."""
    if len(points) > SAMPLE:
        points = points[np.sort(rng.choice(len(points), SAMPLE, replace=False))]
    found = _seeds(points, k, rng)
    for _ in range(ROUNDS):
        codes = nearest(points, found)
        counts = np.bincount(codes, minlength=len(found))
        held = counts > 0
        sums = np.zeros_like(found)
        np.add.at(sums, codes, points)
        moved = sums[held] / counts[held, None]
        if moved.shape == found.shape and np.allclose(moved, found, rtol=0, atol=1e-9):
            break
        found = moved
    return found


def nearest(points: NDArray[np.float64], centres: NDArray[np.float64]) -> NDArray[np.int64]:
    """(n,) the centre that lies nearest to each point."""
    half = (centres * centres).sum(axis=1) / 2
    found = np.zeros(len(points), dtype=np.int64)
    for begin in range(0, len(points), _BLOCK):
        found[begin : begin + _BLOCK] = np.argmin(half - points[begin : begin + _BLOCK] @ centres.T, axis=1)
    return found


def _seeds(points: NDArray[np.float64], k: int, rng: Generator) -> NDArray[np.float64]:
    """Points drawn one after the other, each with a chance that grows with the square of its distance from those before."""
    chosen = [int(rng.integers(len(points)))]
    distance = ((points - points[chosen[0]]) ** 2).sum(axis=1)
    while len(chosen) < k and distance.sum() > 0:
        chosen.append(int(rng.choice(len(points), p=distance / distance.sum())))
        distance = np.minimum(distance, ((points - points[chosen[-1]]) ** 2).sum(axis=1))
    return points[chosen]
