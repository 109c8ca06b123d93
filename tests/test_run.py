"""`audit run` as a user meets it: exit codes, bundle, results, ledger."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from scipy.stats import ks_2samp

from audit.ledger import Ledger

AUDIT = str(Path(sys.executable).with_name("audit"))


def table(rows: int = 1200, right: float = 0.9, seed: int = 3) -> pd.DataFrame:
    """Labels, predictions that are right at a given rate, and two groups."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows)
    hit = np.arange(rows) < round(right * rows)
    prediction = np.where(rng.permutation(hit), label, 1 - label)
    group = rng.choice(np.array(["a", "b", None], dtype=object), rows, p=[0.5, 0.4, 0.1])
    return pd.DataFrame({"id": range(rows), "label": label, "prediction": prediction, "group": group})


def policy(*require: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return {
        "policy": "small",
        "version": 3,
        "seed": 5,
        "datasets": {"test": {"path": "test.csv"}},
        "columns": {"id": "id", "label": "label", "prediction": "prediction"},
        "candidate": {"task": "tabular-classification", "load": {"kind": "predictions"}},
        "require": list(require) or [{"check": "performance/accuracy", "min": 0.8}],
    } | changed


def run(
    folder: Path, made: dict[str, Any] | str, *more: str, out: str = "reports"
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any] | None]:
    """The command's outcome and the results of the bundle that it wrote."""
    if not (folder / "test.csv").exists():
        table().to_csv(folder / "test.csv", index=False)
    (folder / "policy.yaml").write_text(made if isinstance(made, str) else yaml.safe_dump(made, sort_keys=False))
    before = set((folder / out).glob("*/results.json"))
    environment = os.environ | {"AUDIT_CACHE": str(folder / "cache")}
    command = [AUDIT, "run", "policy.yaml", "-o", out, *more]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, check=False)
    new = set((folder / out).glob("*/results.json")) - before
    return done, json.loads(new.pop().read_text()) if new else None


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


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (policy({"check": "performance/accuracy", "min": 0.8, "by": ["region"]}), "policy.yaml:"),
        (policy({"check": "performance/acuracy", "min": 0.8}), "performance/accuracy"),
        (policy({"check": "performance/roc_auc", "min": 0.8}), "columns.score"),
        (policy({"check": "robustness/feature_noise", "min": 0.8}), "load the model itself"),
        (policy(require=[]), "require"),
        (policy(datasets={"test": {"path": "absent.csv"}}), "absent.csv"),
        (policy({"check": "performance/accuracy", "against": "champion", "margin": 0.01}), "against"),
        ("require: [", "policy.yaml:1"),
    ],
)
def test_bad_input_is_exit_2_with_a_message(tmp_path: Path, made: dict[str, Any] | str, told: str) -> None:
    done, results = run(tmp_path, made)
    assert (done.returncode, results) == (2, None), done.stdout + done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_results_follow_the_contract(tmp_path: Path) -> None:
    require = [{"check": "performance/accuracy", "by": ["group"], "min": 0.7}, {"check": "data/duplicates", "max": 2000, "severity": "low"}]
    _, results = run(tmp_path, policy(*require))
    assert results is not None
    assert set(results) >= {"schema", "run", "policy", "candidate", "datasets", "decision", "exit_code", "valid_until", "not_measured"}
    assert set(results) >= {"ledger_head", "reasons", "conditions", "findings"}
    assert results["schema"] == "audit.results/1"
    assert set(results["run"]) >= {"id", "started", "seconds", "seed", "version", "environment", "timings"}
    assert (results["policy"]["name"], results["policy"]["version"]) == ("small", 3)
    assert results["policy"]["sha256"] == hashlib.sha256((tmp_path / "policy.yaml").read_bytes()).hexdigest()
    assert results["datasets"]["test"] == {"sha256": hashlib.sha256((tmp_path / "test.csv").read_bytes()).hexdigest(), "rows": 1200}
    accuracy, duplicates = results["findings"]
    assert accuracy["headline"]["member"] in [row["slice"] for row in accuracy["slices"]]
    assert {json.dumps(row["slice"]) for row in accuracy["slices"]} == {'{"group": "a"}', '{"group": "b"}', '{"group": null}'}
    assert all(row["interval"][0] <= row["value"] <= row["interval"][1] for row in accuracy["slices"])
    assert sum(row["n"] for row in accuracy["slices"]) == 1200
    assert duplicates["headline"]["interval"] == [duplicates["headline"]["value"]] * 2
    assert duplicates["headline"]["method"] == "census"


