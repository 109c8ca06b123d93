"""Which windows count, once and in what order; what is refused; labels that come later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from tests.command import audit
from tests.windows import ACCURACY, DRIFT, Project, day, policy, rows, today, unlabelled

if TYPE_CHECKING:
    from pathlib import Path


def keys(project: Project) -> list[str]:
    return [one["key"] for one in project.entries()]


def test_a_window_counts_once(tmp_path: Path) -> None:
    project = Project(tmp_path, policy(ACCURACY, DRIFT))
    first = project.monitor(rows(day(0)))
    assert first.returncode == 0, first.stderr
    assert "KEEP  letters, window 2025-03-01 (exit code 0)" in first.stdout
    before, facts = project.entries(), project.results()["monitor"]
    assert facts["window"] == {
        "key": "2025-03-01",
        "start": "2025-03-01T00:00:00+00:00",
        "end": "2025-03-02T00:00:00+00:00",
        "rows": 60,
        "labelled": True,
        "late": False,
        "number": 1,
        "labels_due": None,
    }
    assert facts["budget"] == {"false_alarm_every": 365, "window": "day", "windows": 365.0}
    assert [(one["requirement"], one["member"], one["threshold"]) for one in facts["signals"]] == [
        ("performance/accuracy", None, pytest.approx(365)),
        ("drift/psi", {"column": "x"}, pytest.approx(365)),
    ], "each class has the whole budget"
    again = project.command()
    assert again.returncode == 0
    assert "window 2025-03-01 was counted on" in again.stdout
    assert "nothing is counted again (exit code 0)" in again.stdout
    assert project.entries() == before


def test_shuffled_rows_and_written_fractions_are_the_same_window(tmp_path: Path) -> None:
    project = Project(tmp_path, policy())
    project.monitor(rows(day(0)))
    noisy = rows(day(0)).assign(x=lambda frame: frame["x"] * (1 + 1e-15)).sample(frac=1, random_state=1)
    assert "nothing is counted again" in project.monitor(noisy).stdout


def test_other_rows_of_a_counted_period_are_refused(tmp_path: Path) -> None:
    project = Project(tmp_path, policy())
    project.monitor(rows(day(0)))
    for other in (rows(day(0), seed=1), rows(day(0)).iloc[:-1], rows(day(0)).assign(x=1.0)):
        done = project.monitor(rows(day(1)), other)
        assert done.returncode == 2
        assert "window 2025-03-01: it was counted on" in done.stderr
        assert "with other rows, and a window counts once" in done.stderr
    assert keys(project) == ["2025-03-01"], "a file with a window that is refused counts none of its windows"


def test_a_file_with_several_windows_is_counted_in_order(tmp_path: Path) -> None:
    project = Project(tmp_path, policy())
    done = project.monitor(rows(day(2)), rows(day(0)), rows(day(1), right=0.3))
    assert done.returncode == 1, "the exit code is the worst one"
    assert keys(project) == ["2025-03-01", "2025-03-02", "2025-03-03"]
    assert [one["exit_code"] for one in project.entries()] == [0, 1, 0], "evidence of one bad day that is over goes with the next"
    assert [one["window"] for one in project.entries()] == [1, 2, 3]


def test_a_late_window_counts_once_and_says_so(tmp_path: Path) -> None:
    project = Project(tmp_path, policy())
    project.monitor(rows(day(0)))
    project.monitor(rows(day(4)))
    assert project.results()["monitor"]["missing"] == ["2025-03-02", "2025-03-03", "2025-03-04"]
    project.monitor(rows(day(2)))
    facts = project.results()["monitor"]
    assert facts["window"]["late"]
    assert facts["window"]["number"] == 3
    assert facts["missing"] == ["2025-03-02", "2025-03-04"]
    assert "nothing is counted again" in project.command().stdout


def test_days_are_those_of_the_policys_zone(tmp_path: Path) -> None:
    project = Project(tmp_path, policy(monitor={"time_zone": "Asia/Tokyo"}))
    frame = rows("2025-03-01").assign(at=[f"2025-03-01T{row % 24:02d}:30:00Z" for row in range(60)])
    project.monitor(frame)
    assert keys(project) == ["2025-03-01", "2025-03-02"]
    assert project.entries()[1]["start"] == "2025-03-02T00:00:00+09:00"


def test_windows_by_count_are_known_by_their_rows(tmp_path: Path) -> None:
    columns = {"id": "id", "label": "label", "prediction": "prediction"}
    monitor = {"window": {"rows": 30}, "false_alarm_every": {"windows": 200}}
    project = Project(tmp_path, policy(monitor=monitor, columns=columns))
    assert project.monitor(rows(day(0))).returncode == 0
    assert len(set(keys(project))) == 2
    assert project.results()["monitor"]["budget"] == {"false_alarm_every": None, "window": "30 rows", "windows": 200.0}
    assert project.command().stdout.count("nothing is counted again") == 2
    done = project.monitor(rows(day(1), 50))
    assert done.returncode == 2
    assert "holds 50 rows, and a window has 30: leave the last 20 for a later file" in done.stderr


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"at": [None, *["2025-03-01T10:00:00"] * 59]}, "1 of 60 rows have no time in column 'at' (first: row number 1)"),
        (
            {"at": ["soon", *["2025-03-01T10:00:00"] * 59]},
            "1 of 60 rows have no time in column 'at' (first: row number 1, which says 'soon')",
        ),
        ({"at": f"{today() + timedelta(days=400)}T10:00:00"}, "60 of 60 rows lie in the future in column 'at'"),
        ({"at": f"{today()}T00:00:00"}, f"the day {today()} is not over before {today() + timedelta(days=1)}T00:00:00+00:00"),
    ],
)
def test_rows_that_belong_to_no_finished_window_are_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    project = Project(tmp_path, policy())
    done = project.monitor(rows(day(0)).assign(**changed))
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert not (tmp_path / "reports").exists() or not project.ledger.entries()


def test_a_file_without_the_column_of_times_is_refused(tmp_path: Path) -> None:
    done = Project(tmp_path, policy()).monitor(rows(day(0)).drop(columns="at"))
    assert done.returncode == 2
    assert "lacks the column that columns.time names" in done.stderr


def test_a_file_without_the_answers_is_refused(tmp_path: Path) -> None:
    """Counted for drift alone, the window could never count for the rest."""
    done = Project(tmp_path, policy(ACCURACY, DRIFT)).monitor(rows(day(0)).drop(columns="prediction"))
    assert done.returncode == 2
    assert "has no column 'prediction', in which the candidate's answers stand: add it to the file" in done.stderr


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    project = Project(tmp_path, policy())
    done = project.monitor(rows(day(0)).iloc[:0])
    assert done.returncode == 2
    assert done.stderr.startswith(f"--window {tmp_path / 'window.csv'}: holds no rows: ")


def test_a_window_of_another_length_is_refused_where_rows_would_count_twice(tmp_path: Path) -> None:
    project = Project(tmp_path, policy())
    project.monitor(rows(day(0)))
    project.write(policy(monitor={"window": "week"}))
    done = project.monitor(rows(day(1)))
    assert done.returncode == 2
    assert "window 2025-W09: it overlaps window 2025-03-01, which was counted" in done.stderr


def delayed(days: int, *require: dict[str, Any]) -> dict[str, Any]:
    return policy(*(require or (ACCURACY, DRIFT)), monitor={"labels_delay": f"{days}d"})


def one_finding(project: Project, name: str) -> dict[str, Any]:
    return next(one for one in project.results()["findings"] if one["id"] == name)


@pytest.mark.parametrize("blank", ["no column", "empty", "some"])
def test_labels_may_come_later_and_count_once(tmp_path: Path, blank: str) -> None:
    age = (today() - day(0)).days
    project, frame = Project(tmp_path, delayed(age + 30)), rows(day(0))
    due = (day(1) + timedelta(days=age + 30)).isoformat()
    first: pd.DataFrame = {
        "no column": unlabelled(frame),
        "empty": frame.assign(label=None),
        "some": frame.assign(label=frame["label"].astype(object).where(frame.index > 3, None)),
    }[blank]
    done = project.monitor(first)
    assert done.returncode == 0, done.stdout + done.stderr
    finding = one_finding(project, "performance/accuracy")
    assert finding["status"] == "not_run"
    assert finding["message"].startswith(f"labels are due until {due}")
    assert project.results()["monitor"]["window"]["labels_due"] == due
    assert list(project.entries()[-1]["requirements"]) == ["drift/psi"]
    assert "nothing is counted again (exit code 0)" in project.command().stdout
    done = project.monitor(frame)
    assert done.returncode == 0, done.stderr
    assert one_finding(project, "performance/accuracy")["status"] in {"pass", "inconclusive"}
    assert list(project.entries()[-1]["requirements"]) == ["performance/accuracy"], "drift has been counted"
    windows = {one["requirement"]: one["windows"] for one in project.results()["monitor"]["signals"]}
    assert windows == {"performance/accuracy": 1, "drift/psi": 1}
    assert project.results()["monitor"]["window"]["number"] == 1
    assert "nothing is counted again" in project.command().stdout
    other = project.monitor(frame.assign(label=1 - frame["label"]))
    assert other.returncode == 2
    assert "with other labels, and labels count once" in other.stderr


def test_labels_that_should_have_come_are_missing_evidence(tmp_path: Path) -> None:
    project = Project(tmp_path, delayed(5))
    done = project.monitor(unlabelled(rows(day(0))))
    assert done.returncode == 3
    assert "labels were due until 2025-03-07 and have not come" in one_finding(project, "performance/accuracy")["message"]
    assert project.results()["monitor"]["outcome"] == "incomplete"
    assert project.results()["decision"] == "block"


def test_a_window_that_was_kept_is_incomplete_once_its_labels_are_overdue(tmp_path: Path) -> None:
    project = Project(tmp_path, delayed((today() - day(0)).days + 30))
    assert project.monitor(unlabelled(rows(day(0)))).returncode == 0
    project.write(delayed(5))
    done = project.monitor(rows(day(1)))
    assert done.returncode == 0, "the newest labels that are due have come"
    assert "Labels of 2025-03-01 were due and have not come" in done.stdout
    project = Project(tmp_path, delayed((today() - day(0)).days + 30))
    assert project.monitor(unlabelled(rows(day(2)))).returncode == 0
    project.write(delayed(5))
    yesterday = today() - timedelta(days=1)
    done = project.monitor(unlabelled(rows(yesterday)))
    assert done.returncode == 3, done.stdout
    assert "labels-overdue: Labels of 2025-03-01, 2025-03-03 were due and have not come" in done.stdout


def test_without_a_delay_labels_come_with_the_window(tmp_path: Path) -> None:
    done = Project(tmp_path, policy(ACCURACY, DRIFT)).monitor(unlabelled(rows(day(0))))
    assert done.returncode == 3
    assert "60 of 60 rows have no label: give the window with its labels, or say under monitor.labels_delay" in done.stdout


def test_rows_without_a_label_may_be_left_out(tmp_path: Path) -> None:
    data = {"test": {"path": "test.csv"}, "production": {"path": "production.csv", "unlabelled": "drop"}}
    project, frame = Project(tmp_path, policy(ACCURACY, DRIFT, datasets=data)), rows(day(0))
    done = project.monitor(frame.assign(label=frame["label"].astype(object).where(frame.index >= 20, None)))
    assert done.returncode == 0, done.stderr
    assert one_finding(project, "performance/accuracy")["headline"]["n"] == 40
    assert one_finding(project, "drift/psi")["headline"]["n"] == 460, "drift needs no labels"


def profiled(project: Project, frame: pd.DataFrame, *more: str) -> None:
    """A profile of the rows in the place of the window's file."""
    frame.to_csv(project.folder / "rows.csv", index=False)
    roles = [f"{role}={column}" for role, column in policy()["columns"].items()]
    columns = [text for role in (more or roles) for text in ("--column", role)]
    (project.folder / "window.csv").unlink(missing_ok=True)
    done = audit("profile", "rows.csv", "-o", "window.csv", *columns, cwd=project.folder)
    assert done.returncode == 0, done.stderr


