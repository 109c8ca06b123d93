"""Sections 9 and 10: what is left (gaps, risks, conditions, waivers), and what ends when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit import phrases
from audit.frameworks import nist_ai_rmf
from audit.report import production
from audit.report import text as prose
from audit.report.entries import Chip
from audit.report.phrases import action_of, in_words, label, owner_of, risk_of, sentence_of
from audit.report.rmf import declared_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.decision.finding import Condition
    from audit.governance.apply_waivers import WaiverState
    from audit.record import AuditRun
    from audit.report.entries import Entries, Entry, Link

MISSING = {"not_run", "error"}
_EFFECTS = {"block": "blocks", "condition": "leaves a condition", "ok": "changes nothing"}
_STANDINGS = {"in_force": "in force", "void": "VOID", "unused": "unused"}
_RANK = ("in_force", "void", "unused")


@dataclass(frozen=True, slots=True)
class Gap:
    """Something without evidence."""

    what: str
    why: str


def gaps(run: AuditRun, found: Entries) -> tuple[Gap, ...]:
    """Characteristics without a check, requirements without evidence, members that the data cannot measure, uses declared out of scope."""
    covered = {trait for entry in found.worst for trait in entry.finding.check.characteristics}
    gaps_ = [Gap(what, why) for what, why in production.window_gaps(run)]
    gaps_ += [
        Gap(trait.name, run.policy.not_measured.get(trait.id, "no check and no reason given"))
        for trait in nist_ai_rmf().characteristics
        if run.monitor is None  # of a window the audit before release answers for these
        and trait.id not in covered
        and trait.declared not in declared_fields(run)
    ]
    gaps_ += [
        Gap(f"{entry.label} {entry.finding.id}", prose.clip(phrases.message(entry.finding), 120))
        for entry in found.worst
        if entry.finding.status in MISSING
    ]
    for entry in found.worst:
        missing = entry.finding.evidence.unmeasured if entry.finding.evidence else ()
        gaps_ += [Gap(f"{label(one.name)} in {entry.finding.id}", prose.clip(one.reason, 120)) for one in missing]
    gaps_ += [Gap(use, "declared out of scope") for use in run.policy.system.out_of_scope]
    return tuple(gaps_)


@dataclass(frozen=True, slots=True)
class Risk:
    """One risk that is left."""

    label: str
    chip: Chip | None
    what: str
    risk: str
    severity: str
    effect: str
    owner: str
    link: Link | None


def register(run: AuditRun, found: Entries) -> tuple[Risk, ...]:
    """Everything that did not pass, and everything that nobody measured."""
    left = [entry for entry in found.worst if entry.finding.status != "pass"]
    shown = [_of_finding(entry) for entry in left]
    told = {f"{entry.label} {entry.finding.id}" for entry in found.worst if entry.finding.status in MISSING}
    shown += [(None, gap.what, gap.why, "–", "not measured", owner_of(run), None) for gap in gaps(run, found) if gap.what not in told]
    return tuple(Risk(f"R-{number}", *parts) for number, parts in enumerate(shown, 1))


def _of_finding(entry: Entry) -> tuple[Chip | None, str, str, str, str, str, Link | None]:
    finding = entry.finding
    requirement = finding.requirement
    effect = "advisory: changes nothing" if requirement.enforce == "advisory" else _EFFECTS[entry.effect]
    if finding.disposition != "none":
        effect = f"{effect}; {finding.disposition.replace('_', ' ')}"
    chip = Chip(finding.status, prose.STATUSES[finding.status])
    return chip, finding.id, risk_of(finding), requirement.severity, effect, prose.clip(finding.owner, 60), entry.link


@dataclass(frozen=True, slots=True)
class OpenCondition:
    """A condition in words."""

    label: str
    what: str
    action: str
    """What to do, in short."""
    closes: str
    passes: str
    """The requirement that must pass."""
    owner: str
    due: str
    link: Link | None


def conditions(run: AuditRun, found: Entries) -> tuple[OpenCondition, ...]:
    """What stays open, with owner, date and what closes it."""
    return tuple(
        OpenCondition(
            label=f"C-{number}",
            what=_what(run, entry, condition.finding),
            action=prose.clip(action_of(entry.finding), 120) if entry else "",
            closes=_closes(condition, run, entry),
            passes=condition.finding,
            owner=prose.clip(condition.owner, 60),
            due=prose.day(condition.due),
            link=entry.link if entry else None,
        )
        for number, condition in enumerate(run.verdict.conditions, 1)
        for entry in (found.of(condition.finding),)
    )


def _closes(condition: Condition, run: AuditRun, entry: Entry | None) -> str:
    closes = prose.dates(phrases.closes_with(condition, run.findings))
    return in_words(closes, entry.finding.evidence) if entry else closes


def _what(run: AuditRun, entry: Entry | None, finding_id: str) -> str:
    if entry is None:
        return finding_id
    waived = " Waived." if entry.finding.disposition == "waived" else ""
    return f"{sentence_of(entry.finding, run.policy.columns.positive)}{waived}"


@dataclass(frozen=True, slots=True)
class Waiver:
    """One waiver in words."""

    id: str
    file: str
    check: str
    link: Link | None
    standing: str
    warning: str
    until: str
    approved: str
    said: tuple[str, ...]
    """Why it is not in force; or what was accepted, what limits the harm and what was promised."""


def waivers(run: AuditRun, found: Entries) -> tuple[Waiver, ...]:
    """Those in force first, in each kind the first to end before the others."""
    ranked = sorted(run.waivers, key=lambda one: (_RANK.index(one.standing), one.until, one.id))
    return tuple(_row(one, found) for one in ranked)


def _row(one: WaiverState, found: Entries) -> Waiver:
    entry = found.of(one.check)
    return Waiver(
        id=one.id,
        file=one.file,
        check=one.check,
        link=None if entry is None else entry.link,
        standing=_STANDINGS[one.standing],
        warning=_sentence(one, one.warning) if one.warning else "",
        until=prose.moment(one.until),
        approved=prose.listed(one.approved_by) or "nobody",
        said=_accepted(one) if one.standing == "in_force" else tuple(_sentence(one, why) for why in one.why),
    )


def _sentence(one: WaiverState, text: str) -> str:
    """With a stop, and a large letter unless it begins with the name of the check."""
    return (text if text.startswith(one.check) else prose.sentence(prose.dates(text))) + "."


def _accepted(one: WaiverState) -> tuple[str, ...]:
    controls = tuple(f"Control: {control}." for control in one.controls)
    return (f"Why: {one.reason}", f"Risk accepted: {one.risk_accepted}", *controls, f"Promised: {prose.dates(one.remedy)}.")


@dataclass(frozen=True, slots=True)
class Expiry:
    """A date after which something no longer holds."""

    day: str
    what: str
    links: tuple[Link, ...]
    who: str
    then: str


def calendar(run: AuditRun, found: Entries) -> tuple[Expiry, ...]:
    """The end of the decision, of conditions and of waivers, in the order of their dates; what one person owes on one day in one line."""
    rows: dict[tuple[str, str, str], list[tuple[str, Link | None]]] = {}
    for until, who, then, what, finding in sorted(_ends(run), key=lambda one: one[0]):
        entry = found.of(finding)
        rows.setdefault((until, who, then), []).append((what, None if entry is None else entry.link))
    return tuple(
        Expiry(prose.moment(until) if "T" in until else prose.day(until), prose.listed(what for what, _ in all_), _links(all_), who, then)
        for (until, who, then), all_ in rows.items()
    )


def _links(all_: list[tuple[str, Link | None]]) -> tuple[Link, ...]:
    return tuple(link for _, link in all_ if link is not None)


def _ends(run: AuditRun) -> Iterator[tuple[str, str, str, str, str | None]]:
    """Until when, who, what then, what, and of which finding."""
    if run.valid_until is not None:
        yield run.valid_until, owner_of(run), "audit again: the answer is block", "this decision", None
    then = "due if the rest passed" if run.verdict.decision == "block" else "no longer covered: the answer is block"
    for number, one in enumerate(run.verdict.conditions, 1):
        yield one.due, prose.clip(one.owner, 60), then, f"condition C-{number}", one.finding
    for waiver in (each for each in run.waivers if each.standing == "in_force"):
        yield waiver.until, prose.listed(waiver.approved_by), "the finding counts in full again", f"waiver {waiver.id}", waiver.check
