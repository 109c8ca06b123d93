"""Phrases that several sections share: a headline's numbers, its member, the owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.formatting import comparator_in_words
from audit.report import text as prose

if TYPE_CHECKING:
    from audit.decision.finding import Finding, Headline
    from audit.policy.schema import Requirement
    from audit.record import AuditRun
    from audit.report.entries import Entry


def headline_numbers(head: Headline, requirement: Requirement) -> str:
    """`0.229 [0.136, 0.315]`, or the bare count of a census."""
    limits = prose.limits(requirement)
    if prose.is_census(head):
        return prose.figure(head.value, census=True)
    return f"{prose.figure(head.value, *limits)} {prose.bracket(head.interval, *limits)}"


def of_member(entry: Entry) -> str:
    """` for region=islands, worst of 15`, or nothing where there is one member."""
    head, evidence = entry.finding.headline, entry.finding.evidence
    if head is None or str(head.member) == "overall":
        return ""
    count = 0 if evidence is None else len(evidence.members)  # as the judge counts: what was not measured cannot be worst
    return f" for {prose.clip(str(head.member), 90)}" + (f", worst of {count}" if count > 1 else "")


def risk_of(finding: Finding) -> str:
    """What it means for people that this finding does not pass."""
    comparator = comparator_in_words(finding.requirement.against)
    if comparator is None:
        return prose.meaning(finding.check.risk)
    harm = "fine-tuning has done harm" if finding.requirement.against == "base" else "its release serves people worse than what runs today"
    return f"Where the candidate is worse than {comparator}, {harm}."


def owner_of(run: AuditRun) -> str:
    """Who answers for the system, as the policy says."""
    owner = run.policy.system.owner
    if owner is None:
        return "owner not declared"
    return prose.clip(", ".join(part for part in (owner.name, owner.team, owner.contact) if part), 60)
