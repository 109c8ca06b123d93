"""Power of one bound over its members: the chance of a pass, the interval to expect, the rows needed (Cohen 1988).

The ten members nearest to the bound are planned in detail. The others count as needing as many standard errors to decide as the one of
these ten that needs most, so that no more power is claimed than there is. Slices count as independent; pairs of groups move together,
since each group is behind several pairs: normal numbers are drawn for the groups.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.power.member import ONE_SIGMA, MemberPower, best_attainable, chance, in_errors, scale_of
from audit.stats.interface import is_resizable
from audit.stats.mean import few_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from audit.power.member import DecisionRule, Group, PlannedMember

POWER = 0.8
MOST_ROWS = 100_000_000
"""Rows beyond which a gate is not called decidable."""
DETAILED = 10
"""Members that are planned in detail."""
CLOSE = 1e-4
"""Width at which a search ends, as a part of the first one."""
DRAWS, SEED = 4_000, 20261121
"""Normal numbers that are drawn for each group."""
ROUNDS, AGREE, NEARLY = 8, 0.03, 0.005
"""Sizes at most to which the estimates are taken in the search for rows; where it ends: relative width, and lack of power."""


@dataclass(frozen=True, slots=True)
class PowerAnalysis:
    """How one bound of a requirement will be decided."""

    p_pass: float
    p_fail: float
    interval: tuple[float, float]
    """The deciding interval where every member falls on its true value."""
    detectable: float | None
    """Smallest distance from the bound, on its good side, at which `POWER` of the audits pass with the rows there are, every
    member being so far off; None where no distance suffices."""
    sample_size_factor: float | None
    """Multiple of the rows there are at which `POWER` of the audits tell on which side the expected values lie; None where one
    lies on the bound, or where no number of rows up to `MOST_ROWS` suffices."""
    needed: int | None
    """As rows: of the single member, of all groups, or of all slices together."""
    p_best: float
    """Chance of a pass where every member is as good as its kind can be."""
    worst: tuple[int, ...]
    """Places of the members that are planned in detail, the nearest to the bound first."""


def power_analysis(members: Sequence[PlannedMember], rule: DecisionRule) -> PowerAnalysis:
    """Chances, interval, smallest decidable distance and rows needed of one bound over its members."""
    if not members:
        msg = "a power analysis needs at least one member"
        raise ValueError(msg)
    rule = replace(rule, count=max(rule.count, len(members)))
    joint = JointPower(members, rule)
    p_pass, p_fail = joint.chances()
    detectable, p_best = _detectable(joint)
    factor = _sample_size_factor(joint)
    needed = None if factor is None else math.ceil(factor * joint.rows - 1e-6)
    return PowerAnalysis(p_pass, p_fail, joint.interval(), detectable, factor, needed, p_best, joint.worst)


def rows_of(members: Sequence[PlannedMember]) -> float:
    """Rows behind the members: for recall those of the class, for gaps those of their groups, each once."""
    alone = 0.0
    groups: dict[Group, int] = {}
    for member in members:
        if member.groups is None:
            alone += member.rows
        else:
            pair: Any = member.estimate
            groups |= dict(zip(member.groups, (pair.first.n, pair.second.n), strict=True))
    return alone + sum(groups.values())


def end_probabilities(members: Sequence[PlannedMember], rule: DecisionRule, factor: float = 1.0) -> tuple[float, float]:
    """Chance that the requirement passes and that it fails, on `factor` times the rows."""
    planned = members if factor == 1.0 else [one.with_sample_size(factor) for one in members]
    return JointPower(planned, replace(rule, count=max(rule.count, len(members)))).chances()


def _detectable(joint: JointPower) -> tuple[float | None, float]:
    """The farther on the good side, the surer a pass; and the chance of one at the best values there are."""
    rule, sign = joint.rule, 1 if joint.rule.floor else -1
    farthest = min(abs(best_attainable(one, rule) - rule.bound) for one in joint.members)
    best = joint.chances(truth=rule.bound + sign * farthest)[0]
    if farthest <= 0 or best < POWER:
        return None, best
    return _first(lambda distance: joint.chances(truth=rule.bound + sign * distance)[0], 0.0, farthest), best


def _sample_size_factor(joint: JointPower) -> float | None:
    """By the root law, and again from the estimates as they would look on so many rows, until these have the power."""
    values, bound, members = [one.value for one in joint.members], joint.rule.bound, joint.members
    if any(value == bound for value in values):
        return None
    side = 0 if all((value > bound) == joint.rule.floor for value in values) else 1
    if joint.is_one_proportion:
        return _whole_teeth(joint, side)
    is_fixed = not any(is_resizable(one.estimate) for one in members)
    factor, low, high = 1.0, 0.0, math.inf
    for _ in range(ROUNDS):
        by_root_law = _by_root_law(partial(_power, joint, side), MOST_ROWS / factor / joint.rows)
        if by_root_law is None and is_fixed:
            return None
        there = joint.chances()[side]
        low, high = (low, min(high, factor)) if there >= POWER - NEARLY else (max(low, factor), high)
        if high <= low * (1 + AGREE) or (high == factor and by_root_law is not None and abs(by_root_law - 1) <= AGREE):
            break
        factor *= by_root_law or 4.0  # without any end on the bound there is no root law yet
        if not low < factor < high:
            factor = math.sqrt(low * high) if low and high < math.inf else 2 * low if low else high / 2
        if factor * members[0].rows < 1 or factor * joint.rows > MOST_ROWS:
            break
        joint = JointPower([one.with_sample_size(factor) for one in members], joint.rule)
    return high if high < math.inf else None


def _power(joint: JointPower, side: int, factor: float) -> float:
    return joint.chances(factor=factor)[side]


def _by_root_law(power: Callable[[float], float], most: float) -> float | None:
    """The factor at which a power that rises with the rows reaches `POWER`."""
    high, there = 1.0, power(1.0)
    while there < POWER:
        high *= 4
        if high > 4 * most:
            return None
        there = power(high)
    low = high / 4
    while power(low) >= POWER and low > 1 / MOST_ROWS:
        low, high = low / 4, low
    found = math.exp(_first(lambda log: power(math.exp(log)), math.log(low), math.log(high)))
    return found if found <= most else None


def _whole_teeth(joint: JointPower, side: int) -> float | None:
    """Of one proportion, whose power rises and falls like a saw: from there on, over one whole tooth of row numbers."""
    n, bound = joint.rows, joint.rule.bound
    tooth = min(20, math.ceil(1 / min(bound, 1 - bound))) if 0 < bound < 1 else 0

    def enough(rows: int) -> bool:
        return all(joint.chances(factor=(rows + more) / n)[side] >= POWER for more in range(tooth + 1))

    high = n
    while not enough(high):
        high *= 2
        if high > MOST_ROWS:
            return None
    rows = range(high // 2 if high > n else 1, high)
    return (rows.start + bisect_left(rows, True, key=enough)) / n


def _first(power: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising power has reached `POWER`, which it has at `high`: on the normal scale, on which it is nearly straight."""
    from scipy.optimize import brentq
    from scipy.special import ndtri

    def score(x: float) -> float:
        return float(ndtri(min(1 - 1e-9, max(1e-9, power(x))))) - float(ndtri(POWER))

    if power(low) >= POWER:
        return low
    width = CLOSE * (high - low)
    return min(high, float(brentq(score, low, high, xtol=width)) + width)


