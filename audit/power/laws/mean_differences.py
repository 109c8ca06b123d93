"""Pairs of groups whose means are compared: each group's mean is drawn once for all its pairs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.power.laws.correlated_groups import DRAWS, SEED, likeness, normals
from audit.stats.clustering import apart, held
from audit.stats.scaling import grown

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from numpy.typing import NDArray

    from audit.power.laws.decision_rule import Asked
    from audit.stats.mean_difference import MeanDifference

ONE_SIGMA = 0.15865525393145707
"""Level of an end one standard error out."""


@dataclass(frozen=True, slots=True)
class _Side:
    """A group's mean, drawn."""

    values: NDArray[np.float64]
    """(draws,)"""
    down: tuple[float, float]
    """How far its lower end lies at the two levels asked."""
    up: tuple[float, float]


def mean_gap_chances(
    pairs: Sequence[tuple[Any, tuple[Hashable, Hashable]]], truth: float | None, growth: float, asked: Asked
) -> tuple[float, float]:
    """Chance that every pair passes, and that some pair fails; `truth` is the worst pair's value, None for the means as seen.

    Each mean is taken as normal around its true value, with the standard error and the ends that it shows itself.
    """
    groups: dict[Hashable, Any] = {}
    for estimate, (one, other) in pairs:
        groups |= {one: estimate.first, other: estimate.second}
    means, rng = _means(pairs, groups, truth), np.random.default_rng(SEED)
    drawn = dict(zip(groups, normals(len(groups), likeness(pairs, list(groups)), rng), strict=True))
    sides = {name: _side(grown(one, growth), means[name], asked, drawn[name]) for name, one in groups.items()}
    passed, failed = np.ones(DRAWS, dtype=bool), np.zeros(DRAWS, dtype=bool)
    for estimate, (one, other) in pairs:
        a, b, seen = sides[one], sides[other], grown(estimate, growth)
        gap, alike = a.values - b.values, [held(seen.correlation, seen.shared, level) for level in asked.levels]
        low, high = gap - apart(a.down[0], b.up[0], alike[0]), gap + apart(a.up[1], b.down[1], alike[1])
        clear, short = (low >= asked.bound, high < asked.bound) if asked.floor else (low > asked.bound, high <= asked.bound)
        passed &= clear if asked.floor else short
        failed |= short if asked.floor else clear
    return float(passed.mean()), float(failed.mean())


def _side(estimate: Any, mean: float, asked: Asked, drawn: NDArray[np.float64]) -> _Side:
    ends = [estimate.bounds(level, level) for level in asked.levels]
    low, high = estimate.bounds(ONE_SIGMA, ONE_SIGMA)
    error = (high - low) / 2
    values = mean + (error if math.isfinite(error) else 0.0) * drawn
    down, up = (estimate.value - ends[0][0], estimate.value - ends[1][0]), (ends[0][1] - estimate.value, ends[1][1] - estimate.value)
    return _Side(values, down, up)


def _means(pairs: Sequence[tuple[MeanDifference, Any]], groups: dict[Hashable, Any], truth: float | None) -> dict[Hashable, float]:
    """The groups' true means: as seen, or drawn apart or together until the worst pair's value is `truth`."""
    means = {name: float(one.value) for name, one in groups.items()}
    if truth is None:
        return means
    worst = max(estimate.value for estimate, _ in pairs)
    middle = sum(means[name] * one.n for name, one in groups.items()) / sum(one.n for one in groups.values())
    if worst <= 0:
        (one, other) = pairs[0][1]
        return means | {one: middle + truth / 2, other: middle - truth / 2}
    return {name: middle + (mean - middle) * truth / worst for name, mean in means.items()}
