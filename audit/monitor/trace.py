"""The evidence of past windows, as the report draws it: small numbers in every entry of the ledger, beside the state of the newest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.monitor.state import KIND
from audit.record import MOST_ARRIVALS, Arrival, Trace

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from audit.ledger import Entry
    from audit.record import Signal

EVIDENCE = "evidence"
"""Key of a window's entry: by requirement the largest evidence of its members as a part of its threshold."""
_BELOW = 0.999999
"""What is below its threshold stays below it when it is rounded."""


def relative(signals: Sequence[Signal]) -> dict[str, float]:
    """By requirement the largest evidence of its members as a part of its threshold, to six digits: 1 and more alarms."""
    found: dict[str, float] = {}
    for one in signals:
        share = one.evidence / one.threshold
        rounded = float(f"{share:.6g}")
        kept = max(rounded, 1.0) if one.state in {"alarm", "watch"} else min(rounded, _BELOW)
        found[one.requirement] = max(found.get(one.requirement, 0.0), kept)
    return found


def traces(
    entries: Sequence[Entry], policy: str, now: Arrival, counted: Collection[str], evidence: Mapping[str, float]
) -> tuple[tuple[Arrival, ...], tuple[Trace, ...]]:
    """The newest arrivals under a policy of this name and this one, with the evidence of each requirement that this one has."""
    told = [one for entry in entries if entry.kind == KIND and (one := json.loads(entry.payload)).get("policy") == policy]
    seen: set[str] = set()
    arrivals = []
    for one in told:
        arrivals.append(_arrival(one, again=str(one["key"]) in seen))
        seen.add(str(one["key"]))
    last = Arrival(now.key, now.start, "labels" if now.key in seen else now.what, now.outcome)
    past = told[-(MOST_ARRIVALS - 1) :]
    return (
        (*arrivals[-(MOST_ARRIVALS - 1) :], last),
        tuple(
            Trace(name, (*(_of(one, name) for one in past), evidence[name] if name in counted else None))
            for name in evidence
            if name in counted or any(_of(one, name) is not None for one in past)
        ),
    )


def _arrival(told: Mapping[str, Any], *, again: bool) -> Arrival:
    what = "labels" if again else "late window" if told["late"] else "window"
    return Arrival(str(told["key"]), told["start"], what, told["outcome"])  # type: ignore[arg-type]  # one of the three above


def _of(told: Mapping[str, Any], requirement: str) -> float | None:
    """What an entry keeps of a requirement that it counted for."""
    value = told.get(EVIDENCE, {}).get(requirement)
    return None if value is None or requirement not in told["requirements"] else float(value)
