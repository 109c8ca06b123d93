"""Power of one bound over its members: the chance of a pass, the interval to expect, the rows needed (Cohen 1988).

The ten members nearest to the bound are planned in detail. The others count as needing as many standard errors to decide as the one of
these ten that needs most, so that no more power is claimed than there is. Slices count as independent; pairs of groups move together,
since each group is behind several pairs: normal numbers are drawn for the groups.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.power.member import ONE_SIGMA, MemberPower, PlannedMember, best_attainable, scale_of
from audit.stats.mean import few_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from audit.power.member import DecisionRule, Group

POWER = 0.8
MOST_ROWS = 100_000_000
"""Rows beyond which a gate is not called decidable."""
DETAILED = 10
"""Members that are planned in detail."""
STEPS = 30
CLOSE = 0.002
"""Relative width at which a search ends."""
DRAWS = 4_000
SEED = 20261121
REFINEMENTS = 4
"""Times that the estimates are taken to the rows found, and the rows are found anew from there."""


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

    @property
    def p_inconclusive(self) -> float:
        """The rest."""
        return max(0.0, 1.0 - self.p_pass - self.p_fail)


def power_analysis(members: Sequence[PlannedMember], rule: DecisionRule) -> PowerAnalysis:
    """Chances, interval, smallest decidable distance and rows needed of one bound over its members."""
    if not members:
        msg = "a power analysis needs at least one member"
        raise ValueError(msg)
    rule = replace(rule, count=max(rule.count, len(members)))
    joint = JointPower(members, rule)
    p_pass, p_fail = joint.chances()
    factor = _sample_size_factor(members, rule, joint)
    needed = None if factor is None else math.ceil(factor * joint.rows - 1e-6)
    detectable, p_best = _detectable(joint)
    return PowerAnalysis(p_pass, p_fail, joint.interval(), detectable, factor, needed, p_best, joint.worst)


def end_probabilities(members: Sequence[PlannedMember], rule: DecisionRule, factor: float = 1.0) -> tuple[float, float]:
    """Chance that the requirement passes and that it fails, on `factor` times the rows."""
    planned = members if factor == 1.0 else [one.with_sample_size(factor) for one in members]
    return JointPower(planned, replace(rule, count=max(rule.count, len(members)))).chances()


def _detectable(joint: JointPower) -> tuple[float | None, float]:
    """By halving: the farther on the good side, the surer a pass; and the chance of one at the best values there are."""
    rule, members = joint.rule, joint.members
    farthest = min(abs(best_attainable(one, rule) - rule.bound) for one in members)
    sign = 1 if rule.floor else -1

    def passes(distance: float) -> float:
        return joint.chances(truth=rule.bound + sign * distance)[0]

    best = passes(farthest)
    if farthest <= 0 or best < POWER:
        return None, best
    low, high = 0.0, farthest
    for _ in range(STEPS):
        if high - low <= CLOSE * high:
            break
        middle = (low + high) / 2
        low, high = (low, middle) if passes(middle) >= POWER else (middle, high)
    return high, best


def _sample_size_factor(members: Sequence[PlannedMember], rule: DecisionRule, joint: JointPower) -> float | None:
    """By the root law, then again from the estimates as they would look on so many rows, until both agree."""
    found = 1.0
    for _ in range(REFINEMENTS):
        factor = _by_root_law(joint, MOST_ROWS / found)
        if factor is None:
            return None
        found *= factor
        if abs(factor - 1) <= CLOSE or joint.exact:
            break
        joint = JointPower([one.with_sample_size(found) for one in members], rule)
        if joint.rows * CLOSE < 1 and abs(factor - 1) * joint.rows < 1:
            break
    return found


def _by_root_law(joint: JointPower, most_rows: float) -> float | None:
    """The factor at which `POWER` of the audits decide; of an exact proportion from there on, whatever teeth its power has."""
    values, bound = [one.value for one in joint.members], joint.rule.bound
    if any(value == bound for value in values):
        return None
    side = 0 if all((value > bound) == joint.rule.floor for value in values) else 1
    most = most_rows / joint.rows

    def enough(factor: float) -> bool:
        return all(joint.chances(factor=one)[side] >= POWER for one in joint.teeth(factor))

    high = 1.0
    while not enough(high):
        high *= 2
        if high > most:
            return None
    low = high / 2
    while enough(low) and low * joint.rows > 1:
        low, high = low / 2, low
    while high - low > max(CLOSE * high, 0.5 / joint.rows):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


class JointPower:
    """The members of one requirement together."""

    def __init__(self, members: Sequence[PlannedMember], rule: DecisionRule) -> None:
        self.members, self.rule = tuple(members), rule
        alone = [i for i, one in enumerate(members) if one.groups is None]
        pairs = [i for i, one in enumerate(members) if one.groups is not None]
        self._slices = Slices([members[i] for i in alone], rule) if alone else None
        self._pairs = GroupPairs([members[i] for i in pairs], rule) if pairs else None
        worst = ([alone[i] for i in self._slices.detailed] if self._slices else []) + (
            [pairs[i] for i in self._pairs.detailed] if self._pairs else []
        )
        self.worst = tuple(worst)
        self._too_few = max(max(rule.min_n, one.estimate.min_support) / max(one.estimate.support * one.factor, 1e-12) for one in members)
        self._heavy = any(few_rows(one.estimate) for one in members)
        self.exact = len(members) == 1 and members[0].is_one_proportion

    @cached_property
    def rows(self) -> int:
        """Rows of all members, those of a group once."""
        groups: dict[Group, int] = {}
        for one in self.members:
            if one.groups is not None:
                pair: Any = one.estimate
                groups |= {one.groups[0]: pair.first.n, one.groups[1]: pair.second.n}
        return max(1, sum(groups.values()) + round(sum(one.rows for one in self.members if one.groups is None)))

    def chances(self, truth: float | None = None, factor: float = 1.0) -> tuple[float, float]:
        """Chance of a pass and of a fail, every member being at `truth` where that is given, on `factor` times the rows."""
        each = [some.chances(truth, factor) for some in (self._slices, self._pairs) if some is not None]
        passed, stands = math.prod(one[0] for one in each), math.prod(1 - one[1] for one in each)
        too_few = self._heavy or self._too_few > factor * (1 + 1e-9)
        return 0.0 if too_few else min(1.0, max(0.0, passed)), min(1.0, max(0.0, 1.0 - stands))

    def interval(self) -> tuple[float, float]:
        """The worst member's interval, as `audit.decision.judge.deciding_interval` puts the members' ends together."""
        ends = [end for some in (self._slices, self._pairs) if some is not None for end in some.ends()]
        worst = min if self.rule.floor else max
        return worst(low for low, _ in ends), worst(high for _, high in ends)

    def teeth(self, factor: float) -> list[float]:
        """Factors at which power is asked for: of one proportion it rises and falls like a saw, so over one whole tooth of row numbers."""
        if not self.exact or not 0 < self.rule.bound < 1:
            return [factor]
        n = self.members[0].estimate.n
        start, tooth = max(1, round(n * factor)), min(20, math.ceil(1 / min(self.rule.bound, 1 - self.rule.bound)))
        return [(start + more) / n for more in range(tooth + 1)]


class Slices:
    """Members of rows of their own."""

    def __init__(self, members: Sequence[PlannedMember], rule: DecisionRule) -> None:
        self._truths = [one.value for one in members]
        self._powers = [MemberPower(one, rule) for one in members]
        order = np.argsort([_margin(*_margin_parts(power, truth)) for power, truth in zip(self._powers, self._truths, strict=True)])
        detailed = [i for place, i in enumerate(order.tolist()) if place < DETAILED or members[i].is_one_proportion]
        self.detailed, self._others = detailed, [i for i in order.tolist() if i not in detailed]

    def chances(self, truth: float | None, factor: float) -> tuple[float, float]:
        """Of all of them."""
        passed, stands = 1.0, 1.0
        for i in self.detailed:
            good, bad = self._powers[i].chances(self._truths[i] if truth is None else truth, factor)
            passed, stands = passed * good, stands * (1 - bad)
        for i in self._others:
            away, error = _margin_parts(self._powers[i], self._truths[i] if truth is None else truth)
            passed *= _normal(_margin(away, error) * math.sqrt(factor) - self._most[0])
            stands *= 1 - (_normal(_margin(-away, error) * math.sqrt(factor) - self._most[1]) if away < 0 else 0.0)
        return passed, 1 - stands

    def ends(self) -> list[tuple[float, float]]:
        """Intervals of the members whose ends may be the worst: those nearest to it by their standard errors."""
        if len(self._powers) <= DETAILED:
            chosen = list(range(len(self._powers)))
        else:
            parts = [_margin_parts(power, truth) for power, truth in zip(self._powers, self._truths, strict=True)]
            chosen = list(dict.fromkeys([*_nearest(parts, -2.0), *_nearest(parts, 3.0)]))
        return [self._powers[i].ends(self._truths[i]) for i in chosen]

    @cached_property
    def _most(self) -> tuple[float, float]:
        """Most standard errors that a member planned in detail needs for a pass and for a fail."""
        needs = [(power := self._powers[i], power.error(self._truths[i])) for i in self.detailed]
        return max(_margin(power.to_pass, error) for power, error in needs), max(_margin(power.to_fail, error) for power, error in needs)


def _nearest(parts: Sequence[tuple[float, float]], out: float, most: int = 3) -> list[int]:
    """The members whose value lies lowest once it is moved by so many standard errors."""
    return [int(i) for i in np.argsort([away + out * error for away, error in parts])[:most]]


def _margin_parts(power: MemberPower, truth: float) -> tuple[float, float]:
    return power.away(truth), power.error(truth)


def _margin(away: float, error: float) -> float:
    """In standard errors."""
    return away / error if 0 < error < math.inf else math.copysign(math.inf, away) if error == 0 else -math.inf


def _normal(x: float) -> float:
    from scipy.special import ndtr

    return 0.0 if math.isnan(x) else float(ndtr(x))


class GroupPairs:
    """Differences or ratios of groups: a pair's error is that of its two groups, so that pairs which share one move together."""

    def __init__(self, members: Sequence[PlannedMember], rule: DecisionRule) -> None:
        self._members, self._rule = members, rule
        self._to, _ = scale_of(members[0].estimate)
        self.sign = 1.0 if rule.floor else -1.0
        sides: dict[Group, Any] = {}
        for one in members:
            pair: Any = one.estimate
            assert one.groups is not None  # noqa: S101  # that is what makes it a pair
            sides |= {one.groups[0]: pair.first, one.groups[1]: pair.second}
        names = {name: i for i, name in enumerate(sides)}
        self._ends = np.array([[names[side] for side in one.groups or ()] for one in members])  # (pairs, 2)
        self._places = np.array([self._to(side.value) for side in sides.values()])
        errors = np.array([_side_error(members[0].estimate, side, self._to) for side in sides.values()])
        self._draws, self._errors = _drawn_gaps(self._ends, errors, _correlations(members, names))
        self._bound = self._to(rule.bound)
        truth = next((one.truth for one in members if one.truth is not None), None)
        self._gaps = self._at(truth)
        margin = self.sign * (self._gaps - self._bound) / self._errors
        self.detailed = np.argsort(margin, kind="stable")[:DETAILED].tolist()

    def chances(self, truth: float | None, factor: float) -> tuple[float, float]:
        """Chance that every pair passes, and that some pair fails."""
        gaps = self._gaps if truth is None else self._at(truth)
        margin = self.sign * (gaps - self._bound) / self._errors * math.sqrt(factor)
        seen = self.sign * self._draws + margin[:, None]  # (pairs, draws) standard errors on the good side of the bound
        passed = float((seen >= self._needs[0][:, None]).all(axis=0).mean())
        bad = margin < 0
        return passed, float((seen[bad] <= -self._needs[1][bad, None]).any(axis=0).mean()) if bad.any() else 0.0

    def ends(self) -> list[tuple[float, float]]:
        """Intervals of the pairs nearest to the bound on either side."""
        away = self.sign * (self._gaps - self._bound)
        parts = list(zip(away.tolist(), self._errors.tolist(), strict=True))
        chosen = dict.fromkeys([*_nearest(parts, -2.0), *_nearest(parts, 3.0)])
        _, back = scale_of(self._members[0].estimate)
        return [MemberPower(self._members[i], self._rule).ends(back(self._gaps[i])) for i in chosen]

    def _at(self, truth: float | None) -> NDArray[np.float64]:
        """(pairs,) true gaps: as seen, or moved apart or together until the worst pair's is `truth`."""
        first, second = self._ends.T
        places = self._places
        worst = self.sign * float((self.sign * (places[first] - places[second])).min())
        if truth is not None and worst:
            places = places * (self._to(truth) / worst)
        elif truth is not None:
            places, (one, other) = np.zeros(len(self._places)), self._ends[0]
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