class JointPower:
    """The members of one requirement together."""

    def __init__(self, members: Sequence[PlannedMember], rule: DecisionRule) -> None:
        self.members, self.rule = tuple(members), rule
        alone = [i for i, one in enumerate(members) if one.groups is None]
        pairs = [i for i, one in enumerate(members) if one.groups is not None]
        self._slices = Slices([members[i] for i in alone], rule) if alone else None
        self._pairs = GroupPairs([members[i] for i in pairs], rule) if pairs else None
        each = ((places, some.detailed) for places, some in ((alone, self._slices), (pairs, self._pairs)) if some is not None)
        self.worst = tuple(places[i] for places, detailed in each for i in detailed)
        self._least = max(max(rule.min_n, one.estimate.min_support) / max(one.estimate.support * one.factor, 1e-12) for one in members)
        self._heavy = any(few_rows(one.estimate) for one in members)
        self.is_one_proportion = len(members) == 1 and members[0].is_one_proportion
        self.rows = max(1, round(rows_of(members)))

    def chances(self, truth: float | None = None, factor: float = 1.0) -> tuple[float, float]:
        """Chance of a pass and of a fail, every member being at `truth` where that is given, on `factor` times the rows."""
        each = [some.chances(truth, factor) for some in (self._slices, self._pairs) if some is not None]
        passed, stands = math.prod(one[0] for one in each), math.prod(1 - one[1] for one in each)
        too_few = self._heavy or self._least > factor * (1 + 1e-9)
        return 0.0 if too_few else min(1.0, max(0.0, passed)), min(1.0, max(0.0, 1.0 - stands))

    def interval(self) -> tuple[float, float]:
        """The worst member's interval, as `audit.decision.judge.deciding_interval` puts the members' ends together."""
        ends = [end for some in (self._slices, self._pairs) if some is not None for end in some.ends()]
        worst = min if self.rule.floor else max
        return worst(low for low, _ in ends), worst(high for _, high in ends)


