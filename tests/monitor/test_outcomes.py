"""Outcomes and exit codes of windows, and the evidence behind them."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from audit.bundle import verification
from audit.stats.e_process import Detector, log_e_values, log_threshold
from audit.stats.proportion import Proportion
from tests.command import audit
from tests.windows import ACCURACY, DRIFT, Project, day, policy, rows, unlabelled

if TYPE_CHECKING:
    from pathlib import Path


def decay(project: Project, *, first: int = 0, count: int = 4, right: float = 0.6) -> str:
    """Days on which the model is right less often; the output of the last."""
    return project.monitor(*(rows(day(first + number), right=right) for number in range(count))).stdout


def signal(project: Project, name: str = "performance/accuracy") -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in project.results()["monitor"]["signals"] if one["requirement"] == name)
    return found


def test_the_evidence_is_that_of_the_detector(tmp_path: Path) -> None:
    project = Project(tmp_path, policy(ACCURACY, {"check": "performance/f1", "on": "production", "min": 0.5}))
    project.monitor(*(rows(day(number), right=right) for number, right in enumerate((0.9, 0.75, 0.7))))
    limit, detector = log_threshold(365, 1 / 2), Detector()
    for hits in (54, 45, 42):
        detector = detector.updated(log_e_values(Proportion(hits, 60), 0.8, floor=True), ceiling=limit + math.log(20))
    found = signal(project)
    assert found["evidence"] == pytest.approx(math.exp(detector.log_statistic))
    assert found["threshold"] == pytest.approx(730), "two requirements share the budget"
    assert (found["windows"], found["since"]) == (3, None)


@pytest.mark.parametrize(
    ("severity", "outcome", "decision", "code"),
    [
        ("high", "roll-back", "block", 1),
        ("medium", "keep-with-conditions", "promote-with-conditions", 4),
    ],
)
def test_an_alarm_counts_by_its_severity(tmp_path: Path, severity: str, outcome: str, decision: str, code: int) -> None:
    project = Project(tmp_path, policy(ACCURACY | {"severity": severity}))
    project.monitor(rows(day(0)), rows(day(1)))
    said = decay(project, first=2)
    results = project.results()
    assert (results["monitor"]["outcome"], results["decision"], results["exit_code"]) == (outcome, decision, code)
    assert f"{outcome.upper().replace('-', ' ')}  letters, window 2025-03-06 (exit code {code})" in said
    (finding,) = results["findings"]
    assert finding["status"] == "fail"
    found = signal(project)
    assert (found["state"], found["change"]) == ("alarm", "2025-03-03")
    assert found["since"] in {"2025-03-03", "2025-03-04", "2025-03-05"}
    assert f"Alarm since window {found['since']}. Evidence of a broken bound over 6 windows is" in finding["notes"][-1]
    assert "The change most likely began in window 2025-03-03." in finding["notes"][-1]
    assert results["reasons"][0]["rule"] == f"{severity}-alarm"


def test_one_bad_window_is_inconclusive_and_says_how_near_an_alarm_is(tmp_path: Path) -> None:
    project = Project(tmp_path, policy(monitor={"false_alarm_every": "9999d"}))
    project.monitor(*(rows(day(number)) for number in range(3)), rows(day(3), right=0.65))
    (finding,) = project.results()["findings"]
    assert project.results()["monitor"]["outcome"] == "keep"
    assert finding["status"] == "inconclusive", "under `audit run` it would fail"
    _, high = finding["headline"]["interval"]
    assert high < 0.8
    assert "This window misses the bound; alone it raises no alarm." in finding["message"]
    assert "an alarm needs 9,999." in finding["notes"][-1]


def test_drift_without_labels_is_a_watch_unless_the_policy_enforces_it(tmp_path: Path) -> None:
    moved = [rows(day(number), shift=2.0) for number in range(4)]
    project = Project(tmp_path, policy(ACCURACY, DRIFT))
    done = project.monitor(*moved)
    results = project.results()
    assert (done.returncode, results["monitor"]["outcome"], results["decision"]) == (0, "watch", "promote")
    assert signal(project, "drift/psi")["state"] == "watch"
    assert next(one["status"] for one in results["findings"] if one["id"] == "drift/psi") == "fail"
    assert "watch: drift/psi: Watch since window 2025-03-0" in done.stdout
    folder = tmp_path / "enforced"
    folder.mkdir()
    project = Project(folder, policy(ACCURACY, DRIFT | {"enforce": "required"}))
    assert project.monitor(*moved).returncode == 1
    assert signal(project, "drift/psi")["threshold"] == pytest.approx(730), "it shares the budget of the alarms"


def test_an_alarm_stands_while_labels_are_due(tmp_path: Path) -> None:
    project = Project(tmp_path, policy(ACCURACY, DRIFT, monitor={"labels_delay": "9999d"}))
    decay(project)
    done = project.monitor(unlabelled(rows(day(4))))
    assert done.returncode == 1, done.stdout
    finding = next(one for one in project.results()["findings"] if one["id"] == "performance/accuracy")
    assert finding["status"] == "not_run"
    assert "Alarm since window" in finding["message"]


@pytest.mark.parametrize(
    ("changed", "windows"),
    [
        ({"candidate": {"task": "tabular-classification", "version": "2.0.0", "load": {"kind": "predictions"}}}, {"drift/psi": 5}),
        ({"require": [ACCURACY | {"min": 0.7}, DRIFT]}, {"drift/psi": 5}),
        ({"require": [ACCURACY | {"severity": "low"}, DRIFT], "version": 4}, {"performance/accuracy": 5, "drift/psi": 5}),
    ],
    ids=["another model", "another bound", "another severity"],
)
def test_only_what_changed_begins_anew(tmp_path: Path, changed: dict[str, Any], windows: dict[str, int]) -> None:
    project = Project(tmp_path, policy(ACCURACY, DRIFT))
    decay(project)
    assert signal(project)["state"] == "alarm"
    project.write(policy(ACCURACY, DRIFT) | changed)
    project.monitor(rows(day(4)))
    found = {one["requirement"]: one["windows"] for one in project.results()["monitor"]["signals"]}
    assert found == {"performance/accuracy": 1, "drift/psi": 1} | windows


def test_members_share_the_budget_of_their_requirement(tmp_path: Path) -> None:
    project = Project(tmp_path, policy(ACCURACY | {"by": ["group"], "max": 0.99}))
    first = rows(day(0)).assign(group=["a", "b"] * 30)
    project.monitor(first)
    found = {one["member"]["group"]: (one["threshold"], one["windows"]) for one in project.results()["monitor"]["signals"]}
    limit = pytest.approx(4 * 365)
    assert found == {"a": (limit, 1), "b": (limit, 1)}, "two members, each at two bounds"
    project.monitor(rows(day(1)).assign(group=["a", "c"] * 30))
    found = {one["member"]["group"]: (one["threshold"], one["windows"]) for one in project.results()["monitor"]["signals"]}
    limit = pytest.approx(6 * 365)
    assert found == {"a": (limit, 2), "b": (limit, 2), "c": (limit, 1)}


def test_a_bundle_of_a_window_is_neither_promoted_nor_replayed(tmp_path: Path) -> None:
    project = Project(tmp_path, policy())
    project.monitor(rows(day(0)))
    bundle = f"reports/{project.entries()[-1]['run']}"
    done = audit("promote", bundle, "--to", "folder:live", cwd=tmp_path)
    assert done.returncode == 1
    assert not (tmp_path / "live").exists() or not list((tmp_path / "live").iterdir())
    assert audit("replay", bundle, cwd=tmp_path).returncode == 3
    assert audit("report", bundle, "-o", "again.html", cwd=tmp_path).returncode == 0
    assert (tmp_path / "again.html").read_bytes() == (tmp_path / bundle / "report.html").read_bytes()
    assert audit("history", cwd=tmp_path).returncode == 0


def test_a_policy_without_a_section_on_monitoring_is_refused(tmp_path: Path) -> None:
    made = policy()
    del made["monitor"]
    done = Project(tmp_path, made).monitor(rows(day(0)))
    assert done.returncode == 2
    assert "the policy has no `monitor`: add" in done.stderr


def test_mistakes_are_told_at_the_lines_of_the_whole_policy(tmp_path: Path) -> None:
    other = {"check": "performance/accuracy", "id": "before", "min": 0.5}
    done = Project(tmp_path, policy(other, ACCURACY | {"by": ["regoin"]})).monitor(rows(day(0)).assign(region="north"))
    assert done.returncode == 2
    line = int(done.stderr.split(":")[1])
    assert "regoin" in (tmp_path / "policy.yaml").read_text().splitlines()[line - 1]


def test_a_bundle_of_a_window_is_verified_by_its_entry(tmp_path: Path) -> None:
    project = Project(tmp_path, policy())
    project.monitor(rows(day(0)))
    bundle = tmp_path / "reports" / project.entries()[-1]["run"]
    checks = verification.verify(bundle, (), project.ledger, datetime.now(UTC)).checks
    assert (True, f"run {bundle.name} is recorded with this bundle") in {(one.ok, one.text) for one in checks if one.name == "ledger"}


def test_who_sets_an_alarm_aside_leaves_a_trace(tmp_path: Path) -> None:
    """By another bound; by leaving the requirement out, after which it goes on where it was."""
    project = Project(tmp_path, policy(ACCURACY, DRIFT))
    assert project.monitor(rows(day(0), right=0.5)).returncode == 1
    project.write(policy(DRIFT))
    done = project.monitor(rows(day(1)))
    assert "performance/accuracy: the evidence of 1 window, with an alarm, stands aside: the policy asks for it no more." in done.stdout
    project.write(policy(ACCURACY, DRIFT))
    done = project.monitor(rows(day(2), right=0.75))
    assert done.returncode == 1, done.stdout
    assert "aside" not in done.stdout
    project.write(policy(ACCURACY | {"min": 0.1}, DRIFT))
    done = project.monitor(rows(day(3)))
    assert "performance/accuracy: the evidence of 2 windows, with an alarm, was set aside: its check, bound, reference" in done.stdout
    assert "aside" not in project.monitor(rows(day(4))).stdout, "told once"


def test_a_window_in_which_nothing_can_be_measured_is_incomplete(tmp_path: Path) -> None:
    project = Project(tmp_path, policy(ACCURACY, {key: value for key, value in DRIFT.items() if key != "by"}))
    assert project.monitor(rows(day(0))).returncode == 0
    done = project.monitor(rows(day(1)).drop(columns="x"))
    assert done.returncode == 3, done.stdout
    assert "production has no column 'x'" in done.stdout
    assert list(project.entries()[-1]["requirements"]) == ["performance/accuracy"], "what measures nothing is not counted"
