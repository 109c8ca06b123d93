"""Every bit of a ledger's file counts, and a killed writer leaves nothing that stays wrong."""

from __future__ import annotations

import hashlib
import random
import shutil
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from audit.errors import ToolError
from audit.ledger import Ledger
from tests.killing import in_a_child, killed_at, steps

if TYPE_CHECKING:
    from pathlib import Path

    from audit.ledger import Entry

TIME = "2026-11-21T12:00:00+00:00"


def filled(folder: Path, entries: int = 20) -> Ledger:
    ledger = Ledger(folder / "ledger.sqlite")
    for number in range(entries):
        ledger.append(TIME, "run", {"run": number, "text": "x" * 300})
    return ledger


def flip(path: Path, bit: int) -> None:
    raw = bytearray(path.read_bytes())
    raw[bit // 8] ^= 1 << bit % 8
    path.write_bytes(raw)


def test_the_checksum_is_one_that_sha256sum_reads(tmp_path: Path) -> None:
    ledger = filled(tmp_path)
    digest = hashlib.sha256((tmp_path / "ledger.sqlite").read_bytes()).hexdigest()
    assert (tmp_path / "ledger.sqlite.sha256").read_text() == f"{digest}  ledger.sqlite\n"
    assert ledger.changed_bytes() is None


@pytest.mark.parametrize("name", ["ledger.sqlite", "ledger.sqlite.sha256"])
def test_one_flipped_bit_is_found_and_never_covered(tmp_path: Path, name: str) -> None:
    """In a free page, in the header, in the checksum itself: the file is not written any more, so that no new checksum covers it."""
    ledger = filled(tmp_path)
    path = tmp_path / name
    whole = path.read_bytes()
    rng = random.Random(20261201)  # noqa: S311  # offsets of a test
    for bit in rng.sample(range(8 * len(whole)), 60):
        flip(path, bit)
        assert "its bytes are not those" in str(ledger.changed_bytes())
        with pytest.raises(ToolError):
            ledger.append(TIME, "run", {"run": 99})
        path.write_bytes(whole)
    assert ledger.changed_bytes() is None


def test_a_writer_killed_at_any_point_is_told_and_the_next_one_completes(tmp_path: Path) -> None:
    """The entry is there or is not; the checksum is the file's own, or says that a writer was killed."""
    first = filled(tmp_path / "first", 3)

    def work(folder: Path) -> None:
        Ledger(folder / "ledger.sqlite").append(TIME, "run", {"run": 3})

    shutil.copytree(tmp_path / "first", tmp_path / "counted")
    most = steps(partial(work, tmp_path / "counted"))
    told = set()
    for step in range(1, most, max(1, most // 60)):
        folder = tmp_path / str(step)
        shutil.copytree(tmp_path / "first", folder)
        assert in_a_child(killed_at(step, partial(work, folder))) in {-signal.SIGKILL, 0}  # 0: with fewer steps than were counted
        ledger = Ledger(folder / "ledger.sqlite")
        problem = ledger.changed_bytes()
        told.add(problem is None)
        assert problem is None or "a writer was killed" in problem
        assert ledger.verify() in {3, 4}
        ledger.append(TIME, "run", {"run": 4})
        assert ledger.changed_bytes() is None
        assert ledger.verified()[:3] == first.verified()
    assert told == {True, False}


def test_a_ledger_of_an_earlier_release_gets_its_checksum_with_the_next_entry(tmp_path: Path) -> None:
    ledger = filled(tmp_path, 2)
    (tmp_path / "ledger.sqlite.sha256").unlink()
    assert "cannot be checked" in str(ledger.changed_bytes())
    ledger.append(TIME, "run", {"run": 2})
    assert ledger.changed_bytes() is None


def test_a_reader_waits_for_a_writer_at_work(tmp_path: Path) -> None:
    """Its half-finished transaction is no sign of a killed one."""
    ledger = filled(tmp_path, 2)
    hasty = Ledger(tmp_path / "ledger.sqlite", patience=0)

    def meanwhile(_entry: Entry) -> None:
        with pytest.raises(ToolError, match="another process has been writing"):
            hasty.changed_bytes()

    ledger.extend(TIME, "run", lambda _: {"run": 3}, before_commit=meanwhile)
    assert ledger.changed_bytes() is None
