"""Section 7: each finding with its figures, for readers who know no statistics. Section 8: what would change the decision."""

from __future__ import annotations

import math
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit import phrases
from audit.evidence import OVERALL
from audit.formatting import ended, moment, rows_in_words
from audit.report import production
from audit.report import text as prose
from audit.report.entries import Chip, Fact, Link
from audit.report.figures import Figures, figures, without_repeats
from audit.report.phrases import in_words, label, risk_of, sentence_of
from audit.report.rmf import grade, rmf_anchor

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.decision.finding import Finding, Headline, Reason
    from audit.evidence import Name
    from audit.record import AuditRun
    from audit.report.entries import Entries, Entry

TERMS = ("Result", "Certainty", "Affected", "What to do", "What would change it")
_NOTHING = "Nothing is known: there is no evidence. Missing evidence is never a pass."
_UNKNOWN = {
    "error": "Nothing is known: the check broke. Missing evidence is never a pass.",
    "not_applicable": "It was not measured.",
    "inconclusive": "No. Nothing could be measured, and missing evidence is never a pass.",
}
_MEMBERS = 6
"""Members that are named."""


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding with all that is known of it."""

    label: str
    chip: Chip
    severity: str
    bars: str
    question: str
    check: str
    meta: str
    waived: bool
    rmf: tuple[Link, ...]
    files: tuple[Link, ...]
    facts: tuple[Fact, ...]
    command: str
    figures: Figures


def finding_views(run: AuditRun, found: Entries) -> tuple[tuple[FindingView, ...], tuple[FindingView, ...]]:
    """Those that do not pass, worst first, and those that do."""
    drawn = without_repeats([(entry.label, figures(entry, run.sampled)) for entry in found.worst])
    views = [(entry.finding.status == "pass", _view(run, entry, drawn[entry.label])) for entry in found.worst]
    return tuple(view for passed, view in views if not passed), tuple(view for passed, view in views if passed)


def _view(run: AuditRun, entry: Entry, drawn: Figures) -> FindingView:
    finding = entry.finding
    requirement = finding.requirement
    answered = answers(finding, run.policy.system.affected, run.policy.columns.positive)
    if run.monitor is not None:
        answered = tuple(replace(one, value=production.certainty(run, finding)) if one.term == "Certainty" else one for one in answered)
    again = f"audit run {shlex.quote(run.policy_path)} --select {shlex.quote(finding.id)}" if run.monitor is None else run.run.command
    passed = finding.status == "pass"
    effect = () if passed else (Fact("Effect", risk_of(finding)), Fact("Owner", finding.owner))
    return FindingView(
        label=entry.label,
        chip=Chip(finding.status, prose.STATUSES[finding.status]),
        severity=requirement.severity,
        bars=prose.SEVERITY_BARS[requirement.severity],
        question=phrases.question(finding),
        check=finding.id,
        meta=f"{grade(finding)} · {requirement.enforce} · {requirement_in_words(finding)}",
        waived=finding.disposition == "waived",
        rmf=tuple(Link(line_id, rmf_anchor(line_id)) for line_id in finding.check.rmf),
        files=entry.files,
        facts=(*(one for one in answered if not passed or one.term not in {"Affected", "What to do"}), *effect),
        command="" if passed else again,
        figures=drawn,
    )


def requirement_in_words(finding: Finding) -> str:
    """What the requirement asks, of which data: `rate difference at most 0.1, on test, by gender`."""
    requirement = finding.requirement
    families = prose.listed(" crossed with ".join(map(str, family)) for family in requirement.by)
    by = f", by {families}" if families else ""
    unit = finding.check.unit if finding.evidence is None else finding.evidence.unit
    against = f" against {requirement.reference}" if requirement.reference is not None else ""
    return f"{unit} {prose.bound(requirement)}, on {requirement.on}{against}{by}"


def answers(finding: Finding, affected: Sequence[str], positive: object = None) -> tuple[Fact, ...]:
    """What came out, whether it is certain, whom it affects, what to do, what would change it.

    `affected` holds the people whom the policy declares affected, `positive` is the target class.
    """
    said = (_result(finding, positive), _certainty(finding), _affected(finding, affected), _to_do(finding), _settles(finding))
    return tuple(Fact(term, prose.sentence(in_words(one, finding.evidence))) for term, one in zip(TERMS, said, strict=True))


def _result(finding: Finding, positive: object) -> str:
    """The status, the finding in a sentence, what else its message says, and who accepted it."""
    measured = finding.headline is not None and finding.headline.n > 0
    rest = phrases.meaning(finding) if measured else phrases.message(finding)
    said = f"{prose.sentence(prose.STATUSES[finding.status])}. " + (f"{sentence_of(finding, positive)} " if measured else "")
    said += prose.sentence(ended(rest)) if rest else ""
    if finding.waiver is not None:
        until = prose.dates(moment(finding.waiver.until))
        said += f" {prose.listed(finding.waiver.by)} accepted it until {until} ({finding.waiver.id}); the finding keeps its status."
    elif finding.disposition == "waived":
        said += " People accepted it for a time; the finding keeps its status."
    advisory = finding.requirement.enforce == "advisory" and finding.status != "not_applicable"
    return said.strip() + (" It is advisory: it is shown and decides nothing." if advisory else "")


def _certainty(finding: Finding) -> str:
    head = finding.headline
    if head is None or head.n == 0:
        return _UNKNOWN.get(finding.status, _NOTHING)
    if finding.status == "inconclusive":
        return _uncertain(finding, head)
    if prose.is_census(head):
        return f"Yes. {_counted(head)}"
    if finding.requirement.judge_on == "value":
        return "No more than the number itself: the policy judges it alone and leaves chance out."
    side = "good" if finding.status == "pass" else "wrong"
    return f"Yes: the whole interval lies on the {side} side of the bound. {_errs(head)}"


def _counted(head: Headline) -> str:
    return f"It was counted over {head.n:,} items, not sampled: there is no sampling error."


def _uncertain(finding: Finding, head: Headline) -> str:
    """Not settled: by chance, by too few rows, or by a part without rows."""
    missing = len(finding.evidence.unmeasured) if finding.evidence else 0
    if finding.requirement.judge_on != "value" and _crosses(finding) and not prose.is_census(head):
        return f"No. The interval holds the bound, so the data cannot tell. {_errs(head)}"
    if missing:
        parts = prose.sentence(prose.counted(missing, "part"))
        return f"No. {parts} of what is asked could not be measured, and what is missing never passes."
    few = _few(finding)
    if few and head.member not in few:
        rest = "rests on fewer rows than a pass needs" if len(few) == 1 else "rest on fewer rows than a pass needs"
        return f"No. {prose.sentence(prose.counted(len(few), 'part'))} of what is asked {rest}."
    return f"No. Too few rows for a pass: it rests on {rows_in_words(head.n)}."


def _few(finding: Finding) -> list[Name]:
    """Members with fewer rows than a pass needs."""
    return list(dict.fromkeys(one.name for one in finding.shortfalls))


def _crosses(finding: Finding) -> bool:
    return any(side.interval[0] <= side.bound.limit <= side.interval[1] for side in finding.sides)


def _errs(head: Headline) -> str:
    """How often such an interval misses, at the end that faces the status."""
    low, high = (prose.error(level) for level in head.levels)
    how = f"(nominal; {head.method}; n {head.n:,})"
    if low == high:
        return f"Either end misses the truth in at most {low} of such audits {how}."
    return f"Its lower end misses the truth in at most {low}, its upper end in at most {high} of such audits {how}."


def _affected(finding: Finding, affected: Sequence[str]) -> str:
    """Members that fail or decide, and the people whom the policy names."""
    people = f"People affected, as declared: {prose.listed(affected)}." if affected else "The policy declares no affected people."
    if finding.status == "not_applicable":
        return "Nobody, as long as it does not apply."
    if finding.status == "pass":
        return people
    head = finding.headline
    names: list[Name] = sorted(finding.failing, key=lambda name: head is None or name != head.member)
    if not names and finding.status == "inconclusive" and finding.evidence is not None and not _crosses(finding):
        names = [one.name for one in finding.evidence.unmeasured] or _few(finding)
    if not names and head is not None:
        names = [head.member]
    members = "; ".join(label(name) for name in names[:_MEMBERS] if name != OVERALL)
    more = f"; and {len(names) - _MEMBERS:,} more" if len(names) > _MEMBERS else ""
    return f"Mainly {members}{more}. {people}" if members else people


def _to_do(finding: Finding) -> str:
    match finding.status:
        case "pass":
            return "Nothing. Audit again when the model or the data change."
        case "not_applicable":
            return "Nothing. Take the exception out of the policy if it comes to apply."
        case "error":
            return "Mend what the message names, then audit again."
        case "not_run":
            return "Supply what the message names, then audit again."
        case _:
            return phrases.remedy(finding)


def _settles(finding: Finding) -> str:
    """For what does not pass the smallest change to a pass; for what does, how far it is from its bound."""
    return to_lose(finding) or "Nothing." if finding.status == "pass" else settle(finding)


NEAREST = 5
"""How many passing findings are listed by their distance to the bound."""


@dataclass(frozen=True, slots=True)
class Change:
    """The smallest change that would turn one finding."""

    link: Link
    check: str
    now: str
    needed: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What would turn the decision."""

    lead: str
    changes: tuple[Change, ...]
    blocking_rules: tuple[str, ...]
    nearest: tuple[Change, ...]