def test_the_bundle_is_whole_and_every_digest_holds(tmp_path: Path) -> None:
    run(tmp_path, policy({"check": "performance/accuracy", "by": ["group"], "min": 0.7}))
    (place,) = (path.parent for path in tmp_path.glob("reports/*/bundle.json"))
    entries = json.loads((place / "bundle.json").read_text())["files"]
    assert {entry["name"] for entry in entries} == {p.relative_to(place).as_posix() for p in place.rglob("*") if p.is_file()} - {
        "bundle.json"
    }
    for entry in entries:
        content = (place / entry["name"]).read_bytes()
        assert (entry["sha256"], entry["size"]) == (hashlib.sha256(content).hexdigest(), len(content))
    evidence = pd.read_parquet(place / "evidence" / "predictions-test.parquet")
    results = json.loads((place / "results.json").read_text())
    rows = {row["slice"]["group"]: row["value"] for row in results["findings"][0]["slices"]}
    for group, part in evidence.groupby("slice:group", dropna=False):
        assert rows[group if isinstance(group, str) else None] == pytest.approx((part["label"] == part["prediction"]).mean())
    assert not list(tmp_path.glob("reports/.*"))


@pytest.mark.parametrize("kind", [float, bool])
def test_evidence_tells_labels_and_entities_as_they_were_compared(tmp_path: Path, kind: type) -> None:
    """1.0 and True are the classes "1" and "true" in the label as in the prediction; what is missing stays missing."""
    frame = table().assign(customer=lambda frame: frame["id"] // 3)
    frame["label"], frame.loc[0, "group"] = frame["label"].astype(kind), None
    frame["prediction"] = frame["prediction"].astype(kind)
    frame.to_csv(tmp_path / "test.csv", index=False)
    columns = {"id": "id", "label": "label", "prediction": "prediction", "group": "customer"}
    results = run(tmp_path, policy({"check": "performance/accuracy", "by": ["group"], "min": 0.5}, columns=columns))[1]
    assert results is not None
    evidence = pd.read_parquet(next(tmp_path.glob("reports/*/evidence/predictions-test.parquet")))
    assert set(evidence["label"]) == set(evidence["prediction"]) == ({"true", "false"} if kind is bool else {"0", "1"})
    whole = (evidence["label"] == evidence["prediction"]).groupby(evidence["slice:group"].fillna("")).mean()
    assert {row["slice"]["group"] or "": row["value"] for row in results["findings"][0]["slices"]} == pytest.approx(whole.to_dict())
    assert evidence["group"].tolist() == frame["customer"].astype(str).tolist()
    assert evidence["slice:group"].isna()[0]


def test_drift_can_be_computed_again_from_the_bundle(tmp_path: Path) -> None:
    """The distance of the two windows' feature files is the one in the results; only checks that read outputs point to them."""
    rng = np.random.default_rng(1)
    for name, shift in (("test", 0.0), ("before", 0.4)):
        table().assign(age=rng.normal(40 + shift, 1, 1200), note=f"{name} text").to_csv(tmp_path / f"{name}.csv", index=False)
    made = policy(
        {"check": "performance/accuracy", "min": 0.8},
        {"check": "drift/ks", "reference": "before", "max": 0.5},
        {"check": "drift/psi", "reference": "before", "columns": ["group"], "max": 0.5},
        {"check": "data/duplicates", "max": 5000},
        datasets={"test": {"path": "test.csv"}, "before": {"path": "before.csv"}},
        columns={"id": "id", "label": "label", "prediction": "prediction", "text": "note", "features": ["age"]},
    )
    results = run(tmp_path, made)[1]
    assert results is not None
    outputs, features = "evidence/predictions-test.parquet", ["evidence/features-test.parquet", "evidence/features-before.parquet"]
    linked = [[name for name in finding["evidence"] if "duplicates" not in name] for finding in results["findings"]]
    assert linked == [[outputs], features, features, []]
    (place,) = (path.parent for path in tmp_path.glob("reports/*/bundle.json"))
    now, before = (pd.read_parquet(place / name) for name in features)
    assert list(now) == ["id", "feature:age", "feature:group"]
    distances = {row["slice"]["column"]: row["value"] for row in results["findings"][1]["slices"]}
    assert distances["age"] == pytest.approx(ks_2samp(before["feature:age"], now["feature:age"]).statistic)


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


def test_same_inputs_give_the_same_bytes_but_for_the_run(tmp_path: Path) -> None:
    """Policy, data, seed and ledger head the same: results differ in `run` alone, evidence in nothing."""
    require = [{"check": "performance/f1", "min": 0.7}, {"check": "performance/accuracy", "by": ["group"], "min": 0.7}]
    one, other = (run(tmp_path, policy(*require), out=out)[1] for out in ("first", "second"))
    assert one is not None
    assert other is not None
    assert one.pop("run") != other.pop("run")
    assert json.dumps(one) == json.dumps(other)
    (a,), (b,) = ([path.read_bytes() for path in tmp_path.glob(f"{out}/*/evidence/*.parquet")] for out in ("first", "second"))
    assert a == b


def test_adding_a_requirement_moves_no_other_number(tmp_path: Path) -> None:
    alone = run(tmp_path, policy({"check": "performance/f1", "min": 0.7}))[1]
    beside = run(tmp_path, policy({"check": "data/duplicates", "max": 5000}, {"check": "performance/f1", "min": 0.7}))[1]
    assert alone is not None
    assert beside is not None
    assert alone["findings"][0]["headline"] == beside["findings"][1]["headline"]


def test_runs_are_chained_in_the_ledger(tmp_path: Path) -> None:
    first, second = (run(tmp_path, policy())[1] for _ in range(2))
    ledger = Ledger(tmp_path / "reports" / "ledger.sqlite")
    entries = ledger.entries()
    assert ledger.verify() == 2
    assert first is not None
    assert second is not None
    assert first["ledger_head"] is None
    assert second["ledger_head"] == entries[0].digest
    payload = json.loads(entries[1].payload)
    assert payload["bundle_sha256"] == hashlib.sha256((tmp_path / "reports" / second["run"]["id"] / "bundle.json").read_bytes()).hexdigest()


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
                "not_measured": dict.fromkeys(
                    ("safe", "secure_resilient", "explainable_interpretable", "privacy_enhanced", "fair_bias_managed"), "a reason"
                ),
            },
            0,
        ),
        (3, {}, 1),
        (3, {"system": {"purpose": "TODO", "owner": {"contact": "a@example.org"}}}, 1),
        (3, {"system": {"purpose": "x", "owner": {"contact": "a@example.org"}}}, 0),
    ],
)
def test_a_declared_tier_asks_for_facts_and_for_every_characteristic(tmp_path: Path, tier: int, changed: dict[str, Any], code: int) -> None:
    """A characteristic with neither a check nor a reason blocks at tiers 1 and 2."""
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
    barred = [one["text"] for one in results["reasons"] if one["rule"] == "declared-field-missing"]
    assert len(barred) == results["findings"][0]["headline"]["value"] == 17
    assert "Tier 1 asks for system.affected: declare it in the policy." in barred
    assert "Tier 1 asks for datasets.test.licence: declare it in the policy." in barred


