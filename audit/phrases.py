"""Findings, reasons and conditions in sentences: what the terminal, the report and the exports say of a decision."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from audit.evidence import OVERALL
from audit.formatting import (
    COUNT_IN_SAMPLE,
    COUNTED,
    bound_in_words,
    comparator_in_words,
    count,
    counted,
    ended,
    limit,
    measured_in_words,
    moment,
    number,
    number_beside,
    rows_in_words,
)
from audit.ledger.alpha_spending import level_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audit.decision.finding import Condition, Finding, Headline, Reason, Shortfall, SmallestChange
    from audit.evidence import Evidence, Name
    from audit.ledger.alpha_spending import Spent

_NAMED = 3
"""Members that are named where several stand in the way."""
_LISTED = 4
"""Items of a message, likewise."""
_SENTENCES = {
    "model-unjudged": "No required check judged the model's own answers: nothing was shown about the model. "
    "Require one that does, such as performance/accuracy, with `enforce: required`.",
    "nothing-judged": "No required check was judged: a policy that requires nothing proves nothing.",
}
"""What a rule says that is about no one finding."""


def question(finding: Finding) -> str:
    """The check's question; of a comparison, whether the candidate is worse than what it is compared with."""
    against = finding.requirement.against
    return finding.check.question if against is None else f"Is it no worse than {comparator_in_words(against)}, in {finding.check.unit}?"


def remedy(finding: Finding) -> str:
    """What to do where the bound is missed."""
    against = finding.requirement.against
    if against is None or finding.check.groups:
        return finding.check.remedy
    other = comparator_in_words(against)
    return f"Read the rows that {other} gets right and the candidate wrong; add training rows like them and fine-tune again."


def message(finding: Finding) -> str:
    """The result, and whether it is certain."""
    if finding.problem or finding.evidence is None:
        return finding.problem
    if finding.headline is None:
        obstacles = "; ".join(_obstacles(finding, finding.evidence))
        return " ".join(filter(None, [f"Nothing could be measured. {ended(obstacles)}", _look(finding)]))
    return f"{_result(finding.evidence, finding.headline)} {meaning(finding)}"


def meaning(finding: Finding) -> str:
    """What a measured result means: whether the bound is met, and what a reader must know of how it was judged."""
    head, evidence = finding.headline, finding.evidence
    if head is None or evidence is None:
        return ""
    others = [str(name) for name in finding.failing if name != head.member]
    first = "Also failing" if head.member in finding.failing else "Failing"
    failing = f"{first} (Holm): {_listed(others, _LISTED, '; ')}." if others else ""
    return " ".join(filter(None, [_outcome(finding, evidence, head), failing, _caveat(finding), _look(finding)]))


def _result(evidence: Evidence, head: Headline) -> str:
    bound = head.bound
    among = f", the worst of {len(evidence.members)}" if len(evidence.members) > 1 else ""
    where = "" if head.member == OVERALL else f" for {head.member}{among}"
    value, low, high = (number_beside(one, bound.limit) for one in (head.value, *head.interval))
    if COUNT_IN_SAMPLE in head.method:
        result = f"{evidence.unit} {measured_in_words(head.method, head.value, head.interval)}"
    elif head.method != "census":
        result = f"{evidence.unit} {value} [{low}, {high}]"
    else:
        result = counted(head.value, evidence.unit) if float(head.value).is_integer() else f"{evidence.unit} {value}"
    required = bound_in_words(bound.limit if bound.floor else None, None if bound.floor else bound.limit)
    return f"{result}{where}; required: {required}."


def would_pass(finding: Finding) -> str:
    """The smallest change by which a finding would pass; nothing for one that passes or does not apply."""
    if finding.status in {"pass", "not_applicable"}:
        return ""
    evidence = finding.evidence
    if evidence is None or finding.headline is None:
        return _missing_evidence(finding)
    if _is_used_up(finding):
        sentences = ["No value can pass on this test set: its planned looks are used up. Audit on data that nobody has looked at."]
    else:
        sentences = [sentence for one in finding.changes for sentence in change(one, evidence.unit)]
    return " ".join([*dict.fromkeys(sentences), *_too_few(finding, evidence)])


def reason(one: Reason, findings: Sequence[Finding]) -> str:
    """Why the decision is what it is: what was found, and what would change it."""
    if one.text:
        return one.text
    if one.rule == "incomplete":
        return f"The findings do not answer the policy: {', '.join(one.names) or 'wrong order or surplus'}."
    if one.rule == "all-required-pass":
        required = [finding for finding in findings if finding.requirement.enforce == "required"]
        passed = sum(finding.status == "pass" for finding in required)
        return f"{passed} of {len(required)} required checks pass; none stands against release."
    finding = _of(findings, one.finding)
    return _SENTENCES[one.rule] if finding is None else " ".join(filter(None, [ended(message(finding)), would_pass(finding)]))


