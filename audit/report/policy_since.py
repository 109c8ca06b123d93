"""How the policy differs from that of the last promotion: part of section 2, and in short on page 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import text as prose

if TYPE_CHECKING:
    from audit.governance.policy_approvals import ApprovalState
    from audit.governance.policy_change import PolicyChange
    from audit.record import AuditRun

_HUES = {"loosened": "red", "tightened": "", "other": ""}
_BLOCKED = "What was loosened blocks: nobody of line 2 has approved it."
_NAMES = {"loosened": "loosened", "tightened": "tightened", "other": "changed"}


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """One difference."""

    kind: str
    hue: str
    place: str
    words: str


@dataclass(frozen=True, slots=True)
class PolicySince:
    """All differences, what was loosened first."""

    lead: str
    rows: tuple[PolicyRow, ...]
    blocked: str = ""
    """That it blocks, if it does."""
    said: tuple[str, ...] = ()
    """Whether somebody approved what was loosened, and what became of every approval."""


def policy_since(run: AuditRun) -> PolicySince:
    """What this run asks less, more or otherwise than the last one that was promoted under the same name."""
    change = run.policy_change
    if change is None:
        return PolicySince("The ledger holds no promotion under a policy of this name: there is nothing to compare this one with.", ())
    since = f"run {change.run} of {prose.day(change.time)}"
    if change.changes is None:
        unknown = f"The policy of {since}, the last promotion, cannot be read by this release: what was loosened is unknown."
        return PolicySince(unknown, (), _BLOCKED if change.blocks else "", _said(change))
    less = sum(one.kind == "loosened" for one in change.changes)
    looser = prose.word(less) if less else "none"
    lead = f"Against {since}, the last promotion: {prose.counted(len(change.changes), 'change')}, {looser} of them loosened."
    rows = tuple(PolicyRow(_NAMES[one.kind], _HUES[one.kind], one.place, one.words) for one in change.changes)
    same = f"It asks what it asked in {since}, the last promotion."
    return PolicySince(lead if rows else same, rows, _BLOCKED if change.blocks else "", _said(change))


def _said(change: PolicyChange) -> tuple[str, ...]:
    """Approvals that count, those that do not, and what it means for the decision."""
    good = [f"Approved by {_signed(one)}." for one in change.approved_by]
    lost = [f"Counts for nothing: the approval by {_signed(one)}: {'; '.join(one.why)}." for one in change.approvals if one.why]
    if change.looser and not change.guarded:
        return ("Nothing bars it, for no key is named under trust.keys whose owner would have to approve what is loosened.", *lost)
    return (*(good if change.looser else ()), *lost)


def _signed(one: ApprovalState) -> str:
    return f"{one.words}, signed {prose.moment(one.at)}, asked for by {one.requested_by}"
