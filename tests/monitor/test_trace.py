"""The evidence of past windows in the record, in the report and in the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.bundle import reader
from audit.monitor.trace import relative
from audit.record import Signal
from tests.command import audit
from tests.windows import ACCURACY, DRIFT, Project, day, policy, rows, today, unlabelled

if TYPE_CHECKING:
    from pathlib import Path


def test_the_record_holds_every_arrival_with_its_evidence(tmp_path: Path) -> None:
    """A window without labels, one with, an alarm, a late one, and the labels of the first: each counts where it was counted."""
    age = (today() - day(0)).days
    made = policy(ACCURACY, DRIFT, monitor={"labels_delay": f"{age + 30}d", "card": {"first_action": "Stop the queue"}})
    project = Project(tmp_path, made)
    assert project.monitor(unlabelled(rows(day(0)))).returncode == 0
    assert project.monitor(rows(day(3), right=0.2)).returncode == 1
    project.monitor(rows(day(1)))
    project.monitor(rows(day(0)))
    run = reader.audit_run(tmp_path / "reports" / project.entries()[-1]["run"], tables=False)
    assert run.monitor is not None
    arrivals = [(one.key, one.what, one.outcome) for one in run.monitor.history]
    assert [one[:2] for one in arrivals] == [
        ("2025-03-01", "window"),
        ("2025-03-04", "window"),
        ("2025-03-02", "late window"),
        ("2025-03-01", "labels"),
    ]
    assert [one[2] for one in arrivals[:2]] == ["keep", "roll-back"]
    traces = {one.requirement: one.relative for one in run.monitor.traces}
    accuracy, drift = traces["performance/accuracy"], traces["drift/psi"]
    assert [one is None for one in accuracy] == [True, False, False, False]
    assert [one is None for one in drift] == [False, False, False, True]
    assert (accuracy[1] or 0) >= 1 > (drift[1] or 0)
    signal = next(one for one in run.monitor.signals if one.requirement == "performance/accuracy")
    assert accuracy[3] == float(f"{signal.evidence / signal.threshold:.6g}")
    assert [one["evidence"]["performance/accuracy"] for one in project.entries()[1:]] == list(accuracy[1:])
    assert "labels came later: 2025-03-01" in (tmp_path / "reports" / run.run.id / "report.html").read_text()
    page = (tmp_path / "reports" / "index.html").read_text()
    assert "Three windows under one policy." in page
    assert page.count("/report.html") == 4, "both reports of the window whose labels came later"
    assert f'href="./{run.run.id}/report.html"' in page
    told = audit("history", cwd=tmp_path).stdout
    assert "letters: 3 windows, the newest of 2025-03-04" in told


def test_evidence_below_its_threshold_never_rounds_to_an_alarm() -> None:
    quiet = Signal("a", None, "rising", 364.9999999, 365.0, 9)
    raised = Signal("b", None, "alarm", 365.0, 365.0, 9)
    assert relative([quiet, raised]) == {"a": 0.999999, "b": 1.0}
    assert relative([quiet, Signal("a", None, "quiet", 1.0, 365.0, 9)]) == {"a": 0.999999}
