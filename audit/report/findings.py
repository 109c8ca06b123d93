"""Section 7: each finding, told in the same order."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import text as prose
from audit.report.answers import answers
from audit.report.banner import Fact
from audit.report.entries import Chip, Link
from audit.report.evidence_table import rmf_anchor
from audit.report.phrases import risk_of
from audit.report.rows import Places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.decision.finding import Finding
    from audit.record import AuditRun
    from audit.report.entries import Entries, Entry
    from audit.report.families import Family

WORST = 3
"""Slices that a finding names; section 8 has all."""
ROWS = 8
"""Example rows that a finding names."""


@dataclass(frozen=True, slots=True)
class SliceView:
    """One of the members that are named, and where a few of its rows stand."""

    names: tuple[Link, ...]
    value: str
    note: str


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
    slices: tuple[SliceView, ...]
    rows: tuple[Link, ...]
    more_rows: str
    detail: Link | None


def finding_views(run: AuditRun, found: Entries, detailed: Sequence[Family]) -> tuple[tuple[FindingView, ...], tuple[FindingView, ...]]:
    """Those that did not pass, and those that did; rows lead to where section 8 shows them."""
    shown = {one.label: {row.row: row.anchor for row in one.examples} for family in detailed for one in family.details}
    views = [(entry.finding.status == "pass", _view(run, entry, shown.get(entry.label, {}))) for entry in found.worst]
    return tuple(view for passed, view in views if not passed), tuple(view for passed, view in views if passed)


def _view(run: AuditRun, entry: Entry, shown: Mapping[str, str]) -> FindingView:
    finding = entry.finding
    places = Places.of(run.sampled, finding)
    requirement = finding.requirement
    examples = finding.evidence.examples if finding.evidence else ()
    return FindingView(
        label=entry.label,
        chip=Chip(finding.status, prose.STATUSES[finding.status]),
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
            SliceView(
                places.member(one.name),
                "not measured" if one.value is None else prose.figure(one.value, census=one.interval == (one.value, one.value)),
                one.reason or f"n {one.n:,}",
            )
            for one in finding.slices[:WORST]
        ),
        rows=tuple(Link(one.row, shown.get(one.row, "")) for one in examples[:ROWS]),
        more_rows=f" and {len(examples) - ROWS:,} more" if len(examples) > ROWS else "",
        detail=Link("section 8", f"D-{entry.label}") if finding.evidence else None,
    )


def _told(run: AuditRun, finding: Finding) -> tuple[Fact, ...]:
    """The six answers of every finding, and what else an owner must know."""
    facts = list(answers(finding, run.policy.system.affected))
    if finding.status != "pass":
        facts += [Fact("What it means", risk_of(finding))]
    facts += [Fact("Limits", finding.check.limitations), Fact("Owner", finding.owner)]
    return tuple(facts)
