"""What a periodic audit adds to a run: its window, and the evidence over all windows so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from audit.evidence.codec import LATER

if TYPE_CHECKING:
    from audit.evidence import Name

MonitorOutcome: TypeAlias = Literal["keep", "watch", "keep-with-conditions", "roll-back", "incomplete"]
"""`incomplete`: nothing alarms, and evidence that the policy requires is missing."""
SignalState: TypeAlias = Literal["quiet", "rising", "watch", "alarm"]


@dataclass(frozen=True, slots=True)
class WindowFacts:
    """The window of production data that was audited."""

    key: str
    """`2026-11-30`, `2026-W49`, `2026-11`, `2026-11-30T14+01:00`; of a window by count the begin of its digest."""
    start: str | None
    """ISO 8601 with the offset of the policy's time zone; None for a window by count without a column of times."""
    end: str | None
    """Of a period the moment after it; of a window by count the time of its last row."""
    rows: int
    labelled: bool
    """Whether its labels have come."""
    late: bool
    """Whether it came after a later one."""
    number: int
    """Windows that were counted so far, this one included."""
    labels_due: str | None = None
    """ISO date until which its labels may come; None where they have come, or no requirement needs any."""


@dataclass(frozen=True, slots=True)
class BudgetFacts:
    """How rarely a false alarm may come."""

    false_alarm_every: int | None
    """Days; None for windows by count."""
    window: str
    """In words: `day`, `500 rows`."""
    windows: float
    """Windows until the first false alarm, on average at least."""


@dataclass(frozen=True, slots=True)
class Signal:
    """What the evidence over all windows says of one member of a requirement."""

    requirement: str
    member: Name | None
    """None for all rows."""
    state: SignalState
    """`alarm` and `watch` are at or above their threshold, `rising` at or above a tenth of it."""
    evidence: float
    """M, the statistic of the e-detector."""
    threshold: float
    windows: int
    """Windows that it rests on."""
    since: str | None = None
    """Key of the window of the alarm; None where there is none."""
    change: str | None = None
    """Key of the window in which the change most likely began; None where nothing speaks for one."""


@dataclass(frozen=True, slots=True)
class Retraining:
    """A training that the policy says is due."""

    because: str
    windows: tuple[str, ...]
    """Keys of those to use."""
    policy: str | None
    """What the new candidate must pass; None for the policy itself."""


MOST_ARRIVALS = 400
"""Arrivals that a record keeps for its picture of the evidence, the newest ones."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A window, or the labels of an earlier one, as one call brought it."""

    key: str
    start: str | None
    """As that of its window."""
    what: Literal["window", "late window", "labels"]
    """`labels` where the window itself had been counted before."""
    outcome: MonitorOutcome


@dataclass(frozen=True, slots=True)
class Trace:
    """The evidence of one requirement over the arrivals."""

    requirement: str
    relative: tuple[float | None, ...]
    """After each arrival of `MonitorFacts.history` the largest evidence over its members as a part of its threshold then, so that 1
    alarms; None where that arrival did not count for it. The ledger's entry of an arrival keeps it under `evidence`, by requirement."""


@dataclass(frozen=True, slots=True)
class MonitorFacts:
    """What a periodic audit adds to a run: the window, and the evidence over all windows so far."""

    outcome: MonitorOutcome
    window: WindowFacts
    budget: BudgetFacts
    signals: tuple[Signal, ...]
    missing: tuple[str, ...] = ()
    """Keys of windows that never came, between the first one and the last."""
    retraining: Retraining | None = None
    history: tuple[Arrival, ...] = field(default=(), metadata={LATER: True})
    """The newest arrivals up to this one, in the order in which they came; `MOST_ARRIVALS` at most."""
    traces: tuple[Trace, ...] = field(default=(), metadata={LATER: True})
    """One a requirement."""
