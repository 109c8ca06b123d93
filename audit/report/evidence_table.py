"""Section 4: one line per check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import words
from audit.report.charts.interval import interval_plot
from audit.report.decision import of_member
from audit.report.entries import Chip, Link

if TYPE_CHECKING:
    from audit.report.charts.interval import Plot
    from audit.report.entries import Entries, Entry


@dataclass(frozen=True, slots=True)
class Line:
    """One check."""

    chip: Chip
    effect: str
    """`block`, `condition`, or nothing."""
    note: str
    waived: bool
    question: str
    check: str
    on: str
    link: Link
    files: tuple[Link, ...]
    severity: str
    bars: str
    plot: Plot
    value: str
    interval: str
    unit: str
    bound: str
    n: str
    rmf: tuple[Link, ...]
    sort: tuple[str, str, str, str]
    """Keys for sorting: status, severity, value, n."""


def evidence_table(found: Entries) -> tuple[Line, ...]:
    """Every finding, worst first."""
    order = {key: str(place) for place, key in enumerate(words.STATUSES)}
    return tuple(_line(entry, order[entry.finding.status]) for entry in found.worst)


def rmf_anchor(line_id: str) -> str:
    """`measure-2-11`."""
    return line_id.lower().replace(" ", "-").replace(".", "-")


def _line(entry: Entry, status_order: str) -> Line:
    finding = entry.finding
    head, requirement = finding.headline, finding.requirement
    measured = head is not None and head.n > 0
    value, interval, unit = "no number", "", ""
    if head is not None and measured:
        census = words.is_census(head)
        limits = words.limits(requirement)
        value = words.figure(head.value, *limits, census=census)
        interval = "" if census else words.bracket(head.interval, *limits)
        unit = f"{head.unit}, {'census' if census else words.confidence(1 - 2 * min(max(head.levels), 0.5))}{of_member(entry)}"
    return Line(
        chip=Chip(finding.status, words.STATUSES[finding.status]),
        effect="" if entry.effect == "ok" else entry.effect,
        note="advisory: listed, never decides" if requirement.enforce == "advisory" else "",
        waived=finding.disposition == "waived",
        question=finding.check.question,
        check=finding.id,
        on=requirement.on if requirement.reference is None else f"{requirement.on} against {requirement.reference}",
        link=entry.link,
        files=entry.files,
        severity=requirement.severity,
        bars=words.SEVERITY_BARS[requirement.severity],
        plot=interval_plot(finding),
        value=value,
        interval=interval,
        unit=unit,
        bound=words.bound(requirement),
        n=f"{head.n:,}" if head is not None and measured else "–",
        rmf=tuple(Link(line_id, rmf_anchor(line_id)) for line_id in finding.check.rmf),
        sort=(
            status_order,
            words.SEVERITY_BARS[requirement.severity],
            repr(head.value) if head is not None and measured else "",
            str(head.n) if head is not None else "",
        ),
    )
