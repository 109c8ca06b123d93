"""No fault in a check, in the ledger or in the process that measures lets a window of production data end in exit code 0."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audit.monitor import detection
from tests.command import installed
from tests.failclosed import faults
from tests.windows import ACCURACY, DRIFT, Project, day, policy, rows

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
SITE = Path(__file__).parent / "site"
MODES = (*(one for one in faults.IN_A_CHECK if one not in {"truncate", "hang"}), "drop")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """With one window that was kept."""
    made = Project(tmp_path, policy(ACCURACY, DRIFT))
    assert made.monitor(rows(day(0))).returncode == 0
    return made


@pytest.mark.parametrize(("check_id", "fault"), [*(("performance/accuracy", mode) for mode in MODES), ("drift/psi", "raise")])
def test_a_check_that_breaks_ends_in_3(project: Project, monkeypatch: pytest.MonkeyPatch, check_id: str, fault: str) -> None:
    """Drift that is only watched is asked for as well."""
    faults.plant(fault, check_id, patch=monkeypatch.setattr)
    done = project.monitor(rows(day(1)), workers=int(fault in faults.ENDLESS))
    assert done.returncode == 3, done.stdout + done.stderr
    results = project.results()
    assert (results["monitor"]["outcome"], results["decision"], results["exit_code"]) == ("incomplete", "block", 3)
    assert {one["id"]: one["status"] for one in results["findings"]}[check_id] == "error"
    assert check_id not in project.entries()[-1]["requirements"], "it does not count"
    monkeypatch.undo()
    assert project.command().returncode == 0, "once mended, the same window counts for it"
    assert list(project.entries()[-1]["requirements"]) == [check_id]
    assert [one["windows"] for one in project.results()["monitor"]["signals"]] == [2, 2]


def test_evidence_that_cannot_be_told_is_an_error_of_its_check(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **_named: object) -> None:
        raise ArithmeticError(faults.PLANTED)

    monkeypatch.setattr(detection, "log_e_values", broken)
    done = project.monitor(rows(day(1)))
    assert done.returncode == 3, done.stdout
    assert faults.PLANTED in done.stdout


def unreadable(path: Path) -> None:
    path.write_bytes(b"no database" * 100)


def changed(path: Path) -> None:
    """The outcome of the counted window, as if nobody had been warned."""
    with sqlite3.connect(path) as database:
        database.executescript("DROP TRIGGER no_update; UPDATE entries SET payload = replace(payload, 'letters', 'lettres')")


def without_state(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.executescript("DROP TRIGGER no_content_delete; DELETE FROM contents")


def other_state(path: Path) -> None:
    content = "UPDATE contents SET content = replace(content, '\"windows\":1', '\"windows\":0')"
    with sqlite3.connect(path) as database:
        database.executescript(f"DROP TRIGGER no_content_update; {content}")


@pytest.mark.parametrize("fault", [unreadable, changed, without_state, other_state])
def test_a_ledger_that_cannot_be_trusted_ends_in_3(project: Project, fault: Callable[[Path], None]) -> None:
    fault(project.ledger.place)  # type: ignore[arg-type]  # a file
    for done in (project.command(), project.monitor(rows(day(1)))):
        assert done.returncode == 3, done.stdout + done.stderr
        assert "restore" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_ledger_that_is_gone_is_refused_while_bundles_lie_there(project: Project) -> None:
    assert isinstance(project.ledger.place, Path)
    project.ledger.place.unlink()
    done = project.monitor(rows(day(1)))
    assert done.returncode == 2
    assert "not in the ledger" in done.stderr


def test_a_missing_champion_is_refused(project: Project) -> None:
    against = {"check": "performance/accuracy", "id": "not-worse", "on": "production", "against": "champion", "margin": 0.02}
    project.write(policy(ACCURACY, against, champion={"load": {"kind": "sklearn", "path": "champion.skops"}}))
    done = project.monitor(rows(day(1)))
    assert done.returncode == 2, done.stdout + done.stderr
    assert "champion" in done.stderr
    assert len(project.entries()) == 1


def test_a_process_that_only_says_that_it_kept_is_not_believed(project: Project) -> None:
    rows(day(1)).to_csv(project.folder / "window.csv", index=False)
    environment = {"AUDIT_TEST_FAULT": "lie:performance/accuracy", "PYTHONPATH": os.pathsep.join([str(SITE), str(ROOT)])}
    environment |= {"AUDIT_CACHE": str(project.folder / "cache")}
    done = installed("monitor", "policy.yaml", "--window", "window.csv", cwd=project.folder, **environment)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "KEEP" not in done.stdout
