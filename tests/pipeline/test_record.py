"""Bundle and ledger entry: both or neither, whenever a run is killed; and each is held against the other."""

from __future__ import annotations

import json
import os
import shutil
import signal
from functools import partial
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest

from audit.bundle import writer
from audit.bundle.writer import Bundle
from audit.commands import validate as validate_command
from audit.commands.history import checked, entry_lines
from audit.errors import InputError, ToolError
from audit.ledger import Ledger
from audit.pipeline import record
from tests.killing import in_a_child, killed_at, steps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TIME = "2026-11-20T00:00:00+00:00"
KILLED = 50


def write(out: Path, ledger: Ledger, run: str) -> None:
    """A small bundle and its entry, as a run writes them."""
    entries = ledger.verified()
    making = Bundle(out, run)
    said = {"decision": "promote", "exit_code": 0}
    head = entries[-1].digest if entries else None
    results = {"run": {"id": run}, "ledger_head": head, "candidate": {"sha256": "c"}} | said
    making.write("results.json", json.dumps(results))
    digest = making.seal()
    payload = {"run": run, "bundle_sha256": digest, "candidate_sha256": "c"} | said
    record.record(making, ledger, TIME, lambda _entries: payload)


def test_a_run_killed_at_any_point_leaves_no_promotion_without_its_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """50 random points between its first file and its last step. The next run finds each whole or gone, and so does the history."""
    monkeypatch.setattr(writer, "_SETTLING", -1)
    write(tmp_path / "before", Ledger(tmp_path / "before" / "ledger.sqlite"), "first")
    shutil.copytree(tmp_path / "before", tmp_path / "whole")
    most = steps(lambda: write(tmp_path / "whole", Ledger(tmp_path / "whole" / "ledger.sqlite"), "second"))
    rng, states = np.random.default_rng(7), set()
    late = rng.integers(most - 440, most - 330, KILLED - KILLED // 2)  # the move, the commit, the checksum
    for step in (*rng.integers(1, most, KILLED // 2), *late):
        out = shutil.copytree(tmp_path / "before", tmp_path / f"killed-{len(list(tmp_path.iterdir()))}")
        ledger = Ledger(out / "ledger.sqlite")
        assert in_a_child(killed_at(step, partial(write, out, ledger, "second"))) in {-signal.SIGKILL, 0}  # a call more or less at the end
        kept = {json.loads(entry.payload)["run"]: record.state(out, entry) for entry in ledger.verified()}
        assert set(kept.values()) == {"bundle as recorded"}
        placed = (out / "second").is_dir()
        record.reconcile(out, ledger)
        recorded = {json.loads(entry.payload)["run"] for entry in ledger.verified()}
        assert recorded == {path.name for path in out.iterdir() if "ledger" not in path.name}, "whole and recorded, or gone"
        states.add((placed, "second" in kept, "second" in recorded))
    assert states == {(False, False, False), (True, False, True), (True, True, True)}, "before, between and behind both steps"


def moved_and_killed(self: Bundle, move: Callable[[Bundle], Path] = Bundle.finish) -> NoReturn:
    """What ends a run between the move of its bundle and the commit of its entry."""
    move(self)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def test_a_bundle_in_place_is_recorded_by_the_next_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed between the move and the commit."""
    out, ledger = tmp_path / "reports", Ledger(tmp_path / "ledger.sqlite")
    write(out, ledger, "first")
    with monkeypatch.context() as patch:
        patch.setattr(Bundle, "finish", moved_and_killed)
        assert in_a_child(lambda: write(out, ledger, "second")) == -signal.SIGKILL
    assert ledger.verify() == 1
    other = shutil.copytree(tmp_path, tmp_path / "other" / "place")
    assert [one.rule for one in record.reconcile(out, ledger)] == ["run-completed"]
    assert [json.loads(entry.payload)["run"] for entry in ledger.verified()] == ["first", "second"]
    assert record.reconcile(out, ledger) == ()
    with pytest.raises(InputError, match="a bundle that is not in the ledger"):  # its entry was for another file
        record.reconcile(other / "reports", Ledger(other / "ledger.sqlite"))


def test_a_bundle_that_others_overtook_is_put_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its entry would stand behind what it did not know."""
    out, ledger = tmp_path / "reports", Ledger(tmp_path / "ledger.sqlite")
    with monkeypatch.context() as patch:
        patch.setattr(Bundle, "finish", moved_and_killed)
        assert in_a_child(lambda: write(out, ledger, "first")) == -signal.SIGKILL
    write(tmp_path / "elsewhere", ledger, "second")
    assert [one.rule for one in record.reconcile(out, ledger)] == ["run-unrecorded"]
    assert [path.name for path in out.iterdir()] == [".first.unrecorded"]
    assert record.reconcile(out, ledger) == ()


def test_an_error_at_the_commit_leaves_neither(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, ledger = tmp_path / "reports", Ledger(tmp_path / "ledger.sqlite")
    write(out, ledger, "first")
    finish = Bundle.finish

    def full(self: Bundle) -> Path:
        finish(self)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Bundle, "finish", full)
    with pytest.raises(ToolError, match="No space left"):
        write(out, ledger, "second")
    assert [path.name for path in out.iterdir()] == ["first"]
    assert ledger.verify() == 1


@pytest.mark.parametrize("fault", ["missing", "emptied", "shortened", "rewritten", "another"])
def test_a_ledger_that_does_not_hold_the_bundles_is_refused(tmp_path: Path, fault: str) -> None:
    out, ledger = tmp_path / "reports", Ledger(tmp_path / "ledger.sqlite")
    ledger.append(TIME, "look", {"max": 3})
    write(out, ledger, "first")
    write(out, ledger, "second")
    entries = ledger.verified()
    assert record.reconcile(out, ledger) == ()
    (tmp_path / "ledger.sqlite").unlink()
    if fault == "emptied":
        (tmp_path / "ledger.sqlite").touch()
    elif fault != "missing":
        kept = {"shortened": entries[:-1], "rewritten": entries[1:], "another": entries[:1]}[fault]
        for entry in kept:
            ledger.append(entry.time, entry.kind, json.loads(entry.payload))
    with pytest.raises(InputError, match=r"not in the ledger .*ledger\.sqlite, first (first|second): the ledger is missing"):
        record.reconcile(out, ledger)
    assert len(list(validate_command.unknown_bundles(out, ledger.place))) == 1
    assert len(list(out.iterdir())) == 2


def test_a_promotion_is_believed_only_with_both(tmp_path: Path) -> None:
    out, ledger = tmp_path / "reports", Ledger(tmp_path / "ledger.sqlite")
    with pytest.raises(ToolError, match="nothing is promoted"):
        record.refuse_unproven(out, ledger, "beef")
    write(out, ledger, "20261120-cafebeef")
    record.refuse_unproven(out, ledger, "beef")
    ledger.append(TIME, "run", {"run": "20261120-cafeface", "decision": "promote", "exit_code": 0, "bundle_sha256": "0" * 64})
    for token in ("dead", "face"):
        with pytest.raises(ToolError, match="nothing is promoted"):
            record.refuse_unproven(out, ledger, token)
    (out / "20261120-cafebeef" / "more.txt").touch()
    with pytest.raises(ToolError, match="nothing is promoted"):
        record.refuse_unproven(out, ledger, "beef")


def test_the_history_tells_bundles_that_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, ledger = tmp_path / "reports", Ledger(tmp_path / "ledger.sqlite")
    monkeypatch.setenv("AUDIT_LEDGER", str(ledger.place))
    for run in ("first", "second", "third"):
        write(out, ledger, run)
    shutil.rmtree(out / "second")
    results = out / "third" / "results.json"
    results.write_text(results.read_text().replace('"c"', '"d"'))
    found = checked(out)
    lines, wrong = entry_lines(found.entries, found.states), found.wrong
    assert [line.split("  ")[-2] for line in lines] == ["bundle as recorded", "no bundle here", "BUNDLE CHANGED"]
    assert wrong == ("entry 3: its bundle was changed after it was recorded: restore it from a copy",)


def test_what_killed_runs_left_is_cleared_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But not what a run at work holds, nor what is a moment old."""
    assert in_a_child(lambda: Bundle(tmp_path, "killed").write("a", "b")) == 0
    held = Bundle(tmp_path, "held")
    writer.clear_stale(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".killed.partial", ".held.partial"}
    monkeypatch.setattr(writer, "_SETTLING", -1)
    writer.clear_stale(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [".held.partial"]
    held.discard()
