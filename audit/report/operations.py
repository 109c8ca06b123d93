"""Section 11: the operations card. Section 12: sign-off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit import phrases
from audit.report import text as prose
from audit.report.banner import QUORUM
from audit.report.entries import Fact
from audit.report.phrases import owner_of

if TYPE_CHECKING:
    from audit.record import AuditRun
    from audit.report.entries import Entries, Link

NOT_DECLARED = "not declared"
_STAYS = {
    "block": "Nothing. This candidate must not go live.",
    "promote": "This candidate may go live once the signatures of section 12 are there.",
    "promote-with-conditions": "This candidate may go live once the conditions of section 10 are signed.",
}


@dataclass(frozen=True, slots=True)
class Alarm:
    """A finding that an operator may meet again in production."""

    link: Link
    check: str
    bound: str
    now: str
    first_action: str
    owner: str


@dataclass(frozen=True, slots=True)
class Operations:
    """The operations card."""

    now: str
    facts: tuple[Fact, ...]
    alarms: tuple[Alarm, ...]


def operations(run: AuditRun, found: Entries) -> Operations:
    """What an operator needs, from declared facts and from checks on data of production."""
    system = run.policy.system
    said = (
        ("Incident contact", system.incident_contact),
        ("Owner", owner_of(run) if system.owner else None),
        ("Rollback plan", system.rollback_plan),
        ("Who can stop it", system.oversight),
        ("Monitoring plan", system.monitoring_plan),
        ("Complaints and appeals", system.feedback_channel),
        ("Decommissioning plan", system.decommissioning_plan),
    )
    watched = [entry for entry in found.worst if entry.finding.check.measures == "drift" or entry.finding.requirement.on == "production"]
    alarms = tuple(
        Alarm(
            entry.link,
            entry.finding.id,
            prose.bound(entry.finding.requirement),
            prose.STATUSES[entry.finding.status],
            phrases.remedy(entry.finding),
            entry.finding.owner,
        )
        for entry in watched
    )
    return Operations(_STAYS[run.verdict.decision], tuple(Fact(term, value or NOT_DECLARED) for term, value in said), alarms)


@dataclass(frozen=True, slots=True)
class Signature:
    """An empty box for one signature."""

    role: str
    statement: str


_STATEMENTS = {
    "Owner": "I answer for this system. I have read sections 1 to 11 and accept the risk that section 9 lists.",
    "Independent reviewer": "I did not build this candidate and do not report to those who did. I have read and challenged the evidence.",
    "Accountable executive": "I accept on behalf of the organisation the risk that section 9 lists.",
}


def signatures(run: AuditRun) -> tuple[Signature, ...]:
    """One box for every role that the tier asks for."""
    return tuple(Signature(role, _STATEMENTS[role]) for role in QUORUM[run.policy.tier])
