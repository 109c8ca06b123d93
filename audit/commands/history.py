"""What `audit history` says: the ledger's entries, and whether the bundles at hand are the ones that were recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import InputError
from audit.ledger import Ledger, ledger_path
from audit.pipeline import record
from audit.registry import moves

DEFAULT_OUT = Path("reports")
"""Where `audit run` writes unless it is told otherwise; it need not be there yet."""

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from audit.ledger import Entry


def ledger_lines(out: Path) -> tuple[Iterable[str], list[str]]:
    """One line an entry, after checking the chain; and what is not as recorded."""
    if out.is_file() or not (out.exists() or out == DEFAULT_OUT or Ledger(ledger_path(out)).entries()):
        msg = f"{out}: no such folder: name the one that `audit run` writes its bundles into"
        raise InputError(msg)
    ledger = Ledger(ledger_path(out))
    settled, unsettled = moves.settle_killed(ledger)
    entries = ledger.verified()
    states = {entry.number: record.state(out, entry) for entry in entries if entry.kind == "run"}
    unknown = record.unknown_bundles(out, entries)
    unknown = record.unknown_bundles(out, ledger.verified()) if unknown else []  # a run at work moves its bundle first
    wrong = [f"{out / name}: a bundle that the ledger {ledger.name} does not hold" for name in unknown]
    changed = [number for number, state in states.items() if state == record.CHANGED]
    wrong += [f"entry {number}: its bundle was changed after it was recorded: restore it from a copy" for number in changed]
    return (*entry_lines(entries, states), *settled), [*wrong, *unsettled]


def entry_lines(entries: Sequence[Entry], states: Mapping[int, str] | None = None) -> Iterator[str]:
    """One line an entry of the ledger, oldest first, with the state of its bundle by its number."""
    for entry in entries:
        payload = json.loads(entry.payload)
        facts = [str(payload[name]) for name in ("decision", "policy", "run", "by", "role") if name in payload]
        facts += _move_facts(payload) if entry.kind in (*moves.KINDS, moves.DRILL) else []
        facts += [f"look {number} of {payload['max']} on {role}" for role, number in payload.get("numbers", {}).items()]
        facts += [states[entry.number]] if states and entry.number in states else []
        yield f"{entry.number:>5}  {entry.time}  {entry.kind:<14}  {'  '.join(facts)}  {entry.digest[:12]}"


def _move_facts(payload: Mapping[str, Any]) -> Iterator[str]:
    """From which version to which, where, and whether it took place."""
    yield f"{payload['name']} at {payload['target']}"
    if moves.FINISHED in payload or "passed" in payload:
        yield f"version {payload.get('from', payload.get('champion')) or 'none'} to {payload['version']}"
    if "passed" in payload:
        yield f"{'passed' if payload['passed'] else 'FAILED'} in {payload['seconds']} s"
    else:
        yield next((state for state in (moves.FINISHED, moves.UNDONE) if state in payload), moves.STARTED)
