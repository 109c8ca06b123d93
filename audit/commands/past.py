"""What a ledger holds of runs, windows, promotions and rollbacks, read for the history: entries alone, no bundle is opened."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from audit.bundle import reader
from audit.monitor.retraining import MODEL
from audit.pipeline import last_promotion, record
from audit.registry import moves
from audit.report.history.past import History, Move, Past

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from audit.ledger import Entry
    from audit.report.history.past import Kind

GONE = "no bundle here"


def history(out: Path, entries: Sequence[Entry], states: Mapping[int, str] | None = None) -> History:
    """Runs with links to the bundles in `out`; `states` are those of bundles that were checked, by the number of the entry."""
    told = [(one, json.loads(one.payload)) for one in entries]
    remarks = _remarks(told)
    kinds = {"run": _run, "window": _window}
    past = (kinds[entry.kind](_Bundled(out, entry, one, remarks, states or {})) for entry, one in told if entry.kind in kinds)
    return History(tuple(past), tuple(_moves(told)))


@dataclass(frozen=True, slots=True)
class _Bundled:
    """An entry that stands for a bundle."""

    out: Path
    entry: Entry
    told: Mapping[str, Any]
    remarks: Mapping[str, tuple[str, ...]]
    states: Mapping[int, str]

    def past(self, kind: Kind, decision: str) -> Past:
        """What runs and windows have in common."""
        name, state = str(self.told.get("run")), self.states.get(self.entry.number)
        looked_for = "/" not in name and (self.out / name / reader.NAME).exists()
        at_hand = looked_for if state is None else "/" not in name and state not in {record.CHANGED, GONE}
        return Past(
            kind=kind,
            number=self.entry.number,
            name=name,
            time=self.entry.time,
            policy=str(self.told.get("policy")),
            policy_version=str(self.told.get("policy_version", "")),
            candidate_sha256=str(self.told.get("candidate_sha256")),
            model=str(self.told.get(MODEL) or self.told.get("candidate_sha256")),
            decision=decision,
            href=f"./{quote(name, safe='')}/report.html" if at_hand else "",
            bundle=state or ("" if at_hand else GONE),
            outcomes=last_promotion.outcomes(self.entry) or (),  # none of an earlier release's run
            waivers=tuple(map(str, self.told.get("waivers") or ())),
            remarks=self.remarks.get(str(self.told.get("bundle_sha256")), ()),
        )


def _run(one: _Bundled) -> Past:
    return one.past("run", str(one.told.get("decision")))


def _window(one: _Bundled) -> Past:
    """A window stands at the time at which it begins; one whose labels came later has an entry for each."""
    told = one.told
    evidence = told.get("evidence") or {}
    alarms = frozenset(name for name, relative in evidence.items() if relative is not None and relative >= 1)
    due = ("labels may come until " + str(told["labels_due"]),) if told.get("labels_due") is not None else ()
    past = one.past("window", str(told.get("outcome")))
    return replace(past, name=str(told.get("key")), time=str(told.get("start") or past.time), alarms=alarms, remarks=(*due, *past.remarks))


def _remarks(told: Sequence[tuple[Entry, Mapping[str, Any]]]) -> dict[str, tuple[str, ...]]:
    """What became of bundles, by their digest: signatures, reviews, promotions and rollbacks, oldest first."""
    found: dict[str, tuple[str, ...]] = {}
    for entry, one in told:
        text = _remark(entry.kind, one)
        if text is not None and one.get("bundle_sha256") is not None:
            bundle = str(one["bundle_sha256"])
            found[bundle] = (*found.get(bundle, ()), text)
    return found


def _remark(kind: str, one: Mapping[str, Any]) -> str | None:
    if kind == "sign-off":
        return f"signed by {one.get('by')} as {one.get('role')}"
    if kind == "review":
        return f"reviewed by {one.get('by')}: agrees on {one.get('agreed')} of {one.get('findings')}"
    if kind in moves.KINDS and moves.FINISHED in one:
        word = "promoted as" if kind == moves.PROMOTION else "returned to as"
        return f"{word} {one.get('name')} version {one.get('version')} on {str(one[moves.FINISHED])[:10]}"
    return None


def _moves(told: Sequence[tuple[Entry, Mapping[str, Any]]]) -> Iterator[Move]:
    """Those that took place, and drills."""
    for entry, one in told:
        name, version, target = (str(one.get(key)) for key in ("name", "version", "target"))
        if entry.kind in moves.KINDS and moves.FINISHED in one:
            kind = moves.PROMOTION if entry.kind == moves.PROMOTION else moves.ROLLBACK
            yield Move(kind, entry.time, str(one.get("policy")), name, version, target)
        elif entry.kind == moves.DRILL:
            yield Move("drill", entry.time, "", name, version, target, passed=one.get("passed") is True)
