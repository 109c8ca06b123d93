"""`audit replay`: stored evidence gives the same findings again, and whatever was changed differs."""

from __future__ import annotations

import hashlib
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from audit.bundle import reader
from audit.errors import InputError, ToolError
from audit.evidence.storage import table_from_bytes, table_to_bytes
from audit.pipeline.replay import replay, under_policy
from tests.command import audit
from tests.running import policy, run, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

REQUIRED: tuple[dict[str, Any], ...] = (
    {"check": "performance/accuracy", "min": 0.5, "by": ["group"]},
    {"check": "performance/roc_auc", "min": 0.6},
    {"check": "calibration/expected_calibration_error", "max": 0.5},
    {"check": "fairness/equal_opportunity_difference", "max": 0.2, "by": ["group"], "severity": "medium"},
    {"check": "data/class_imbalance", "min": 0.1},
)
ROLES = {"id": "id", "label": "label", "prediction": "prediction", "score": "score", "positive": 1}


def scored() -> pd.DataFrame:
    """With a score of class 1 that agrees with the predictions."""
    frame = table()
    return frame.assign(score=0.2 + 0.6 * frame.prediction + 0.1 * ((frame.id % 10) / 10))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ran")
    scored().to_csv(folder / "test.csv", index=False)
    done, results = run(folder, policy(*REQUIRED, columns=ROLES))
    assert results is not None, done.stderr
    return folder / "reports" / str(results["run"]["id"])


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / made.name)
    return tmp_path / made.name