def changes(run: AuditRun, found: Entries) -> Changes:
    """For findings that do not pass the smallest change to a pass; for those that do, the change to a loss."""
    against = (*found.having("block"), *found.having("condition"))
    blocking = [reason for reason in run.verdict.reasons if _is_blocking(reason) and run.verdict.decision == "block"]
    blocking_rules = tuple(phrases.reason(one, run.findings) for one in blocking)
    return Changes(
        lead=_lead(run, found, blocking_rules),
        changes=tuple(Change(entry.link, entry.finding.id, _now(entry), settle(entry.finding)) for entry in against),
        blocking_rules=blocking_rules,
        nearest=tuple(Change(entry.link, entry.finding.id, _now(entry), to_lose(entry.finding)) for entry in nearest(found)[:NEAREST]),
    )


def _is_blocking(reason: Reason) -> bool:
    """Whether a reason stands in the way apart from any finding."""
    return reason.finding is None and not reason.remark


def nearest(found: Entries) -> list[Entry]:
    """Passing required findings by the distance of their interval from the bound, in widths of the interval."""
    passing = [entry for entry in found.required if entry.finding.status == "pass" and _slack(entry.finding) is not None]
    return sorted(passing, key=lambda entry: _slack(entry.finding) or 0.0)


def _lead(run: AuditRun, found: Entries, blocking_rules: tuple[str, ...]) -> str:
    blocking, open_ = len(found.having("block")), len(found.having("condition"))
    if run.monitor is not None:
        return "Evidence adds up over windows, so that no value of a single window decides. These are the changes in this window alone."
    if run.verdict.decision == "promote":
        return "The decision is promote. It would change if any one of the findings below missed its bound."
    if run.verdict.decision == "promote-with-conditions":
        return f"Promote without conditions needs {prose.counted(open_, 'finding')} to pass."
    after = f"promote with conditions ({prose.counted(open_, 'finding')} left open)" if open_ else "promote"
    also = f" and {prose.counted(len(blocking_rules), 'rule')} beyond the checks to be met" if blocking_rules else ""
    if not blocking:
        return f"Anything but block needs {prose.counted(len(blocking_rules), 'rule')} beyond the checks to be met."
    need = "finding to pass" if blocking == 1 else "findings to pass"
    return f"Anything but block needs {prose.word(blocking)} {need}{also}. The decision would then be {after}."


