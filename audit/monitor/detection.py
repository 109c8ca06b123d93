"""Windows folded into e-detectors, one for each member and bound of a requirement; and what these make of the findings."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.decision.judge import without_evidence
from audit.evidence import OVERALL, Pair, Slice
from audit.formatting import format_evidence
from audit.monitor.state import MemberState, RequirementState
from audit.pipeline.engine.inline import failure
from audit.record import Signal
from audit.stats.e_process import Detector, log_e_values, log_threshold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from audit.decision.finding import Finding, Judged
    from audit.evidence import Name
    from audit.monitor.scope import Scope
    from audit.record import SignalState

RISING = math.log(10)
"""Below the threshold, on a logarithmic scale, by which evidence counts as rising."""
LASTING = math.log(20)
"""Above the threshold, on the same scale, up to which evidence is kept: one good window does not end an alarm."""
_MOST = 700.0
"""Logarithm beyond which evidence is told as this number."""
_NAMED = 3
"""Members that are named where several alarm."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A finding of this window with its e-values."""

    finding: Finding
    e_values: Mapping[str, tuple[MemberState, NDArray[np.float64]]]
    """Of each member and bound, under the key of its state: the member before any window, and (bets,) logarithms of e-values."""


def measured(finding: Finding) -> Measured:
    """The e-values of a finding. Where they cannot be told, its check ends as an error."""
    if finding.evidence is None or finding.headline is None:
        return Measured(finding, {})
    found: dict[str, tuple[MemberState, NDArray[np.float64]]] = {}
    try:
        for bound in finding.bounds:
            for member in finding.evidence.members:
                state = MemberState(member.name.to_json(), bound.floor, 0, Detector())
                found[state.key] = state, log_e_values(member.estimate, bound.limit, floor=bound.floor)
    except Exception as error:  # noqa: BLE001  # evidence that cannot be told is an error of its check, as one that cannot be judged
        why = failure(error)
        made = without_evidence(finding.requirement, finding.check, why.status, why.message, owner=finding.owner)
        return Measured(replace(made, seconds=finding.seconds, measured_on=finding.measured_on), {})
    return Measured(finding, found)


def measures_nothing(finding: Finding) -> bool:
    """Whether a check ended without a single value: its column is gone, or no row is of the class that it is about."""
    return finding.evidence is not None and not finding.evidence.members


def fold(before: RequirementState, now: Measured, key: str, share: float, windows: float) -> RequirementState:
    """A requirement's evidence with one more window. `share` is its part of the budget of so many windows."""
    members = dict(before.members)
    for name, (fresh, _) in now.e_values.items():
        members.setdefault(name, replace(fresh, first=before.windows))
    limit = threshold(len(members), share, windows)
    return RequirementState(before.about, before.windows + 1, {name: _folded(one, now, name, key, limit) for name, one in members.items()})


def _folded(member: MemberState, now: Measured, name: str, key: str, limit: float) -> MemberState:
    log_e = now.e_values[name][1] if name in now.e_values else np.zeros(len(Detector().evidence))  # this window does not measure it
    detector = member.detector.updated(log_e, ceiling=limit + LASTING)
    alarms = detector.log_statistic >= limit
    return replace(member, detector=detector, since=(member.since or key) if alarms else None)


def threshold(members: int, share: float, windows: float) -> float:
    """Logarithm of the evidence at which one of so many members alarms; each bound of a member counts as one."""
    return log_threshold(max(windows, 1.0), share / max(members, 1))


