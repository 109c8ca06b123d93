"""Apply waivers to findings: what is in force, what is void and why, what nobody uses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from audit.decision.finding import Reason, Waived
from audit.governance import waiver_validity
from audit.governance.waiver_files import digest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from audit.decision.finding import Bound, Finding
    from audit.governance.waiver_files import Folder, WaiverFile
    from audit.governance.waiver_validity import Situation
    from audit.policy.schema import Requirement

Standing: TypeAlias = Literal["in_force", "void", "unused"]
WARN_DAYS = (7, 14, 30)
"""Days before its end at which a waiver warns."""


@dataclass(frozen=True, slots=True)
class WaiverState:
    """What became of one waiver of the policy's folder."""

    id: str
    check: str
    """Id of the requirement that it is for."""
    file: str
    standing: Standing
    why: tuple[str, ...]
    """All that voids it, or why nobody uses it; nothing where it is in force."""
    warning: str
    """That it ends soon, if it does."""
    until: str
    """ISO 8601, UTC."""
    approved_by: tuple[str, ...]
    """As the file says; verified where it is in force."""
    reason: str
    risk_accepted: str
    controls: tuple[str, ...]
    remedy: str


@dataclass(frozen=True, slots=True)
class WaivedFindings:
    """Findings with the waivers that are in force, and the state of every waiver."""

    findings: tuple[Finding, ...]
    states: tuple[WaiverState, ...]
    reasons: tuple[Reason, ...]
    """Of void waivers: what they would have covered counts in full."""


def apply_waivers(findings: Sequence[Finding], situation: Situation) -> WaivedFindings:
    """Check every waiver against the findings. None changes a status; only one in force changes a disposition."""
    states = tuple(_state(one, findings, situation) for one in situation.folder.waivers)
    in_force = [one for one, state in zip(situation.folder.waivers, states, strict=True) if state.standing == "in_force"]
    return WaivedFindings(
        findings=tuple(_over(finding, in_force) for finding in findings),
        states=states,
        reasons=tuple(Reason("waiver-void", one.check, _void_sentence(one)) for one in states if one.standing == "void"),
    )


def _void_sentence(one: WaiverState) -> str:
    return f"{one.id} ({one.file}) is void: {'; '.join(one.why)}."


def preview(required: Sequence[tuple[Requirement, tuple[Bound, ...]]], situation: Situation) -> tuple[WaiverState, ...]:
    """What became of every waiver as far as can be told before anything is measured."""
    return tuple(_before(one, required, situation) for one in situation.folder.waivers)


def _before(file: WaiverFile, required: Sequence[tuple[Requirement, tuple[Bound, ...]]], situation: Situation) -> WaiverState:
    found = next((one for one in required if one[0].id == file.waiver.check), None)
    if found is None:
        return _unused(file, f"the policy requires no {file.waiver.check}")
    why = waiver_validity.standing(file, *found, situation)
    return _void(file, why) if why else _in_force(file, situation)


def _state(file: WaiverFile, findings: Sequence[Finding], situation: Situation) -> WaiverState:
    named = file.waiver.check
    finding = next((one for one in findings if one.id == named), None)
    if finding is None:
        return _unused(file, f"the policy requires no {named}")
    if finding.requirement.enforce == "advisory":
        return _unused(file, f"{named} is advisory and decides nothing")
    if finding.status in {"pass", "not_applicable"}:
        return _unused(file, f"{named} {'passes' if finding.status == 'pass' else 'does not apply'} without it")
    why = (*waiver_validity.standing(file, finding.requirement, finding.bounds, situation), *waiver_validity.against(file, finding))
    return _void(file, why) if why else _in_force(file, situation)


def _over(finding: Finding, in_force: Sequence[WaiverFile]) -> Finding:
    """The finding under the waiver of its own that lasts longest."""
    own = [one for one in in_force if one.waiver.check == finding.id]
    if not own:
        return finding
    chosen = max(own, key=lambda one: (one.waiver.expires_at, one.waiver.id)).waiver
    last = last_day(chosen.expires_at)
    promised = chosen.remediation
    plan, due = ("", last) if promised is None else (promised.plan, min(last, promised.due))
    by = tuple(f"{one.by} ({one.role})" for one in chosen.approvals)
    return replace(finding, disposition="waived", waiver=Waived(chosen.id, by, chosen.expires_at, due, plan))


def last_day(end: datetime) -> date:
    """The last day, in UTC, that lies wholly before a moment: what holds for days may not outlive it."""
    return (end.astimezone(UTC) + timedelta(seconds=1)).date() - timedelta(days=1)


def _in_force(file: WaiverFile, situation: Situation) -> WaiverState:
    left = (file.waiver.expires_at - situation.latest).days
    level = next((days for days in WARN_DAYS if left < days), None)
    days = "day" if left == 1 else "days"
    warning = "" if level is None else f"ends within {level} days: {left} whole {days} left; then {file.waiver.check} counts in full again"
    return _made(file, "in_force", (), warning)


def _void(file: WaiverFile, why: tuple[str, ...]) -> WaiverState:
    return _made(file, "void", tuple(dict.fromkeys(why)))


def _unused(file: WaiverFile, why: str) -> WaiverState:
    return _made(file, "unused", (f"{why}: delete it",))


def _made(file: WaiverFile, standing: Standing, why: tuple[str, ...], warning: str = "") -> WaiverState:
    waiver = file.waiver
    return WaiverState(
        id=waiver.id,
        check=waiver.check,
        file=file.file,
        standing=standing,
        why=why,
        warning=warning,
        until=waiver.expires_at.astimezone(UTC).isoformat(timespec="seconds"),
        approved_by=tuple(f"{one.by} ({one.role}, line {one.line})" for one in waiver.approvals),
        reason=waiver.reason,
        risk_accepted=waiver.risk_accepted,
        controls=tuple(f"{one.description} (owner {one.owner}; evidence: {one.evidence})" for one in waiver.compensating_controls),
        remedy="" if waiver.remediation is None else f"{waiver.remediation.plan}, due {waiver.remediation.due.isoformat()}",
    )


def entry(folder: Folder, states: Sequence[WaiverState]) -> dict[str, object]:
    """What the entry of a run says of the waivers in force in it."""
    told = [
        {"id": one.waiver.id, "check": one.waiver.check, "sha256": digest(one.tree), "until": one.waiver.expires_at.isoformat()}
        for one, state in zip(folder.waivers, states, strict=True)
        if state.standing == "in_force"
    ]
    return {waiver_validity.KEPT: told} if told else {}