def test_several_workers_give_the_same_findings(tmp_path: Path) -> None:
    require = [
        {"check": "performance/f1", "min": 0.7},
        {"check": "performance/accuracy", "by": ["group"], "min": 0.7},
        {"check": "data/duplicates", "max": 5000},
    ]
    one = run(tmp_path, policy(*require), out="one")[1]
    many = run(tmp_path, policy(*require), "--jobs", "3", out="many")[1]
    assert one is not None
    assert many is not None
    assert one["findings"] == many["findings"]


def test_a_role_may_be_absent_from_some_files_but_not_from_all(tmp_path: Path) -> None:
    """Production has no labels; a misspelt column is in no file, and is told at its place."""
    table().drop(columns=["label", "group"]).to_csv(tmp_path / "production.csv", index=False)
    datasets = {"test": {"path": "test.csv"}, "production": {"path": "production.csv"}}
    drift = {"check": "drift/prediction_drift", "reference": "test", "on": "production", "max": 0.2}
    columns = {"id": "id", "label": "label", "prediction": "prediction", "positive": 1, "sensitive": ["group"]}
    done, results = run(tmp_path, policy({"check": "performance/accuracy", "min": 0.8}, drift, datasets=datasets, columns=columns))
    assert done.returncode == 0, done.stdout + done.stderr
    assert results is not None
    done, _ = run(tmp_path, policy(datasets=datasets, columns=columns | {"label": "lable"}))
    assert done.returncode == 2
    assert "policy.yaml:11:10: columns.label: no data set has a column 'lable'" in done.stderr


