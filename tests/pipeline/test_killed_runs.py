"""A run that is killed at any point and started again gives the record of an undisturbed one, and measures nothing twice."""

from __future__ import annotations

import json
import shutil
import signal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from audit import disk_cache
from audit.bundle import reader, writer
from audit.ledger import Ledger
from audit.pipeline.run import Options, audit_policy
from audit.progress import Silent
from tests.killing import in_a_child, killed_at, steps
from tests.running import policy, table

if TYPE_CHECKING:
    from pathlib import Path

POINTS = 50
REQUIRE: list[dict[str, Any]] = [
    {"check": "performance/accuracy", "by": ["group"], "min": 0.6},
    {"check": "performance/f1", "min": 0.5},
    {"check": "data/duplicates", "max": 0},
    {"check": "data/class_imbalance", "min": 0.3},
    {"check": "governance/declared_fields", "max": 50, "severity": "low"},
]
OF_THE_LEDGER = ("run", "ledger_head", "looks", "policy_change")
"""Parts of a record that tell of the run itself, and of the runs before it."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A policy and its data; the same rows twice, so that a check writes a table of its own."""
    folder = tmp_path / "project"
    folder.mkdir()
    rows = table(rows=200).assign(text=[f"letter {row // 2}" for row in range(200)], group=lambda one: one["group"].fillna("c"))
    rows.to_csv(folder / "test.csv", index=False)
    made = policy(*REQUIRE)
    (folder / "policy.yaml").write_text(yaml.safe_dump(made | {"columns": {**made["columns"], "text": "text"}}))
    return folder


def audit(folder: Path) -> None:
    audit_policy(folder / "policy.yaml", Options(folder / "reports", "audit run"), Silent())


def records(folder: Path) -> list[dict[str, Any]]:
    """What the ledger's runs recorded, the oldest first; every bundle is as its run wrote it."""
    runs = [json.loads(entry.payload)["run"] for entry in Ledger(folder / "reports" / "ledger.sqlite").verified() if entry.kind == "run"]
    assert sorted(runs) == sorted(path.parent.name for path in (folder / "reports").glob("[!.]*/bundle.json"))
    for run in runs:
        reader.refuse_changed(folder / "reports" / run)
    return [json.loads((folder / "reports" / run / reader.RECORD).read_text())["record"] for run in runs]


def plain(record: dict[str, Any]) -> dict[str, Any]:
    """What any two runs of the same inputs have in common, those too that follow another one."""
    reasons = [one for one in record["verdict"]["reasons"] if not one["remark"]]
    own = {name: value for name, value in record.items() if name not in OF_THE_LEDGER}
    return own | {"verdict": record["verdict"] | {"reasons": reasons}}


def but_for_the_run(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if name != "run"}


def test_a_run_killed_at_any_point_and_started_again_gives_the_same_record(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(writer, "_SETTLING", -1)
    monkeypatch.setattr(disk_cache, "root", lambda: project / "cache")
    shutil.copytree(project, tmp_path / "fresh")

    def begin_anew() -> None:
        shutil.rmtree(project)
        shutil.copytree(tmp_path / "fresh", project)
        monkeypatch.chdir(project)

    begin_anew()
    audit(project)
    (expected,) = records(project)
    assert [one["status"] for one in expected["findings"]] == ["inconclusive", "pass", "fail", "pass", "pass"]
    begin_anew()
    most = steps(lambda: audit(project))
    resumed, completed = set(), 0
    for step in np.random.default_rng(11).integers(1, most, POINTS):
        begin_anew()
        assert in_a_child(killed_at(int(step), lambda: audit(project))) in {-signal.SIGKILL, 0}  # a call more or less at the end
        kept = len([path for path in (project / "cache" / "evidence").glob("*") if not path.name.startswith(".")])
        audit(project)
        *before, again = records(project)
        assert plain(again) == plain(expected)
        assert len(again["run"]["reused"]) == kept, "what was measured is not measured again"
        for whole in before or [again]:  # a bundle that was in its place when the run was killed is recorded by the next one
            assert but_for_the_run(whole) == but_for_the_run(expected)
        resumed.add(kept)
        completed += len(before)
    assert {0, len(REQUIRE)} < resumed, "some before the first measurement, some between two, some after the last"
    assert completed < POINTS
