"""`monitor:` of a policy: what it says, and what is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from audit.errors import PolicyError
from audit.policy.loading import load
from audit.policy.monitoring import HOURS, Monitor, windows_in_budget
from tests.running import policy

if TYPE_CHECKING:
    from pathlib import Path

DATA = {"test": {"path": "test.csv"}, "production": {"path": "production.csv"}}
ON = {"check": "performance/accuracy", "min": 0.8, "on": "production"}
TIMED = {"id": "id", "label": "label", "prediction": "prediction", "time": "at"}


def told(folder: Path, monitor: dict[str, Any], **changed: Any) -> list[str]:
    made = policy(ON, datasets=DATA, columns=TIMED) | changed | {"monitor": monitor}
    (folder / "policy.yaml").write_text(yaml.safe_dump(made, sort_keys=False), encoding="utf-8")
    try:
        load(folder / "policy.yaml")
    except PolicyError as error:
        return [str(one).split(": ", 1)[1] for one in error.mistakes]
    return []


@pytest.mark.parametrize(
    "monitor",
    [
        {},
        {"window": "hour", "time_zone": "Europe/Berlin", "false_alarm_every": "52w", "labels_delay": "14d"},
        {"window": {"rows": 500}, "false_alarm_every": {"windows": 365}},
        {"window": "week", "false_alarm_every": {"windows": 52}},
        {"retrain": {"after": "90d"}, "notify": {"github": True}, "card": {"call": "+49 30 1234"}},
    ],
)
def test_what_is_read(tmp_path: Path, monitor: dict[str, Any]) -> None:
    assert told(tmp_path, monitor) == []


@pytest.mark.parametrize(
    ("monitor", "message"),
    [
        ({"on": "productoin"}, "monitor.on: \"productoin\" is not declared under datasets; did you mean 'production'?"),
        ({"on": "test"}, 'monitor.on: no requirement is measured on "test"; add `on: test` to those that it must meet'),
        ({"time_zone": "Berlin"}, "monitor.time_zone: 'Berlin' is no time zone that this system knows; did you mean 'Europe/Berlin'?"),
        ({"window": "dya"}, 'monitor.window: is "dya"; give hour, day, week, month, or {rows: N}'),
        ({"window": {"rows": 0}}, 'monitor.window: is {"rows": 0}; give hour, day, week, month, or {rows: N}'),
        (
            {"false_alarm_every": "soon"},
            'monitor.false_alarm_every: is "soon"; give a duration such as 365d, or {windows: N} for windows by count',
        ),
        (
            {"window": {"rows": 500}},
            "monitor.false_alarm_every: windows by count have no length in days; give a number of them, such as {windows: 365}",
        ),
        (
            {"window": "month", "false_alarm_every": "30d"},
            "monitor.false_alarm_every: is less than 2 windows long; give a longer time, or shorter windows",
        ),
        ({"labels_delay": "fortnight"}, 'monitor.labels_delay: is "fortnight"; give days or weeks, such as 90d or 12w'),
        ({"every": "7d"}, "monitor: unknown key; known: card, false_alarm_every, labels_delay, notify, on, retrain, time_zone, window"),
        ({"retrain": {"after": "never"}}, 'monitor.retrain.after: is "never"; give alarm, watch, or the age of the candidate, such as 90d'),
        ({"card": {"cal": "x"}}, "monitor.card: unknown key; did you mean 'call'?"),
    ],
)
def test_what_is_refused(tmp_path: Path, monitor: dict[str, Any], message: str) -> None:
    (found,) = told(tmp_path, monitor)
    assert message.split(": ", 1)[1] in found
    assert message.split(": ", 1)[0] in found


def test_windows_of_time_need_the_times_of_rows(tmp_path: Path) -> None:
    (found,) = told(tmp_path, {}, columns={key: value for key, value in TIMED.items() if key != "time"})
    assert found.endswith("a day is told by columns.time, which is not set; name the column of each row's time")


def test_the_secret_of_a_webhook_stays_out_of_the_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "s3cret")
    assert told(tmp_path, {"notify": {"webhook": "https://hooks.example.org/${HOOK}"}}) == []
    loaded = load(tmp_path / "policy.yaml")
    assert loaded.policy.monitor is not None
    assert loaded.policy.monitor.notify is not None
    assert loaded.policy.monitor.notify.webhook == "https://hooks.example.org/${HOOK}"
    assert "s3cret" not in loaded.text


@pytest.mark.parametrize(
    ("monitor", "windows"),
    [
        ({}, 365),
        ({"window": "hour"}, 8760),
        ({"window": "week", "false_alarm_every": "104w"}, 104),
        ({"window": "month"}, 365 * 24 / HOURS["month"]),
    ],
)
def test_windows_of_a_budget(monitor: dict[str, Any], windows: float) -> None:
    assert windows_in_budget(Monitor.model_validate(monitor)) == pytest.approx(windows)