def test_waivers_are_void_and_said_to_be(tmp_path: Path) -> None:
    """This release verifies none, so a folder of them changes no decision."""
    (tmp_path / "waivers").mkdir()
    done, results = run(tmp_path, policy({"check": "performance/accuracy", "min": 0.95}, waivers="waivers/"))
    assert done.returncode == 1
    assert results is not None
    assert results["reasons"][-1]["rule"] == "waivers-void"


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


def refused(folder: Path, frame: pd.DataFrame, made: dict[str, Any], *more: str) -> str:
    """What is said of an input that cannot be used."""
    frame.to_csv(folder / "test.csv", index=False)
    done, results = run(folder, made, *more)
    assert (done.returncode, results) == (2, None), done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


ROLES = {"id": "id", "label": "label", "prediction": "prediction"}


def test_a_misspelt_positive_class_is_refused_at_its_place(tmp_path: Path) -> None:
    """Among the classes it would be one without rows, which is never missed."""
    frame = table().replace({"label": {0: "not", 1: "urgent"}, "prediction": {0: "not", 1: "urgent"}})
    made = policy({"check": "performance/accuracy", "min": 0.8}, columns=ROLES | {"positive": "urgnet"})
    said = refused(tmp_path, frame, made)
    assert "policy.yaml:" in said
    assert "columns.positive: is 'urgnet'; the classes are not, urgent" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [({0: "No", 1: "Yes"}, "has the classes 0, 1, and column 'prediction' has No, Yes"), ({0: False, 1: True}, "has false, true")],
)
def test_labels_and_predictions_in_other_words_are_refused(tmp_path: Path, words: dict[int, Any], told: str) -> None:
    frame = table()
    assert told in refused(tmp_path, frame.assign(prediction=frame["prediction"].map(words)), policy())


def test_a_smoke_run_knows_the_classes_of_the_whole_file(tmp_path: Path) -> None:
    frame = table().sort_values("label").replace({"label": {0: "not", 1: "urgent"}, "prediction": {0: "not", 1: "urgent"}})
    frame["prediction"] = ["not"] * 64 + frame["prediction"].tolist()[64:]
    frame.to_csv(tmp_path / "test.csv", index=False)
    done, _ = run(tmp_path, policy({"check": "performance/recall", "min": 0.5}, columns=ROLES | {"positive": "urgent"}), "--smoke")
    assert done.returncode == 3, done.stderr


@pytest.mark.parametrize("column", ["label", "prediction"])
def test_a_missing_label_or_prediction_is_refused(tmp_path: Path, column: str) -> None:
    frame = table()
    frame[column] = frame[column].astype("Int64").mask(frame["id"] == 7)
    assert f"column '{column}' has no value in 1 of 1200 rows (first: row 7)" in refused(tmp_path, frame, policy())


@pytest.mark.parametrize("value", [None, 1.2])
def test_a_score_that_is_none_is_refused_at_opening(tmp_path: Path, value: float | None) -> None:
    """Even where no check of the policy reads it."""
    frame = table().assign(score=0.5)
    frame.loc[7, "score"] = value
    made = policy({"check": "data/duplicates", "max": 2000}, columns=ROLES | {"score": "score"})
    assert "'score' is not a number from 0 to 1 in 1 rows (first: row 7): give the probability" in refused(tmp_path, frame, made)


def test_groups_are_not_compared_while_no_class_is_the_positive_one(tmp_path: Path) -> None:
    frame = table().replace({"label": {0: "no", 1: "yes"}, "prediction": {0: "no", 1: "yes"}})
    made = policy({"check": "fairness/demographic_parity_difference", "by": ["group"], "max": 0.5})
    assert "require.0.check: fairness/demographic_parity_difference: which class counts as positive is not said" in refused(
        tmp_path, frame, made
    )


@pytest.mark.parametrize("role", ["group", "weight"])
def test_a_role_that_changes_every_interval_is_never_dropped(tmp_path: Path, role: str) -> None:
    table().assign(entity=1).to_csv(tmp_path / "train.csv", index=False)
    files = {"train": {"path": "train.csv"}, "test": {"path": "test.csv"}}
    made = policy(datasets=files, columns=ROLES | {role: "entity"})
    said = refused(tmp_path, table(), made)
    assert f"columns.{role}: no column 'entity'" in said
    assert f"datasets.test.columns: {{{role}: null}}" in said
    files["test"]["columns"] = {role: None}  # type: ignore[assignment]
    done, _ = run(tmp_path, made)
    assert done.returncode == 0, done.stderr


