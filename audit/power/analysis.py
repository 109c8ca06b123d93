"""What a requirement will say at expected values: for planning, before anything is measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audit.power.laws import Asked, Group, best, chances, gap_chances, grown, likely, typical
from audit.stats.proportion import Proportion
from audit.stats.tails import few_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.stats.interface import Estimate

POWER = 0.8
MOST_ROWS = 100_000_000
"""Rows beyond which a gate is not called decidable."""
HALVINGS = 24
CLOSE = 0.002
"""Relative width at which a search for rows ends."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A member as planned: what is known of it, at the rows there are."""

    estimate: Estimate
    """A pilot's, or one made from stated figures: it gives the rows, the classes' sizes, the entities, the spread."""
    truth: float | None = None
    """The stated true value; None for the one that the estimate makes likely. Of pairs of groups: of the worst pair."""
    groups: tuple[Group, Group] | None = None
    """Of a difference or a ratio between groups: the names of both. Pairs that share a group are drawn together."""

    @property
    def value(self) -> float:
        """The true value that is reckoned with."""
        return likely(self.estimate) if self.truth is None else self.truth


@dataclass(frozen=True, slots=True)
class Outlook:
    """How one bound of a requirement will be decided."""

    p_pass: float
    p_fail: float
    interval: tuple[float, float]
    """The deciding interval where every member falls on its true value."""
    detectable: float | None
    """Smallest distance from the bound, on its good side, at which `POWER` of the audits pass with the rows there are, every
    member being so far off; None where no distance suffices."""
    growth: float | None
    """Multiple of the rows there are at which `POWER` of the audits tell on which side the expected values lie; None where one
    lies on the bound, or where no number of rows up to `MOST_ROWS` suffices."""
    needed: int | None
    """As rows: of the single member, of all groups, or of all slices together."""

    @property
    def p_inconclusive(self) -> float:
        """The rest."""
        return max(0.0, 1.0 - self.p_pass - self.p_fail)


def outlook(members: Sequence[Expected], asked: Asked) -> Outlook:
    """Chances, interval, smallest decidable distance and rows needed of one bound over its members.

    Members without groups count as independent, as slices of one family are; slices that share rows rise and fall together,
    so that the chance of a pass is then somewhat higher and that of a fail somewhat lower than said.
    """
    if not members:
        msg = "an outlook needs at least one member"
        raise ValueError(msg)
    asked = replace(asked, count=max(asked.count, len(members)))
    p_pass, p_fail = decided(members, 1.0, asked)
    growth = _growth(members, asked)
    rows = _rows(members)
    return Outlook(
        p_pass=p_pass,
        p_fail=p_fail,
        interval=_interval(members, asked),
        detectable=_detectable(members, asked),
        growth=growth,
        needed=None if growth is None else math.ceil(growth * rows - 1e-6),
    )


def averaged(seen: Outlook, further: Sequence[Sequence[Expected]], asked: Asked) -> Outlook:
    """The outlook with its chances and its interval averaged over those of further models, each given by its members."""
    chances_and_ends = [(seen.p_pass, seen.p_fail, *seen.interval)]
    for members in further:
        if members:
            told = replace(asked, count=max(asked.count, len(members)))
            chances_and_ends.append((*decided(members, 1.0, told), *_interval(members, told)))
    p_pass, p_fail, low, high = (math.fsum(column) / len(chances_and_ends) for column in zip(*chances_and_ends, strict=True))
    return replace(seen, p_pass=p_pass, p_fail=p_fail, interval=(low, high))


def decided(members: Sequence[Expected], growth: float, asked: Asked) -> tuple[float, float]:
    """Chance that the requirement passes and that it fails, on `growth` times the rows."""
    alone = [one for one in members if one.groups is None]
    each = [chances(one.estimate, one.value, growth, asked) for one in alone]
    good, bad = (0, 1) if asked.floor else (1, 0)
    passed, standing = math.prod(one[good] for one in each), math.prod(1 - one[bad] for one in each)
    pairs = [(one.estimate, one.groups) for one in members if one.groups is not None]
    if pairs:
        truth = next((one.truth for one in members if one.groups is not None and one.truth is not None), None)
        all_good, some_bad = gap_chances(pairs, truth, growth, asked)
        passed, standing = passed * all_good, standing * (1 - some_bad)
    least = [max(asked.min_n, one.estimate.least) - 1e-9 for one in members]
    too_few = any(one.estimate.support * growth < rows or few_rows(one.estimate) for one, rows in zip(members, least, strict=True))
    return 0.0 if too_few else min(1.0, max(0.0, passed)), min(1.0, max(0.0, 1.0 - standing))


def _interval(members: Sequence[Expected], asked: Asked) -> tuple[float, float]:
    """As `audit.decision.judge.deciding_interval` puts the members' ends together."""
    ends = [typical(one.estimate, one.value, 1.0, asked.levels) for one in members]
    worst = min if asked.floor else max
    return worst(low for low, _ in ends), worst(high for _, high in ends)


def _detectable(members: Sequence[Expected], asked: Asked) -> float | None:
    """By halving: the farther on the good side, the surer a pass."""
    farthest = min(abs(best(one.estimate, asked, gap=one.groups is not None) - asked.bound) for one in members)
    sign = 1 if asked.floor else -1

    def passes(distance: float) -> bool:
        there = [replace(one, truth=asked.bound + sign * distance) for one in members]
        return decided(there, 1.0, asked)[0] >= POWER

    if farthest <= 0 or not passes(farthest):
        return None
    low, high = 0.0, farthest
    for _ in range(HALVINGS):
        if high - low <= CLOSE * high:
            break
        middle = (low + high) / 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def _growth(members: Sequence[Expected], asked: Asked) -> float | None:
    """By doubling or halving the rows, then by halving the gap, on the envelope from which on the power stays."""
    values = [one.value for one in members]
    if any(value == asked.bound for value in values):
        return None
    good = all((value > asked.bound) == asked.floor for value in values)
    most = MOST_ROWS / _rows(members)

    def enough(growth: float) -> bool:
        return all(decided(members, one, asked)[0 if good else 1] >= POWER for one in _teeth(members, growth, asked))

    high = 1.0
    while not enough(high):
        high *= 2
        if high > most:
            return None
    low = high / 2
    while enough(low) and low * _rows(members) > 1:
        low, high = low / 2, low
    while high - low > max(CLOSE * high, 0.5 / _rows(members)):
        middle = math.sqrt(low * high)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _teeth(members: Sequence[Expected], growth: float, asked: Asked) -> list[float]:
    """Growths at which the power is asked: of one proportion it falls and rises like a saw, so over one whole tooth of row numbers."""
    if len(members) > 1 or not isinstance(members[0].estimate, Proportion) or not 0 < asked.bound < 1:
        return [growth]
    n = members[0].estimate.n
    tooth = min(20, math.ceil(1 / min(asked.bound, 1 - asked.bound)))
    start = grown(members[0].estimate, growth).n
    return [(start + more) / n for more in range(tooth + 1)]


def _rows(members: Sequence[Expected]) -> int:
    """Rows of all members, those of a group once."""
    groups: dict[Group, int] = {}
    for one in members:
        if one.groups is not None:
            pair: Any = one.estimate
            groups |= {one.groups[0]: pair.first.n, one.groups[1]: pair.second.n}
    return max(1, sum(groups.values()) + sum(one.estimate.n for one in members if one.groups is None))
