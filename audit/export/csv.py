"""CSV for spreadsheets: one row a finding, one for each of its slices, groups or features, and the decision in the last row."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from audit import phrases
from audit.evidence import OVERALL
from audit.export import Export
from audit.export._outcomes import DECISION, blocking
from audit.formatting import neutral

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.decision.finding import Finding
    from audit.record import AuditRun

_COLUMNS = (
    "finding",
    "check",
    "member",
    "status",
    "severity",
    "enforce",
    "disposition",
    "value",
    "n",
    "low",
    "high",
    "min",
    "max",
    "unit",
    "message",
    "owner",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
"""First characters by which a spreadsheet takes a cell for a formula."""


def text(audit: AuditRun) -> str:
    """The table; a cell that a spreadsheet would run begins with an apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for finding in audit.findings:
        writer.writerows([_cell(one) for one in row] for row in _rows(finding))
    verdict = audit.verdict
    told = {"finding": "decision", "check": DECISION, "status": verdict.decision, "message": _outcome(audit)}
    writer.writerow([_cell(told.get(name)) for name in _COLUMNS])
    return out.getvalue()


def _outcome(audit: AuditRun) -> str:
    return " ".join([f"exit code {audit.verdict.exit_code}.", *blocking(audit)])


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return "" if value is None else value
    shown = neutral(value)
    return f"'{shown}" if shown.lstrip().startswith(_FORMULA) else shown


def _rows(finding: Finding) -> Iterator[tuple[object, ...]]:
    head, one = finding.headline, finding.requirement
    low, high = (next((side.limit for side in finding.bounds if side.floor is floor), None) for floor in (True, False))
    about = (one.severity, one.enforce, finding.disposition)
    unit = finding.evidence.unit if finding.evidence else finding.check.unit
    name = "" if head is None or head.member == OVERALL else str(head.member)
    figures = (None,) * 4 if head is None else (head.value, head.n, *head.interval)
    yield (finding.id, finding.check.id, name, finding.status, *about, *figures, low, high, unit, phrases.message(finding), finding.owner)
    for row in finding.slices:
        own = (row.value, row.n, *(row.interval or (None, None)))
        yield (finding.id, finding.check.id, str(row.name), row.status, *about, *own, low, high, unit, row.reason, finding.owner)


EXPORTS = (Export("csv", "a table for spreadsheets", lambda audit: {"findings.csv": text(audit)}),)