def closes_with(condition: Condition, findings: Sequence[Finding]) -> str:
    """What closes a condition; under a waiver also who accepted it and for how long."""
    finding = _of(findings, condition.finding)
    if finding is None:
        return f"{condition.finding} passes in a new audit under this policy."
    closes = f"{finding.id} passes in a new audit under this policy. {would_pass(finding)}".rstrip(". ") + "."
    if (waiver := finding.waiver) is not None:
        closes += f" Waived until {moment(waiver.until)} by {' and '.join(waiver.by)}, {waiver.id}: {waiver.plan}"
    return closes


def _of(findings: Sequence[Finding], finding_id: str | None) -> Finding | None:
    return next((one for one in findings if one.id == finding_id), None)


def _outcome(finding: Finding, evidence: Evidence, head: Headline) -> str:
    obstacles = _listed(_obstacles(finding, evidence), _LISTED, "; ")
    if finding.status == "inconclusive":
        if _meets_every_bound(finding):
            return f"Too few rows for a pass: {obstacles}."
        if _misses(head):
            return "This window misses the bound; alone it raises no alarm."
        return "The interval contains the bound: not settled." + (f" Too few rows: {obstacles}." if obstacles else "")
    if finding.status == "pass" and finding.check.measures == "drift" and head.interval[0] > 0:
        return "Significant, but smaller than the bound: negligible."
    if finding.status == "fail" and finding.requirement.judge_on == "interval" and not _misses(head):
        return "All windows together show that the bound is not met; this one alone does not."
    return "The bound is met." if finding.status == "pass" else "The bound is not met."


def _misses(head: Headline) -> bool:
    """Whether the deciding interval is on the bad side of the bound: under `audit run` that alone is a fail."""
    low, high = head.interval
    return high < head.bound.limit if head.bound.floor else low > head.bound.limit


def _meets_every_bound(finding: Finding) -> bool:
    """Whether only too few rows, or what could not be measured, keep a measured finding from a pass."""
    return not (finding.changes or finding.status == "fail" or _is_used_up(finding))


def _is_used_up(finding: Finding) -> bool:
    """Whether the test set has no error left for a pass."""
    return finding.spent is not None and finding.spent.level <= 0


def _obstacles(finding: Finding, evidence: Evidence) -> list[str]:
    """What bars a pass, whatever the bounds: members with too few rows, and members that the data cannot measure."""
    return [*map(shortfall, finding.shortfalls), *(f"{one.name}: {one.reason}" for one in evidence.unmeasured)]


def shortfall(one: Shortfall) -> str:
    """A member that no bound lets pass: too few rows, or an error that few rows carry."""
    from audit.decision.finding import TooFewRows

    if isinstance(one, TooFewRows):
        return f"{one.name}: {rows_in_words(one.support)}, at least {one.needed:,} needed"
    hold = "holds" if one.heaviest == 1 else "hold"
    return (
        f"{one.name}: {one.heaviest:,} of {one.rows:,} rows with an error {hold} half of it, and another sample may have others:"
        " check these rows, or bound an error in which large ones weigh less"
    )


def _caveat(finding: Finding) -> str:
    """What a reader must know of how it was judged."""
    if finding.requirement.judge_on == "value" and not _is_used_up(finding):
        return "Judged on the value alone, as the policy says (judge_on: value)."
    against, head = finding.requirement.against, finding.headline
    if against is None or head is None:
        return ""
    other, (low, high) = comparator_in_words(against), head.interval
    if finding.status == "inconclusive" and low <= 0 <= high and not _meets_every_bound(finding):
        return f"Seeing no difference from {other} proves nothing: the interval must lie within the margin."
    worse = high < 0 if head.bound.floor else low > 0
    return f"It is significantly worse than {other}, but by less than the margin." if finding.status == "pass" and worse else ""


def _look(finding: Finding) -> str:
    """Which look at the test set this was, and how much error it could use."""
    spent: Spent | None = finding.spent
    if spent is None:
        return ""
    look = f"Look {spent.number:,} of {spent.most:,}"
    if spent.level <= 0:
        return f"{look}: it has no error left to spend, so nothing passes."
    return f"{look}: a pass may err with {level_in_words(spent.level)} instead of {level_in_words(spent.alpha)}."


def _missing_evidence(finding: Finding) -> str:
    """What broke or was missing stands in the message; the check's own remedy is for a bound that is missed."""
    if finding.status == "error":
        return "Evidence is missing: fix what broke and run the audit again."
    unmeasured = [one.name for one in finding.evidence.unmeasured] if finding.evidence else []
    names = _listed([str(name) for name in unmeasured], _NAMED, _between(unmeasured))
    what = f"Evidence is missing for {names}: fix" if unmeasured else "Evidence is missing: supply"
    return f"{what} what the message names and run the audit again."