def test_a_profile_is_one_window(tmp_path: Path) -> None:
    """Rows stay at home: labels and predictions are counted in it."""
    project, frame = Project(tmp_path, policy()), rows(day(0)).assign(at=lambda one: one["at"] + "Z")
    profiled(project, frame)
    done = project.command()
    assert done.returncode == 0, done.stdout + done.stderr
    assert keys(project) == ["2025-03-01"]
    assert one_finding(project, "performance/accuracy")["headline"]["value"] == pytest.approx(0.9)
    assert "nothing is counted again" in project.command().stdout
    profiled(project, pd.concat([frame, rows(day(1)).assign(at=lambda one: one["at"] + "Z")]))
    done = project.command()
    assert done.returncode == 2
    assert "is a profile of rows from 2025-03-01 to 2025-03-02, and cannot be cut: make one for each day" in done.stderr
    profiled(project, frame, "time=", "label=label", "prediction=prediction")
    assert "is a profile without the times of its rows" in project.command().stderr


def test_rows_of_a_period_do_not_count_again_by_number(tmp_path: Path) -> None:
    project = Project(tmp_path, policy())
    project.monitor(rows(day(0)))
    project.write(policy(monitor={"window": {"rows": 60}, "false_alarm_every": {"windows": 200}}))
    done = project.monitor(rows(day(0)))
    assert done.returncode == 2
    assert "it overlaps window 2025-03-01, which was counted" in done.stderr
    assert project.monitor(rows(day(1))).returncode == 0