def signals(requirement: str, state: RequirementState, scope: Scope, keys: Sequence[str]) -> tuple[Signal, ...]:
    """One for each member: of its two bounds the one with more evidence. `keys` are of the windows that the requirement rests on."""
    limit = threshold(len(state.members), scope.weight(requirement), scope.windows)
    found: dict[str, tuple[float, Signal]] = {}
    for member in state.members.values():
        statistic = member.detector.log_statistic
        started = member.detector.since
        change = None if started is None or member.first + started >= len(keys) else keys[member.first + started]
        name = name_of(member.name)
        told = Signal(
            requirement=requirement,
            member=None if name == OVERALL else name,
            state=_state(statistic, limit, watched=requirement in scope.watched),
            evidence=math.exp(min(statistic, _MOST)),
            threshold=math.exp(min(limit, _MOST)),
            windows=member.detector.windows,
            since=member.since if statistic >= limit else None,
            change=change if statistic >= limit - RISING else None,
        )
        whose = json.dumps(member.name, sort_keys=True)
        if whose not in found or found[whose][0] < statistic:
            found[whose] = statistic, told
    return tuple(signal for _, signal in found.values())


def _state(statistic: float, limit: float, *, watched: bool) -> SignalState:
    if statistic >= limit:
        return "watch" if watched else "alarm"
    return "rising" if statistic >= limit - RISING else "quiet"


def name_of(told: Any) -> Name:
    """A member's name from its JSON."""
    if isinstance(told, list):
        first, second = told
        return Pair(Slice(tuple(first.items())), Slice(tuple(second.items())))
    return Slice(tuple(told.items()))


def standing(signals: Sequence[Signal]) -> tuple[Signal, ...]:
    """Those at or above their threshold, the most evidence first."""
    return tuple(sorted((one for one in signals if one.state in {"alarm", "watch"}), key=lambda one: -one.evidence))


def decided(finding: Finding, signals: Sequence[Signal]) -> Finding:
    """The finding of a window under the evidence of all: it fails only where the evidence does, whatever this window alone says."""
    raised = standing(signals)
    if finding.evidence is None:
        told = "".join(f" {_raised(one)}" for one in raised[:_NAMED])
        return replace(finding, problem=f"{finding.problem}{'.' if told and not finding.problem.endswith('.') else ''}{told}")
    status = "fail" if raised else "inconclusive" if finding.status == "fail" else finding.status
    alarming = tuple(one.member or OVERALL for one in raised)
    notes = (*finding.evidence.notes, *_notes(finding, signals, raised))
    return replace(
        finding,
        status=status,
        failing=alarming,
        slices=tuple(_row(one, alarming) for one in finding.slices),
        evidence=replace(finding.evidence, notes=notes),
    )


def _row(row: Judged, alarming: Sequence[Name]) -> Judged:
    if row.status is None:
        return row
    return replace(row, status="fail" if row.name in alarming else "inconclusive" if row.status == "fail" else row.status)


def reason(requirement: str, signals: Sequence[Signal]) -> str:
    """Why a requirement alarms, in sentences."""
    raised = standing([one for one in signals if one.requirement == requirement])
    more = f" {len(raised) - _NAMED:,} more alarm." if len(raised) > _NAMED else ""
    return " ".join(map(_raised, raised[:_NAMED])) + more


def _notes(finding: Finding, signals: Sequence[Signal], raised: Sequence[Signal]) -> Iterator[str]:
    """How near an alarm is, for whoever reads a result of this window."""
    yield from map(_raised, raised[:_NAMED])
    if len(raised) > _NAMED:
        yield f"{len(raised) - _NAMED:,} more alarm."
    if not raised and signals and finding.status in {"fail", "inconclusive"}:
        if finding.status == "fail":
            yield "This window alone misses the bound; one window raises no alarm unless its evidence suffices."
        most = max(signals, key=lambda one: one.evidence)
        yield f"{_evidence(most)}; an alarm needs {format_evidence(most.threshold)}."


def _raised(one: Signal) -> str:
    word = "Watch" if one.state == "watch" else "Alarm"
    change = f" The change most likely began in window {one.change}." if one.change is not None else ""
    return f"{word} since window {one.since}. {_evidence(one)}, at or above {format_evidence(one.threshold)}.{change}"


def _evidence(one: Signal) -> str:
    whose = "Evidence" if one.member is None else f"{one.member}: evidence"
    windows = "1 window" if one.windows == 1 else f"{one.windows:,} windows"
    return f"{whose} of a broken bound over {windows} is {format_evidence(one.evidence)}"
