"""The registry in a folder: versions, aliases that move together, and what killed promotions leave."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from audit.commands.promote import PromotionRequest, RollbackRequest, promote, roll_back
from audit.errors import InputError, ToolError
from audit.ledger import Ledger
from audit.registry import Aliases, Move, MovedMeanwhile, open_registry
from audit.registry.folder import Folder
from tests import promoting
from tests.killing import in_a_child, killed_at, steps
from tests.promoting import version

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POINTS = 50
NAME = promoting.NAME


def put(registry: Folder, folder: Path, move: str, content: bytes = b"weights") -> str:
    (folder / "source").write_bytes(content)
    return registry.put(NAME, version(move, content), {"model.skops": folder / "source"})


def test_versions_are_numbered_and_keep_their_files(tmp_path: Path) -> None:
    registry = Folder(tmp_path / "live")
    assert registry.aliases(NAME) == Aliases()
    assert [put(registry, tmp_path, "m1"), put(registry, tmp_path, "m2", b"others")] == ["1", "2"]
    assert registry.version(NAME, "2") == version("m2", b"others")
    assert (registry.model(NAME, "2", tmp_path) / "model.skops").read_bytes() == b"others"


def test_a_file_that_changes_while_it_is_copied_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"others")
    registry = Folder(tmp_path / "live")
    with pytest.raises(ToolError, match=r"model\.skops: was changed"):
        registry.put(NAME, version("m1"), {"model.skops": tmp_path / "source"})
    assert registry.settle(NAME, "m1") is None
    assert [one.name for one in (tmp_path / "live" / NAME).iterdir()] == [".lock"]


def test_a_move_begins_where_the_aliases_stand(tmp_path: Path) -> None:
    registry = Folder(tmp_path / "live")
    for move in ("m1", "m2"):
        put(registry, tmp_path, move)
    registry.move(NAME, Move("m1", "promotion", Aliases(), Aliases("1")))
    with pytest.raises(MovedMeanwhile, match="nothing was moved"):
        registry.move(NAME, Move("m2", "promotion", Aliases(), Aliases("2")))
    assert registry.aliases(NAME) == Aliases("1")
    registry.move(NAME, Move("m2", "promotion", Aliases("1"), Aliases("2", "1")))
    assert registry.aliases(NAME) == Aliases("2", "1")
    assert (registry.settle(NAME, "m1"), registry.settle(NAME, "m2")) == (Aliases("1"), Aliases("2", "1"))


def test_of_many_promoters_at_once_one_wins(tmp_path: Path) -> None:
    registry, won, lost = Folder(tmp_path / "live"), [], []
    begin = threading.Barrier(8)

    def one(move: str) -> None:
        (tmp_path / move).write_bytes(b"weights")
        number = registry.put(NAME, version(move), {"model.skops": tmp_path / move})
        begin.wait(60)
        try:
            registry.move(NAME, Move(move, "promotion", Aliases(), Aliases(number)))
            won.append(number)
        except MovedMeanwhile:
            lost.append(registry.settle(NAME, move))

    threads = [threading.Thread(target=one, args=(f"m{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    (winner,) = won
    assert lost == [None] * 7
    assert registry.aliases(NAME) == Aliases(winner)
    assert [one.name for one in (tmp_path / "live" / NAME / "versions").iterdir()] == [winner]


@pytest.mark.parametrize("name", ["../escape", "", ".hidden", "a/b", "a" * 201, "x\ny"])
def test_a_name_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="is no name of a model"):
        Folder(tmp_path).aliases(name)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "other/1"}', '{"schema": "audit.registry/1", "champion": 7}'])
def test_broken_aliases_are_never_taken_for_none(tmp_path: Path, text: str) -> None:
    registry = Folder(tmp_path)
    put(registry, tmp_path, "m1")
    (tmp_path / NAME / "aliases.json").write_text(text)
    with pytest.raises(ToolError, match=r"aliases\.json: "):
        registry.aliases(NAME)


@pytest.mark.parametrize("target", ["folder", "folder:", "s3:bucket", "mlflow:", "live", "mlflow:ftp://x", "mlflow:http://user:word@host"])
def test_targets_that_name_no_registry(target: str) -> None:
    with pytest.raises(InputError) as refused:
        open_registry(target)
    assert "word" not in str(refused.value).replace("password", "").replace("PASSWORD", "")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two signed bundles with their models; the first is the champion."""
    pytest.importorskip("skops", reason="comes with the extra sklearn")
    folder = tmp_path_factory.mktemp("project")
    first = promoting.signed(folder, promoting.GOOD)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert not promote(PromotionRequest(first, "folder:live")).problems
    second = promoting.signed(folder, promoting.OTHER)
    (folder / "second").write_text(second.name)
    shutil.copytree(folder, folder.with_name("kept"))
    return folder


