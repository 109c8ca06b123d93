"""Hold evidence against requirements and decide. The only comparison with a threshold is in this file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from audit.decision.finding import Bound, Finding, Headline, Judged, Side, bounds
from audit.evidence import OVERALL, Pair
from audit.formatting import bound_in_words, comparator_in_words, counted, number, rows_in_words
from audit.stats.tails import few_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.check import CheckInfo
    from audit.decision.finding import Status
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


@dataclass(frozen=True, slots=True)
class _Decided:
    bound: Bound
    status: Status
    headline: Headline
    failing: tuple[Name, ...]
    unproven: tuple[Name, ...]
    """Members whose own end that faces pass is not on the good side."""


def judge(
    requirement: Requirement, check: CheckInfo, evidence: Evidence, *, confidence: float, owner: str, spent: Spent | None = None
) -> Finding:
    """Hold evidence against a requirement by its worst member: pass, fail or inconclusive.

    Under `spent` the end that faces pass errs at the look's own level, the end that faces fail as ever.
    """
    alpha = one_sided(requirement, confidence)
    at = _Levels(alpha if spent is None else min(spent.level, alpha), alpha)
    sides = bounds(requirement, check.better) if evidence.members else ()
    decided = [_decide_bound(requirement, evidence, side, at) for side in sides]
    small = _too_small(requirement, evidence)
    worst = min(decided, key=lambda one: _ORDER[one.status]) if decided else None
    status = _status(worst, small)
    return Finding(
        requirement=requirement,
        check=check,
        status=status,
        message=_message(check, evidence, status, worst, small)
        + _told_of(requirement, status, worst)
        + ("" if spent is None else spent.in_words(alpha)),
        owner=owner,
        remedy=_remedy(requirement, check),
        headline=worst.headline if worst else None,
        slices=_judged(requirement, evidence, decided, at, gap=check.of_gap(evidence)),
        failing=tuple(dict.fromkeys(name for one in decided for name in one.failing)),
        sides=tuple(_side(one, requirement, evidence) for one in decided),
        evidence=evidence,
    )


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
    each, alone = alpha / (count or len(members)), alpha if passing is None else passing
    lower, upper = (alone, alpha) if floor else (alpha, alone)
    ends = [_ends(member, lower, upper) for member in members]
    worst = min if floor else max
    low, high = worst(low for low, _ in ends), worst(high for _, high in ends)
    if each == alpha:
        return low, high
    if floor:
        return low, _shared_end(members, [high for _, high in ends], each, floor=True)
    return _shared_end(members, [low for low, _ in ends], each, floor=False), high


def _shared_end(members: Sequence[Member], alone: Sequence[float], each: float, *, floor: bool) -> float:
    """The worst member's end that faces fail, at the level `each` that the members share; `alone` holds each one's at the whole level.

    An end only moves outwards as its level falls. So a member whose end lies beyond the worst one found so far is not asked for
    one further out, which for many members is most of the work.
    """
    sign, found = 1.0 if floor else -1.0, math.inf
    for end, member in sorted(zip([sign * one for one in alone], members, strict=True), key=lambda pair: pair[0]):
        if end >= found:
            break
        low, high = _ends(member, 0.5, each) if floor else _ends(member, each, 0.5)
        found = min(found, sign * (high if floor else low))
    return sign * found


def _ends(member: Member, lower: float, upper: float) -> tuple[float, float]:
    """One member's bounds; an end without error is open. `min` and `max` would pass over a NaN in any member but the first."""
    low, high = member.estimate.bounds(lower or 0.5, upper or 0.5)
    low, high = low if lower else -math.inf, high if upper else math.inf
    if not (low <= high and low < math.inf and high > -math.inf):
        msg = f"{member.name}: the interval {(low, high)} is not one"
        raise ValueError(msg)
    return low, high


def _decide_bound(requirement: Requirement, evidence: Evidence, bound: Bound, at: _Levels) -> _Decided:
    """One side's status from the deciding interval, without regard to sizes."""
    count = len(evidence.members) + len(evidence.unmeasured)
    interval = deciding_interval(evidence.members, at.failing, floor=bound.floor, count=count, passing=at.passing)
    chosen = min(evidence.members, key=lambda m: m.estimate.value) if bound.floor else max(evidence.members, key=lambda m: m.estimate.value)
    levels = (at.passing, at.failing / count) if bound.floor else (at.failing / count, at.passing)
    estimate = chosen.estimate
    headline = Headline(estimate.value, estimate.n, interval, levels, evidence.unit, estimate.method, chosen.name)
    compared = (estimate.value, estimate.value) if _on_value(requirement, at) else interval
    status = _compare(compared, bound)
    left = () if status == "pass" else evidence.members
    unproven = tuple(member.name for member in left if not _proven(requirement, member, bound, at))
    return _Decided(bound, status, headline, _holm(evidence.members, bound, at.failing, count), unproven)


