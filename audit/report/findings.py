"""Section 7: each finding, told in the same order."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import words
from audit.report.banner import Fact
from audit.report.change import settle
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
    """The same questions of every finding."""
    requirement, check = finding.requirement, finding.check
    asked = f"{words.sentence(check.unit)}: {words.bound(requirement)}" + (f", by {_families(finding)}" if requirement.by else "") + "."
    facts = [Fact("Asked", asked), Fact("Came out", words.sentence(finding.message)), Fact("How sure it is", _sure(finding))]
    if finding.status != "pass":
        facts += [Fact("What it means", risk_of(finding)), Fact("Who is concerned", _concerned(run, finding))]
        facts += [Fact("What to do", finding.remedy), Fact("What would make it pass", settle(finding))]
    facts += [Fact("Limits", check.limitations), Fact("Owner", finding.owner)]
    return tuple(facts)


def _families(finding: Finding) -> str:
    return words.listed(" and ".join(columns) for columns in finding.requirement.by)


def _sure(finding: Finding) -> str:
    """How sure the status is, in one of a few fixed sentences."""
    head = finding.headline
    if head is None or head.n == 0:
        return {
            "error": "Nothing is known: the check broke. Missing evidence is never a pass.",
            "not_applicable": "It was not measured.",
        }.get(finding.status, "Nothing is known: there is no evidence. Missing evidence is never a pass.")
    if words.is_census(head):
        return f"It was counted over {head.n:,} items, not sampled: there is no sampling error."
    if finding.requirement.judge_on == "value":
        return "The policy judges the value alone; how far chance moved it plays no part in the status."
    side = {
        "pass": "The whole interval lies on the good side of the bound",
        "fail": "The whole interval lies on the wrong side of the bound",
        "inconclusive": "The interval crosses the bound, or too few rows stand behind it",
    }[finding.status if finding.status in {"pass", "fail"} else "inconclusive"]
    low, high = (words.confidence(level) for level in head.levels)
    return f"{side}. The lower end errs with a chance of at most {low}, the upper end of {high} (nominal; {head.method}; n {head.n:,})."


def _concerned(run: AuditRun, finding: Finding) -> str:
    """Members that fail or decide, and the people whom the policy names."""
    named = [str(name) for name in finding.failing if str(name) != "overall"]
    if not named and finding.headline is not None and str(finding.headline.member) != "overall":
        named = [str(finding.headline.member)]
    parts = [f"Members: {words.listed(named, 6)}."] if named else []
    people = run.policy.system.affected
    parts.append(f"People affected, as declared: {words.listed(people)}." if people else "The policy declares no affected people.")
    return " ".join(parts)
