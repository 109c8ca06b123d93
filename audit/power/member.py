"""The power of one member: how likely each end of its interval is to clear a bound.

The value is taken as normal around the true one, with one standard error from the estimate's own bounds, on a scale without ends: the
logit of a share, the logarithm of a ratio. Standard errors shrink with the root of the rows. A single proportion is enumerated instead.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, TypeAlias

from audit.stats.interface import (
    bias_corrected,
    expected_value,
    is_biased,
    is_comparison,
    is_resizable,
    value_range,
    with_sample_size,
    with_value,
)
from audit.stats.proportion import Proportion

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

    from audit.stats.interface import Estimate

Group: TypeAlias = "Hashable"
"""A group's name."""
ONE_SIGMA = 0.15865525393145707
"""Level of an end one standard error out."""
NEAREST = 1e-9
"""Shares are kept this far from 0 and 1, where the logit is infinite."""
DOUBLINGS = 24
FAR = 100
"""Standard errors to the best value that is tried where a kind has no best."""


@dataclass(frozen=True, slots=True)
class DecisionRule:
    """One bound of a requirement, with the levels at which `audit.decision.judge.deciding_interval` takes each member's ends."""

    bound: float
    floor: bool
    """True for `min`, False for `max`."""
    alpha: float = 0.025
    """Nominal error of the end that faces pass."""
    count: int = 1
    """Members that the policy names; the end that faces fail errs at its level over it."""
    min_n: int = 1
    """Support below which nothing passes."""
    failing: float | None = None
    """Nominal error of the end that faces fail, where it is not `alpha`."""

    @property
    def levels(self) -> tuple[float, float]:
        """Of the lower and of the upper end."""
        each = (self.alpha if self.failing is None else self.failing) / self.count
        return (self.alpha, each) if self.floor else (each, self.alpha)

    def clears(self, end: float) -> bool:
        """Whether an end lies above the bound: inclusive for `min`, which may be met, and not for `max`."""
        return end >= self.bound if self.floor else end > self.bound


@dataclass(frozen=True, slots=True)
class PlannedMember:
    """A member as planned: what is known of it, at the rows there are."""

    estimate: Estimate
    """A pilot's, or a simulated model's: it gives the rows, the classes' sizes, the entities, the spread."""
    truth: float | None = None
    """The stated true value; None for the one that the estimate makes likely. Of pairs of groups: of the worst pair."""
    groups: tuple[Group, Group] | None = None
    """Of a difference or a ratio between groups: the names of both. Pairs that share a group move together."""
    is_gap: bool = False
    """Whether it compares two groups of the data, so that the best model has no gap."""
    factor: float = 1.0
    """Multiple of the estimate's rows that is planned, where its kind cannot tell how it would look on them."""

    @property
    def value(self) -> float:
        """The assumed true value."""
        return bias_corrected(self.estimate) if self.truth is None else self.truth

    def with_sample_size(self, factor: float) -> PlannedMember:
        """The same member on `factor` times the rows."""
        if is_resizable(self.estimate):
            return replace(self, estimate=with_sample_size(self.estimate, factor), truth=self.value if self.groups is None else self.truth)
        return replace(self, factor=self.factor * factor)

    @property
    def rows(self) -> float:
        """Rows planned."""
        return self.estimate.n * self.factor

    @property
    def is_one_proportion(self) -> bool:
        """Whether its power can be enumerated."""
        return isinstance(self.estimate, Proportion)


