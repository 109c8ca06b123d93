"""What was not looked at, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.frameworks import nist_ai_rmf
from audit.report import text as prose
from audit.report.facts import declared_fields

if TYPE_CHECKING:
    from audit.record import AuditRun
    from audit.report.entries import Entries

MISSING = {"not_run", "error"}


@dataclass(frozen=True, slots=True)
class Gap:
    """Something without evidence."""

    what: str
    why: str


def gaps(run: AuditRun, found: Entries) -> tuple[Gap, ...]:
    """Characteristics without a check, requirements without evidence, members that the data cannot measure, uses declared out of scope."""
    named = {entry.finding.check.id.split("/")[0] for entry in found.worst}
    gaps_ = [
        Gap(trait.name, run.policy.not_measured.get(trait.id, "no check and no reason given"))
        for trait in nist_ai_rmf().characteristics
        if named.isdisjoint(trait.families) and trait.declared not in declared_fields(run)
    ]
    gaps_ += [
        Gap(f"{entry.label} {entry.finding.id}", prose.clip(entry.finding.message, 120))
        for entry in found.worst
        if entry.finding.status in MISSING
    ]
    for entry in found.worst:
        missing = entry.finding.evidence.unmeasured if entry.finding.evidence else ()
        gaps_ += [Gap(f"{one.name} in {entry.finding.id}", prose.clip(one.reason, 120)) for one in missing]
    gaps_ += [Gap(use, "declared out of scope") for use in run.policy.system.out_of_scope]
    return tuple(gaps_)
