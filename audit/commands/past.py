"""What a ledger holds of runs, windows, promotions and rollbacks, read for the history: entries alone, no bundle is opened."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from audit.bundle import reader
from audit.pipeline import last_promotion, record
from audit.registry import moves
from audit.report.history.past import History, Move, Past

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from audit.ledger import Entry
    from audit.record import Outcome

GONE = "no bundle here"


def history(out: Path, entries: Sequence[Entry], states: Mapping[int, str] | None = None) -> History:
    """Runs with links to the bundles in `out`; `states` are those of bundles that were checked, by the number of the entry."""
    told = [(one, json.loads(one.payload)) for one in entries]
    remarks = _remarks(told)
    past = (_run(out, entry, run, remarks, (states or {}).get(entry.number)) for entry, run in told if entry.kind == "run")
    return History(tuple(past), tuple(_moves(told)))


def _run(out: Path, entry: Entry, run: Mapping[str, Any], remarks: Mapping[str, tuple[str, ...]], state: str | None) -> Past:
    name = str(run.get("run"))
    at_hand = "/" not in name and (out / name / reader.NAME).exists() if state is None else state not in {record.CHANGED, GONE}
    return Past(
        kind="run",
        name=name,
        time=entry.time,
        policy=str(run.get("policy")),
        policy_version=str(run.get("policy_version", "")),
        candidate_sha256=str(run.get("candidate_sha256")),
        decision=str(run.get("decision")),
        href=f"./{quote(name, safe='')}/report.html" if at_hand and "/" not in name else "",
        bundle=state or ("" if at_hand else GONE),
        outcomes=_outcomes(entry),
        waivers=tuple(map(str, run.get("waivers") or ())),
        remarks=remarks.get(str(run.get("bundle_sha256")), ()),
    )


def _outcomes(entry: Entry) -> tuple[Outcome, ...]:
    """As the ledger keeps them; none of an earlier release's run."""
    return last_promotion.outcomes(entry) or ()


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
        facts = {key: str(one.get(key)) for key in ("name", "version", "target")}
        if entry.kind in moves.KINDS and moves.FINISHED in one:
            kind = moves.PROMOTION if entry.kind == moves.PROMOTION else moves.ROLLBACK
            yield Move(kind, entry.time, str(one.get("policy")), **facts)
        elif entry.kind == moves.DRILL:
            yield Move("drill", entry.time, "", **facts, passed=one.get("passed") is True)
