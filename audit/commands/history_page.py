"""`audit history --html`: the page `index.html` beside the bundles, from the ledger and the bundles' records alone."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from audit import files
from audit.bundle import reader
from audit.errors import InputError
from audit.ledger import Ledger, ledger_path
from audit.pipeline import last_promotion, record
from audit.record import outcome
from audit.report.history_page import PastRun, history_page
from audit.report.page import render_history

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from audit.ledger import Entry
    from audit.record import Outcome

NAME = "index.html"


def write(out: Path, problems: Sequence[str]) -> Path:
    """Write the page, with what is not as recorded; its place."""
    ledger = Ledger(ledger_path(out))
    page = history_page(tuple(_runs(out, ledger.verified())), ledger.name, problems)
    place = out / NAME
    try:
        out.mkdir(parents=True, exist_ok=True)
        files.replace_bytes(place, render_history(page).encode("utf-8", "backslashreplace"))
    except OSError as error:
        msg = f"{place}: cannot be written ({error.strerror})"
        raise InputError(msg) from error
    return place


def _runs(out: Path, entries: Sequence[Entry]) -> Iterator[PastRun]:
    told = [(one, json.loads(one.payload)) for one in entries]
    for entry, run in told:
        if entry.kind != "run":
            continue
        name, state = str(run.get("run")), record.state(out, entry)
        whole = state not in {record.CHANGED, "no bundle here"} and "/" not in name
        yield PastRun(
            run=name,
            time=entry.time,
            policy=str(run.get("policy")),
            policy_version=str(run.get("policy_version", "")),
            candidate_sha256=str(run.get("candidate_sha256")),
            decision=str(run.get("decision")),
            href=f"./{quote(name, safe='')}/report.html" if whole else "",
            bundle=state,
            outcomes=_outcomes(out, entry, name, whole=whole),
            events=tuple(text for one, payload in told if (text := _event(one.kind, payload, run)) is not None),
        )


def _outcomes(out: Path, entry: Entry, name: str, *, whole: bool) -> tuple[Outcome, ...]:
    """As the ledger keeps them; of an earlier release's run from its bundle, where that can be read."""
    kept = last_promotion.outcomes(entry)
    if kept is None and whole:
        with suppress(InputError):  # of a record that this release cannot read the page shows the decision alone
            return tuple(map(outcome, reader.audit_run(out / name, tables=False).findings))
    return kept or ()


def _event(kind: str, one: Mapping[str, Any], run: Mapping[str, Any]) -> str | None:
    """What happened to a run's bundle, in words; None where it is about another one."""
    same = one.get("bundle_sha256") is not None and one.get("bundle_sha256") == run.get("bundle_sha256")
    if not same:
        return None
    if kind == "sign-off":
        return f"signed by {one.get('by')} as {one.get('role')}"
    if kind == "review":
        return f"reviewed by {one.get('by')}: agrees on {one.get('agreed')} of {one.get('findings')}"
    if kind in {"promotion", "rollback"} and "finished" in one:
        word = "promoted as" if kind == "promotion" else "returned to as"
        return f"{word} {one.get('name')} version {one.get('version')} on {str(one['finished'])[:10]}"
    return None
