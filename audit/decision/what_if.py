"""What would turn a finding into a pass: the smallest change of its value, and the rows that would settle it.

Found on the estimates' own bounds where their kind tells how they would look with another value or on more rows; else by the width of
the interval, which moves with the value and shrinks with the root of the rows.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from audit.decision.member_bounds import MemberBounds
from audit.evidence import OVERALL
from audit.formatting import COUNTED, count, counted, limit, number, rows_in_words
from audit.stats import Census, Proportion
from audit.stats.interface import with_sample_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit.decision.finding import Bound, Finding, Side
    from audit.evidence import Evidence, Member
    from audit.stats import Estimate

MOST_ROWS = 100_000_000
"""Rows beyond which nothing is said to settle it."""
_NAMED = 3
"""Members that are named where several stand in the way."""


def turning(finding: Finding) -> str:
    """The smallest change by which a finding would pass; nothing for one that passes or does not apply."""
    if finding.status in {"pass", "not_applicable"}:
        return ""
    if finding.evidence is None or finding.headline is None:
        return _without_evidence(finding)
    told = [said for side in finding.sides for said in _side(finding, finding.evidence, side)]
    return " ".join([*dict.fromkeys(told), *_too_few(finding, finding.evidence)])


def _without_evidence(finding: Finding) -> str:
    """What broke or was missing stands in the message; the check's own remedy is for a bound that is missed."""
    if finding.status == "error":
        return "It needs evidence: mend what broke and audit again."
    missing = finding.evidence.unmeasured if finding.evidence else ()
    if missing:
        return f"It needs evidence on {_listed([str(one.name) for one in missing])}: mend what its message names and audit again."
    return "It needs evidence: supply what its message names and audit again."


def _side(finding: Finding, evidence: Evidence, side: Side) -> Iterator[str]:
    """For one bound: the member farthest from it, and how many more fall short."""
    bound, alpha = side.bound, _level(finding)
    if alpha == 0:
        yield "No value passes on this data: its planned looks are used up. Audit on data that nobody has looked at."
        return
    on_value = finding.requirement.judge_on == "value"
    members = MemberBounds(evidence.members)
    low, high = (members.values, members.values) if on_value else members.at(*((alpha, 0.0) if bound.floor else (0.0, alpha)))
    gaps = (bound.limit - low if bound.floor else high - bound.limit).tolist()
    short = [(gap, member) for gap, member in zip(gaps, evidence.members, strict=True) if gap > 0]
    if not short:
        return
    _, worst = max(short, key=lambda pair: pair[0])
    compared = finding.requirement.against is not None
    where = "" if worst.name == OVERALL else f"{worst.name}: "
    said = _of_value(worst, evidence.unit, bound) if on_value else _change(worst, evidence.unit, bound, alpha, compared=compared)
    yield f"{where}{said if where else said[:1].upper() + said[1:]}"
    if len(short) > 1:
        others = [str(member.name) for _, member in sorted(short, key=lambda pair: -pair[0]) if member is not worst]
        yield f"{_listed(others)} {'fall' if len(others) > 1 else 'falls'} short too."


def _level(finding: Finding) -> float:
    """Nominal error of the end that faces pass, which is the same on either side of a requirement."""
    head = finding.headline
    assert head is not None  # noqa: S101  # asked of measured findings only
    floor = next(side.bound.floor for side in finding.sides if side.interval == head.interval)
    return head.levels[0 if floor else 1]


def _end(estimate: Estimate, bound: Bound, alpha: float) -> float:
    return estimate.bounds(alpha, alpha)[0 if bound.floor else 1]


def _gap(estimate: Estimate, bound: Bound, alpha: float) -> float:
    """How far the end that faces pass lies on the wrong side of the bound; at most 0 where it clears it."""
    end = _end(estimate, bound, alpha)
    return bound.limit - end if bound.floor else end - bound.limit


def _of_value(member: Member, unit: str, bound: Bound) -> str:
    return f"would pass at {unit} {_reach(bound)} {limit(bound.limit)}, now {number(member.estimate.value)}."


def _change(member: Member, unit: str, bound: Bound, alpha: float, *, compared: bool) -> str:
    estimate = member.estimate
    if isinstance(estimate, Census):
        return _counted(estimate, unit, bound)
    if isinstance(estimate, Proportion):
        change = _by_hits(estimate, unit, bound, alpha)
    else:
        change = _by_width(estimate, unit, bound, alpha, compared=compared)
    rows = _by_rows(estimate, bound, alpha)
    return change + rows if change.startswith("would pass") else change + rows.replace(" Or with", " It takes", 1)


def _reach(bound: Bound) -> str:
    return "of at least" if bound.floor else "of at most"


