"""Power of one bound over its members: the chance of a pass, the interval to expect, the rows needed (Cohen 1988).

The ten members nearest to the bound are planned in detail. The others count as needing as many standard errors to decide as the one of
these ten that needs most, so that no more power is claimed than there is. Slices count as independent; pairs of groups move together,
since each group is behind several pairs: normal numbers are drawn for the groups.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.power.member import MemberPower, best_attainable, chance, in_errors
from audit.power.pairs import GroupPairs, nearest
from audit.stats.interface import is_resizable
from audit.stats.mean import few_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audit.power.member import DecisionRule, Group, PlannedMember

POWER = 0.8
MOST_ROWS = 100_000_000
"""Rows beyond which a gate is not called decidable."""
DETAILED = 10
"""Members that are planned in detail."""
STEPS, CLOSE = 40, 0.002
"""Steps of a search at most, and the relative width at which it ends."""
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
    detectable, p_best = _detectable(joint)
    factor = _sample_size_factor(joint)
    needed = None if factor is None else math.ceil(factor * joint.rows - 1e-6)
    return PowerAnalysis(p_pass, p_fail, joint.interval(), detectable, factor, needed, p_best, joint.worst)


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
    return _first(lambda distance: joint.chances(truth=rule.bound + sign * distance)[0], 0.0, farthest, best), best


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
    found = math.exp(_first(lambda log: power(math.exp(log)), math.log(low), math.log(high), power(high)))
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
    low = high // 2
    while low and enough(low):
        low, high = low // 2, low
    while high - low > max(1, CLOSE * high):
        middle = round(math.sqrt(max(1, low) * high))
        middle = middle if low < middle < high else (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high / n


def _first(power: Callable[[float], float], low: float, high: float, at_high: float) -> float:
    """Where a rising power reaches `POWER`, from above: by false position on the normal scale, halved in between."""
    from scipy.special import ndtri

    def score(p: float) -> float:
        return float(ndtri(min(1 - 1e-9, max(1e-9, p)))) - float(ndtri(POWER))

    below, above = score(power(low)), score(at_high)
    for step in range(STEPS):
        if high - low <= CLOSE * max(abs(high), 1e-12):
            break
        part = -below / (above - below) if step % 3 and above > below else 0.5
        middle = low + (high - low) * min(0.95, max(0.05, part + 0.01))
        there = score(power(middle))
        if there >= 0:
            high, above = middle, there
            if there < CLOSE:
                break
        else:
            low, below = middle, there
    return high


class JointPower:
    """The members of one requirement together."""

    def __init__(self, members: Sequence[PlannedMember], rule: DecisionRule) -> None:
        self.members, self.rule = tuple(members), rule
        alone = [i for i, one in enumerate(members) if one.groups is None]
        pairs = [i for i, one in enumerate(members) if one.groups is not None]
        self._slices = Slices([members[i] for i in alone], rule) if alone else None
        self._pairs = GroupPairs([members[i] for i in pairs], rule, DETAILED) if pairs else None
        each = ((places, some.detailed) for places, some in ((alone, self._slices), (pairs, self._pairs)) if some is not None)
        self.worst = tuple(places[i] for places, detailed in each for i in detailed)
        self._least = max(max(rule.min_n, one.estimate.min_support) / max(one.estimate.support * one.factor, 1e-12) for one in members)
        self._heavy = any(few_rows(one.estimate) for one in members)
        self.is_one_proportion = len(members) == 1 and members[0].is_one_proportion
        groups: dict[Group, int] = {}
        for i in pairs:
            pair: Any = members[i].estimate
            groups |= dict(zip(members[i].groups or (), (pair.first.n, pair.second.n), strict=True))
        self.rows = max(1, sum(groups.values()) + round(sum(members[i].rows for i in alone)))
        """Of all members, those of a group once."""

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
        chosen = range(len(self._powers)) if len(self._powers) <= DETAILED else nearest(self._seen)
        return [self._powers[i].ends(self._truths[i]) for i in chosen]

    def _at(self, truths: Sequence[float], factor: float) -> list[tuple[float, float]]:
        """How far on the good side of the bound each is seen on average, and its standard error."""
        return [(power.away(one, factor), power.error(one)) for power, one in zip(self._powers, truths, strict=True)]
