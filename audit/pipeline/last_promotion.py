"""What was promoted last, by the ledger: a version in a registry, else the last run that ended in promote."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from audit.ledger import Large
from audit.record import Drill, LastPromotion, Outcome, outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from audit.ledger import Entry
    from audit.record import AuditRun

KEPT = "outcomes"
"""Key of a run's entry that holds its findings in short."""
_MOVES = frozenset({"promotion", "rollback"})
_DRILL = "rollback-drill"


def kept(audit: AuditRun) -> dict[str, object]:
    """What the entry of a run keeps for comparisons and for the history."""
    return {"policy_version": str(audit.policy.version), KEPT: Large([_finite(asdict(outcome(one))) for one in audit.findings])}


def _finite(tree: dict[str, Any]) -> dict[str, Any]:
    """JSON has no infinity: an open end of an interval is null, and so is a value without end."""
    ends, value = tree["interval"], tree["value"]
    kept_ends = None if ends is None else [one if math.isfinite(one) else None for one in ends]
    return tree | {"interval": kept_ends, "value": value if value is not None and math.isfinite(value) else None}


def find(entries: Sequence[Entry], policy: str) -> LastPromotion | None:
    """Of a policy of this name."""
    runs: dict[str, Entry] = {}
    promoted: tuple[Entry, Mapping[str, Any]] | None = None
    moved: tuple[Entry, Mapping[str, Any]] | None = None
    for entry in entries:
        told = json.loads(entry.payload)
        if told.get("policy") != policy:
            continue
        if entry.kind == "run":
            runs[str(told.get("run"))] = entry
            promoted = (entry, told) if told.get("decision") == "promote" else promoted
        elif entry.kind in _MOVES and "finished" in told:
            moved = entry, told
    if moved is None:
        return None if promoted is None else _of_run(promoted[0], promoted[0].time)
    entry, told = moved
    own = runs.get(str(told.get("run")))
    name, version, target = (None if told.get(key) is None else str(told[key]) for key in ("name", "version", "target"))
    found = _of_run(own, entry.time) if own is not None else _of_move(told, entry.time)
    return replace(found, name=name, version=version, target=target, drill=last_drill(entries, name, target))


def _of_move(told: Mapping[str, Any], time: str) -> LastPromotion:
    """Of a run that the ledger does not hold."""
    return LastPromotion(str(told.get("run")), time, str(told.get("decision")), "", str(told.get("candidate_sha256")), None)


def last_drill(entries: Iterable[Entry], name: str | None, target: str | None) -> Drill | None:
    """The last rehearsed rollback of a model in one registry."""
    told = ((one.time, json.loads(one.payload)) for one in entries if one.kind == _DRILL)
    found = [(time, one) for time, one in told if (one.get("name"), one.get("target")) == (name, target)]
    if not found:
        return None
    time, one = found[-1]
    champion = one.get("champion")
    seconds = float(one.get("seconds", 0.0))
    return Drill(time, None if champion is None else str(champion), str(one.get("version")), one.get("passed") is True, seconds)


def _of_run(entry: Entry, time: str) -> LastPromotion:
    told = json.loads(entry.payload)
    return LastPromotion(
        run=str(told["run"]),
        time=time,
        decision=str(told["decision"]),
        policy_version=str(told.get("policy_version", "")),
        candidate_sha256=str(told["candidate_sha256"]),
        outcomes=outcomes(entry),
    )


def outcomes(entry: Entry) -> tuple[Outcome, ...] | None:
    """The findings of a run in short; None for an entry of an earlier release."""
    if KEPT not in json.loads(entry.payload):
        return None
    return tuple(Outcome(**{**one, "interval": _interval(one["interval"])}) for one in entry.value(KEPT))


def _interval(ends: Sequence[float | None] | None) -> tuple[float, float] | None:
    if ends is None:
        return None
    low, high = ends
    return (-math.inf if low is None else low, math.inf if high is None else high)
