"""What stays open: section 11, and in short on page 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import text as prose
from audit.report.phrases import headline_numbers

if TYPE_CHECKING:
    from audit.record import AuditRun
    from audit.report.entries import Entries, Entry, Link


@dataclass(frozen=True, slots=True)
class OpenCondition:
    """A condition in words."""

    label: str
    what: str
    closes: str
    owner: str
    due: str
    link: Link | None


def conditions(run: AuditRun, found: Entries) -> tuple[OpenCondition, ...]:
    """What stays open, with owner, date and what closes it."""
    return tuple(
        OpenCondition(
            label=f"C-{number}",
            what=_what(found.of(condition.finding), condition.finding),
            closes=prose.dates(condition.closes_with),
            owner=prose.clip(condition.owner, 60),
            due=prose.day(condition.due),
            link=entry.link if (entry := found.of(condition.finding)) else None,
        )
        for number, condition in enumerate(run.verdict.conditions, 1)
    )


def _what(entry: Entry | None, finding_id: str) -> str:
    if entry is None:
        return finding_id
    finding = entry.finding
    if finding.headline is None or finding.headline.n == 0:
        return f"{finding.question} {prose.STATUSES[finding.status]}"
    waived = ", waived" if finding.disposition == "waived" else ""
    numbers = headline_numbers(finding.headline, finding.requirement)
    return f"{finding.question} {prose.STATUSES[finding.status]}{waived}: {numbers}, {prose.bound(finding.requirement)}"
