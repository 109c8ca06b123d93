"""What the judge says: findings, reasons, conditions, the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from audit.formatting import comparator_in_words

if TYPE_CHECKING:
    from datetime import date, datetime

    from audit.check import CheckInfo
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
class Bound:
    """One side of a requirement."""

    limit: float
    """Inclusive."""
    floor: bool
    """True for `min`: every member must reach it; False for `max`: none may exceed it."""


@dataclass(frozen=True, slots=True)
class Side:
    """What became of one side of a requirement."""

    bound: Bound
    interval: tuple[float, float]
    """The deciding one."""
    unproven: tuple[Name, ...]
    """Members that keep it from a pass: not proven to be on the good side, too few rows, or not measured."""


@dataclass(frozen=True, slots=True)
class Waived:
    """People's acceptance of a finding for a time, laid over it."""

    id: str
    by: tuple[str, ...]
    """Who approved."""
    until: datetime
    """The moment at which it ends, as its file says."""
    due: date
    """When what people owe in return falls due; at latest on the last whole day before it ends."""
    plan: str
    """What they promised to do."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Evidence held against one requirement."""

    requirement: Requirement
    check: CheckInfo
    status: Status
    message: str
    """In words: what came out and whether it is sure."""
    owner: str
    remedy: str
    disposition: Disposition = "none"
    headline: Headline | None = None
    slices: tuple[Judged, ...] = ()
    """Every slice, group or feature with its plain interval, worst first."""
    failing: tuple[Name, ...] = ()
    """Members that fail by Holm's procedure."""
    sides: tuple[Side, ...] = ()
    """One a bound; none where nothing could be measured."""
    waiver: Waived | None = None
    """What stands behind the disposition `waived`."""
    evidence: Evidence | None = None
    evidence_files: tuple[str, ...] = ()
    """Paths in the bundle."""
    evidence_table: str | None = None
    """The one among them that holds the evidence's own table."""
    seconds: float = field(default=0.0, metadata={"stored apart": True})
    """How long the measurement took; stored among the run's timings."""

    @property
    def id(self) -> str:
        """The requirement's id."""
        return self.requirement.id

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The sides that its requirement sets."""
        return bounds(self.requirement, self.check.better)

    @property
    def question(self) -> str:
        """The check's question; of a comparison, whether it is worse than what it is compared with."""
        against = comparator_in_words(self.requirement.against)
        return self.check.question if against is None else f"Is it no worse than {against}, in {self.check.unit}?"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the decision is what it is: one rule, one finding."""

    rule: str
    finding: str | None
    text: str
    remark: bool = False
    """Whether it changes nothing: a reader of the decision must know it."""


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


def bounds(requirement: Requirement, better: Literal["higher", "lower"]) -> tuple[Bound, ...]:
    """The sides that a requirement sets; of a comparison the margin, on the difference from what it is compared with."""
    if requirement.against is not None and requirement.margin is not None:
        rises = better == "higher"
        return (Bound(-requirement.margin if rises else requirement.margin, floor=rises),)
    floor = () if requirement.min is None else (Bound(requirement.min, floor=True),)
    ceiling = () if requirement.max is None else (Bound(requirement.max, floor=False),)
    return floor + ceiling