def _now(entry: Entry) -> str:
    head, requirement = entry.finding.headline, entry.finding.requirement
    if head is None or head.n == 0:
        return prose.STATUSES[entry.finding.status]
    limits = prose.limits(requirement)
    numbers = prose.figure(head.value, *limits, census=prose.is_census(head))
    interval = "" if prose.is_census(head) else f" {prose.bracket(head.interval, *limits)}"
    return f"{prose.STATUSES[entry.finding.status]}: {numbers}{interval}, n {head.n:,}"


def settle(finding: Finding) -> str:
    """The smallest change by which the finding would pass, computed from its own numbers."""
    change = prose.sentence(in_words(phrases.would_pass(finding), finding.evidence))
    return change or "Nothing, as long as it does not apply; evidence, if it comes to apply."


def _slack(finding: Finding) -> float | None:
    """Distance from the bound in widths of the interval; None where there is no interval."""
    head, sides = finding.headline, finding.bounds
    if head is None or head.n == 0 or not sides or prose.is_census(head):
        return None
    width = head.interval[1] - head.interval[0]
    nearest = min(head.interval[0] - side.limit if side.floor else side.limit - head.interval[1] for side in sides)
    return nearest / width if width > 0 and math.isfinite(width) else None


def to_lose(finding: Finding) -> str:
    """By how much the value may worsen, its interval keeping its width where it has one, before the finding stops passing."""
    head, sides = finding.headline, finding.bounds
    if head is None:
        return ""
    alone = finding.requirement.judge_on == "value" or prose.is_census(head)
    low, high = (head.value, head.value) if alone else head.interval
    width = "" if alone else ", the interval keeping its width"
    said = []
    for side in sides:
        room = low - side.limit if side.floor else side.limit - high
        move = "falls" if side.floor else "rises"
        said.append(f"Passes until the value {move} by more than {prose.figure(room, census=prose.is_census(head))}{width}.")
    return " ".join(said)
