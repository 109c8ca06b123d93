"""The ledger is append-only and tells every change."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import ToolError
from audit.ledger import Ledger
from audit.ledger.store import Entry

if TYPE_CHECKING:
    from pathlib import Path

TIME = "2026-11-20T00:00:00+00:00"


def test_entries_are_linked(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    assert ledger.head() is None
    first, second = (ledger.append(TIME, "run", {"run": name}) for name in ("a", "b"))
    assert second.previous == first.digest
    assert ledger.head() == second.digest
    assert ledger.verify() == 2


def test_update_and_delete_are_refused_by_the_file_itself(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.append(TIME, "run", {"decision": "block"})
    with sqlite3.connect(ledger.path) as database:
        for statement in ("UPDATE entries SET payload = '{}'", "DELETE FROM entries"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)
    database.close()


@pytest.mark.parametrize("column", ["time", "kind", "payload", "previous", "digest"])
def test_a_forged_entry_breaks_the_chain(tmp_path: Path, column: str) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for name in "abc":
        ledger.append(TIME, "run", {"run": name})
    with sqlite3.connect(ledger.path) as database:
        database.execute("DROP TRIGGER no_update")
        database.execute(f"UPDATE entries SET {column} = 'forged' WHERE number = 2")  # noqa: S608  # names from the list above
    database.close()
    with pytest.raises(ToolError, match="broken at entry 2"):
        ledger.verify()


def test_a_removed_entry_breaks_the_chain(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    for name in "abc":
        ledger.append(TIME, "run", {"run": name})
    with sqlite3.connect(ledger.path) as database:
        database.execute("DROP TRIGGER no_delete")
        database.execute("DELETE FROM entries WHERE number = 2")
    database.close()
    with pytest.raises(ToolError, match="broken at entry 2"):
        ledger.head()


def test_a_file_that_is_no_ledger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    path.write_text("not a database at all, but long enough to be looked at")
    for call in (Ledger(path).head, lambda: Ledger(path).append(TIME, "run", {})):
        with pytest.raises(ToolError, match="ledger"):
            call()


def test_appending_at_once_loses_nothing(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda name: ledger.append(TIME, "run", {"run": name}), range(20)))
    assert ledger.verify() == 20


@given(st.integers(1, 9), st.text(), st.text(), st.text(), st.text())
def test_the_digest_depends_on_every_part(number: int, time: str, kind: str, payload: str, previous: str) -> None:
    entry = Entry(number, time, kind, payload, previous, "")
    others = [
        Entry(number + 1, time, kind, payload, previous, ""),
        Entry(number, time + "x", kind, payload, previous, ""),
        Entry(number, time, kind + "x", payload, previous, ""),
        Entry(number, time, kind, payload + "x", previous, ""),
        Entry(number, time, kind, payload, previous + "x", ""),
    ]
    assert len({entry.computed(), *(other.computed() for other in others)}) == 6
