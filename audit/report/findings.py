"""Section 7: each finding, told in the same order."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import words
from audit.report.answers import answers
from audit.report.banner import Fact
from audit.report.entries import Chip, Link
from audit.report.evidence_table import rmf_anchor
from audit.report.saying import risk_of

if TYPE_CHECKING:
    from audit.finding import Finding
    from audit.report.entries import Entries, Entry
    from audit.results import AuditRun

WORST = 3
"""Slices that a finding names; section 8 has all."""
ROWS = 8
"""Example rows that a finding names."""


@dataclass(frozen=True, slots=True)
class FindingView:
    """One finding, told."""

    label: str
    chip: Chip
    question: str
    check: str
    meta: str
    waived: bool
    rmf: tuple[Link, ...]
    files: tuple[Link, ...]
    told: tuple[Fact, ...]
    command: str
    slices_title: str
    slices: tuple[Fact, ...]
    rows: str
    detail: Link | None


def finding_views(run: AuditRun, found: Entries) -> tuple[tuple[FindingView, ...], tuple[FindingView, ...]]:
    """Those that did not pass, and those that did."""
    open_ = tuple(_view(run, entry) for entry in found.worst if entry.finding.status != "pass")
    return open_, tuple(_view(run, entry) for entry in found.worst if entry.finding.status == "pass")


def _view(run: AuditRun, entry: Entry) -> FindingView:
    finding = entry.finding
    requirement = finding.requirement
    examples = finding.evidence.examples if finding.evidence else ()
    return FindingView(
        label=entry.label,
        chip=Chip(finding.status, words.STATUSES[finding.status]),
        question=finding.question,
        check=finding.id,
        meta=f"{requirement.severity} · {requirement.enforce} · on {requirement.on}",
        waived=finding.disposition == "waived",
        rmf=tuple(Link(line_id, rmf_anchor(line_id)) for line_id in finding.check.rmf),
        files=entry.files,
        told=_told(run, finding),
        command=f"audit run {shlex.quote(run.policy_path)} \\\n  --select {shlex.quote(finding.id)}",
        slices_title="Groups behind the gap" if any(one.status is None for one in finding.slices) else "Worst members",
        slices=tuple(
            Fact(
                str(one.name),
                "not measured" if one.value is None else words.figure(one.value, census=one.interval == (one.value, one.value)),
                one.reason or f"n {one.n:,}",
            )
            for one in finding.slices[:WORST]
        ),
        rows=words.listed((example.row for example in examples), ROWS),
        detail=Link("section 8", f"D-{entry.label}") if finding.evidence else None,
    )


def _told(run: AuditRun, finding: Finding) -> tuple[Fact, ...]:
    """The six answers of every finding, and what else an owner must know."""
    facts = list(answers(finding, run.policy.system.affected))
    if finding.status != "pass":
        facts += [Fact("What it means", risk_of(finding))]
    facts += [Fact("Limits", finding.check.limitations), Fact("Owner", finding.owner)]
    return tuple(facts)