def rewrite(bundle: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change a file, and what the bundle says of it: as somebody would who forges results."""
    path, listed = bundle / name, json.loads((bundle / "bundle.json").read_text())
    path.write_bytes(change(path.read_bytes()))
    for one in listed["files"]:
        if one["name"] == name:
            one |= {"sha256": hashlib.sha256(path.read_bytes()).hexdigest(), "size": path.stat().st_size}
    (bundle / "bundle.json").write_text(reader.list_text(listed["files"]))


def test_a_bundle_replays_the_same(bundle: Path) -> None:
    """Every finding is judged again; what rests on predictions alone is measured again, with its slices and pairs of groups."""
    found = replay(bundle)
    assert found.same
    assert {one.id: one.measured_again for one in found.findings} == {
        "performance/accuracy": 3,
        "performance/roc_auc": 1,
        "calibration/expected_calibration_error": 1,
        "fairness/equal_opportunity_difference": 6,
        "data/class_imbalance": None,
    }
    (data,) = (one for one in found.findings if one.measured_again is None)
    assert data.why_not == "it does not rest on predictions"


def test_forged_predictions_differ_in_their_values(bundle: Path) -> None:
    def all_right(raw: bytes) -> bytes:
        columns = table_from_bytes(raw)
        return table_to_bytes(columns | {"prediction": columns["label"]})

    rewrite(bundle, "evidence/predictions-test.parquet", all_right)
    found = {one.id: one.differences for one in replay(bundle).findings}
    assert [one.field for one in found["performance/accuracy"]] == [f"measured again.group={name}" for name in ("a", "b", "null")]
    assert found["performance/accuracy"][0].now.startswith("1.0, n ")
    assert found["data/class_imbalance"] == ()


def test_a_forged_status_and_value_differ(bundle: Path) -> None:
    """In the record; both are printed."""

    def forged(raw: bytes) -> bytes:
        told = json.loads(raw)
        finding = next(one for one in told["record"]["findings"] if one["requirement"]["id"] == "performance/roc_auc")
        finding["status"] = "fail"
        finding["headline"]["value"] = 0.5
        return json.dumps(told).encode()

    rewrite(bundle, "record.json", forged)
    done = audit("replay", str(bundle))
    assert done.returncode == 1
    assert "differs  performance/roc_auc: fail" in done.stdout
    assert "           status: fail then, pass now" in done.stdout
    assert "           headline.value: 0.5 then, 0.9" in done.stdout
    assert done.stdout.splitlines()[-1] == f"{bundle.name}: DIFFERS"


def test_a_forged_decision_differs(bundle: Path) -> None:
    rewrite(bundle, "record.json", lambda raw: raw.replace(b'"decision":"promote"', b'"decision":"block"'))
    found = replay(bundle)
    assert [(one.field, one.then, one.now) for one in found.decision.differences] == [("decision", "block", "promote")]
    assert not found.same


def test_what_cannot_be_replayed(bundle: Path, tmp_path: Path) -> None:
    """A changed bundle is bad input; a record or policy of another release is exit code 3."""
    shutil.copytree(bundle, tmp_path / "other")
    shutil.copytree(bundle, tmp_path / "third")
    rewrite(tmp_path / "third", "evidence/predictions-test.parquet", lambda raw: raw[:-1])
    with pytest.raises(ToolError, match=r"predictions-test\.parquet: cannot be read"):
        replay(tmp_path / "third")
    (bundle / "policy.yaml").write_text("policy: another")
    with pytest.raises(InputError, match=r"policy\.yaml: not as the run wrote it"):
        replay(bundle)
    rewrite(bundle, "policy.yaml", lambda raw: raw)
    with pytest.raises(ToolError, match="is not the policy that the record names"):
        replay(bundle)
    rewrite(tmp_path / "other", "record.json", lambda raw: raw.replace(b"audit.record/1", b"audit.record/9"))
    done = audit("replay", str(tmp_path / "other"))
    assert (done.returncode, "this release reads audit.record/1" in done.stderr) == (3, True)


def test_the_command(bundle: Path) -> None:
    done = audit("replay", str(bundle))
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"{bundle.name}: all the same")
    assert "same     performance/accuracy: pass; judged again, and 3 members measured again" in done.stdout
    told = json.loads(audit("replay", str(bundle), "--format", "json").stdout)
    assert (told["schema"], told["runs"][0]["decision"]["status"]) == ("audit.replay/1", "promote")
    assert audit("replay", str(bundle), "--format", "xml").returncode == 2


def test_regression_is_measured_again(tmp_path: Path) -> None:
    frame = table().assign(label=lambda one: one.id / 7, prediction=lambda one: one.id / 7 + (one.id % 5 - 2) / 10)
    frame.to_csv(tmp_path / "test.csv", index=False)
    asked = {"check": "performance/mean_absolute_error", "max": 0.5, "by": ["group"]}
    done, results = run(tmp_path, policy(asked, candidate={"task": "tabular-regression", "load": {"kind": "predictions"}}))
    assert results is not None, done.stderr
    found = replay(tmp_path / "reports" / results["run"]["id"])
    assert (found.same, found.findings[0].measured_again) == (True, 3)


def test_bands_of_numbers_are_measured_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same edges and the same quantiles; under another banding nothing was measured then."""
    monkeypatch.chdir(tmp_path)
    scored().assign(age=lambda one: one.id % 80).to_csv(tmp_path / "test.csv", index=False)
    asked: dict[str, Any] = {"check": "performance/accuracy", "min": 0.5, "by": {"age": [25, 45]}}
    quantiles = {"check": "performance/accuracy", "id": "quantiles", "min": 0.5, "by": {"age": {"bands": 4}}}
    done, results = run(tmp_path, policy(asked, quantiles, columns=ROLES))
    assert results is not None, done.stderr
    bundle = tmp_path / "reports" / results["run"]["id"]
    found = replay(bundle)
    assert (found.same, [one.measured_again for one in found.findings]) == (True, [3, 4])
    (same,) = under_policy(written(tmp_path, asked, quantiles), [bundle])
    (other,) = under_policy(written(tmp_path, asked | {"by": {"age": [25, 50]}}), [bundle])
    assert (same.now, other.deciding) == ("promote", ("performance/accuracy: not measured then",))


def written(folder: Path, *require: dict[str, Any], **changed: Any) -> Path:
    path = folder / "new.yaml"
    path.write_text(yaml.safe_dump(policy(*require, **({"columns": ROLES} | changed)), sort_keys=False))
    return path


def test_which_releases_would_flip(bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another bound, severity or id is judged anew; what was not measured then blocks, as missing evidence does."""
    monkeypatch.chdir(tmp_path)
    (same,) = under_policy(written(tmp_path, *REQUIRED), [bundle])
    assert (same.then, same.now, same.flips, same.deciding) == ("promote", "promote", False, ("all-required-pass",))
    (harder,) = under_policy(written(tmp_path, REQUIRED[0] | {"min": 0.95}, *REQUIRED[1:]), [bundle])
    assert (harder.now, harder.flips) == ("block", True)
    assert harder.deciding == ("performance/accuracy: pass then, fail now (high-fail)",)
    (other,) = under_policy(written(tmp_path, REQUIRED[0] | {"id": "gate", "min": 0.95, "severity": "low"}), [bundle])
    assert (other.now, other.deciding) == ("promote-with-conditions", ("gate: under another id then, fail now (low-fail)",))
    (more,) = under_policy(written(tmp_path, *REQUIRED, {"check": "performance/f1", "min": 0.5}), [bundle])
    assert (more.now, more.deciding) == ("block", ("performance/f1: not measured then",))
    (otherwise,) = under_policy(written(tmp_path, {"check": "performance/accuracy", "min": 0.5}), [bundle])
    assert otherwise.deciding == ("performance/accuracy: not measured then",)


@pytest.mark.parametrize(
    "changed",
    [
        {"columns": ROLES | {"positive": 0}},
        {"columns": ROLES | {"group": "group"}},
        {"columns": ROLES | {"sensitive": ["group"]}},
        {"labels": {"map": {"0": "no", "1": "yes"}}, "columns": ROLES | {"positive": "yes"}},
        {"datasets": {"test": {"path": "test.csv", "missing": ["-"]}}},
        {"datasets": {"test": {"path": "test.csv", "columns": {"positive": 0}}}},
    ],
)
def test_rows_that_a_policy_reads_otherwise_were_not_measured_then(
    bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
) -> None:
    """Evidence on another positive class, label or unit of clustering does not say what this policy asks."""
    monkeypatch.chdir(tmp_path)
    (otherwise,) = under_policy(written(tmp_path, *REQUIRED, **changed), [bundle])
    assert (otherwise.now, otherwise.flips) == ("block", True)
    assert set(otherwise.deciding) == {f"{one['check']}: not measured then" for one in REQUIRED}
    moved = written(tmp_path, *REQUIRED, datasets={"test": {"path": "elsewhere.csv", "source": "generated"}})
    assert under_policy(moved, [bundle])[0].now == "promote"


def test_which_releases_would_flip_on_the_command_line(bundle: Path, tmp_path: Path) -> None:
    written(tmp_path, REQUIRED[0] | {"min": 0.95})
    done = audit("replay", bundle.name, bundle.name, "--policy", "new.yaml", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == f"FLIPS  {bundle.name}: promote then, block now"
    assert done.stdout.splitlines()[-1] == "2 of 2 would flip"
    told = json.loads(audit("replay", bundle.name, "--policy", "new.yaml", "--format", "json", cwd=tmp_path).stdout)
    assert (told["runs"][0]["then"], told["runs"][0]["now"]) == ("promote", "block")
    assert audit("replay", bundle.name, "--policy", "none.yaml", cwd=tmp_path).returncode == 2
