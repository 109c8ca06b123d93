"""What `audit history` says: the ledger's entries, and whether the bundles at hand are the ones that were recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.cli import terminal
from audit.errors import InputError
from audit.ledger import Ledger, ledger_path
from audit.pipeline import record

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def history(out: Path) -> tuple[Iterable[str], list[str]]:
    """One line an entry, after checking the chain; and what is not as recorded."""
    if out.exists() and not out.is_dir():
        msg = f"{out}: no folder: name the one that `audit run` writes its bundles into"
        raise InputError(msg)
    ledger = Ledger(ledger_path(out))
    entries = ledger.verified()
    states = {entry.number: record.state(out, entry) for entry in entries if entry.kind == "run"}
    unknown = record.unknown_bundles(out, entries)
    unknown = record.unknown_bundles(out, ledger.verified()) if unknown else []  # a run at work moves its bundle first
    wrong = [f"{out / name}: a bundle that the ledger {ledger.path} does not hold" for name in unknown]
    changed = [number for number, state in states.items() if state == record.CHANGED]
    wrong += [f"entry {number}: its bundle was changed after it was recorded: restore it from a copy" for number in changed]
    return terminal.history(entries, states), wrong
