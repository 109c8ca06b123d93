"""How the policy differs from that of the last promotion: part of section 2, and in short on page 1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import words

if TYPE_CHECKING:
    from audit.results import AuditRun

_HUES = {"loosened": "red", "tightened": "", "other": ""}
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


def policy_since(run: AuditRun) -> PolicySince:
    """What this run asks less, more or otherwise than the last one that was promoted under the same name."""
    change = run.policy_change
    if change is None:
        return PolicySince("The ledger holds no promotion under a policy of this name: there is nothing to compare this one with.", ())
    since = f"run {change.run} of {words.day(change.time)}"
    if change.changes is None:
        return PolicySince(f"The policy of {since}, the last promotion, cannot be read by this release: what was loosened is unknown.", ())
    less = sum(one.kind == "loosened" for one in change.changes)
    lead = f"Against {since}, the last promotion: {words.counted(len(change.changes), 'change')}, {less or 'none'} of them loosened."
    rows = tuple(PolicyRow(_NAMES[one.kind], _HUES[one.kind], one.place, one.words) for one in change.changes)
    return PolicySince(lead if rows else f"It asks what it asked in {since}, the last promotion.", rows)
