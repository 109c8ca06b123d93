"""A new training is asked for once a candidate, with the windows to use and what it must pass; and everybody hears of it once."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.receiver import receiver
from tests.windows import DRIFT, Project, day, policy, rows

if TYPE_CHECKING:
    from pathlib import Path


def asked(project: Project) -> dict[str, Any] | None:
    """The request in the newest bundle."""
    path = project.folder / "reports" / project.entries()[-1]["run"] / "retraining.json"
    found: dict[str, Any] | None = json.loads(path.read_text()) if path.exists() else None
    return found


def test_an_alarm_asks_once_for_a_training(tmp_path: Path) -> None:
    """The newest windows with their digests, and the policy that the new candidate must pass."""
    project = Project(tmp_path, policy(monitor={"retrain": {"after": "alarm", "windows": 2, "policy": "next.yaml"}}))
    (tmp_path / "next.yaml").write_text("policy: next\n")
    for number in range(3):
        assert project.monitor(rows(day(number))).returncode == 0
        assert asked(project) is None
    done = project.monitor(rows(day(3), right=0.2))
    assert done.returncode == 1, "an alarm is worse than a training that is due"
    assert "retraining-due: A new training is due: performance/accuracy alarms." in done.stdout
    request = asked(project)
    assert request is not None
    assert request["policy"] == "letters"
    assert request["because"] == "performance/accuracy alarms."
    assert request["must_pass"] == {"policy": "next.yaml", "sha256": hashlib.sha256(b"policy: next\n").hexdigest()}
    assert [one["key"] for one in request["windows"]] == ["2025-03-03", "2025-03-04"]
    assert [one["rows_sha256"] for one in request["windows"]] == [one["rows_sha256"] for one in project.entries()[-2:]]
    assert project.results()["monitor"]["retraining"]["windows"] == ["2025-03-03", "2025-03-04"]
    project.monitor(rows(day(4), right=0.2))
    assert asked(project) is None, "it was asked for"


def test_a_watch_asks_where_the_policy_says_so(tmp_path: Path) -> None:
    """Nothing is worse, so that the exit code is its own: 5. The same window again ends with it again."""
    project = Project(tmp_path, policy(DRIFT, monitor={"retrain": {"after": "watch"}}))
    done = project.monitor(rows(day(0), 400, shift=4.0))
    assert done.returncode == 5, done.stdout + done.stderr
    assert asked(project) is not None
    assert project.command().returncode == 5


def test_age_asks_for_a_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the day on which the candidate was first seen."""
    project = Project(tmp_path, policy(monitor={"retrain": {"after": "30d"}}))
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1796083200")  # 2026-12-01, as long as the clock is before it
    assert project.monitor(rows(day(0))).returncode == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1796083200 + 29 * 86400))
    assert project.monitor(rows(day(1))).returncode == 0
    monkeypatch.setenv("SOURCE_DATE_EPOCH", str(1796083200 + 30 * 86400))
    done = project.monitor(rows(day(2)))
    assert done.returncode == 5, done.stdout
    assert "the candidate has been in use for 30 days" in done.stdout
    assert project.monitor(rows(day(3))).returncode == 0


def test_what_could_not_be_delivered_is_delivered_by_the_next_call(tmp_path: Path) -> None:
    """The window's outcome stands; until people are told of it, the call is incomplete or worse."""
    with receiver(404, 200) as server:
        notify = {"webhook": f"{server.address}/hook", "prometheus": "out/audit.prom"}
        project = Project(tmp_path, policy(DRIFT, monitor={"notify": notify}))
        done = project.monitor(rows(day(0), 400, shift=4.0))
        assert done.returncode == 3, "a watch that nobody heard of"
        assert "monitor.notify.webhook: not delivered (127.0.0.1 answers 404)" in done.stderr
        assert "Watch" in done.stdout or "WATCH" in done.stdout
        again = project.command()
        assert again.returncode == 0, again.stderr
        project.command()
        assert len(server.got) == 2, "delivered once, and no more"
    told = [json.loads(one.payload) for one in project.ledger.verified() if one.kind == "notification"]
    assert [one["channels"] for one in told] == [["prometheus"], ["webhook"]]
    assert {one["run"] for one in told} == {project.entries()[0]["run"]}
    assert 'outcome="watch"} 1.0' in (tmp_path / "out" / "audit.prom").read_text()


def test_the_address_of_a_webhook_is_in_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "T0-secret-place")
    with receiver() as server:
        project = Project(tmp_path, policy(DRIFT, monitor={"notify": {"webhook": server.address + "/${HOOK}"}}))
        assert project.monitor(rows(day(0), 400, shift=4.0)).returncode == 0
        assert [path for path, _ in server.got] == ["/T0-secret-place"]
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert not [path for path in files if b"T0-secret-place" in path.read_bytes()]


@pytest.mark.parametrize(
    ("monitor", "told"),
    [
        ({"retrain": {"policy": "none.yaml"}}, "none.yaml"),
        ({"retrain": {"after": "sometimes"}}, "monitor.retrain.after"),
        ({"notify": {"email": {"file": "a.eml", "sender": "a@example.org", "to": []}}}, "monitor.notify.email.to"),
        ({"notify": {"prometheus": "../outside.prom"}}, "outside"),
    ],
)
def test_what_cannot_work_is_refused_at_its_line(tmp_path: Path, monitor: dict[str, Any], told: str) -> None:
    done = Project(tmp_path, policy(monitor=monitor)).monitor(rows(day(0)))
    assert done.returncode == 2, done.stdout
    assert "policy.yaml:" in done.stderr
    assert told in done.stderr
