"""The smallest change that would turn a finding into a pass, and the rows that would settle it.

Found on the estimates' own bounds where their kind tells how they would look with another value or on more rows; else by the width of
the interval, which moves with the value and shrinks with the root of the rows.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from audit.decision.finding import SmallestChange
from audit.evidence import Pair
from audit.stats import Amplification, Census, Proportion, SampledCount
from audit.stats.interface import is_comparison, value_range, with_sample_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.decision.finding import Bound
    from audit.decision.member_bounds import MemberBounds
    from audit.evidence import Member
    from audit.stats import Estimate

MOST_ROWS = 100_000_000
"""Rows beyond which nothing is said to settle it."""
NAMED = 3
"""Members that are named where several stand in the way."""


def smallest_change_to_pass(
    members: MemberBounds, bound: Bound, ends: tuple[float, float], *, on_value: bool, compared: bool
) -> SmallestChange | None:
    """Of the member farthest from a bound; None where every one is on its good side, or where no level is left for a pass.

    `ends` are the levels of the lower and the upper end, of which one faces pass. `compared`: the value is a difference from
    another model, which has no range.
    """
    alpha = ends[0 if bound.floor else 1]
    if not alpha:
        return None
    low, high = (members.values, members.values) if on_value else members.at(*ends)
    gaps = (bound.limit - low if bound.floor else high - bound.limit).tolist()
    short = sorted((place for place, gap in enumerate(gaps) if gap > 0), key=lambda place: -gaps[place])
    if not short:
        return None
    farthest, *others = (members.members[place] for place in short)
    alone = on_value and not isinstance(farthest.estimate, Census)
    found = _alone(farthest, bound, "value") if alone else _change(farthest, bound, alpha, compared=compared)
    return replace(found, others=tuple(one.name for one in others[:NAMED]), short=len(short))


def _alone(member: Member, bound: Bound, kind: Literal["value", "census"]) -> SmallestChange:
    """The value is judged and has no interval."""
    return SmallestChange(bound, member.name, kind, member.estimate.value, member.estimate.n, target=bound.limit)


def _change(member: Member, bound: Bound, alpha: float, *, compared: bool) -> SmallestChange:
    estimate = member.estimate
    if isinstance(estimate, Census):
        return _alone(member, bound, "census")
    if isinstance(estimate, SampledCount) and estimate.count <= bound.limit:
        return SmallestChange(bound, member.name, "sample", estimate.value, estimate.n)
    if isinstance(estimate, Proportion):
        found = _by_hits(member, estimate, bound, alpha)
    else:
        found = _by_width(member, bound, alpha, compared=compared)
    side = _side(estimate.value, bound)
    return replace(found, estimate=side, rows=_rows(estimate, bound, alpha) if side == "good" else None)


def _end(estimate: Estimate, bound: Bound, alpha: float) -> float:
    return estimate.bounds(alpha, alpha)[0 if bound.floor else 1]


def _gap(estimate: Estimate, bound: Bound, alpha: float) -> float:
    """How far the end that faces pass lies on the wrong side of the bound; at most 0 where it clears it."""
    end = _end(estimate, bound, alpha)
    return bound.limit - end if bound.floor else end - bound.limit


def _by_hits(member: Member, estimate: Proportion, bound: Bound, alpha: float) -> SmallestChange:
    """The first number of hits that passes, by halving: more hits raise both ends."""
    n, hits = estimate.n, estimate.hits
    if bound.floor:
        needed = _first(hits, n, lambda k: _gap(replace(estimate, hits=k), bound, alpha) <= 0)
    else:
        misses = _first(n - hits, n, lambda k: _gap(replace(estimate, hits=n - k), bound, alpha) <= 0)
        needed = None if misses is None else n - misses
    if needed is not None:
        return SmallestChange(bound, member.name, "hits", estimate.value, n, needed / n, (hits, needed))
    best = n if bound.floor else 0
    least = _rows(replace(estimate, hits=best), bound, alpha) if best != hits else None
    return SmallestChange(bound, member.name, "no_hits", estimate.value, n, rows_at_best=least)


def _first(low: int, high: int, passes: Callable[[int], bool]) -> int | None:
    """The smallest number above `low` and up to `high` that passes, where whatever lies above a number that passes does too."""
    if low >= high or not passes(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def _by_width(member: Member, bound: Bound, alpha: float, *, compared: bool) -> SmallestChange:
    """The value moved until its interval, kept as wide as it is, clears the bound."""
    estimate = member.estimate
    short, value = _gap(estimate, bound, alpha), estimate.value
    if not math.isfinite(short):
        return SmallestChange(bound, member.name, "open_end", value, estimate.n)
    target = value + short if bound.floor else value - short
    least, most = _attainable(member)
    beyond = target > most >= max(value, bound.limit) if bound.floor else target < least <= min(value, bound.limit)
    if beyond and not compared:
        return SmallestChange(bound, member.name, "too_wide", value, estimate.n)
    return SmallestChange(bound, member.name, "shift", value, estimate.n, target)


def _attainable(member: Member) -> tuple[float, float]:
    """The least and the greatest value that can pass. Of a gap both orders are judged, so it is best where the groups do not differ."""
    estimate = member.estimate
    if not isinstance(member.name, Pair) or isinstance(estimate, Amplification):
        return value_range(estimate)
    best = estimate.null_value if is_comparison(estimate) else 0.0
    return best, best


def _side(value: float, bound: Bound) -> Literal["good", "on_bound", "wrong"]:
    if math.isclose(value, bound.limit, rel_tol=1e-9, abs_tol=1e-12):  # what rounding leaves of equal numbers
        return "on_bound"
    return "wrong" if (value < bound.limit) == bound.floor else "good"


def _rows(estimate: Estimate, bound: Bound, alpha: float) -> int | None:
    """The fewest rows on which the same shares clear the bound, by doubling and halving; by the width where the kind cannot tell."""
    n = max(estimate.n, 1)
    if _on(estimate, 2 * n, bound) is estimate:
        width, ahead = abs(estimate.value - _end(estimate, bound, alpha)), abs(estimate.value - bound.limit)
        rows = n * (width / ahead) ** 2 if ahead > 0 and math.isfinite(width) else math.inf
        return math.ceil(rows) if rows <= MOST_ROWS else None

    def clears(rows: int) -> bool:
        return _gap(_on(estimate, rows, bound), bound, alpha) <= 0

    high = n
    while not clears(high):
        high *= 2
        if high > MOST_ROWS:
            return None
    return _first(high // 2, high, clears)


def _on(estimate: Estimate, rows: int, bound: Bound) -> Estimate:
    """The same shares on so many rows; hits are rounded to the side that is harder to pass. Itself where its kind cannot tell."""
    found = with_sample_size(estimate, rows / max(estimate.n, 1))
    if not isinstance(found, Proportion):
        return found
    hits = estimate.value * found.n
    return replace(found, hits=math.floor(hits + 1e-9) if bound.floor else math.ceil(hits - 1e-9))
