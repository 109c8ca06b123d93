"""Two groups with rows of the same people: shares that rise and fall together, or one against the other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from audit.checks.fairness.average_odds_difference import Odds
from audit.metrics.groups import share
from audit.stats import Difference, MeanDifference, Ratio, WeightedShare
from audit.stats.clustering import Influence, cluster_correlation
from benchmarks.populations.case import PEOPLE, Case
from benchmarks.trials import Limit

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from benchmarks.populations.case import Drawn

ROWS = (4, 9)
"""Fewest rows of a person, and one more than the most."""
Law: TypeAlias = Literal["apart", "alike", "against", "same", "opposite"]
"""A person's chances in the two groups: not related, the same, one the rest of the other; or nothing but hits in one and the same,
but for a few, or the opposite, in the other."""


@dataclass(frozen=True, slots=True)
class People:
    """Who has rows in both groups, and how they go together."""

    law: Law
    share: float
    """True share of the first group."""
    second: float
    """True share of the second."""
    most: float = 0.03
    """What an end may miss."""

    def chances(self, rng: Generator) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(people,) chance of a hit in each group."""
        if self.law in {"same", "opposite"}:
            hit = rng.random(PEOPLE) < self.share
            there = ~hit if self.law == "opposite" else hit & (rng.random(PEOPLE) < self.second / self.share)
            return hit.astype(float), there.astype(float)
        first, second = (rng.beta(2 * mean, 2 - 2 * mean, PEOPLE) for mean in (self.share, self.second))
        if self.law == "apart":
            return first, second
        return first, (1 - first if self.law == "against" else first * (self.second / self.share)).astype(float)


POPULATIONS = (
    People("apart", 0.5, 0.5),
    People("alike", 0.3, 0.3),
    People("alike", 0.8, 0.8),
    People("alike", 0.9, 0.72),
    People("same", 0.5, 0.485),
    People("same", 0.9, 0.9),
    People("against", 0.5, 0.5),
    People("against", 0.8, 0.2),
    People("opposite", 0.7, 0.3),
    People("opposite", 0.95, 0.05, 0.045),
)
"""Wilson's ends, of which these are made, err up to 4 % near 0 and 1."""


def differences() -> list[Case]:
    """Each row is of either group."""
    return [
        Case(
            f"Difference, {PEOPLE} entities in both", f"{one.share} - {one.second} {one.law}", partial(_pairs, one=one), *_limits(one), 4000
        )
        for one in POPULATIONS
    ]


def ratios() -> list[Case]:
    """The same of their ratio."""
    return [
        Case(
            f"Ratio, {PEOPLE} entities in both",
            f"{one.share} / {one.second} {one.law}",
            partial(_pairs, one=one, ratio=True),
            *_limits(one),
            4000,
        )
        for one in POPULATIONS
    ]


def _limits(one: People) -> tuple[Limit, Limit]:
    return Limit(one.most), Limit(one.most)


def _hits(rng: Generator, one: People) -> tuple[NDArray[np.bool_], NDArray[np.int64], NDArray[np.bool_]]:
    """Each row's hit, person, and whether it is of the first group."""
    person = np.repeat(np.arange(PEOPLE), rng.integers(*ROWS, PEOPLE))
    first = rng.random(len(person)) < 0.5  # noqa: PLR2004  # either group
    here, there = one.chances(rng)
    return rng.random(len(person)) < np.where(first, here[person], there[person]), person, first


def _pairs(rng: Generator, trials: int, *, one: People, ratio: bool = False) -> Drawn:
    truth = one.share / one.second if ratio else one.share - one.second
    for _ in range(trials):
        hit, person, first = _hits(rng, one)
        a, b = share(hit[first], person[first]), share(hit[~first], person[~first])
        yield (Ratio if ratio else Difference)(a.estimate, b.estimate, *a.correlation_with(b)), truth


def weighted() -> list[Case]:
    """Rows that weigh unlike, lognormal with spread 0.5."""
    return [
        Case(
            f"MeanDifference, weighted shares, {PEOPLE} entities in both",
            f"{one.share} - {one.second} {one.law}",
            partial(_weighted, one=one),
            *_limits(one),
            2000,
        )
        for one in (POPULATIONS[2], POPULATIONS[5], POPULATIONS[8])
    ]


def _weighted(rng: Generator, trials: int, *, one: People) -> Drawn:
    for _ in range(trials):
        hit, person, first = _hits(rng, one)
        weight = np.exp(0.5 * rng.standard_normal(len(hit)))
        sides = [_weighted_side(hit[rows], weight[rows], person[rows]) for rows in (first, ~first)]
        correlation, shared = cluster_correlation(sides[0][1], sides[1][1])
        yield MeanDifference(sides[0][0], sides[1][0], correlation, shared=shared), one.share - one.second


def _weighted_side(hit: NDArray[np.bool_], weight: NDArray[np.float64], person: NDArray[np.int64]) -> tuple[WeightedShare, Influence]:
    found = WeightedShare.of(hit, weight, person)
    moved = weight * (hit - found.share) / weight.sum()
    return found, Influence.of(moved, person, found.share * (1 - found.share) / found.effective_n)


def average_differences() -> list[Case]:
    """True and false positive rates; a person's rows are of either group and either class."""
    return [
        Case(
            f"AverageDifference, {PEOPLE} entities in all four",
            f"({a.share} - {a.second} + {b.share:g} - {b.second:g}) / 2 {told}",
            partial(_averages, hits=a, alarms=b),
            Limit(0.03),
            Limit(0.03),
            3000,
        )
        for a, b, told in ODDS
    ]


ODDS = (
    (People("alike", 0.7, 0.7), People("alike", 0.2, 0.2), "alike"),
    (People("against", 0.7, 0.3), People("against", 0.3, 0.7), "against"),
    (People("against", 0.6, 0.4), People("against", 0.6, 0.4), "against, both alike"),
)
"""True and false positive rates of two groups."""


def _averages(rng: Generator, trials: int, *, hits: People, alarms: People) -> Drawn:
    """Both classes by the same person's chances where the laws are the same, for the seed is the same."""
    truth = (hits.share - hits.second + alarms.share - alarms.second) / 2
    for _ in range(trials):
        seed = int(rng.integers(2**32))
        sides = []
        for one in (hits, alarms):
            here, there = one.chances(np.random.default_rng(seed))
            person = np.repeat(np.arange(PEOPLE), rng.integers(*ROWS, PEOPLE))
            first = rng.random(len(person)) < 0.5  # noqa: PLR2004  # either group
            hit = rng.random(len(person)) < np.where(first, here[person], there[person])
            sides.append([share(hit[rows], person[rows]) for rows in (first, ~first)])
        yield Odds(sides[0][0], sides[1][0]).minus(Odds(sides[0][1], sides[1][1])), truth
