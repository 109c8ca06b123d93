"""The ledger in a real PostgreSQL server: the same chain, many writers, nothing lost."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from audit.errors import InputError, ToolError
from audit.ledger import Address, Large, Ledger
from tests.command import installed
from tests.postgres_server import running_server
from tests.running import policy, table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

dbapi = pytest.importorskip("pg8000.dbapi", reason="pg8000 comes with the extra `postgres`")
TIME = "2026-11-20T00:00:00+00:00"


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    """The port of a server of its own."""
    with running_server() as port:
        yield port


@pytest.fixture
def address(server: int) -> str:
    """Of an empty database."""
    name = f"audits_{next(_NUMBERS)}"
    _execute(server, "postgres", f"CREATE DATABASE {name}")
    return f"postgresql://auditor@127.0.0.1:{server}/{name}"


_NUMBERS = iter(range(1000))


def _execute(port: int, database: str, *statements: str) -> None:
    connection = dbapi.connect("auditor", host="127.0.0.1", port=port, database=database)
    connection.autocommit = True
    try:
        for statement in statements:
            connection.cursor().execute(statement)
    finally:
        connection.close()


def test_entries_are_linked_and_come_back(address: str) -> None:
    ledger = Ledger(Address(address))
    assert (ledger.entries(), ledger.head()) == ((), None)
    first = ledger.append(TIME, "run", {"run": "a", "policy": Large(["long"] * 9)})
    second = ledger.append(TIME, "run", {"run": "ü'\"\\"})
    assert second.previous == first.digest
    assert ledger.verified() == (first, second)
    assert ledger.verified()[0].whole() == {"run": "a", "policy": ["long"] * 9}
    assert ledger.verified_whole() == (first, second)
    assert ledger.changed_bytes() is None


COUNTING = """
import sys
from audit.ledger import Address, Ledger
for _ in range(10):
    Ledger(Address(sys.argv[1])).extend("t", "look", lambda before: {"number": len(before) + 1})
"""


def test_processes_at_once_take_different_numbers(address: str) -> None:
    """Four of them, the first to make the tables among them."""
    running = [subprocess.Popen([sys.executable, "-c", COUNTING, address]) for _ in range(4)]
    assert [process.wait(timeout=120) for process in running] == [0] * 4
    assert [json.loads(entry.payload)["number"] for entry in Ledger(Address(address)).verified()] == list(range(1, 41))


def test_changes_are_refused_by_the_server_and_found_where_it_was_made_to_allow_them(address: str, server: int) -> None:
    """As of the SQLite file: update, delete and truncate are refused; without the trigger, the chain tells."""
    ledger = Ledger(Address(address))
    for name in "abc":
        ledger.append(TIME, "run", {"run": name})
    database = address.rpartition("/")[2]
    for statement in ("UPDATE audit_entries SET kind = 'x'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"):
        with pytest.raises(dbapi.DatabaseError, match="append-only"):
            _execute(server, database, statement)
    _execute(server, database, "DROP TRIGGER append_only ON audit_entries", "DELETE FROM audit_entries WHERE number = 2")
    with pytest.raises(ToolError, match=r"postgresql://auditor@127\.0\.0\.1:\d+/audits_\d+: the chain is broken at entry 2"):
        ledger.verified()
    with pytest.raises(ToolError, match="broken"):
        ledger.append(TIME, "run", {})
    assert len(ledger.entries()) == 2


def test_what_fails_before_it_counts_is_taken_back(address: str) -> None:
    """The bundle could not be moved: no entry, nothing locked."""
    ledger = Ledger(Address(address))

    def broken(_entry: object) -> None:
        raise OSError("disk full")

    with pytest.raises(ToolError, match="disk full"):
        ledger.extend(TIME, "run", lambda _before: {}, before_commit=broken)
    assert ledger.entries() == ()
    assert ledger.append(TIME, "run", {}).number == 1


def test_a_locked_ledger_is_busy(address: str, server: int) -> None:
    """Another process writes it: wait, then run again."""
    ledger = Ledger(Address(address), patience=0.2)
    ledger.append(TIME, "run", {})
    connection = dbapi.connect("auditor", host="127.0.0.1", port=server, database=address.rpartition("/")[2])
    try:
        connection.cursor().execute("LOCK TABLE audit_entries IN EXCLUSIVE MODE")
        with pytest.raises(ToolError, match=r"another process has been writing the ledger for 0\.2 s"):
            ledger.append(TIME, "run", {})
    finally:
        connection.close()
    assert ledger.append(TIME, "run", {}).number == 2


def test_a_server_that_is_not_there_is_the_tool_s_error_without_the_password() -> None:
    """Nothing was recorded; the message names the address and hides the password."""
    ledger = Ledger(Address("postgresql://me:hunter2@127.0.0.1:1/audits"), patience=0.1)
    with pytest.raises(ToolError, match="nothing was recorded") as refused:
        ledger.append(TIME, "run", {})
    assert "hunter2" not in str(refused.value)


def test_a_whole_audit_is_recorded_there(address: str, tmp_path: Path) -> None:
    """`AUDIT_LEDGER` names the server: run, history, and the same bundle known again; no file beside the bundles."""
    import yaml

    table().to_csv(tmp_path / "test.csv", index=False)
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy()))
    settings = {"AUDIT_LEDGER": address, "AUDIT_CACHE": str(tmp_path / "cache")}
    done = installed("run", "policy.yaml", cwd=tmp_path, **settings)
    assert done.returncode == 0, done.stderr
    told = installed("history", cwd=tmp_path, **settings)
    assert told.returncode == 0, told.stderr
    assert "bundle as recorded" in told.stdout
    assert not (tmp_path / "reports" / "ledger.sqlite").exists()


@pytest.mark.parametrize(
    ("url", "port"), [("postgresql://host:abc/audits", ""), ("postgresql://host:99999/audits", ""), ("postgresql://host/audits", "x")]
)
def test_a_port_that_is_none_is_a_mistake_of_whoever_named_it(url: str, port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", port)
    with pytest.raises(InputError, match=r"^AUDIT_LEDGER: its port, or PGPORT, is no number"):
        Ledger(Address(url))