@pytest.fixture
def scene(project: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Path]:
    """Begins the same scene anew, at the same path, since the ledger names it."""

    def begin() -> Path:
        shutil.rmtree(project)
        shutil.copytree(project.with_name("kept"), project)
        monkeypatch.chdir(project)
        return project

    return begin


def state(folder: Path) -> tuple[Aliases, list[str], list[str]]:
    """Aliases, versions, and how the moves after the first promotion ended. Every version is whole."""
    registry = Folder(folder / "live")
    place = folder / "live" / NAME
    numbers = sorted(one.name for one in (place / "versions").iterdir())
    for number in numbers:
        made = registry.version(NAME, number)
        assert hashlib.sha256((registry.model(NAME, number, folder) / "model.skops").read_bytes()).hexdigest() == made.candidate_sha256
    assert not list(place.glob(".partial-*"))
    ledger = Ledger(folder / "reports/ledger.sqlite")
    entries = [json.loads(one.payload) for one in ledger.verified() if one.kind in {"promotion", "rollback"}]
    begun = {one["move"] for one in entries}
    ended = [one for one in entries if "finished" in one or "undone" in one]
    assert sorted(one["move"] for one in ended) == sorted(begun), "every move ends once"
    return registry.aliases(NAME), numbers, ["finished" if "finished" in one else "undone" for one in ended][1:]


def test_a_promotion_killed_at_any_point_is_completed_or_undone_by_the_next(scene: Callable[[], Path]) -> None:
    folder = scene()
    asked = PromotionRequest(folder / "reports" / (folder / "second").read_text(), "folder:live")
    most = steps(lambda: _done(asked))
    assert state(folder) == (Aliases("2", "1"), ["1", "2"], ["finished"])
    seen = set()
    for step in np.random.default_rng(12).integers(1, most, POINTS):
        scene()
        assert in_a_child(killed_at(int(step), lambda: _done(asked))) in {-signal.SIGKILL, 0}
        _done(asked)
        aliases, numbers, ends = state(folder)
        assert (aliases, numbers) == (Aliases("2", "1"), ["1", "2"])
        assert ends in (["finished"], ["undone", "finished"])
        seen.add(tuple(ends))
    assert ("finished",) in seen


def _done(asked: PromotionRequest) -> None:
    assert not promote(asked).problems


def test_a_rollback_killed_at_any_point_is_completed_or_undone_by_the_next(scene: Callable[[], Path]) -> None:
    folder = scene()
    _done(PromotionRequest(folder / "reports" / (folder / "second").read_text(), "folder:live"))
    shutil.rmtree(folder.parent / "promoted", ignore_errors=True)
    shutil.copytree(folder, folder.parent / "promoted")

    def begin() -> None:
        shutil.rmtree(folder)
        shutil.copytree(folder.parent / "promoted", folder)
        os.chdir(folder)

    def back() -> None:
        roll_back(RollbackRequest(NAME))

    most = steps(back)
    assert state(folder) == (Aliases("1"), ["1", "2"], ["finished", "finished"])
    for step in np.random.default_rng(13).integers(1, most, POINTS):
        begin()
        assert in_a_child(killed_at(int(step), back)) in {-signal.SIGKILL, 0}
        back()  # where the first one was completed, there is nothing more to return to
        aliases, numbers, ends = state(folder)
        assert (aliases, numbers) == (Aliases("1"), ["1", "2"])
        assert ends in (["finished", "finished"], ["finished", "undone", "finished"])