def _on_value(requirement: Requirement, at: _Levels) -> bool:
    """Whether the point decides. Where no error is left to spend, not even a point passes."""
    return requirement.judge_on == "value" and at.passing > 0


def _proven(requirement: Requirement, member: Member, bound: Bound, at: _Levels) -> bool:
    """Whether a member's own end that faces pass is on the good side: where all of them are, the requirement passes."""
    value = member.estimate.value
    low, high = (value, value) if _on_value(requirement, at) else _ends(member, at.passing, at.passing)
    return _compare((low, math.inf) if bound.floor else (-math.inf, high), bound) == "pass"


def _side(one: _Decided, requirement: Requirement, evidence: Evidence) -> Side:
    few = [member.name for member in evidence.members if not _enough(requirement, member)]
    names = (*one.unproven, *few, *(missing.name for missing in evidence.unmeasured))
    return Side(one.bound, one.headline.interval, tuple(dict.fromkeys(names)))


def _compare(interval: tuple[float, float], bound: Bound) -> Status:
    """The threshold comparison: bounds are inclusive and nothing is rounded."""
    low, high = interval
    if bound.floor:
        return "pass" if low >= bound.limit else "fail" if high < bound.limit else "inconclusive"
    return "pass" if high <= bound.limit else "fail" if low > bound.limit else "inconclusive"


def _holm(members: Sequence[Member], bound: Bound, alpha: float, count: int) -> tuple[Name, ...]:
    """Members that fail by Holm's step-down procedure (Scandinavian Journal of Statistics 1979), each on its own facing end."""
    failing: list[Name] = []
    left = [member for member in members if _compare(_facing_fail(member, bound, alpha), bound) == "fail"]
    while left:
        each = alpha / (count - len(failing))
        new = [member for member in left if _compare(_facing_fail(member, bound, each), bound) == "fail"]
        if not new:
            break
        failing.extend(member.name for member in new)
        left = [member for member in left if member not in new]
    return tuple(failing)


def _facing_fail(member: Member, bound: Bound, alpha: float) -> tuple[float, float]:
    """The interval open towards the good side: only the end that faces fail is drawn in."""
    if bound.floor:
        return -math.inf, member.estimate.bounds(0.5, alpha)[1]
    return member.estimate.bounds(alpha, 0.5)[0], math.inf


def _too_small(requirement: Requirement, evidence: Evidence) -> tuple[str, ...]:
    """What bars a pass: members below their least support, and members that the data cannot measure."""
    small = [
        f"{member.name}: {rows_in_words(member.estimate.support)}, at least {max(requirement.min_n, member.estimate.least):,} needed"
        for member in evidence.members
        if not _has_support(requirement, member)
    ]
    heavy = [
        f"{member.name}: {few[0]:,} of {few[1]:,} rows with an error hold half of it, and another sample may have others: check these"
        " rows, or bound an error in which large ones weigh less"
        for member in evidence.members
        if (few := few_rows(member.estimate))
    ]
    return tuple(small + heavy + [f"{one.name}: {one.reason}" for one in evidence.unmeasured])


def _enough(requirement: Requirement, member: Member) -> bool:
    """Whether a member has the rows that a pass needs, and not only a few of them carry its value."""
    return _has_support(requirement, member) and not few_rows(member.estimate)


def _has_support(requirement: Requirement, member: Member) -> bool:
    """NaN is too few."""
    return member.estimate.support >= max(requirement.min_n, member.estimate.least)


def _status(worst: _Decided | None, small: tuple[str, ...]) -> Status:
    if worst is None:
        return "inconclusive"
    return "inconclusive" if worst.status == "pass" and small else worst.status


