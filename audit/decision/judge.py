"""Hold evidence against requirements and decide. The only comparison with a threshold is in this file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from audit.decision.finding import Bound, Finding, Headline, Judged, Side, bounds
from audit.decision.member_bounds import MemberBounds
from audit.evidence import OVERALL, Pair
from audit.formatting import bound_in_words, comparator_in_words, counted, number, rows_in_words
from audit.stats.tails import few_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

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
    sides = bounds(requirement, check.better) if evidence.members else ()
    members = MemberBounds(evidence.members)
    decided = [_decide_bound(requirement, evidence, members, side, at) for side in sides]
    sizes = _Sizes.of(requirement, evidence)
    small, enough = _too_small(requirement, evidence, sizes), sizes.enough()
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
        slices=_judged(evidence, members, decided, enough, gap=check.of_gap(evidence), alpha=alpha),
        failing=tuple(dict.fromkeys(name for one in decided for name in one.failing)),
        sides=tuple(_side(one, evidence, enough) for one in decided),
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
    headline = Headline(estimate.value, estimate.n, interval, levels, evidence.unit, estimate.method, chosen.name)
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


def _side(one: _Decided, evidence: Evidence, enough: Sequence[bool]) -> Side:
    unproven = () if one.status == "pass" else np.flatnonzero(~one.proven).tolist()
    few = [member.name for member, many in zip(evidence.members, enough, strict=True) if not many]
    names = (*(evidence.members[place].name for place in unproven), *few, *(missing.name for missing in evidence.unmeasured))
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


@dataclass(frozen=True, slots=True)
class _Sizes:
    """What bars a member from a pass, whatever its bounds; in the order of the members."""

    small: tuple[bool, ...]
    """Below its least support."""
    heavy: tuple[tuple[int, int] | None, ...]
    """Rows that hold half of its error, and rows with one, where these are too few."""

    @classmethod
    def of(cls, requirement: Requirement, evidence: Evidence) -> _Sizes:
        """A support of NaN is too small."""
        estimates = [member.estimate for member in evidence.members]
        small = tuple(not one.support >= max(requirement.min_n, one.least) for one in estimates)
        return cls(small, tuple(few_rows(one) for one in estimates))

    def enough(self) -> list[bool]:
        """Whether a member has the rows that a pass needs, and not only a few of them carry its value."""
        return [not (small or heavy) for small, heavy in zip(self.small, self.heavy, strict=True)]


def _too_small(requirement: Requirement, evidence: Evidence, sizes: _Sizes) -> tuple[str, ...]:
    """What bars a pass: members below their least support, and members that the data cannot measure."""
    small = [
        f"{member.name}: {rows_in_words(member.estimate.support)}, at least {max(requirement.min_n, member.estimate.least):,} needed"
        for member, few in zip(evidence.members, sizes.small, strict=True)
        if few
    ]
    heavy = [
        f"{member.name}: {few[0]:,} of {few[1]:,} rows with an error hold half of it, and another sample may have others: check these"
        " rows, or bound an error in which large ones weigh less"
        for member, few in zip(evidence.members, sizes.heavy, strict=True)
        if few
    ]
    return tuple(small + heavy + [f"{one.name}: {one.reason}" for one in evidence.unmeasured])


def _status(worst: _Decided | None, small: tuple[str, ...]) -> Status:
    if worst is None:
        return "inconclusive"
    return "inconclusive" if worst.status == "pass" and small else worst.status


def _judged(
    evidence: Evidence, members: MemberBounds, decided: Sequence[_Decided], enough: Sequence[bool], *, gap: bool, alpha: float
) -> tuple[Judged, ...]:
    """Every slice with its plain interval: the members, or for a gap the groups' rates, which have no status of their own."""
    shown = MemberBounds(evidence.context) if gap else members
    statuses = [None] * len(shown.members) if gap else _own_statuses(evidence, decided, enough)
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


def _own_statuses(evidence: Evidence, decided: Sequence[_Decided], enough: Sequence[bool]) -> list[Status]:
    """Each member's own: fail by Holm, pass where every bound is proven and its rows are enough."""
    failing = {name for one in decided for name in one.failing}
    proven = np.all([one.proven for one in decided], axis=0).tolist() if decided else [True] * len(evidence.members)
    return [
        "fail" if member.name in failing else "pass" if good and many else "inconclusive"
        for member, good, many in zip(evidence.members, proven, enough, strict=True)
    ]


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
