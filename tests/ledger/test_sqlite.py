"""The ledger is append-only and tells every change."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import InputError, ToolError
from audit.ledger import Ledger, ledger_path
from audit.ledger.chain import Entry

TIME = "2026-11-20T00:00:00+00:00"


def test_entries_are_linked(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    ledger = Ledger(place)
    assert ledger.head() is None
    first, second = (ledger.append(TIME, "run", {"run": name}) for name in ("a", "b"))
    assert second.previous == first.digest
    assert ledger.head() == second.digest
    assert ledger.verify() == 2


def test_update_and_delete_are_refused_by_the_file_itself(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    ledger = Ledger(place)
    ledger.append(TIME, "run", {"decision": "block"})
    with sqlite3.connect(place) as database:
        for statement in ("UPDATE entries SET payload = '{}'", "DELETE FROM entries"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                database.execute(statement)
    database.close()


@pytest.mark.parametrize("column", ["time", "kind", "payload", "previous", "digest"])
def test_a_forged_entry_breaks_the_chain(tmp_path: Path, column: str) -> None:
    place = tmp_path / "ledger.sqlite"
    ledger = Ledger(place)
    for name in "abc":
        ledger.append(TIME, "run", {"run": name})
    with sqlite3.connect(place) as database:
        database.execute("DROP TRIGGER no_update")
        database.execute(f"UPDATE entries SET {column} = 'forged' WHERE number = 2")  # noqa: S608  # names from the list above
    database.close()
    with pytest.raises(ToolError, match="broken at entry 2"):
        ledger.verify()


def test_a_removed_entry_breaks_the_chain(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    ledger = Ledger(place)
    for name in "abc":
        ledger.append(TIME, "run", {"run": name})
    with sqlite3.connect(place) as database:
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


@pytest.mark.parametrize("folder", ["o#1", "o?mode=rw", "o%20x", "ö 1"])
def test_any_folder_will_do(tmp_path: Path, folder: str) -> None:
    """Signs that mean something in a URI are part of the path."""
    ledger = Ledger(tmp_path / folder / "ledger.sqlite")
    entry = ledger.append(TIME, "run", {})
    assert ledger.head() == entry.digest
    assert [path.name for path in tmp_path.iterdir()] == [folder]


def test_an_address_is_never_shown_with_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither by the ledger nor where it is refused; anything without `://` is a file."""
    monkeypatch.setenv("AUDIT_LEDGER", "postgresql://me:secret@host:5433/audits")
    ledger = Ledger(ledger_path(tmp_path))
    assert ledger.name == ledger.identity == "postgresql://me@host:5433/audits"
    monkeypatch.setenv("AUDIT_LEDGER", "mysql://me:secret@host/audits")
    with pytest.raises(InputError, match=r"mysql://\.\.\.: a ledger is a SQLite file or postgresql://") as refused:
        Ledger(ledger_path(tmp_path))
    assert "secret" not in str(refused.value)
    monkeypatch.setenv("AUDIT_LEDGER", "elsewhere/ledger.sqlite")
    assert ledger_path(tmp_path) == Path("elsewhere/ledger.sqlite")


def test_appending_at_once_loses_nothing(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    ledger = Ledger(place)
    with ThreadPoolExecutor(max_workers=4) as pool:
        list(pool.map(lambda name: ledger.append(TIME, "run", {"run": name}), range(20)))
    assert ledger.verify() == 20


def test_a_first_entry_that_was_never_finished_is_no_ledger_yet(tmp_path: Path) -> None:
    """SQLite makes the file before it writes: another run, or one after a full disk, finds it empty."""
    place = tmp_path / "ledger.sqlite"
    ledger = Ledger(place)
    place.touch()
    assert ledger.head() is None
    entry = ledger.append(TIME, "run", {})
    assert (ledger.head(), ledger.verify()) == (entry.digest, 1)


KILLED = """
import os, sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
database.execute("PRAGMA cache_size = 2")
database.execute("BEGIN IMMEDIATE")
for number in range(2, 200):
    database.execute("INSERT INTO entries VALUES (?, 't', 'run', ?, 'p', ?)", (number, "x" * 2000, str(number)))
os._exit(0)
"""


def test_an_entry_that_was_killed_half_written_is_taken_back(tmp_path: Path) -> None:
    """Its journal lies beside the ledger, and the ledger is as it was before."""
    place = tmp_path / "ledger.sqlite"
    ledger = Ledger(place)
    entry = ledger.append(TIME, "run", {})
    subprocess.run([sys.executable, "-c", KILLED, str(place)], check=True, timeout=60)
    assert place.with_name("ledger.sqlite-journal").exists()
    assert ledger.entries() == (entry,)
    assert ledger.append(TIME, "run", {}).previous == entry.digest
    assert ledger.verify() == 2


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_locked_ledger_is_busy_and_not_broken(tmp_path: Path, lock: str) -> None:
    """Another process writes it: the message says to wait, and afterwards all is well."""
    place = tmp_path / "ledger.sqlite"
    ledger = Ledger(place, patience=0.01)
    ledger.append(TIME, "run", {})
    with closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute(f"BEGIN {lock}")
        with pytest.raises(ToolError, match=r"another process has been writing the ledger for 0\.01 s: wait for it, then run again"):
            ledger.append(TIME, "run", {})
        if lock == "EXCLUSIVE":
            with pytest.raises(ToolError, match="another process"):
                ledger.entries()
    assert ledger.append(TIME, "run", {}).number == 2


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ToolError, match="the run is not recorded"):
        Ledger(tmp_path / "file" / "ledger.sqlite").append(TIME, "run", {})


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


COUNTING = """
import sys
from pathlib import Path
from audit.ledger import Ledger
for _ in range(10):
    Ledger(Path(sys.argv[1])).extend("t", "look", lambda before: {"number": len(before) + 1})
"""


def test_two_processes_at_once_take_different_numbers(tmp_path: Path) -> None:
    """The payload is made from all entries before, and no other process appends meanwhile."""
    place = tmp_path / "ledger.sqlite"
    ledger = Ledger(place)
    running = [subprocess.Popen([sys.executable, "-c", COUNTING, str(place)]) for _ in range(2)]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    assert [json.loads(entry.payload)["number"] for entry in ledger.verified()] == list(range(1, 21))


def test_a_payload_follows_from_all_entries_before(tmp_path: Path) -> None:
    place = tmp_path / "ledger.sqlite"
    ledger = Ledger(place)
    first = ledger.append(TIME, "run", {"run": "a"})
    before, entry = ledger.extend(TIME, "look", lambda seen: {"seen": [one.digest for one in seen]})
    assert before == (first,)
    assert (entry.number, entry.previous, json.loads(entry.payload)) == (2, first.digest, {"seen": [first.digest]})
    assert ledger.verified() == (first, entry)


def test_a_forged_ledger_gives_no_number(tmp_path: Path) -> None:
    """Nothing is appended, nothing stays locked."""
    place = tmp_path / "ledger.sqlite"
    ledger = Ledger(place)
    for name in "ab":
        ledger.append(TIME, "run", {"run": name})
    with sqlite3.connect(place) as database:
        database.execute("DROP TRIGGER no_update")
        database.execute("UPDATE entries SET payload = '{}' WHERE number = 1")
    database.close()
    with pytest.raises(ToolError, match="broken at entry 1"):
        ledger.extend(TIME, "look", lambda before: {"number": len(before)})
    assert len(ledger.entries()) == 2