def test_labels_of_windows_without_times_fall_due_by_when_these_came(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"id": "id", "label": "label", "prediction": "prediction"}
    monitor = {"window": {"rows": 60}, "false_alarm_every": {"windows": 200}, "labels_delay": "5d"}
    project = Project(tmp_path, policy(ACCURACY, DRIFT, columns=columns, monitor=monitor))
    assert project.monitor(unlabelled(rows(day(0)))).returncode == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(int((datetime.now(UTC) + timedelta(days=30)).timestamp())))
    done = project.monitor(unlabelled(rows(day(1))))
    assert done.returncode == 3, done.stdout
    assert "labels-overdue: Labels of " in done.stdout


def test_a_password_in_the_address_of_a_window_is_never_repeated(tmp_path: Path) -> None:
    project = Project(tmp_path, policy())
    for address in (
        "postgresql://u:S3CRET@127.0.0.1:1/db",
        "postgresql://u:${PG}@127.0.0.1:1/db",
        "postgresql://127.0.0.1:1/db?password=S3CRET",
    ):
        done = audit("monitor", "policy.yaml", "--window", address, cwd=tmp_path, AUDIT_CACHE=str(tmp_path / "cache"), PG="S3CRET")
        assert done.returncode == 2
        assert done.stderr.startswith("--window")
        assert "S3CRET" not in done.stderr + done.stdout
    assert not project.folder.joinpath("reports").exists() or not project.ledger.entries()