def test_a_row_without_an_entity_is_told(tmp_path: Path) -> None:
    table().assign(entity=lambda frame: frame["id"].where(frame["id"] != 7)).to_csv(tmp_path / "test.csv", index=False)
    done, results = run(tmp_path, policy(columns=ROLES | {"group": "entity"}))
    assert results is not None
    assert (done.returncode, results["findings"][0]["status"]) == (3, "not_run")
    assert "row 7 names no entity in column 'entity'" in results["findings"][0]["message"]


@pytest.mark.parametrize("role", ["score", "group", "label"])
def test_a_row_that_is_named_by_an_address_is_told_by_its_number(tmp_path: Path, role: str) -> None:
    frame = table().assign(score=0.5, who=lambda frame: frame["id"])
    frame["id"] = [f"person{number}@example.org" for number in frame["id"]]
    column = {"score": "score", "group": "who", "label": "label"}[role]
    frame[column] = frame[column].astype(object).where(frame.index != 7, None)
    frame.to_csv(tmp_path / "test.csv", index=False)
    done, results = run(tmp_path, policy(columns=ROLES | {role: column, "positive": 1}))
    said = done.stderr + json.dumps(results)
    assert "row number 8" in said
    assert "@" not in said


def test_keys_without_effect_are_told(tmp_path: Path) -> None:
    idle = {"monitor": {"every": "1d"}, "registry": {"folder": "x"}, "trust": {"keys": ["signer.pem"]}}
    done, results = run(tmp_path, policy(**idle))
    assert results is not None
    assert done.returncode == 0
    told = [reason["text"] for reason in results["reasons"] if reason["rule"] == "no-effect"]
    assert told == [f"{key}: no effect on `audit run` in this release." for key in ("monitor", "registry", "trust.keys")]


@pytest.mark.parametrize(
    ("by", "named", "told"), [(["group"], "A", "'A' is no group of group in"), ([["group", "id"]], "a", "'a' is no group of group, id in")]
)
def test_a_reference_group_that_is_none_is_refused_at_its_line(tmp_path: Path, by: list[Any], named: str, told: str) -> None:
    made = policy({"check": "fairness/demographic_parity_difference", "by": by, "reference_group": named, "max": 0.5})
    said = refused(tmp_path, table(), made)
    assert f"require.0.reference_group: {told}" in said


def test_features_that_the_model_was_fitted_on_and_a_file_lacks_are_told_before_anything_is_measured(tmp_path: Path) -> None:
    pytest.importorskip("skops", reason="needs skops")
    from sklearn.linear_model import LogisticRegression
    from skops import io as skops

    frame = table().assign(age=1.0, height=2.0).drop(columns=["group", "prediction"])
    skops.dump(LogisticRegression().fit(frame[["age", "height"]], frame["label"]), tmp_path / "m.skops")
    candidate = {"task": "tabular-classification", "load": {"kind": "sklearn", "path": "m.skops"}}
    said = refused(tmp_path, frame.drop(columns="height"), policy(columns={"id": "id", "label": "label"}, candidate=candidate))
    assert "datasets.test: " in said
    assert "fitted on columns that the data does not offer as features: height" in said


@pytest.mark.parametrize(
    ("changed", "place"),
    [
        ({"datasets": {"test": {"path": "absent.csv"}}}, "datasets.test.path: "),
        ({"candidate": {"task": "tabular-classification", "load": {"kind": "sklearn", "path": "absent.csv"}}}, "candidate.load.path: "),
    ],
)
def test_a_file_that_is_not_there_is_told_at_its_line(tmp_path: Path, changed: dict[str, Any], place: str) -> None:
    made = policy(**changed)
    said = refused(tmp_path, table(), made)
    line = next(number for number, text in enumerate((tmp_path / "policy.yaml").read_text().splitlines(), 1) if "absent.csv" in text)
    assert f"policy.yaml:{line}:" in said
    assert place in said
    assert "there is no such file: " in said
    assert f"(relative paths start in {tmp_path})" in said


def test_an_opening_that_fails_is_told_at_the_key_it_is_about(tmp_path: Path) -> None:
    made = policy(candidate={"task": "tabular-classification", "load": {"kind": "onnx", "path": "test.csv"}})
    said = refused(tmp_path, table(), made)
    assert "candidate.load.kind: onnx is not served by this release" in said
    said = refused(tmp_path, table().assign(prediction="x"), policy())
    assert "datasets.test: column 'label' has the classes 0, 1, and column 'prediction' has x" in said
