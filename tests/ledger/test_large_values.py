"""Large values stand beside the entries, and a changed one is found."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from audit.errors import ToolError
from audit.ledger import Large, Ledger

if TYPE_CHECKING:
    from pathlib import Path

TIME = "2026-11-20T00:00:00+00:00"


def filled(folder: Path) -> tuple[Path, Ledger]:
    place = folder / "ledger.sqlite"
    ledger = Ledger(place)
    for number in range(4):
        ledger.append(TIME, "run", {"run": f"r{number}", "policy": Large({"text": "long " * 50, "number": number})})
    return place, ledger


def test_large_values_stand_beside_the_entries(tmp_path: Path) -> None:
    """A payload that every run reads holds only the digest; the value comes back when it is asked for."""
    _, ledger = filled(tmp_path)
    entry = ledger.verified()[2]
    assert "long" not in entry.payload
    assert entry.value("policy") == {"text": "long " * 50, "number": 2}
    assert entry.whole() == {"run": "r2", "policy": {"text": "long " * 50, "number": 2}}


@pytest.mark.parametrize("statement", ["UPDATE contents SET content = replace(content, 'long', 'lung')", "DELETE FROM contents"])
def test_a_changed_or_removed_large_value_is_refused(tmp_path: Path, statement: str) -> None:
    """The chain over the entries still holds: the value's own digest tells."""
    place, ledger = filled(tmp_path)
    with closing(sqlite3.connect(place, isolation_level=None)) as database:
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute(statement)
        database.execute("DROP TRIGGER no_content_update")
        database.execute("DROP TRIGGER no_content_delete")
        database.execute(statement)
    entry = ledger.verified()[0]
    with pytest.raises(ToolError, match="entry 1: its policy is missing or was changed"):
        entry.value("policy")
    with pytest.raises(ToolError, match="entry 1: its policy"):
        ledger.verified_whole()