def _judged(requirement: Requirement, evidence: Evidence, decided: Sequence[_Decided], at: _Levels, *, gap: bool) -> tuple[Judged, ...]:
    """Every slice with its plain interval: the members, or for a gap the groups' rates, which have no status of their own."""
    shown = evidence.context if gap else evidence.members
    rows = []
    for member in shown:
        if member.name == OVERALL and not gap:
            continue
        estimate, interval = member.estimate, _ends(member, at.failing, at.failing)
        status = None if gap else _own_status(requirement, member, decided, at)
        rows.append(Judged(member.name, estimate.value, estimate.n, interval, status))
    lacking = [one for one in evidence.unmeasured if not (gap and isinstance(one.name, Pair))]
    missing = [Judged(one.name, None, 0, None, None if gap else "inconclusive", one.reason) for one in lacking]
    falling = bool(decided) and not decided[0].bound.floor
    return tuple(sorted(rows, key=lambda row: (row.value or 0.0) * (-1 if falling else 1)) + missing)


def _own_status(requirement: Requirement, member: Member, decided: Sequence[_Decided], at: _Levels) -> Status:
    """A member's own status: fail by Holm, pass where every bound is proven and its rows are enough."""
    if any(member.name in one.failing for one in decided):
        return "fail"
    proven = all(_proven(requirement, member, one.bound, at) for one in decided)
    return "pass" if proven and _enough(requirement, member) else "inconclusive"


def _message(check: CheckInfo, evidence: Evidence, status: Status, worst: _Decided | None, small: tuple[str, ...]) -> str:
    """What came out and whether it is sure; what would turn it is said by `audit.decision.what_if`."""
    if worst is None:
        return "Nothing could be measured. " + "; ".join(small)
    head, bound = worst.headline, worst.bound
    asked = bound_in_words(bound.limit if bound.floor else None, None if bound.floor else bound.limit)
    census = head.method == "census"
    figure = f"{number(head.value)} [{number(head.interval[0])}, {number(head.interval[1])}]"
    among = f", the worst of {len(evidence.members)}" if len(evidence.members) > 1 else ""
    where = "" if head.member == OVERALL else f" for {head.member}{among}"
    said = counted(head.value, evidence.unit) if census else f"{evidence.unit} {figure}"
    text = f"{said}{where}; {asked} is asked for. {_meaning(check, status, worst, small)}"
    others = [str(name) for name in worst.failing if name != head.member]
    return text + (f" Also failing (Holm): {_listed(others)}." if others else "")


def _told_of(requirement: Requirement, status: Status, worst: _Decided | None) -> str:
    """What a reader must know of how it was judged."""
    if requirement.judge_on == "value":
        return " Judged on the value alone, as the policy says (judge_on: value)."
    if requirement.against is None or worst is None:
        return ""
    against, (low, high) = comparator_in_words(requirement.against), worst.headline.interval
    if status == "inconclusive" and low <= 0 <= high:
        return f" That no difference from {against} is seen proves nothing: the interval must lie within the margin."
    worse = high < 0 if worst.bound.floor else low > 0
    return f" It is worse than {against} beyond chance, by less than the margin." if status == "pass" and worse else ""


def _remedy(requirement: Requirement, check: CheckInfo) -> str:
    against = comparator_in_words(requirement.against)
    if against is None:
        return check.remedy
    return f"Read the rows that {against} gets right and the candidate wrong; add training rows like them and fine-tune again."


def _meaning(check: CheckInfo, status: Status, worst: _Decided, small: tuple[str, ...]) -> str:
    if status == "inconclusive" and worst.status == "pass":
        return f"Too few rows for a pass: {_listed(small)}."
    if status == "inconclusive":
        too_few = f" Too few rows: {_listed(small)}." if small else ""
        return f"The interval holds the bound: not settled.{too_few}"
    if status == "pass" and check.id.startswith("drift/") and worst.headline.interval[0] > 0:
        return "Changed beyond chance, but by less than the bound: negligible."
    return "The bound is met." if status == "pass" else "The bound is not met."


def _listed(items: Sequence[str], most: int = 4) -> str:
    """The first few, and how many more there are."""
    return "; ".join(items[:most]) + (f"; and {len(items) - most} more" if len(items) > most else "")


def without_evidence(
    requirement: Requirement, check: CheckInfo, status: Literal["not_run", "error"], message: str, *, owner: str
) -> Finding:
    """A finding for a requirement that yielded no evidence."""
    return Finding(requirement=requirement, check=check, status=status, message=message, owner=owner, remedy=_remedy(requirement, check))
