"""Section 10: the residual risk register."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import text as prose
from audit.report.entries import Chip
from audit.report.gaps import MISSING, gaps
from audit.report.phrases import owner_of, risk_of

if TYPE_CHECKING:
    from audit.record import AuditRun
    from audit.report.entries import Entries, Entry, Link


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


_EFFECTS = {"block": "blocks", "condition": "leaves a condition", "ok": "changes nothing"}


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
