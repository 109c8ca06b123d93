"""Section 3: how to read the report, with the decision table as the tool applies it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.check import CheckInfo
from audit.decision.finding import Finding
from audit.decision.rules import effect
from audit.policy.schema import SEVERITIES, Requirement
from audit.report import text as prose

if TYPE_CHECKING:
    from audit.decision.finding import Disposition, Status
    from audit.policy.schema import Severity
    from audit.record import AuditRun

_COLUMNS: tuple[tuple[str, Status, Disposition], ...] = (
    ("pass", "pass", "none"),
    ("fail", "fail", "none"),
    ("inconclusive", "inconclusive", "none"),
    ("either, waived", "fail", "waived"),
    ("not run", "not_run", "none"),
    ("error", "error", "none"),
    ("not applicable", "not_applicable", "none"),
)
_EFFECTS = {"ok": "ok", "condition": "condition", "block": "blocks"}


@dataclass(frozen=True, slots=True)
class Cell:
    """What one status does at one severity."""

    key: str
    word: str


@dataclass(frozen=True, slots=True)
class Legend:
    """Words and rules."""

    level: str
    each_end: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[Cell, ...]], ...]


def legend(run: AuditRun) -> Legend:
    """The decision table is asked of the code that decides, cell by cell, so that it cannot say anything else."""
    rows = tuple(
        (severity, prose.SEVERITY_BARS[severity], tuple(_cell(severity, status, disposition) for _, status, disposition in _COLUMNS))
        for severity in SEVERITIES
    )
    level = run.policy.confidence
    return Legend(prose.confidence(level), prose.confidence((1 - level) / 2), tuple(name for name, _, _ in _COLUMNS), rows)


def _cell(severity: Severity, status: Status, disposition: Disposition) -> Cell:
    check = CheckInfo(
        id="any",
        question="",
        remedy="",
        rmf=(),
        better="higher",
        unit="",
        purpose="",
        risk="",
        limitations="",
        reference="",
    )
    requirement = Requirement(check="any", id="any", severity=severity)
    key = effect(Finding(requirement=requirement, check=check, status=status, message="", owner="", remedy="", disposition=disposition))
    return Cell(key, _EFFECTS[key])
