"""How many findings of each severity have each status, and what the decision makes of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import text as prose

if TYPE_CHECKING:
    from audit.report.entries import Entries


@dataclass(frozen=True, slots=True)
class Count:
    """A cell of the table of counts."""

    count: str
    effect: str
    """`block`, `condition`, or nothing."""
    note: str


@dataclass(frozen=True, slots=True)
class CountRow:
    """One severity."""

    severity: str
    bars: str
    cells: tuple[Count, ...]


def count_rows(found: Entries) -> tuple[CountRow, ...]:
    """One row a severity, the highest first."""
    return tuple(
        CountRow(severity, bars, tuple(_count(found, severity, status) for status in prose.STATUSES))
        for severity, bars in prose.SEVERITY_BARS.items()
    )


def _count(found: Entries, severity: str, status: str) -> Count:
    here = [entry for entry in found.worst if entry.finding.requirement.severity == severity and entry.finding.status == status]
    effects = {entry.effect for entry in here}
    worst = "block" if "block" in effects else "condition" if "condition" in effects else ""
    waived = sum(entry.finding.disposition == "waived" for entry in here)
    advisory = sum(entry.finding.requirement.enforce == "advisory" for entry in here)
    notes = [f"{n} {what}" for n, what in ((waived, "waived"), (advisory, "advisory")) if n]
    return Count(str(len(here)), worst, ", ".join(notes))


def counts_note(found: Entries) -> str:
    """Says in words what the table marks in small print."""
    waived = sum(entry.finding.disposition == "waived" for entry in found.worst)
    said = []
    for n, what in ((len(found.advisory), "advisory and never decides"), (waived, "waived")):
        if n:
            verb, ending = ("is", what) if n == 1 else ("are", what.replace("decides", "decide"))
            said.append(f"{prose.counted(n, 'finding')} {verb} {ending}")
    return prose.sentence("; ".join(said)) + "." if said else ""
