"""The last promotion by the ledger: a registry's, else the last run that ended in promote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from audit.bundle import reader
from audit.ledger import Ledger
from audit.pipeline import last_promotion
from audit.record import Drill
from tests.running import policy, run

if TYPE_CHECKING:
    from pathlib import Path

TIME = "2026-05-02T10:00:00+00:00"


def test_a_run_is_compared_with_the_last_that_promoted(tmp_path: Path) -> None:
    """Its findings stand in its entry of the ledger, so that its bundle may be gone."""
    _, first = run(tmp_path, policy())
    assert first is not None
    assert first["decision"] == "promote"
    asked = policy()
    asked["require"] = [one | {"min": 0.99} for one in asked["require"]]
    _, second = run(tmp_path, asked)
    assert second is not None
    audit = reader.audit_run(tmp_path / "reports" / second["run"]["id"], tables=False)
    last = audit.last_promotion
    assert last is not None
    assert (last.run, last.decision, last.version) == (first["run"]["id"], "promote", None)
    assert last.outcomes is not None
    told = {one["id"]: one for one in first["findings"]}
    assert {one.finding for one in last.outcomes} == set(told)
    for one in last.outcomes:
        assert (one.value, one.status, one.minimum) == (
            told[one.finding]["headline"]["value"],
            told[one.finding]["status"],
            told[one.finding]["threshold"]["min"],
        )
        assert one.interval is not None
        assert list(one.interval) == told[one.finding]["headline"]["interval"]


def move(name: str, of: str, *, ended: str = "finished", **more: Any) -> dict[str, Any]:
    return {"name": name, "target": "folder:/models", "version": "7", "run": of, "policy": "tiny", "decision": "promote",
            "candidate_sha256": "ab" * 32, ended: TIME, **more}  # fmt: skip


def test_a_finished_promotion_or_rollback_names_the_version(tmp_path: Path) -> None:
    """A move that began or was undone names none; another policy's neither; a run that the ledger lacks has no findings."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.append(TIME, "run", {"run": "r1", "policy": "tiny", "decision": "promote", "candidate_sha256": "cd" * 32})
    ledger.append(TIME, "promotion", move("triage", "r1", ended="started"))
    ledger.append(TIME, "promotion", move("triage", "r1", ended="undone"))
    ledger.append(TIME, "promotion", move("other", "r1", policy="another"))
    found = last_promotion.find(ledger.verified(), "tiny")
    assert found is not None
    assert (found.run, found.version, found.outcomes) == ("r1", None, None)
    ledger.append(TIME, "promotion", move("triage", "r1"))
    found = last_promotion.find(ledger.verified(), "tiny")
    assert found is not None
    assert (found.run, found.name, found.version, found.target) == ("r1", "triage", "7", "folder:/models")
    ledger.append(TIME, "rollback", move("triage", "r0", version="6"))
    found = last_promotion.find(ledger.verified(), "tiny")
    assert found is not None
    assert (found.run, found.version, found.candidate_sha256) == ("r0", "6", "ab" * 32)
    assert last_promotion.find(ledger.verified(), "unknown") is None
    assert json.loads(ledger.verified()[0].payload)["run"] == "r1"


def test_the_last_drill_of_the_promoted_name_and_target_is_found(tmp_path: Path) -> None:
    """Not one of another model, nor of the same name in another registry; a failed one counts as it is."""
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.append(TIME, "promotion", move("triage", "r1"))
    found = last_promotion.find(ledger.verified(), "tiny")
    assert found is not None
    assert found.drill is None
    drill = {"name": "triage", "target": "folder:/models", "champion": "7", "version": "6", "passed": True, "seconds": 1.25}
    ledger.append(TIME, "rollback-drill", drill | {"name": "other"})
    ledger.append(TIME, "rollback-drill", drill | {"target": "folder:/elsewhere"})
    ledger.append(TIME, "rollback-drill", drill)
    ledger.append("2026-05-03T10:00:00+00:00", "rollback-drill", drill | {"passed": False, "champion": None})
    found = last_promotion.find(ledger.verified(), "tiny")
    assert found is not None
    assert found.drill == Drill("2026-05-03T10:00:00+00:00", None, "6", passed=False, seconds=1.25)
