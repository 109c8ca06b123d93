"""Hold evidence against requirements and decide. The only comparison with a threshold is in this file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from audit.decision.finding import Bound, Finding, Headline, HeavyTail, Judged, Side, TooFewRows, bounds
from audit.decision.member_bounds import MemberBounds
from audit.decision.what_if import smallest_change_to_pass
from audit.evidence import OVERALL, Pair
from audit.stats.mean import few_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.check import CheckInfo
    from audit.decision.finding import Shortfall, SmallestChange, Status
    from audit.evidence import Evidence, Member, Name
    from audit.ledger.alpha_spending import Spent
    from audit.policy.schema import Requirement


@dataclass(frozen=True, slots=True)
class _Levels:
    """Nominal errors of the two ends."""

    passing: float
    """Of the end that faces pass; 0 opens it, so that nothing passes, whatever is measured."""
    failing: float
    """Of the end that faces fail, before the members share it."""

    def ends(self, *, floor: bool) -> tuple[float, float]:
        """Of the lower and the upper end."""
        return (self.passing, self.failing) if floor else (self.failing, self.passing)


@dataclass(frozen=True, slots=True, eq=False)
class _Decided:
    bound: Bound
    status: Status
    headline: Headline
    failing: tuple[Name, ...]
    proven: NDArray[np.bool_]
    """(m,) whether a member's own end that faces pass is on the good side."""


def judge(
    requirement: Requirement, check: CheckInfo, evidence: Evidence, *, confidence: float, owner: str, spent: Spent | None = None
) -> Finding:
    """Hold evidence against a requirement by its worst member: pass, fail or inconclusive.

    Under `spent` the end that faces pass errs at the look's own level, the end that faces fail as ever.
    """
    alpha = one_sided(requirement, confidence)
    at = _Levels(alpha if spent is None else min(spent.level, alpha), alpha)
    members = MemberBounds(evidence.members)
    sides = bounds(requirement, check.better) if evidence.members else ()
    decided = [_decide_bound(requirement, evidence, members, side, at) for side in sides]
    shortfalls = _shortfalls(requirement, evidence)
    worst = min(decided, key=lambda one: _ORDER[one.status]) if decided else None
    status = _status(worst, bars_pass=bool(shortfalls or evidence.unmeasured))
    return Finding(
        requirement=requirement,
        check=check,
        status=status,
        owner=owner,
        headline=worst.headline if worst else None,
        slices=_judged(evidence, members, decided, shortfalls, gap=check.of_gap(evidence), alpha=alpha),
        failing=tuple(dict.fromkeys(name for one in decided for name in one.failing)),
        sides=tuple(_side(one, evidence, shortfalls) for one in decided),
        shortfalls=shortfalls,
        changes=() if status == "pass" else _changes(requirement, members, decided, at),
        spent=spent,
        evidence=evidence,
    )


def _changes(requirement: Requirement, members: MemberBounds, decided: Sequence[_Decided], at: _Levels) -> tuple[SmallestChange, ...]:
    found = (
        smallest_change_to_pass(
            members,
            one.bound,
            at.ends(floor=one.bound.floor),
            on_value=_on_value(requirement, at),
            compared=requirement.against is not None,
        )
        for one in decided
    )
    return tuple(one for one in found if one is not None)


def one_sided(requirement: Requirement, confidence: float) -> float:
    """The error that each end of the deciding interval may make where nothing is spent over looks."""
    return round((1 - (requirement.confidence or confidence)) / 2, 12)


_ORDER: dict[Status, int] = {"fail": 0, "inconclusive": 1, "pass": 2}


def deciding_interval(
    members: Sequence[Member], alpha: float, *, floor: bool, count: int | None = None, passing: float | None = None
) -> tuple[float, float]:
    """The worst member's interval: the end that faces pass uncorrected, the end that faces fail Bonferroni.

    Passing claims that all members are good, an intersection of claims, which needs no correction (Berger, Technometrics
    1982); failing claims that some member is bad. `count` is the number of members that the policy names, where some of
    them could not be measured. `passing` is the level of the end that faces pass, where it is not `alpha`.
    """
    at = _Levels(alpha if passing is None else passing, alpha)
    return _deciding_interval(MemberBounds(members), at, count or len(members), floor=floor)