class Slices:
    """Members of rows of their own."""

    def __init__(self, members: Sequence[PlannedMember], rule: DecisionRule) -> None:
        self._truths, self._powers = [one.value for one in members], [MemberPower(one, rule) for one in members]
        self._seen = self._at(self._truths, 1.0)
        margins = [in_errors(away, error) for away, error in self._seen]
        order = np.argsort(margins, kind="stable").tolist()
        self.detailed, self._others = order[:DETAILED], set(order[DETAILED:])
        self._biased = any(power.is_biased for power in self._powers)

    def chances(self, truth: float | None, factor: float) -> tuple[float, float]:
        """Of all of them: single proportions as there are, exactly; the others from their standard errors."""
        truths = self._truths if truth is None else [truth] * len(self._powers)
        seen = self._seen if truth is None and (factor == 1.0 or not self._biased) else self._at(truths, factor)
        passed, stands = 1.0, 1.0
        for i, (power, (away, error)) in enumerate(zip(self._powers, seen, strict=True)):
            if power.is_exact and (factor == 1.0 or len(self._powers) == 1):
                good, bad = power.exact_chances(truths[i], factor)
            else:
                good = chance(away, self._most[0] * error if i in self._others else power.to_pass, error, factor)
                needed = 0.0 if away >= 0 else self._most[1] * error if i in self._others else power.to_fail
                bad = 0.0 if away >= 0 else chance(-away, needed, error, factor)
            passed, stands = passed * good, stands * (1 - bad)
        return passed, 1 - stands

    @cached_property
    def _most(self) -> tuple[float, float]:
        """Most standard errors that a member planned in detail needs for a pass and for a fail."""
        errors = [(self._powers[i], self._seen[i][1]) for i in self.detailed]
        return max(in_errors(one.to_pass, error) for one, error in errors), max(in_errors(one.to_fail, error) for one, error in errors)

    def ends(self) -> list[tuple[float, float]]:
        """Intervals of the members whose ends may be the worst: those nearest to it by their standard errors."""
        chosen = range(len(self._powers)) if len(self._powers) <= DETAILED else _nearest(self._seen)
        return [self._powers[i].ends(self._truths[i]) for i in chosen]

    def _at(self, truths: Sequence[float], factor: float) -> list[tuple[float, float]]:
        """How far on the good side of the bound each is seen on average, and its standard error."""
        return [(power.away(one, factor), power.error(one)) for power, one in zip(self._powers, truths, strict=True)]


class GroupPairs:
    """Differences or ratios of groups: a pair's noise is that of its two groups, so that pairs which share one move together."""

    def __init__(self, members: Sequence[PlannedMember], rule: DecisionRule) -> None:
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
        self.detailed = np.argsort(self.sign * (self._gaps - self._bound) / self._errors, kind="stable")[:DETAILED].tolist()

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
        chosen = _nearest(list(zip((self.sign * (self._gaps - self._bound)).tolist(), self._errors.tolist(), strict=True)))
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


def _nearest(seen: Sequence[tuple[float, float]]) -> list[int]:
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
