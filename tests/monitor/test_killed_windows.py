"""A call that is killed at any point and made again, and calls at the same time, leave the ledger of undisturbed ones."""

from __future__ import annotations

import os
import shutil
import signal
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit import disk_cache
from audit.bundle import reader, writer
from audit.monitor import measure
from audit.monitor.run import audit_windows
from audit.pipeline.run import Options
from audit.progress import Silent
from tests.killing import in_a_child, killed_at, steps
from tests.windows import ACCURACY, DRIFT, Project, day, policy, rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from audit.monitor.run import Ended

POINTS = 50
OF_THE_CALL = ("run", "bundle_sha256")
"""What two calls on the same windows do not have in common."""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    folder = tmp_path / "project"
    folder.mkdir()
    made = Project(folder, policy(ACCURACY, DRIFT))
    monkeypatch.setattr(writer, "_SETTLING", -1)
    monkeypatch.setattr(disk_cache, "root", lambda: folder / "cache")
    monkeypatch.chdir(folder)
    return made


def windows(project: Project, *numbers: int, name: str = "window.csv", right: float = 0.9) -> Path:
    file = project.folder / name
    pd.concat([rows(day(number), right=right) for number in numbers]).to_csv(file, index=False)
    return file


def call(project: Project, name: str = "window.csv") -> list[Ended]:
    return list(
        audit_windows(project.folder / "policy.yaml", project.folder / name, Options(project.folder / "reports", "audit"), Silent())
    )


def calling(project: Project) -> Callable[[], None]:
    """A call for its effect."""

    def work() -> None:
        call(project)

    return work


def history(project: Project) -> list[dict[str, Any]]:
    """What the ledger says, but for times and the names of runs; every bundle is there and as it was written."""
    entries = project.entries()
    folders = sorted(path.parent.name for path in (project.folder / "reports").glob("[!.]*/bundle.json"))
    assert folders == sorted(one["run"] for one in entries)
    for name in folders:
        reader.refuse_changed(project.folder / "reports" / name)
    return [{key: value for key, value in one.items() if key not in OF_THE_CALL} for one in entries]


@pytest.mark.slow
def test_a_call_killed_at_any_point_and_made_again_gives_the_same_ledger(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what undisturbed calls read from the cache, so that most of the points lie in what a window adds to it."""
    windows(project, 0, right=0.7)
    call(project)
    windows(project, 1, 2, right=0.6)
    shutil.copytree(project.folder, tmp_path / "before")

    def begin_anew() -> None:
        shutil.rmtree(project.folder)
        shutil.copytree(tmp_path / "before", project.folder)
        monkeypatch.chdir(project.folder)

    call(project)
    expected = history(project)
    assert [one["key"] for one in expected] == ["2025-03-01", "2025-03-02", "2025-03-03"]
    assert [one["exit_code"] for one in expected] == [0, 1, 1]
    begin_anew()
    most = steps(calling(project))
    counted = set()
    for step in np.random.default_rng(13).integers(1, most, POINTS):
        begin_anew()
        assert in_a_child(killed_at(int(step), calling(project))) in {-signal.SIGKILL, 0}  # a call more or less at the end
        counted.add(len(project.entries()))
        call(project)
        assert history(project) == expected
    assert {1, 2} <= counted, "some in the first window, some in the second"


def interposed(monkeypatch: pytest.MonkeyPatch, work: Callable[[], object]) -> None:
    """Some work in another call once this one has measured its first window."""
    original, done = measure.measure, list[bool]()

    def measured(*given: Any) -> Any:
        found = original(*given)
        if not done:
            done.append(True)
            work()
        return found

    monkeypatch.setattr(measure, "measure", measured)


def test_of_two_calls_on_one_window_one_counts_and_the_other_says_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    windows(project, 0)
    inner: list[Ended] = []
    interposed(monkeypatch, lambda: inner.extend(call(project)))
    (outer,) = call(project)
    assert inner[0].audit is not None
    assert outer.audit is None
    assert f"by another call that ran beside this one, run {inner[0].audit.run.id}: keep; nothing is counted again" in outer.text
    assert len(history(project)) == 1


def test_a_window_that_another_call_counts_meanwhile_comes_first(project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    windows(project, 0, right=0.7)
    windows(project, 1, name="other.csv", right=0.6)
    shutil.copytree(project.folder, tmp_path / "apart")
    interposed(monkeypatch, lambda: call(project, "other.csv"))
    call(project)
    monkeypatch.undo()
    monkeypatch.setattr(disk_cache, "root", lambda: tmp_path / "cache")
    monkeypatch.chdir(tmp_path / "apart")
    apart = Project(tmp_path / "apart", policy(ACCURACY, DRIFT))
    call(apart, "other.csv")
    call(apart)
    assert [one["key"] for one in history(project)] == ["2025-03-02", "2025-03-01"]
    assert history(project) == history(apart)


def test_calls_in_several_processes_count_a_window_once(project: Project) -> None:
    windows(project, 0)
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            try:
                call(project)
            finally:
                os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0, 0, 0]
    assert len(history(project)) == 1