def _deciding_interval(members: MemberBounds, at: _Levels, count: int, *, floor: bool) -> tuple[float, float]:
    each, worst = at.failing / count, np.min if floor else np.max
    low, high = members.at(*at.ends(floor=floor))
    passing, failing = (low, high) if floor else (high, low)
    far = float(worst(failing)) if each == at.failing else _shared_end(members, failing, each, floor=floor)
    near = float(worst(passing))
    return (near, far) if floor else (far, near)


def _shared_end(members: MemberBounds, alone: NDArray[np.float64], each: float, *, floor: bool) -> float:
    """The worst member's end that faces fail, at the level `each` that the members share; `alone` holds each one's at the whole level.

    An end only moves outwards as its level falls. So a member whose end lies beyond the worst one found so far is not asked for
    one further out, which for many members is most of the work. They are asked in groups, each twice as large as the one before.
    """
    sign, found, start, size = 1.0 if floor else -1.0, math.inf, 0, 1
    order = np.argsort(sign * alone, kind="stable")
    while start < len(order) and sign * alone[order[start]] < found:
        some = order[start : start + size]
        found = min(found, float(np.min(sign * members.facing_fail(each, some, floor=floor))))
        start, size = start + size, 2 * size
    return sign * found


def _decide_bound(requirement: Requirement, evidence: Evidence, members: MemberBounds, bound: Bound, at: _Levels) -> _Decided:
    """One side's status from the deciding interval, without regard to sizes."""
    count = len(evidence.members) + len(evidence.unmeasured)
    interval = _deciding_interval(members, at, count, floor=bound.floor)
    chosen = evidence.members[int(np.argmin(members.values) if bound.floor else np.argmax(members.values))]
    levels = (at.passing, at.failing / count) if bound.floor else (at.failing / count, at.passing)
    estimate = chosen.estimate
    headline = Headline(estimate.value, estimate.n, interval, levels, evidence.unit, estimate.method, chosen.name, bound)
    compared = (estimate.value, estimate.value) if _on_value(requirement, at) else interval
    proven = _proven(requirement, members, bound, at)
    return _Decided(bound, _compare(compared, bound), headline, _holm(members, bound, at, count), proven)


def _on_value(requirement: Requirement, at: _Levels) -> bool:
    """Whether the point decides. Where no error is left to spend, not even a point passes."""
    return requirement.judge_on == "value" and at.passing > 0


def _proven(requirement: Requirement, members: MemberBounds, bound: Bound, at: _Levels) -> NDArray[np.bool_]:
    """(m,) whether a member's own end that faces pass is on the good side: where all of them are, the requirement passes."""
    if _on_value(requirement, at):
        return _good(members.values, bound)
    low, high = members.at(*at.ends(floor=bound.floor))
    return _good(low if bound.floor else high, bound)


def _side(one: _Decided, evidence: Evidence, shortfalls: Sequence[Shortfall]) -> Side:
    unproven = () if one.status == "pass" else np.flatnonzero(~one.proven).tolist()
    few = {one.name for one in shortfalls}
    short = [member.name for member in evidence.members if member.name in few] if few else []
    names = (*(evidence.members[place].name for place in unproven), *short, *(missing.name for missing in evidence.unmeasured))
    return Side(one.bound, one.headline.interval, tuple(dict.fromkeys(names)))


def _compare(interval: tuple[float, float], bound: Bound) -> Status:
    """The threshold comparison: bounds are inclusive and nothing is rounded."""
    low, high = interval
    if bound.floor:
        return "pass" if low >= bound.limit else "fail" if high < bound.limit else "inconclusive"
    return "pass" if high <= bound.limit else "fail" if low > bound.limit else "inconclusive"