class MemberPower:
    """The power of one member under one rule; distances are signed so that more is better."""

    def __init__(self, member: PlannedMember, rule: DecisionRule) -> None:
        self.estimate, self.rule, self._root = member.estimate, rule, math.sqrt(member.factor)
        self._to, self._back = scale_of(self.estimate)
        self.sign = 1.0 if rule.floor else -1.0
        self._bound = self.sign * self._to(rule.bound)
        self.is_exact, self.is_biased = member.is_one_proportion, is_biased(self.estimate)

    def away(self, truth: float, factor: float = 1.0) -> float:
        """How far on the good side of the bound the value is seen on average, on `factor` times the rows."""
        estimate = with_sample_size(self.estimate, factor) if factor != 1.0 and self.is_biased else self.estimate
        return self.sign * self._to(expected_value(estimate, truth)) - self._bound

    def error(self, truth: float) -> float:
        """Standard error on the scale where the true value is `truth`; 0 where the value cannot vary."""
        return _standard_error(self.estimate, truth) / self._root

    @cached_property
    def to_pass(self) -> float:
        """How far on the good side of the bound the value must be seen for a pass."""
        return self.sign * critical_distance(self.estimate, self.rule, 0 if self.rule.floor else 1) / self._root

    @cached_property
    def to_fail(self) -> float:
        """How far on the bad side of the bound the value must be seen for a fail."""
        return -self.sign * critical_distance(self.estimate, self.rule, 1 if self.rule.floor else 0) / self._root

    def exact_chances(self, truth: float, factor: float) -> tuple[float, float]:
        """Of a single proportion: that it is on the good side of the bound, and on the bad side, by the law of its hits.

        Where rows are clustered, the hits are those of as many independent rows as they are worth.
        """
        from scipy.special import bdtrc

        share = with_sample_size(self.estimate, factor)
        assert isinstance(share, Proportion)  # noqa: S101  # that is what makes it exact
        worth, at_least = max(1, round(share.n / share.design_effect)), []
        for hits in _critical_hits(replace(share, hits=0), self.rule):
            drawn = math.ceil((hits - 0.5) * worth / share.n)
            at_least.append(1.0 if drawn <= 0 else 0.0 if drawn > worth else float(bdtrc(drawn - 1, worth, truth)))
        above, below = at_least[0], 1 - at_least[1]
        return (above, below) if self.rule.floor else (below, above)

    def ends(self, truth: float) -> tuple[float, float]:
        """The interval to expect: that of the estimate seen where it is on average."""
        seen, levels = expected_value(self.estimate, truth), self.rule.levels
        there = with_value(self.estimate, seen)
        if there is not None:
            return there.bounds(*levels)
        low, high = self.estimate.bounds(*levels)
        shift = self._to(seen) - self._to(self.estimate.value)
        return self._shifted_end(low, shift), self._shifted_end(high, shift)

    def _shifted_end(self, end: float, shift: float) -> float:
        """An end as far from another value, on the scale."""
        lowest, highest = value_range(self.estimate)
        if end in {lowest, highest}:
            return end
        centre = self._to(self.estimate.value)
        return min(highest, max(lowest, self._back(centre + shift + (self._to(end) - centre) / self._root)))


@lru_cache(maxsize=4096)
def _standard_error(estimate: Estimate, truth: float) -> float:
    """From the ends one standard error out, on the estimate's scale."""
    if is_biased(estimate):
        return estimate.expected_error(truth)
    to, _ = scale_of(estimate)
    lowest, highest = value_range(estimate)
    if to is not float and not is_comparison(estimate) and not lowest + NEAREST < truth < highest - NEAREST:
        return 0.0
    there = with_value(estimate, truth)
    return _own_error(estimate if there is None else there)


@lru_cache(maxsize=4096)
def _own_error(estimate: Estimate) -> float:
    """Where the estimate itself lies."""
    to, _ = scale_of(estimate)
    lowest, highest = value_range(estimate)
    low, high = estimate.bounds(ONE_SIGMA, ONE_SIGMA)
    down, up = to(estimate.value) - to(low), to(high) - to(estimate.value)
    if low <= lowest or down <= 0:
        return up
    if high >= highest or up <= 0:
        return down
    return (down + up) / 2 if to is float else min(down, up)  # ends near 0 and 1 are moved outwards for safety


@lru_cache(maxsize=4096)
def critical_distance(estimate: Estimate, rule: DecisionRule, side: int) -> float:
    """How far from the bound, on the estimate's scale, a value has its lower (0) or upper (1) end on it; infinite where none has."""
    to, _ = scale_of(estimate)
    outwards = 1.0 if side == 0 else -1.0
    levels = (rule.levels[0], 0.5) if side == 0 else (0.5, rule.levels[1])
    if with_value(estimate, rule.bound) is None:
        end = estimate.bounds(*levels)[side]
        return to(estimate.value) - to(end) if math.isfinite(end) else outwards * math.inf
    found = _value_with_end(estimate, rule.bound, levels, side)
    return to(found) - to(rule.bound) if math.isfinite(found) else found


