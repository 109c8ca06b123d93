"""What `audit run` leaves behind: results by the contract, a whole bundle, evidence to recompute from, the ledger."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from audit.ledger import Ledger
from tests.command import installed
from tests.running import ROLES, policy, run, table

if TYPE_CHECKING:
    from pathlib import Path


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


def test_several_workers_give_the_same_findings(tmp_path: Path) -> None:
    require = [
        {"check": "performance/f1", "min": 0.7},
        {"check": "performance/accuracy", "by": ["group"], "min": 0.7},
        {"check": "data/duplicates", "max": 5000},
    ]
    one = run(tmp_path, policy(*require), out="one")[1]
    shutil.rmtree(tmp_path / "cache")  # so that the workers measure anew
    many = run(tmp_path, policy(*require), "--jobs", "3", out="many", command=installed)[1]
    assert one is not None
    assert many is not None
    assert one["findings"] == many["findings"]


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


def test_the_law_s_table_is_in_the_results(tmp_path: Path) -> None:
    """By group: of how many how many are selected, the ratio to the highest rate, and who is left out of it."""
    frame = table()
    frame.to_csv(tmp_path / "test.csv", index=False)
    asked = {"check": "fairness/impact_ratio", "by": ["group"], "min": 0.5}
    _, results = run(tmp_path, policy(asked, {"check": "performance/accuracy", "min": 0.5}, columns=ROLES | {"positive": 1}))
    assert results is not None
    ratios, accuracy = results["findings"]
    assert accuracy["tables"] == []
    (told,) = ratios["tables"]
    assert (told["rate"], told["by"], told["class"]) == ("selection", ["group"], None)
    rates = frame.groupby("group", dropna=False)["prediction"].agg(["size", "sum", "mean"])
    best = rates.loc[["a", "b"], "mean"].max()
    assert [one["slice"] for one in told["categories"]] == [{"group": "a"}, {"group": "b"}, {"group": None}]
    for one, (_, (n, hits, rate)) in zip(told["categories"], rates.iterrows(), strict=True):
        assert (one["n"], one["hits"], one["rate"]) == (n, hits, pytest.approx(rate))
        known = one["slice"]["group"] is not None
        assert one["impact_ratio"] == (pytest.approx(rate / best) if known else None)
        assert one["left_out"] == (None if known else "unknown")
        assert (one["interval"] is None) == (not known or rate == best)
    ((low, high),) = (one["interval"] for one in told["categories"] if one["interval"])
    assert low < rates.loc[["a", "b"], "mean"].min() / best < high
