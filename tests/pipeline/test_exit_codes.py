"""How `audit run` decides, ends and says so: exit codes, reasons, what it tells of a run."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.command import AUDIT
from tests.running import ROLES, policy, run, table

if TYPE_CHECKING:
    from pathlib import Path


def test_promote(tmp_path: Path) -> None:
    done, results = run(tmp_path, policy())
    assert done.returncode == 0, done.stderr
    assert results is not None
    assert (results["decision"], results["exit_code"]) == ("promote", 0)
    assert "PROMOTE" in done.stdout


@pytest.mark.parametrize(
    ("require", "code", "decision"),
    [
        ([{"check": "performance/accuracy", "min": 0.95}], 1, "block"),
        ([{"check": "performance/accuracy", "min": 0.90}], 1, "block"),
        ([{"check": "performance/accuracy", "min": 0.95, "severity": "medium"}], 4, "promote-with-conditions"),
        (
            [{"check": "performance/accuracy", "min": 0.8}, {"check": "data/class_imbalance", "min": 0.9, "enforce": "advisory"}],
            0,
            "promote",
        ),
        ([{"check": "performance/accuracy", "min": 0.8, "enforce": "advisory"}], 1, "block"),
        ([{"check": "fairness/demographic_parity_difference", "by": ["only"], "max": 0.5}], 3, "block"),
        ([{"check": "performance/accuracy", "min": 0.8, "by": [["group", "only"]]}], 0, "promote"),
    ],
)
def test_exit_codes(tmp_path: Path, require: list[dict[str, Any]], code: int, decision: str) -> None:
    table().assign(only="one").to_csv(tmp_path / "test.csv", index=False)
    done, results = run(tmp_path, policy(*require))
    assert done.returncode == code, done.stdout + done.stderr
    assert results is not None
    assert (results["decision"], results["exit_code"]) == (decision, code)


@pytest.mark.parametrize("role", ["test", "before"])
def test_weights_are_never_silently_ignored(tmp_path: Path, role: str) -> None:
    """In either window they bar a sampled measurement; a claim about the very rows needs none."""
    for name in ("test", "before"):
        table().assign(age=range(len(name), 1200 + len(name)), stands_for=2).to_csv(tmp_path / f"{name}.csv", index=False)
    weighted = {"test": {"path": "test.csv"}, "before": {"path": "before.csv"}}
    weighted[role] |= {"columns": {"weight": "stands_for"}}  # type: ignore[dict-item]  # a nested table of the policy
    made = policy(
        {"check": "drift/psi", "reference": "before", "columns": ["age"], "max": 0.5},
        {"check": "drift/prediction_drift", "reference": "before", "max": 0.5},
        {"check": "data/duplicates", "max": 5000},
        datasets=weighted,
        columns={"id": "id", "label": "label", "prediction": "prediction", "positive": 1},
    )
    done, results = run(tmp_path, made)
    assert done.returncode == 3, done.stdout + done.stderr
    assert results is not None
    assert [found["status"] for found in results["findings"]] == ["not_run", "not_run", "pass"]
    assert f"columns.weight is set for {role}" in results["findings"][0]["message"]


def test_a_broken_ledger_ends_in_exit_3(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "ledger.sqlite").write_text("this is not a ledger, though it is long enough to be read as one")
    done, results = run(tmp_path, policy())
    assert (done.returncode, results) == (3, None)
    assert "ledger" in done.stderr


def test_lines_come_worst_first(tmp_path: Path) -> None:
    require = [
        {"check": "performance/accuracy", "min": 0.7},
        {"check": "performance/accuracy", "id": "hopeless", "min": 0.99},
        {"check": "performance/accuracy", "id": "open", "min": 0.9, "severity": "medium"},
    ]
    done, _ = run(tmp_path, policy(*require))
    names = [line.split()[3] for line in done.stdout.splitlines()[:3]]
    assert names == ["hopeless", "open", "performance/accuracy"]


STATED = {
    "purpose": "x",
    "owner": {"contact": "a@example.org"},
    "author": "b@example.org",
    "rollback_plan": "docs/back.md",
    "out_of_scope": ["y"],
    "affected": ["z"],
    "limits": "English only",
}
UNMEASURED = ("safe", "secure_resilient", "explainable_interpretable", "privacy_enhanced", "fair_bias_managed")
SOURCED = {"test": {"path": "test.csv", "source": "generated"}}


@pytest.mark.parametrize(
    ("tier", "changed", "code"),
    [
        (2, {}, 1),
        (2, {"system": STATED, "datasets": SOURCED}, 1),
        (
            2,
            {
                "system": STATED,
                "datasets": SOURCED,
                "not_measured": dict.fromkeys(UNMEASURED, "a person decides, and the tool only sorts"),
            },
            0,
        ),
        (2, {"system": STATED, "datasets": SOURCED, "not_measured": dict.fromkeys(UNMEASURED, "x1")}, 1),
        (2, {"system": STATED, "datasets": SOURCED, "not_measured": dict.fromkeys(UNMEASURED, "see above")}, 1),
        (3, {}, 1),
        (3, {"system": {"purpose": "TODO", "owner": {"contact": "a@example.org"}}}, 1),
        (3, {"system": {"purpose": "x", "owner": {"contact": "a@example.org"}}}, 0),
    ],
)
def test_a_declared_tier_asks_for_facts_and_for_every_characteristic(tmp_path: Path, tier: int, changed: dict[str, Any], code: int) -> None:
    """A characteristic with neither a check nor a reason blocks at tiers 1 and 2; words without content are no reason."""
    done, results = run(tmp_path, policy(tier=tier, **changed))
    assert done.returncode == code, done.stdout
    assert results is not None
    rules = {one["rule"] for one in results["reasons"]}
    assert rules <= {"declared-field-missing", "characteristic-uncovered", "all-required-pass"}


def test_what_bars_is_what_the_check_counts(tmp_path: Path) -> None:
    """One list of facts for the tier, with one notion of what is blank."""
    system = {"purpose": "x", "owner": {"contact": "tbd"}, "affected": ["n/a"], "limits": "none known"}
    results = run(tmp_path, policy({"check": "governance/declared_fields", "max": 0}, tier=1, system=system))[1]
    assert results is not None
    undeclared = [one["text"] for one in results["reasons"] if one["rule"] == "declared-field-missing"]
    assert len(undeclared) == results["findings"][0]["headline"]["value"] == 17
    assert "Tier 1 asks for system.affected: declare it in the policy." in undeclared
    assert "Tier 1 asks for datasets.test.licence: declare it in the policy." in undeclared


def test_what_was_asked_stands_beside_what_came_out(tmp_path: Path) -> None:
    """A finding judged on its point says so, and carries every reserved key that shaped it."""
    asked = {"check": "performance/accuracy", "min": 0.895, "judge_on": "value", "severity": "medium", "min_n": 40, "confidence": 0.9}
    _, results = run(tmp_path, policy(asked))
    assert results is not None
    (found,) = results["findings"]
    assert found["status"] == "pass"
    assert "judge_on: value" in found["message"]
    assert (found["judge_on"], found["min_n"], found["confidence"], found["by"], found["reference"]) == ("value", 40, 0.9, [], None)


def test_a_decision_is_valid_until_its_first_condition_falls_due(tmp_path: Path) -> None:
    require = [{"check": "performance/accuracy", "min": 0.95, "severity": "medium"}]
    _, results = run(tmp_path, policy(*require, valid_for="900d"))
    assert results is not None
    assert results["valid_until"] == results["conditions"][0]["due"]
    _, results = run(tmp_path, policy(valid_for="2w"))
    assert results is not None
    assert results["valid_until"] is not None


def test_an_undeclared_tier_is_said_to_be_undeclared(tmp_path: Path) -> None:
    run(tmp_path, policy())
    (report,) = tmp_path.glob("reports/*/report.html")
    assert "tier not declared" in report.read_text()


@pytest.mark.parametrize("closed", ["1>&-", "2>&-", "1>&- 2>&-"])
def test_a_closed_stream_changes_no_exit_code(tmp_path: Path, closed: str) -> None:
    table().to_csv(tmp_path / "test.csv", index=False)
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy()))
    environment = os.environ | {"AUDIT_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(["/bin/sh", "-c", f"{AUDIT} run policy.yaml {closed}"], cwd=tmp_path, env=environment, timeout=120, check=False)
    assert done.returncode == 0


def test_a_smoke_run_knows_the_classes_of_the_whole_file(tmp_path: Path) -> None:
    frame = table().sort_values("label").replace({"label": {0: "not", 1: "urgent"}, "prediction": {0: "not", 1: "urgent"}})
    frame["prediction"] = ["not"] * 64 + frame["prediction"].tolist()[64:]
    frame.to_csv(tmp_path / "test.csv", index=False)
    done, _ = run(tmp_path, policy({"check": "performance/recall", "min": 0.5}, columns=ROLES | {"positive": "urgent"}), "--smoke")
    assert done.returncode == 3, done.stderr
    assert "measured on at most 64 rows and not judged: run the audit without --smoke" in done.stdout


def test_what_select_leaves_out_is_told_how_to_be_measured(tmp_path: Path) -> None:
    require = ({"check": "performance/accuracy", "min": 0.8}, {"check": "data/class_imbalance", "min": 0.1})
    done, _ = run(tmp_path, policy(*require), "--select", "data/class_imbalance")
    assert done.returncode == 3, done.stderr
    assert "performance/accuracy: left out by --select: run the audit without it" in done.stdout


def test_a_row_without_an_entity_is_told(tmp_path: Path) -> None:
    table().assign(entity=lambda frame: frame["id"].where(frame["id"] != 7)).to_csv(tmp_path / "test.csv", index=False)
    done, results = run(tmp_path, policy(columns=ROLES | {"group": "entity"}))
    assert (done.returncode, results) == (2, None), "data that lack what the policy names are a mistake, not an audit that broke"
    assert "datasets.test: row 7 names no entity in column 'entity'" in done.stderr


def test_a_run_takes_no_notice_of_monitoring(tmp_path: Path) -> None:
    monitor = {"on": "test", "window": {"rows": 100}, "false_alarm_every": {"windows": 365}, "retrain": {"after": "1d"}}
    done, results = run(tmp_path, policy(monitor=monitor | {"notify": {"prometheus": "audit.prom"}}))
    assert results is not None
    assert done.returncode == 0
    assert results["monitor"] is None, "a run audits no window"
    assert not (tmp_path / "audit.prom").exists()


ACCURACY = {"check": "performance/accuracy", "min": 0.8}
GAP = {"check": "fairness/demographic_parity_difference", "by": ["group"], "max": 0.3}
SORTS = "a person decides, and the tool only sorts"
COVERED = {"system": STATED, "datasets": SOURCED, "not_measured": dict.fromkeys(UNMEASURED[:4], SORTS)}


@pytest.mark.parametrize(
    ("require", "changed", "rule"),
    [
        ([{"check": "governance/declared_fields", "max": 0, "fields": ["policy.name"], "severity": "low"}], {}, "model-unjudged"),
        ([ACCURACY | {"enforce": "advisory"}, {"check": "data/class_imbalance", "min": 0.2}], {}, "model-unjudged"),
        ([ACCURACY, GAP | {"enforce": "advisory"}], {"tier": 2, **COVERED}, "characteristic-uncovered"),
        ([ACCURACY, GAP | {"by": ["only"], "severity": "low"}], {"tier": 2, **COVERED}, "characteristic-uncovered"),
        ([ACCURACY, GAP], {"tier": 2, **COVERED}, None),
    ],
    ids=["governance-only", "model-check-advisory", "cover-advisory", "cover-not-measured", "covered"],
)
def test_only_required_checks_that_measured_count(
    tmp_path: Path, require: list[dict[str, Any]], changed: dict[str, Any], rule: str | None
) -> None:
    """A promotion needs one of the model's own answers, and at tier 2 one for each characteristic without a reason."""
    table().assign(only="one").fillna({"group": "c"}).to_csv(tmp_path / "test.csv", index=False)
    done, results = run(tmp_path, policy(*require, **changed))
    assert results is not None
    assert (results["decision"] == "promote") == (done.returncode == 0) == (rule is None), done.stdout
    assert rule is None or rule in {one["rule"] for one in results["reasons"]}