def chance(away: float, needed: float, error: float, factor: float) -> float:
    """Chance that a value `away` from the bound on average is seen at least as far as is `needed`, on `factor` times the rows."""
    needed, error = needed / math.sqrt(factor), error / math.sqrt(factor)
    if not 0 < error < math.inf:
        return float(error == 0 and away >= needed)
    return 0.5 * math.erfc((needed - away) / error / math.sqrt(2))


def in_errors(away: float, error: float) -> float:
    """A distance in standard errors."""
    if not 0 < error < math.inf:
        return math.copysign(math.inf, away) if error == 0 else -math.inf
    return away / error


def scale_of(estimate: Estimate) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """To a scale on which errors are nearly normal, and back: the logarithm of a ratio, the logit in a finite range, else the value."""
    if is_comparison(estimate):
        return (_log, math.exp) if estimate.null_value else (float, float)
    lowest, highest = value_range(estimate)
    if is_biased(estimate) or not math.isfinite(highest - lowest):
        return float, float
    span = highest - lowest

    def logit(value: float) -> float:
        inside = min(1 - NEAREST, max(NEAREST, (value - lowest) / span))
        return math.log(inside / (1 - inside))

    return logit, lambda x: lowest + span / (1 + math.exp(-min(700.0, max(-700.0, x))))


def _log(value: float) -> float:
    return math.log(max(NEAREST, value)) if value < math.inf else math.inf


def best_attainable(member: PlannedMember, rule: DecisionRule) -> float:
    """The value farthest on the bound's good side: of a gap between groups 0 for a ceiling, 1 for the ratio of a floor."""
    if member.is_gap:
        return 1.0 if rule.floor else 0.0
    edge = value_range(member.estimate)[1 if rule.floor else 0]
    if math.isfinite(edge):
        return edge
    error = MemberPower(member, rule).error(rule.bound)
    away = FAR * error if math.isfinite(error) and error > 0 else abs(rule.bound) + 1.0
    return rule.bound + (away if rule.floor else -away)


def _value_with_end(estimate: Estimate, bound: float, levels: tuple[float, float], side: int) -> float:
    """The value whose lower (0) or upper (1) end lies on the bound: beyond it, towards the side that the interval is open to."""
    from scipy.optimize import brentq

    outwards = 1.0 if side == 0 else -1.0
    edge = bound + (value_range(estimate)[1 - side] - bound) * (1 - NEAREST)
    if is_biased(estimate) and side == 1:  # what is printed as 0 may have been seen below it
        edge -= 5 * estimate.expected_error(0.0)

    def beyond(value: float) -> float:
        moved = with_value(estimate, value)
        end = math.nan if moved is None else moved.bounds(*levels)[side]
        return outwards * (end - bound)

    at = beyond(bound)
    if at >= 0:
        return bound
    if not math.isfinite(at):
        return outwards * math.inf
    step = max(-at, 1e-12)
    farther = (bound + outwards * min(step * 2**k, abs(edge - bound)) for k in range(DOUBLINGS))
    outside = next((value for value in farther if beyond(value) >= 0), None)
    return outwards * math.inf if outside is None else float(brentq(beyond, bound, outside, xtol=1e-4 * step))


@lru_cache(maxsize=4096)
def _critical_hits(none: Proportion, rule: DecisionRule) -> tuple[int, int]:
    """The fewest hits from which on the lower end clears the bound, and the upper one does; `none` is the share without a hit."""

    def fewest(side: int, levels: tuple[float, float]) -> int:
        return bisect_left(range(none.n + 1), True, key=lambda hits: rule.clears(replace(none, hits=hits).bounds(*levels)[side]))

    return fewest(0, (rule.levels[0], 0.5)), fewest(1, (0.5, rule.levels[1]))