def _good(ends: NDArray[np.float64], bound: Bound) -> NDArray[np.bool_]:
    """The same of many ends: which of them are on the good side."""
    found: NDArray[np.bool_] = ends >= bound.limit if bound.floor else ends <= bound.limit
    return found


def _holm(members: MemberBounds, bound: Bound, at: _Levels, count: int) -> tuple[Name, ...]:
    """Members that fail by Holm's step-down procedure (Scandinavian Journal of Statistics 1979), each on its own facing end."""
    low, high = members.at(*at.ends(floor=bound.floor))
    left, failing = np.flatnonzero(~_good(high if bound.floor else low, bound)), list[int]()
    while left.size:
        failed = ~_good(members.facing_fail(at.failing / (count - len(failing)), left, floor=bound.floor), bound)
        if not failed.any():
            break
        failing.extend(left[failed].tolist())
        left = left[~failed]
    return tuple(members.members[place].name for place in failing)


def _shortfalls(requirement: Requirement, evidence: Evidence) -> tuple[Shortfall, ...]:
    """What bars members from a pass, whatever their bounds: too few rows, or an error that few of them carry."""
    small, heavy = list[TooFewRows](), list[HeavyTail]()
    for member in evidence.members:
        estimate, needed = member.estimate, max(requirement.min_n, member.estimate.min_support)
        if not (support := estimate.support) >= needed:  # NaN is too few
            small.append(TooFewRows(member.name, support, needed))
        if few := few_rows(estimate):
            heavy.append(HeavyTail(member.name, *few))
    return (*small, *heavy)


def _status(worst: _Decided | None, *, bars_pass: bool) -> Status:
    if worst is None:
        return "inconclusive"
    return "inconclusive" if worst.status == "pass" and bars_pass else worst.status


def _judged(
    evidence: Evidence, members: MemberBounds, decided: Sequence[_Decided], shortfalls: Sequence[Shortfall], *, gap: bool, alpha: float
) -> tuple[Judged, ...]:
    """Every slice with its plain interval: the members, or for a gap the groups' rates, which have no status of their own."""
    shown = MemberBounds(evidence.context) if gap else members
    statuses = [None] * len(shown.members) if gap else _own_statuses(evidence, decided, shortfalls)
    low, high = (ends.tolist() for ends in shown.at(alpha, alpha))
    rows = [
        Judged(member.name, value, member.estimate.n, interval, status)
        for member, value, interval, status in zip(shown.members, shown.values.tolist(), zip(low, high, strict=True), statuses, strict=True)
        if gap or member.name != OVERALL
    ]
    lacking = [one for one in evidence.unmeasured if not (gap and isinstance(one.name, Pair))]
    missing = [Judged(one.name, None, 0, None, None if gap else "inconclusive", one.reason) for one in lacking]
    falling = bool(decided) and not decided[0].bound.floor
    return tuple(sorted(rows, key=lambda row: (row.value or 0.0) * (-1 if falling else 1)) + missing)


def _own_statuses(evidence: Evidence, decided: Sequence[_Decided], shortfalls: Sequence[Shortfall]) -> list[Status]:
    """Each member's own: fail by Holm, pass where every bound is proven and its rows are enough."""
    failing, short = {name for one in decided for name in one.failing}, {one.name for one in shortfalls}
    proven = np.all([one.proven for one in decided], axis=0).tolist() if decided else [True] * len(evidence.members)
    return [
        "fail" if member.name in failing else "pass" if good and member.name not in short else "inconclusive"
        for member, good in zip(evidence.members, proven, strict=True)
    ]


def without_evidence(
    requirement: Requirement, check: CheckInfo, status: Literal["not_run", "error"], problem: str, *, owner: str
) -> Finding:
    """A finding for a requirement that yielded no evidence."""
    return Finding(requirement=requirement, check=check, status=status, problem=problem, owner=owner)