def _counted(estimate: Census, unit: str, bound: Bound) -> str:
    """What is counted goes or comes one by one; a share moves."""
    value, asked = estimate.value, limit(bound.limit)
    if not (float(value).is_integer() and unit in COUNTED):
        return f"would pass at {unit} {_reach(bound)} {asked}, now {number(value)}."
    if bound.floor:
        return (
            f"would pass with {count(math.ceil(bound.limit) - value)} more {unit}: {asked} of them are asked for, {count(value)} are there."
        )
    most = math.floor(bound.limit)
    found = f"the {counted(value, unit)}" if value == 1 else f"{count(value - most)} of the {count(value)} {unit}"
    return f"would pass without {found}: at most {asked} may stay."


def _by_hits(estimate: Proportion, unit: str, bound: Bound, alpha: float) -> str:
    """The first number of hits that passes, by halving: more hits raise both ends."""
    n, hits = estimate.n, estimate.hits
    if bound.floor:
        needed = _first(hits, n, lambda k: _gap(replace(estimate, hits=k), bound, alpha) <= 0)
    else:
        misses = _first(n - hits, n, lambda k: _gap(replace(estimate, hits=n - k), bound, alpha) <= 0)
        needed = None if misses is None else n - misses
    if needed is None:
        best = n if bound.floor else 0
        least = _rows(replace(estimate, hits=best), bound, alpha) if best != hits else None
        takes = "" if least is None else f" It takes {_about(least)}, even at a value of {limit(best / n)}."
        return f"even {best:,} of these {rows_in_words(n)} would not pass.{takes}"
    more = f"{abs(needed - hits):,} {'more' if needed > hits else 'fewer'} than now"
    return f"would pass at {unit} {_reach(bound)} {number(needed / n)} on these {rows_in_words(n)}: {needed:,} of them, {more}."


def _first(low: int, high: int, passes: Callable[[int], bool]) -> int | None:
    """The smallest number above `low` and up to `high` that passes, where whatever lies above a number that passes does too."""
    if low >= high or not passes(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if passes(middle) else (middle, high)
    return high


def _by_width(estimate: Estimate, unit: str, bound: Bound, alpha: float, *, compared: bool) -> str:
    """The value moved until its interval, kept as wide as it is, clears the bound."""
    short, value = _gap(estimate, bound, alpha), estimate.value
    if not math.isfinite(short):
        return "needs more rows: this end of its interval has no limit yet."
    target = value + short if bound.floor else value - short
    beyond = target > 1 >= max(value, bound.limit) if bound.floor else target < 0 <= min(value, bound.limit)
    if beyond and not compared:
        edge = "above 1" if bound.floor else "below 0"
        return f"would have to lie {edge} at this width of the interval, so it must become narrower too, by more rows."
    return f"would pass at {unit} {_reach(bound)} {number(target)} at this width of the interval, now {number(value)}."


def _by_rows(estimate: Estimate, bound: Bound, alpha: float) -> str:
    """Rows that would do it were the value to stay."""
    value = estimate.value
    if math.isclose(value, bound.limit, rel_tol=1e-9, abs_tol=1e-12):  # what rounding leaves of equal numbers
        return " The value lies on the bound: no number of rows settles it."
    if (value < bound.limit) == bound.floor:
        return " More rows alone would not do: the value itself misses the bound."
    rows = _rows(estimate, bound, alpha)
    return "" if rows is None else f" Or with {_about(rows)} in place of {estimate.n:,}, were the value to stay."


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


def _about(rows: int) -> str:
    """Two digits, rounded up: more would feign a precision that the value does not have."""
    unit = 10 ** max(0, len(str(rows)) - 2)
    return f"about {rows_in_words(-(-rows // unit) * unit)}"


def _too_few(finding: Finding, evidence: Evidence) -> Iterator[str]:
    """Members whose rows are too few for any pass, and those without a number."""
    asked = finding.requirement.min_n
    needs = [(member, max(asked, member.estimate.least) - member.estimate.support) for member in evidence.members]
    few = [f"at least {count(math.ceil(more))}{_named(member)}" for member, more in needs if more > 0]
    if few:
        yield f"A pass needs more rows: {_listed(few)}."
    if evidence.unmeasured:
        yield f"Not measured, and needed: {_listed([f'{one.name} ({one.reason})' for one in evidence.unmeasured])}."


def _named(member: Member) -> str:
    return "" if member.name == OVERALL else f" for {member.name}"


def _listed(items: list[str]) -> str:
    """The first few, and how many more there are."""
    more = len(items) - _NAMED
    return ", ".join(items[:_NAMED]) + (f" and {more} more" if more > 0 else "")
