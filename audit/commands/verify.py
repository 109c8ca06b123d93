"""`audit verify`: what holds of a bundle, a line each, or as JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from audit.bundle import verification
from audit.errors import InputError
from audit.governance.keys import read_keys
from audit.ledger import Ledger, times

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from audit.bundle.verification import Verification


def verify(folder: Path, trusted: Sequence[Path], ledger: str | None) -> Verification:
    """The bundle against the public keys of some files and folders, and against the ledger that is named or lies beside it."""
    kept = Ledger(verification.found_ledger(folder, ledger))
    if ledger is not None and not kept.exists():
        msg = f"{ledger}: there is no such ledger: mend --ledger, or leave it out"
        raise InputError(msg)
    return verification.verify(folder, read_keys(trusted), kept, times.now())


def lines(folder: Path, found: Verification) -> Iterator[str]:
    """One line a check, then the outcome."""
    yield from (f"{one.state:<12} {one.name}: {one.text}" for one in found.checks)
    yield f"{folder}: {'verified' if found.ok else 'NOT VERIFIED'}"


def as_json(folder: Path, found: Verification) -> str:
    """The same for programs."""
    checks = [{"name": one.name, "state": one.state, "text": one.text} for one in found.checks]
    return json.dumps({"schema": "audit.verification/1", "bundle": str(folder), "verified": found.ok, "checks": checks}, indent=1)
