"""An operator's month: a promotion, thirty quiet nights, decay, an alarm that reaches people, rollback, retraining, a new promotion."""

from __future__ import annotations

import hashlib
import json
from datetime import date, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from tests import promoting, signing
from tests.command import audit
from tests.receiver import receiver

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.receiver import Receiver

FIRST = date(2026, 10, 1)
NIGHTS = 30
OLD, NEW = 1.0, -1.0
"""Weights of the models before and after the world turned round."""


class Operator:
    """A project with a registry in a folder, and the commands that a person on call and a schedule type."""

    def __init__(self, folder: Path, server: Receiver) -> None:
        self.folder, self.server = folder, server
        self.monitor = {
            "window": "day",
            "false_alarm_every": "365d",
            "retrain": {"after": "alarm", "windows": 3, "policy": "policy.yaml"},
            "notify": {"webhook": server.address + "/${HOOK}", "prometheus": "metrics/audit.prom"},
            "card": {"call": "the on-call phone, 5550", "rollback": "audit rollback triage"},
        }

    def __call__(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = audit(*arguments, cwd=self.folder, AUDIT_CACHE=str(self.folder / "cache"), HOOK="T0/secret")
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def policy(self, version: int) -> dict[str, Any]:
        accuracy = {"check": "performance/accuracy", "on": "production", "id": "accuracy-in-use", "min": 0.8}
        made = promoting.policy(version=version, policy="triage", monitor=self.monitor, require=[signing.PASSING, accuracy])
        made["datasets"]["production"] = {"path": "production.csv", "source": "generated", "licence": "CC0-1.0"}
        made["columns"] = made["columns"] | {"time": "at"}
        return made

    def promoted(self, weight: float, version: int) -> str:
        """Audit a model, sign it by two people and promote it."""
        promoting.model(self.folder, weight)
        rows(FIRST - timedelta(days=10), weight, n=600).to_csv(self.folder / "production.csv", index=False)
        rows(FIRST - timedelta(days=20), weight, n=600).to_csv(self.folder / "test.csv", index=False)
        bundle = signing.audited(self.folder, self.policy(version))
        signing.sign(bundle, "Olga Owner", "owner")
        signing.sign(bundle, "Rita Reviewer", "independent-reviewer")
        self("promote", str(bundle), "--to", "folder:registry")
        return self.champion()

    def champion(self) -> str:
        """Digest of the champion's file."""
        registry = self.folder / "registry" / "triage"
        version = json.loads((registry / "aliases.json").read_text())["champion"]
        file = registry / "versions" / version / "model" / "model.skops"
        return hashlib.sha256(file.read_bytes()).hexdigest()

    def night(self, number: int, weight: float, *, code: int = 0) -> dict[str, Any]:
        """One nightly call; what it recorded."""
        rows(FIRST + timedelta(days=number), weight).to_csv(self.folder / "night.csv", index=False)
        before = set((self.folder / "reports").glob("[!.]*"))
        self("monitor", "policy.yaml", "--window", "night.csv", code=code)
        (made,) = (one for one in set((self.folder / "reports").glob("[!.]*")) - before if one.is_dir())
        found: dict[str, Any] = json.loads((made / "results.json").read_text())
        return found

    def metric(self, name: str) -> float:
        """Of Prometheus's file."""
        lines = (self.folder / "metrics" / "audit.prom").read_text().splitlines()
        (value,) = (line.rpartition(" ")[2] for line in lines if line.startswith(f"audit_monitor_{name}"))
        return float(value)


def rows(day: date, weight: float, n: int = 50) -> pd.DataFrame:
    """Rows of one day in a world in which a model of this weight is right on nine rows in ten."""
    rng = np.random.default_rng(day.toordinal())
    made = pd.DataFrame(
        {"id": [f"{day}-{row}" for row in range(n)], "at": f"{day}T12:00:00", "a": rng.normal(size=n), "b": rng.normal(size=n)}
    )
    wrong = rng.permutation(np.arange(n) % 10 == 0)
    return made.assign(label=((made["a"] * weight > 0) ^ wrong).astype(int))


@pytest.mark.slow
@pytest.mark.skipif(find_spec("skops") is None, reason="a model that can be promoted needs the extra sklearn")
def test_a_month_of_an_operator(tmp_path: Path) -> None:
    with receiver() as server:
        told(Operator(tmp_path, server))


def told(on_call: Operator) -> None:
    folder, server = on_call.folder, on_call.server
    before = on_call.promoted(0.5, version=1)
    first = on_call.promoted(OLD, version=1)
    assert first != before

    for number in range(NIGHTS):
        quiet = on_call.night(number, OLD)
        assert quiet["monitor"]["outcome"] == "keep"
    assert quiet["monitor"]["window"]["number"] == NIGHTS
    assert server.got == [], "thirty nights without a word"
    assert on_call.metric("windows_total") == NIGHTS
    assert on_call.metric('outcome{policy="triage",outcome="keep"}') == 1

    alarm = on_call.night(NIGHTS, NEW, code=1)
    assert alarm["monitor"]["outcome"] == "roll-back"
    (signal,) = (one for one in alarm["monitor"]["signals"] if one["state"] == "alarm")
    assert signal["requirement"] == "accuracy-in-use"
    assert signal["change"] == str(FIRST + timedelta(days=NIGHTS))
    ((path, message),) = server.got
    assert path == "/T0/secret"
    assert message["text"] == f"Roll back: triage, window {FIRST + timedelta(days=NIGHTS)}"
    assert "audit rollback triage" in json.dumps(message)
    assert on_call.metric('outcome{policy="triage",outcome="roll-back"}') == 1
    assert on_call.metric("signal_state") == 3

    on_call("rollback", "triage", "--to", "folder:registry")
    assert on_call.champion() == before

    request = json.loads((folder / "reports" / alarm["run"]["id"] / "retraining.json").read_text())
    assert request["candidate_sha256"] == first
    assert [one["key"] for one in request["windows"]] == [str(FIRST + timedelta(days=NIGHTS - 2 + one)) for one in range(3)]
    assert request["must_pass"] == {"policy": "policy.yaml", "sha256": hashlib.sha256((folder / "policy.yaml").read_bytes()).hexdigest()}

    assert on_call.promoted(NEW, version=1) not in {before, first}
    after = on_call.night(NIGHTS + 1, NEW)
    assert after["monitor"]["outcome"] == "keep", "a new model begins with no evidence against it"
    assert len(server.got) == 1
    kinds = [line.split()[2] for line in on_call("history").stdout.splitlines() if len(line.split()) > 2 and line.split()[0].isdigit()]
    assert kinds.count("window") == NIGHTS + 2
    assert {"run", "promotion", "window", "notification", "rollback"} <= set(kinds)
