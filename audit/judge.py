"""Hold evidence against requirements and decide. The only comparison with a threshold is in this file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from audit.evidence import Evidence, Name
    from audit.policy.schema import Requirement

Status: TypeAlias = Literal["pass", "fail", "inconclusive", "not_run", "error", "not_applicable"]
Disposition: TypeAlias = Literal["none", "waived", "accepted_condition", "disputed"]
Decision: TypeAlias = Literal["promote", "promote-with-conditions", "block"]


@dataclass(frozen=True, slots=True)
class Judged:
    """One member's own result."""

    name: Name
    value: float | None
    """None where it could not be measured."""
    n: int
    interval: tuple[float, float] | None
    """Plain, at the requirement's confidence."""
    status: Status | None
    """None where the number is only shown."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Headline:
    """What decides: the worst member, with the deciding interval."""

    value: float
    n: int
    interval: tuple[float, float]
    levels: tuple[float, float]
    """Nominal error of the lower and of the upper end."""
    unit: str
    method: str
    member: Name


@dataclass(frozen=True, slots=True)
class CheckInfo:
    """What a reader needs to know of the check."""

    id: str
    question: str
    remedy: str
    rmf: tuple[str, ...]
    characteristic: str
    better: Literal["higher", "lower"]
    unit: str
    purpose: str
    risk: str
    limitations: str
    reference: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Evidence held against one requirement."""

    requirement: Requirement
    check: CheckInfo
    status: Status
    message: str
    """In words: what came out, whether it is sure, what would settle it."""
    owner: str
    remedy: str
    disposition: Disposition = "none"
    headline: Headline | None = None
    slices: tuple[Judged, ...] = ()
    """Every slice, group or feature with its plain interval, worst first."""
    failing: tuple[Name, ...] = ()
    """Members that fail by Holm's procedure."""
    evidence: Evidence | None = None
    evidence_files: tuple[str, ...] = ()
    """Paths in the bundle."""
    seconds: float = 0.0

    @property
    def id(self) -> str:
        """The requirement's id."""
        return self.requirement.id


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the decision is what it is: one rule, one finding."""

    rule: str
    finding: str | None
    text: str


@dataclass(frozen=True, slots=True)
class Condition:
    """What stays open under promote-with-conditions, or would under a block that closes."""

    finding: str
    owner: str
    due: str
    """ISO date."""
    closes_with: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """The decision with its reasons."""

    decision: Decision
    exit_code: int
    reasons: tuple[Reason, ...]
    conditions: tuple[Condition, ...]
