"""When a new training is due, and the request for it: the windows to use, and the policy that the new candidate must pass."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, NamedTuple

from audit.canonical_text import without_surrogates
from audit.errors import Mistake, PolicyError
from audit.monitor.state import KIND
from audit.policy.strict import days
from audit.record import Retraining

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from audit.ledger import Entry
    from audit.monitor.state import Counted
    from audit.policy import LoadedPolicy
    from audit.policy.monitoring import Retrain
    from audit.record import Signal

SCHEMA = "audit.retraining/1"
FILE = "retraining.json"
"""The request, among the files of a bundle."""
ASKED = "retraining"
"""Key of a window's entry: whether it asked for a training."""
MODEL = "model"
"""Key of a window's entry that tells which model it is about."""


class Candidate(NamedTuple):
    """Whose training it is."""

    policy: str
    model: str
    """Its digest, or what stands for that where answers are saved."""


def refuse_missing_policy(loaded: LoadedPolicy) -> None:
    """Before anything is measured: the policy that a new candidate must pass is there to be read."""
    spec = loaded.policy.monitor
    named = None if spec is None or spec.retrain is None else spec.retrain.policy
    if named is not None and not loaded.resolve(named).is_file():
        text = f"there is no file {named}: name the policy that a new candidate must pass, or leave this out for the same one"
        raise PolicyError((Mistake(*loaded.where("monitor", "retrain", "policy"), text),))


def due(
    spec: Retrain | None, signals: Sequence[Signal], candidate: Candidate, entries: Sequence[Entry], keys: Sequence[str], today: date
) -> Retraining | None:
    """A training that the policy asks for, once for each candidate; `keys` are those of all windows so far, this one included."""
    if spec is None or _already_asked(entries, candidate):
        return None
    if spec.after in {"alarm", "watch"}:
        wanted = {"alarm"} if spec.after == "alarm" else {"alarm", "watch"}
        raised = list(dict.fromkeys(one.requirement for one in signals if one.state in wanted))
        because = f"{', '.join(raised)} {'alarm' if len(raised) > 1 else 'alarms'}." if raised else ""
    else:
        since, age = _began(entries, candidate) or today, days(spec.after) or 0
        old = (today - since).days
        because = f"the candidate has been in use for {old:,} days, since {since}; {age:,} are allowed." if old >= age else ""
    return Retraining(because, tuple(keys[-spec.windows :]), spec.policy) if because else None


def _entries_of(entries: Sequence[Entry], candidate: Candidate) -> Iterator[tuple[Entry, Mapping[str, object]]]:
    """Windows and promotions of one candidate."""
    for one in entries:
        if one.kind in {KIND, "promotion"}:
            said = json.loads(one.payload)
            if (said.get("policy"), said.get(MODEL if one.kind == KIND else "candidate_sha256")) == candidate:
                yield one, said


def _already_asked(entries: Sequence[Entry], candidate: Candidate) -> bool:
    return any(one.kind == KIND and said.get(ASKED) for one, said in _entries_of(entries, candidate))


def _began(entries: Sequence[Entry], candidate: Candidate) -> date | None:
    """The day on which the candidate was promoted, or was first seen in production."""
    told = list(_entries_of(entries, candidate))
    promoted = [one for one, said in told if one.kind == "promotion" and "finished" in said]
    first = promoted or [one for one, _ in told if one.kind == KIND]
    return datetime.fromisoformat(first[0].time).date() if first else None


def window(counted: Counted) -> dict[str, object]:
    """A window that was counted before, as a request names it."""
    return {
        "key": counted.key,
        "start": None if counted.start is None else counted.start.isoformat(),
        "end": None if counted.end is None else counted.end.isoformat(),
        "rows_sha256": counted.rows_sha256,
        "labels_sha256": counted.labels_sha256,
    }


def text(request: Mapping[str, object]) -> str:
    """The request as JSON."""
    return json.dumps(without_surrogates({"schema": SCHEMA, **request}), indent=1, ensure_ascii=False) + "\n"
