"""What the judge says: findings, reasons, conditions, the verdict."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

    from audit.check import CheckInfo
    from audit.evidence import Evidence, Name
    from audit.ledger.alpha_spending import Spent
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
class Bound:
    """One side of a requirement."""

    limit: float
    """Inclusive."""
    floor: bool
    """True for `min`: every member must reach it; False for `max`: none may exceed it."""


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
    bound: Bound


@dataclass(frozen=True, slots=True)
class Side:
    """What became of one side of a requirement."""

    bound: Bound
    interval: tuple[float, float]
    """The deciding one."""
    unproven: tuple[Name, ...]
    """Members that keep it from a pass: not proven to be on the good side, too few rows, or not measured."""


@dataclass(frozen=True, slots=True)
class TooFewRows:
    """A member with less support than a pass needs."""

    name: Name
    support: float
    needed: int


@dataclass(frozen=True, slots=True)
class HeavyTail:
    """A member whose error lies in so few rows that another sample may have others."""

    name: Name
    heaviest: int
    """Rows that hold half of the error."""
    rows: int
    """With an error."""


Shortfall: TypeAlias = TooFewRows | HeavyTail


@dataclass(frozen=True, slots=True)
class SmallestChange:
    """What would bring a member to the good side of a bound: the member that is farthest from it."""

    bound: Bound
    member: Name
    kind: Literal["value", "census", "hits", "no_hits", "shift", "too_wide", "open_end", "sample"]
    """`value` and `census` are judged without an interval. `hits`: more or fewer of the same rows; `no_hits`: not even all or none of
    them. `shift`: the interval moves and keeps its width; `too_wide`: it would leave the metric's range; `open_end`: it has no width;
    `sample`: rows decide that were not drawn."""
    value: float
    """As measured."""
    n: int
    target: float | None = None
    """The value that passes; None where none does."""
    hits: tuple[int, int] | None = None
    """As measured, and as many as pass, among `n` rows."""
    rows: int | None = None
    """As many as would settle it at the same value; None where that is not known, or where they would not."""
    rows_at_best: int | None = None
    """As many as would pass with the best value there is, where `n` never pass."""
    estimate: Literal["good", "on_bound", "wrong"] = "wrong"
    """On which side the value itself lies."""
    others: tuple[Name, ...] = ()
    """Further members that fall short, farthest first; the first few of them."""
    short: int = 1
    """Members that fall short in all."""


@dataclass(frozen=True, slots=True)
class Waived:
    """People's acceptance of a finding for a time."""

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
    """Evidence judged against one requirement."""

    requirement: Requirement
    check: CheckInfo
    status: Status
    owner: str
    problem: str = ""
    """What was raised in place of evidence, where there is none."""
    disposition: Disposition = "none"
    headline: Headline | None = None
    slices: tuple[Judged, ...] = ()
    """Every slice, group or feature with its plain interval, worst first."""
    failing: tuple[Name, ...] = ()
    """Members that fail by Holm's procedure."""
    sides: tuple[Side, ...] = ()
    """One a bound; none where nothing could be measured."""
    shortfalls: tuple[Shortfall, ...] = ()
    """What bars members from a pass, whatever their bounds."""
    changes: tuple[SmallestChange, ...] = ()
    """One a bound that is missed; none for what passes or where no value can pass."""
    spent: Spent | None = None
    """The look at the test set, where the error is spent over looks."""
    waiver: Waived | None = None
    """What stands behind the disposition `waived`."""
    evidence: Evidence | None = None
    evidence_files: tuple[str, ...] = ()
    """Paths in the bundle."""
    evidence_table: str | None = None
    """The one among them that holds the evidence's own table."""
    seconds: float = field(default=0.0, metadata={"stored apart": True})
    """How long the measurement took; stored among the run's timings."""
    reused: bool = field(default=False, metadata={"stored apart": True})
    """Whether its evidence was kept by an earlier run; stored among the facts of the run."""
    retries: int = field(default=0, metadata={"stored apart": True})
    """How often its measurement was begun again because its worker was lost; stored among the facts of the run."""
    measured_on: Mapping[str, str] = field(default_factory=dict)
    """Digests of what determines its evidence, by what it is: check, parameters, data, candidate, comparator, seed, surroundings."""

    @property
    def id(self) -> str:
        """The requirement's id."""
        return self.requirement.id

    @property
    def bounds(self) -> tuple[Bound, ...]:
        """The sides that its requirement sets."""
        return bounds(self.requirement, self.check.better)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the decision is what it is: one rule, one finding."""

    rule: str
    finding: str | None
    text: str = ""
    """What stands behind the rule; empty where the rule and the findings say all."""
    remark: bool = False
    """Whether it changes nothing: a reader of the decision must know it."""
    names: tuple[str, ...] = ()
    """Requirements that it is about, where it is not about one finding."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What stays open under promote-with-conditions, or would under a block that closes."""

    finding: str
    owner: str
    due: str
    """ISO date."""


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
