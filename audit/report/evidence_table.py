"""Section 3: how to read the report, with the decision table as the tool applies it. Section 4: one line per check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit import phrases
from audit.check import CheckInfo
from audit.decision.finding import Finding
from audit.decision.rules import effect
from audit.formatting import COUNT_IN_SAMPLE, measured_in_words
from audit.policy.schema import SEVERITIES, Requirement
from audit.report import text as prose
from audit.report.charts.intervals import interval_plot
from audit.report.entries import Chip, Link
from audit.report.phrases import for_member
from audit.report.rmf import STATES, grade, rmf_anchor

if TYPE_CHECKING:
    from audit.decision.finding import Disposition, Status
    from audit.policy.schema import Severity
    from audit.record import AuditRun
    from audit.report.charts.intervals import Plot
    from audit.report.entries import Entries, Entry

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
    """The code that decides fills the decision table, cell by cell, so that the two cannot differ."""
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
    key = effect(Finding(requirement=requirement, check=check, status=status, owner="", disposition=disposition))
    return Cell(key, _EFFECTS[key])


@dataclass(frozen=True, slots=True)
class Numbers:
    """What was measured, or that nothing was."""

    value: str
    interval: str
    unit: str
    n: str


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
    grade: str
    """`measured`, `declared` or `absent`."""
    link: Link
    files: tuple[Link, ...]
    severity: str
    bars: str
    plot: Plot
    numbers: Numbers
    bound: str
    rmf: tuple[Link, ...]
    sort: tuple[str, str, str, str]
    """Keys for sorting: status, severity, value, n."""


def evidence_table(found: Entries) -> tuple[Line, ...]:
    """Every finding, worst first."""
    order = {key: str(place) for place, key in enumerate(prose.STATUSES)}
    return tuple(_line(entry, order[entry.finding.status]) for entry in found.worst)


def grades(found: Entries) -> str:
    """`12 findings: 10 measured, 1 declared, 1 absent.`, with those that people accepted by their signatures."""
    counts = [(state, sum(grade(entry.finding) == state for entry in found.worst)) for state in STATES]
    told = prose.listed(f"{n} {state}" for state, n in counts if n)
    accepted = sum(entry.finding.disposition == "waived" for entry in found.worst)
    signed = f"; {prose.counted(accepted, 'finding')} accepted by signed waivers" if accepted else ""
    return f"Grades of evidence: {told}{signed}."


def _line(entry: Entry, status_order: str) -> Line:
    finding = entry.finding
    head, requirement = finding.headline, finding.requirement
    return Line(
        chip=Chip(finding.status, prose.STATUSES[finding.status]),
        effect="" if entry.effect == "ok" else entry.effect,
        note="advisory" if requirement.enforce == "advisory" else "",
        waived=finding.disposition == "waived",
        question=phrases.question(finding),
        check=finding.id,
        on=requirement.on if requirement.reference is None else f"{requirement.on} against {requirement.reference}",
        grade=grade(finding),
        link=entry.link,
        files=entry.files,
        severity=requirement.severity,
        bars=prose.SEVERITY_BARS[requirement.severity],
        plot=interval_plot(finding),
        numbers=_numbers(entry),
        bound=prose.bound(requirement),
        rmf=tuple(Link(line_id, rmf_anchor(line_id)) for line_id in finding.check.rmf),
        sort=(
            status_order,
            prose.SEVERITY_BARS[requirement.severity],
            repr(head.value) if head is not None and head.n else "",
            str(head.n) if head is not None else "",
        ),
    )


def _numbers(entry: Entry) -> Numbers:
    head, requirement = entry.finding.headline, entry.finding.requirement
    if head is None or head.n == 0:
        return Numbers("no number", "", "", "–")
    n = f"{head.n:,}"
    if prose.is_census(head):
        return Numbers(prose.figure(head.value, census=True), "", f"{head.unit}, census{for_member(entry.finding)}", n)
    limits = prose.limits(requirement)
    level = prose.confidence(1 - 2 * min(max(head.levels), 0.5))
    if COUNT_IN_SAMPLE in head.method:
        value, _, ends = measured_in_words(head.method, head.value, head.interval).partition(" ")
        return Numbers(value, ends, f"{head.unit}, {level}{for_member(entry.finding)}", n)
    return Numbers(
        prose.figure(head.value, *limits), prose.bracket(head.interval, *limits), f"{head.unit}, {level}{for_member(entry.finding)}", n
    )