def _side_error(pair: Any, side: Any, to: Callable[[float], float]) -> float:
    """Standard error of one group on the pairs' scale: that of its gap from another group of the same kind, over the root of two."""
    low, high = replace(pair, first=side, second=side, correlation=0.0, shared=0.0).bounds(ONE_SIGMA, ONE_SIGMA)
    return max(1e-12, (to(high) - to(low)) / math.sqrt(8))


def _correlations(members: Sequence[PlannedMember], names: dict[Group, int]) -> NDArray[np.float64]:
    """(groups, groups) correlations, where entities have rows in several groups."""
    found = np.eye(len(names))
    for one in members:
        pair: Any = one.estimate
        if one.groups is not None and pair.correlation:
            i, j = (names[side] for side in one.groups)
            found[i, j] = found[j, i] = pair.correlation
    return found


def _drawn_gaps(
    ends: NDArray[np.int64], errors: NDArray[np.float64], correlation: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(pairs, draws) standard normal noise of the gaps, and their (pairs,) standard errors."""
    lengths, axes = np.linalg.eigh(correlation)
    root = axes * np.sqrt(np.maximum(0.0, lengths))
    root /= np.linalg.norm(root, axis=1, keepdims=True)  # such as do not fit together are met as nearly as may be
    spread = errors[ends[:, 0], None] * root[ends[:, 0]] - errors[ends[:, 1], None] * root[ends[:, 1]]  # (pairs, groups)
    size = np.maximum(np.linalg.norm(spread, axis=1), 1e-12)
    drawn = np.random.default_rng(SEED).standard_normal((len(correlation), DRAWS))
    return (spread / size[:, None]) @ drawn, size
