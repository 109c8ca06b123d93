"""Section 8: what would have to change for the decision to change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit import phrases
from audit.report import text as prose

if TYPE_CHECKING:
    from audit.decision.finding import Finding, Reason
    from audit.record import AuditRun
    from audit.report.entries import Entries, Entry, Link

NEAREST = 5
"""How many passing findings are listed by their distance to the bound."""


@dataclass(frozen=True, slots=True)
class Change:
    """The smallest change that would turn one finding."""

    link: Link
    check: str
    now: str
    needed: str


@dataclass(frozen=True, slots=True)
class Changes:
    """What would turn the decision."""

    lead: str
    changes: tuple[Change, ...]
    blocking_rules: tuple[str, ...]
    nearest: tuple[Change, ...]


def changes(run: AuditRun, found: Entries) -> Changes:
    """For findings that do not pass the smallest change to a pass; for those that do, the change to a loss."""
    against = (*found.having("block"), *found.having("condition"))
    blocking = [reason for reason in run.verdict.reasons if _is_blocking(reason) and run.verdict.decision == "block"]
    blocking_rules = tuple(phrases.reason(one, run.findings) for one in blocking)
    return Changes(
        lead=_lead(run, found, blocking_rules),
        changes=tuple(Change(entry.link, entry.finding.id, _now(entry), settle(entry.finding)) for entry in against),
        blocking_rules=blocking_rules,
        nearest=tuple(Change(entry.link, entry.finding.id, _now(entry), to_lose(entry.finding)) for entry in nearest(found)[:NEAREST]),
    )


def _is_blocking(reason: Reason) -> bool:
    """Whether a reason stands in the way apart from any finding."""
    return reason.finding is None and not reason.remark


def nearest(found: Entries) -> list[Entry]:
    """Passing required findings by the distance of their interval from the bound, in widths of the interval."""
    passing = [entry for entry in found.required if entry.finding.status == "pass" and _slack(entry.finding) is not None]
    return sorted(passing, key=lambda entry: _slack(entry.finding) or 0.0)


def _lead(run: AuditRun, found: Entries, blocking_rules: tuple[str, ...]) -> str:
    blocking, open_ = len(found.having("block")), len(found.having("condition"))
    if run.verdict.decision == "promote":
        return "The decision is promote. It would change if any one of the findings below missed its bound."
    if run.verdict.decision == "promote-with-conditions":
        return f"Promote without conditions needs {prose.counted(open_, 'finding')} to pass."
    after = f"promote with conditions ({prose.counted(open_, 'finding')} left open)" if open_ else "promote"
    also = f" and {prose.counted(len(blocking_rules), 'rule')} beyond the checks to be met" if blocking_rules else ""
    if not blocking:
        return f"Anything but block needs {prose.counted(len(blocking_rules), 'rule')} beyond the checks to be met."
    need = "finding to pass" if blocking == 1 else "findings to pass"
    return f"Anything but block needs {prose.word(blocking)} {need}{also}. The decision would then be {after}."


def _now(entry: Entry) -> str:
    head, requirement = entry.finding.headline, entry.finding.requirement
    if head is None or head.n == 0:
        return prose.STATUSES[entry.finding.status]
    limits = prose.limits(requirement)
    numbers = prose.figure(head.value, *limits, census=prose.is_census(head))
    interval = "" if prose.is_census(head) else f" {prose.bracket(head.interval, *limits)}"
    return f"{prose.STATUSES[entry.finding.status]}: {numbers}{interval}, n {head.n:,}"


def settle(finding: Finding) -> str:
    """The smallest change by which the finding would pass, computed from its own numbers."""
    return phrases.would_pass(finding) or "Nothing, as long as it does not apply; evidence, if it comes to apply."


def _slack(finding: Finding) -> float | None:
    """Distance from the bound in widths of the interval; None where there is no interval."""
    head, sides = finding.headline, finding.bounds
    if head is None or head.n == 0 or not sides or prose.is_census(head):
        return None
    width = head.interval[1] - head.interval[0]
    nearest = min(head.interval[0] - side.limit if side.floor else side.limit - head.interval[1] for side in sides)
    return nearest / width if width > 0 and math.isfinite(width) else None


def to_lose(finding: Finding) -> str:
    """By how much the value may worsen, its interval keeping its width where it has one, before the finding stops passing."""
    head, sides = finding.headline, finding.bounds
    if head is None:
        return ""
    alone = finding.requirement.judge_on == "value" or prose.is_census(head)
    low, high = (head.value, head.value) if alone else head.interval
    width = "" if alone else ", the interval keeping its width"
    said = []
    for side in sides:
        room = low - side.limit if side.floor else side.limit - high
        move = "falls" if side.floor else "rises"
        said.append(f"Passes until the value {move} by more than {prose.figure(room, census=prose.is_census(head))}{width}.")
    return " ".join(said)
