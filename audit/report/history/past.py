"""What the ledger holds of runs, windows and moves, as the history shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.record import Outcome

Kind: TypeAlias = Literal["run", "window"]
MoveKind: TypeAlias = Literal["promotion", "rollback", "drill"]


@dataclass(frozen=True, slots=True)
class Past:
    """A run, or a window of production that was audited."""

    kind: Kind
    number: int
    """Of its entry in the ledger."""
    name: str
    """Of the run, or the window's key."""
    time: str
    """ISO 8601: when the run was recorded, or when the window begins."""
    policy: str
    policy_version: str
    candidate_sha256: str
    model: str
    """What tells its model from others: of saved answers, which are other ones in each window, the declared version."""
    decision: str
    """A run's decision, or a window's outcome."""
    href: str
    """Of its report, seen from the page; empty where no unchanged bundle is at hand."""
    bundle: str
    """State of its bundle in words."""
    outcomes: tuple[Outcome, ...]
    alarms: frozenset[str] = frozenset()
    """Ids of the requirements whose alarm stands."""
    waivers: tuple[str, ...] = ()
    """Those in force."""
    remarks: tuple[str, ...] = ()
    """Signatures, reviews, promotions and rollbacks of its bundle since, oldest first; that a window was late or has no labels."""


@dataclass(frozen=True, slots=True)
class Move:
    """A promotion, a rollback or a rehearsed one."""

    kind: MoveKind
    time: str
    policy: str
    """Empty for a drill, which belongs to a name."""
    name: str
    version: str
    target: str
    passed: bool = True
    """False for a drill that failed."""


@dataclass(frozen=True, slots=True)
class History:
    """All of a ledger."""

    past: tuple[Past, ...]
    """In the ledger's order."""
    moves: tuple[Move, ...] = ()

    @property
    def policies(self) -> tuple[str, ...]:
        """Names of policies, the one of the newest entry first."""
        return tuple(dict.fromkeys(one.policy for one in reversed(self.past)))

    def entries_of(self, policy: str) -> tuple[Past, ...]:
        """Runs and windows under policies of this name, oldest first; a window whose labels came later stands twice."""
        return tuple(sorted((one for one in self.past if one.policy == policy), key=lambda one: one.time))

    def of(self, policy: str) -> tuple[Past, ...]:
        """The same, each window once, as it was told last."""
        return tuple({(one.kind, one.name): one for one in self.entries_of(policy)}.values())

    def moves_of(self, policy: str) -> tuple[Move, ...]:
        """Promotions and rollbacks of its candidates, and drills of the names that they were promoted under."""
        own = [one for one in self.moves if one.policy == policy]
        names = {(one.name, one.target) for one in own}
        return tuple(one for one in self.moves if one.policy == policy or (one.kind == "drill" and (one.name, one.target) in names))


@dataclass(frozen=True, slots=True)
class Observation:
    """What one requirement gave in one run or window."""

    past: Past
    place: int
    """Of the run or window among those of its policy, oldest first."""
    outcome: Outcome

    @property
    def alarm(self) -> bool:
        """Whether its alarm stood then."""
        return self.outcome.finding in self.past.alarms


def alarm(found: Sequence[Observation]) -> str | None:
    """Since which moment the alarm has stood that stands after the newest arrival; None where none stands.

    Evidence is counted in the order in which windows and their labels came, which is not always that of their dates.
    """
    since = None
    for one in sorted(found, key=lambda one: one.past.number):
        if one.past.kind == "window":
            since = (since or one.past.time) if one.alarm else None
    return since


def observations(past: Sequence[Past]) -> dict[str, tuple[Observation, ...]]:
    """Of every requirement, those of the newest run or window first."""
    found: dict[str, list[Observation]] = {}
    for place, one in enumerate(past):
        for outcome in one.outcomes:
            found.setdefault(outcome.finding, []).append(Observation(one, place, outcome))
    order = dict.fromkeys(outcome.finding for one in reversed(past) for outcome in one.outcomes)
    return {finding: tuple(found[finding]) for finding in order}
