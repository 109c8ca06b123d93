"""Pairs of groups that are judged together: a pair's noise is that of its two groups, so that pairs which share one move together."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.power.member import ONE_SIGMA, MemberPower, scale_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.power.member import DecisionRule, Group, PlannedMember

DRAWS = 4_000
SEED = 20261121


class GroupPairs:
    """Differences or ratios of groups."""

    def __init__(self, members: Sequence[PlannedMember], rule: DecisionRule, detailed: int) -> None:
        self._members, self._rule, self.sign = members, rule, 1.0 if rule.floor else -1.0
        self._to, self._back = scale_of(members[0].estimate)
        sides: dict[Group, Any] = {}
        for one in members:
            pair: Any = one.estimate
            sides |= dict(zip(one.groups or (), (pair.first, pair.second), strict=True))
        names = {name: i for i, name in enumerate(sides)}
        self._sides = np.array([[names[side] for side in one.groups or ()] for one in members])  # (pairs, 2)
        self._places = np.array([self._to(side.value) for side in sides.values()])
        errors = np.array([self._side_error(members[0].estimate, side) for side in sides.values()])
        self._noise, self._errors = self._drawn(errors, _correlations(members, names))
        self._bound = self._to(rule.bound)
        self._gaps = self._at(next((one.truth for one in members if one.truth is not None), None))
        self.detailed = np.argsort(self.sign * (self._gaps - self._bound) / self._errors, kind="stable")[:detailed].tolist()

    def chances(self, truth: float | None, factor: float) -> tuple[float, float]:
        """Chance that every pair passes, and that some pair fails."""
        gaps = self._gaps if truth is None else self._at(truth)
        margin = self.sign * (gaps - self._bound) / self._errors * math.sqrt(factor)
        seen = self._noise + margin[:, None]  # (pairs, draws) standard errors on the good side of the bound
        bad = margin < 0
        failed = (seen[bad] <= -self._needs[1][bad, None]).any(axis=0).mean() if bad.any() else 0.0
        return float((seen >= self._needs[0][:, None]).all(axis=0).mean()), float(failed)

    def ends(self) -> list[tuple[float, float]]:
        """Intervals of the pairs nearest to the bound on either side."""
        chosen = nearest(list(zip((self.sign * (self._gaps - self._bound)).tolist(), self._errors.tolist(), strict=True)))
        return [MemberPower(self._members[i], self._rule).ends(self._back(self._gaps[i])) for i in chosen]

    def _at(self, truth: float | None) -> NDArray[np.float64]:
        """(pairs,) true gaps: as seen, or moved apart or together until the worst pair's is `truth`."""
        first, second = self._sides.T
        places = self._places
        worst = self.sign * float((self.sign * (places[first] - places[second])).min())
        if truth is not None and worst:
            places = places * (self._to(truth) / worst)
        elif truth is not None:
            places, (one, other) = np.zeros(len(self._places)), self._sides[0]
            places[one], places[other] = self._to(truth) / 2, -self._to(truth) / 2
        gaps: NDArray[np.float64] = places[first] - places[second]
        return gaps

    @cached_property
    def _needs(self) -> NDArray[np.float64]:
        """(2, pairs) standard errors from the bound at which a pair is seen to pass, and to fail."""
        powers = [MemberPower(self._members[i], self._rule) for i in self.detailed]
        own = np.array([[power.to_pass, power.to_fail] for power in powers]).T / self._errors[self.detailed]
        needs = np.repeat(own.max(axis=1)[:, None], len(self._members), axis=1)
        needs[:, self.detailed] = own
        return needs

    def _side_error(self, pair: Any, side: Any) -> float:
        """Standard error of one group on the pairs' scale: that of its gap from another group of the same kind, over the root of two."""
        low, high = replace(pair, first=side, second=side, correlation=0.0, shared=0.0).bounds(ONE_SIGMA, ONE_SIGMA)
        return max(1e-12, (self._to(high) - self._to(low)) / math.sqrt(8))

    def _drawn(self, errors: NDArray[np.float64], correlation: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(pairs, draws) standard normal noise of the gaps, and their (pairs,) standard errors."""
        lengths, axes = np.linalg.eigh(correlation)
        root = axes * np.sqrt(np.maximum(0.0, lengths))
        root /= np.linalg.norm(root, axis=1, keepdims=True)  # such as do not fit together are met as nearly as may be
        first, second = self._sides.T
        spread = errors[first, None] * root[first] - errors[second, None] * root[second]  # (pairs, groups)
        size = np.maximum(np.linalg.norm(spread, axis=1), 1e-12)
        drawn = np.random.default_rng(SEED).standard_normal((len(correlation), DRAWS))
        return (spread / size[:, None]) @ drawn, size


def nearest(seen: Sequence[tuple[float, float]]) -> list[int]:
    """The members whose interval may reach farthest to the bad side, or begin there: three for either end."""
    away, errors = np.array(seen).T
    low, high = (np.argsort(away + out * errors)[:3].tolist() for out in (-2.0, 3.0))
    return list(dict.fromkeys([*low, *high]))


def _correlations(members: Sequence[PlannedMember], names: dict[Group, int]) -> NDArray[np.float64]:
    """(groups, groups) correlations, where entities have rows in several groups."""
    found = np.eye(len(names))
    for one in members:
        pair: Any = one.estimate
        if one.groups is not None and pair.correlation:
            i, j = (names[side] for side in one.groups)
            found[i, j] = found[j, i] = pair.correlation
    return found
