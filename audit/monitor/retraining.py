"""When a new training is due, and the request for it: the windows to use, and the policy that the new candidate must pass."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING

from audit.canonical_text import without_surrogates
from audit.monitor.state import KIND
from audit.policy.strict import days
from audit.record import Retraining

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from audit.ledger import Entry
    from audit.monitor.state import History
    from audit.policy.monitoring import Retrain
    from audit.record import Signal

FILE = "retraining.json"
"""The request, among the files of a bundle."""
ASKED = "retraining"
"""Key of a window's entry: whether it asked for a training."""


def due(
    spec: Retrain | None,
    signals: Sequence[Signal],
    candidate_sha256: str,
    policy: str,
    entries: Sequence[Entry],
    keys: Sequence[str],
    today: date,
) -> Retraining | None:
    """A training that the policy asks for, once for each candidate; `keys` are those of all windows so far, this one included."""
    if spec is None or _asked(entries, policy, candidate_sha256):
        return None
    if spec.after in {"alarm", "watch"}:
        wanted = {"alarm"} if spec.after == "alarm" else {"alarm", "watch"}
        raised = list(dict.fromkeys(one.requirement for one in signals if one.state in wanted))
        because = f"{', '.join(raised)} {'alarm' if len(raised) > 1 else 'alarms'}." if raised else ""
    else:
        since, age = _began(entries, policy, candidate_sha256) or today, days(spec.after) or 0
        old = (today - since).days
        because = f"the candidate has been in use for {old:,} days, since {since}; {age:,} are allowed." if old >= age else ""
    return Retraining(because, tuple(keys[-spec.windows :]), spec.policy) if because else None


def _told(entries: Sequence[Entry], policy: str, candidate_sha256: str) -> Iterator[tuple[Entry, Mapping[str, object]]]:
    """Windows and promotions of one candidate."""
    for one in entries:
        if one.kind in {KIND, "promotion"}:
            said = json.loads(one.payload)
            if said.get("policy") == policy and said.get("candidate_sha256") == candidate_sha256:
                yield one, said


def _asked(entries: Sequence[Entry], policy: str, candidate_sha256: str) -> bool:
    return any(one.kind == KIND and said.get(ASKED) for one, said in _told(entries, policy, candidate_sha256))


def _began(entries: Sequence[Entry], policy: str, candidate_sha256: str) -> date | None:
    """The day on which the candidate was promoted, or was first seen in production."""
    told = list(_told(entries, policy, candidate_sha256))
    promoted = [one for one, said in told if one.kind == "promotion" and "finished" in said]
    first = promoted or [one for one, _ in told if one.kind == KIND]
    return datetime.fromisoformat(first[0].time).date() if first else None


def request(asked: Retraining, history: History, facts: Mapping[str, object]) -> str:
    """The request as a JSON text. `facts` name policy, candidate, run and what the new candidate must pass."""
    windows = []
    for key in asked.windows:
        entries = history.of(key)
        first = entries[0]
        windows.append(
            {
                "key": key,
                "start": None if first.start is None else first.start.isoformat(),
                "end": None if first.end is None else first.end.isoformat(),
                "rows_sha256": first.rows_sha256,
                "labels_sha256": next((one.labels_sha256 for one in reversed(entries) if one.labels_sha256), None),
            }
        )
    return json.dumps(without_surrogates({**facts, "because": asked.because, "windows": windows}), indent=1, ensure_ascii=False) + "\n"
