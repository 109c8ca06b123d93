"""Section 11, the operations card: on one page what each alarm means, what to do first, how to go back and whom to call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit import phrases
from audit.formatting import ended
from audit.report import production
from audit.report import text as prose
from audit.report.entries import Chip, Fact
from audit.report.phrases import in_words, owner_of
from audit.report.since import drill_in_words, staying, until_then

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.record import AuditRun
    from audit.report.entries import Entries, Entry, Link

NOT_DECLARED = "not declared"
MOST_ALARMS = 12
"""Requirements that a printed page has room for."""
_NOW = {
    "block": "Nothing. This candidate must not go live.",
    "promote": "This candidate may go live once the signatures of section 12 are there.",
    "promote-with-conditions": "This candidate may go live once the conditions of section 10 are signed.",
}
_NO_DRILL = "none in the ledger: rehearse it with `audit rollback NAME --drill`"


@dataclass(frozen=True, slots=True)
class Alarm:
    """A requirement on data of production: what it means if it alarms, and what to do."""

    link: Link
    check: str
    severity: str
    bars: str
    bound: str
    chip: Chip
    evidence: str
    """Over the windows; empty without any."""
    meaning: str
    first_action: str
    owner: str


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations card."""

    title: str
    now: str
    rollback: str
    """The command; empty where none is known."""
    facts: tuple[Fact, ...]
    budget: str
    """What an alarm is worth; empty for `audit run`."""
    alarms: tuple[Alarm, ...]
    more: str


def operations(run: AuditRun, found: Entries) -> Operations:
    """From what the policy declares, the ledger's drills, and the checks on data of production."""
    watched = [entry for entry in found.worst if _in_production(run, entry)]
    facts = run.monitor
    return Operations(
        title="What changes in production now" if facts is None else "What to do now",
        now=_now(run, found),
        rollback=rollback_command(run),
        facts=tuple(_facts(run)),
        budget="" if facts is None else production.budget(run, facts),
        alarms=tuple(_alarm(run, entry) for entry in watched[:MOST_ALARMS]),
        more=f"{prose.sentence(prose.counted(len(watched) - MOST_ALARMS, 'more requirement'))}: section 4."
        if len(watched) > MOST_ALARMS
        else "",
    )


def _in_production(run: AuditRun, entry: Entry) -> bool:
    role = "production" if run.policy.monitor is None else run.policy.monitor.on
    return run.monitor is not None or entry.finding.check.measures == "drift" or entry.finding.requirement.on == role


def _now(run: AuditRun, found: Entries) -> str:
    if run.monitor is not None:
        return f"{prose.outcome(run.monitor.outcome)}. {production.first_action(run, found)}"
    stays = staying(run) if run.verdict.decision == "block" else until_then(run)
    return f"{_NOW[run.verdict.decision]} {stays}".strip()


def rollback_command(run: AuditRun) -> str:
    """The policy's, else that of the last promotion; empty where neither is known."""
    given, last = production.card(run), run.last_promotion
    if given is not None and given.rollback is not None:
        return given.rollback
    return f"audit rollback {last.name}" if last is not None and last.name is not None else ""


def last_drill(run: AuditRun) -> str:
    """When the way back was rehearsed last, and how it went."""
    last = run.last_promotion
    return _NO_DRILL if last is None or last.drill is None else drill_in_words(last.drill)


def _facts(run: AuditRun) -> Iterator[Fact]:
    """Who and what: the card of the policy first, then what it declares of the system."""
    system, given = run.policy.system, production.card(run)
    yield Fact("Last rollback drill", last_drill(run))
    said = (
        ("Whom to call", None if given is None else given.call),
        ("Safe fallback", None if given is None else given.fallback),
        ("What an alarm means", None if given is None else given.meaning),
        ("Incident contact", system.incident_contact),
        ("Owner", owner_of(run) if system.owner else None),
        ("Rollback plan", system.rollback_plan),
        ("Who can stop it", system.oversight),
        ("Monitoring plan", system.monitoring_plan),
        ("Complaints and appeals", system.feedback_channel),
        ("Decommissioning plan", system.decommissioning_plan),
    )
    yield from (Fact(term, value) for term, value in said if value)
    absent = [term for term, value in said if not value]
    if absent:
        yield Fact(prose.sentence(NOT_DECLARED), prose.listed(absent))


def _alarm(run: AuditRun, entry: Entry) -> Alarm:
    finding, facts = entry.finding, run.monitor
    own = [] if facts is None else [one for one in production.ranked(facts.signals) if one.requirement == finding.id]
    chip = production.state_chip(own[0]) if own else Chip(finding.status, prose.STATUSES[finding.status])
    return Alarm(
        link=entry.link,
        check=finding.id,
        severity=finding.requirement.severity,
        bars=prose.SEVERITY_BARS[finding.requirement.severity],
        bound=prose.bound(finding.requirement),
        chip=chip,
        evidence=production.evidence_in_words(own[0]) if own and facts is not None else "",
        meaning=prose.clip(ended(in_words(prose.meaning(finding.check.risk), finding.evidence)), 150),
        first_action=prose.clip(ended(phrases.remedy(finding)), 170),
        owner=prose.clip(finding.owner, 60),
    )