def change(one: SmallestChange, unit: str) -> Iterator[str]:
    """For one bound: the member farthest from it, and how many more fall short."""
    first, rows = _first_sentence(one, unit), _rows(one)
    yield f"{one.member}: {first}" if one.member != OVERALL else first[:1].upper() + first[1:]
    yield from rows
    if one.others:
        more = one.short - 1
        separator = _between(one.others)
        rest = f"{separator.rstrip(' ,')} and {more - len(one.others)} more" if more > len(one.others) else ""
        names = separator.join(map(str, one.others)) + rest
        yield f"{names} also {'falls' if more == 1 else 'fall'} short."


def _first_sentence(change: SmallestChange, unit: str) -> str:  # noqa: PLR0911  # one return for each kind of change
    bound, reach = change.bound, "of at least" if change.bound.floor else "of at most"
    value = number_beside(change.value, bound.limit, bound.limit if change.target is None else change.target)
    rows = rows_in_words(change.n)
    these = rows if change.n == 1 else f"these {rows}"
    match change.kind:
        case "census":
            return _counted_change(change, unit)
        case "value":
            return f"would pass with {unit} {reach} {limit(bound.limit)}; now {value}."
        case "hits":
            now, needed = change.hits or (0, 0)
            more = f"{abs(needed - now):,} {'more' if needed > now else 'fewer'} than now"
            return f"would pass with {unit} {reach} {number(needed / change.n)} on {these}: {needed:,} of them, {more}."
        case "no_hits":
            best = f"{change.n:,}" if bound.floor else "0"
            return f"would not pass even with {best} of {these}."
        case "too_wide":
            return f"cannot pass at this interval width{'; collect more rows' if change.estimate == 'good' else ''}."
        case "sample":
            return "needs a larger sample, or all rows: those that were not drawn decide."
        case "open_end":
            return "needs more rows: this end of its interval is still open."
        case "shift":
            target = number_beside(change.target or 0.0, change.value)
            return f"would pass with {unit} {reach} {target} at this interval width; now {value}."


def _counted_change(change: SmallestChange, unit: str) -> str:
    """What is counted goes or comes one by one; a share moves."""
    value, bound = change.value, change.bound
    if not (float(value).is_integer() and unit in COUNTED):
        reach = "of at least" if bound.floor else "of at most"
        return f"would pass with {unit} {reach} {limit(bound.limit)}; now {number_beside(value, bound.limit)}."
    if bound.floor:
        more = count(math.ceil(bound.limit) - value)
        return f"would pass with {more} more {unit}: at least {limit(bound.limit)} required, {count(value)} present."
    found = f"the {counted(value, unit)}" if value == 1 else f"{count(value - math.floor(bound.limit))} of the {count(value)} {unit}"
    return f"would pass without {found}: at most {limit(bound.limit)} may remain."


def _rows(change: SmallestChange) -> Iterator[str]:
    """Rows that would settle it if the estimate holds."""
    if change.kind in {"census", "value", "sample"}:
        return
    if change.rows_at_best is not None:
        best = limit(1.0 if change.bound.floor else 0.0)
        yield f"A pass needs {_about(change.rows_at_best)}, even at a value of {best}."
    if change.estimate == "on_bound":
        yield "The estimate equals the bound: no number of rows settles it."
    elif change.estimate == "wrong":
        yield "More rows alone would not help: the estimate itself misses the bound."
    elif change.rows is not None:
        start = "Or with" if change.target is not None else "It needs"
        yield f"{start} {_about(change.rows)} instead of {change.n:,}, if the estimate holds."


def _about(rows: int) -> str:
    """Two digits, rounded up: more would feign a precision that the value does not have."""
    unit = 10 ** max(0, len(str(rows)) - 2)
    return f"about {rows_in_words(-(-rows // unit) * unit)}"


def _too_few(finding: Finding, evidence: Evidence) -> Iterator[str]:
    """Members whose rows are too few for any pass, and those without a number."""
    from audit.decision.finding import TooFewRows

    needs = [(one.name, one.needed - one.support) for one in finding.shortfalls if isinstance(one, TooFewRows)]
    few = [f"at least {count(math.ceil(more))}{_named(name)}" for name, more in needs if more > 0]
    if few:
        yield f"A pass needs more rows: {_listed(few, _NAMED)}."
    if evidence.unmeasured:
        yield f"Not measured but required: {_listed([f'{one.name} ({one.reason})' for one in evidence.unmeasured], _NAMED)}."


def _named(name: Name) -> str:
    return "" if name == OVERALL else f" for {name}"


def _between(names: Sequence[Name]) -> str:
    """What separates names: a semicolon where one holds a comma itself."""
    return "; " if any(", " in str(name) for name in names) else ", "


def _listed(items: Sequence[str], most: int, separator: str = ", ") -> str:
    """The first few, and how many more there are."""
    more = len(items) - most
    joint = ";" if separator == "; " else ""
    return separator.join(items[:most]) + (f"{joint} and {more} more" if more > 0 else "")
