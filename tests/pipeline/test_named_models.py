"""`models: {NAME: ...}` beside the champion, and `against: NAME`."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from audit.errors import PolicyError
from audit.pipeline.compatibility import load_policy
from audit.pipeline.run import Options, audit_policy
from audit.progress import Silent
from tests.compared import table
from tests.running import policy

if TYPE_CHECKING:
    from audit.pipeline.run import Outcome

TEACHER = {"load": {"kind": "predictions"}, "columns": {"prediction": "old", "score": "old_score"}}
ROLES = {"label": "label", "prediction": "prediction", "score": "score", "positive": 1}
ACCURACY = {"check": "performance/accuracy", "against": "teacher", "margin": 0.03}


def comparing(*require: dict[str, Any], **changed: Any) -> dict[str, Any]:
    return policy(*(require or (ACCURACY,)), **({"models": {"teacher": TEACHER}, "columns": ROLES} | changed))


def audited(folder: Path, made: dict[str, Any]) -> Outcome:
    (folder / "policy.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    return audit_policy(Path("policy.yaml"), Options(folder / "reports", "audit run"), Silent())


def refused(folder: Path, made: dict[str, Any], *, opened: bool = False) -> str:
    """All mistakes, found in the policy alone or, `opened`, once the models are."""
    (folder / "policy.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    with pytest.raises(PolicyError) as found:
        audited(folder, made) if opened else load_policy(folder / "policy.yaml")
    return str(found.value)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_the_same_numbers_as_against_a_champion_of_the_same_answers(here: Path) -> None:
    """And each model's facts in results.json under its name."""
    table(900, noise=0.2).to_csv(here / "test.csv", index=False)
    lines = [ACCURACY, {"check": "performance/roc_auc", "against": "teacher", "margin": 0.02, "by": ["region"]}]
    families = ("demographic_parity_difference", "average_odds_difference", "mean_difference", "subgroup_auc")
    lines += [{"check": f"fairness/{name}", "against": "teacher", "margin": 0.1, "by": ["region"]} for name in families]
    named = audited(here, comparing(*lines))
    results = json.loads((named.place / "results.json").read_text())
    as_champion = [line | {"against": "champion"} for line in lines]
    champion = audited(here, comparing(*as_champion, models={}, champion=TEACHER))
    expected = json.loads((champion.place / "results.json").read_text())
    for one, other in zip(results["findings"], expected["findings"], strict=True):
        assert (one["headline"]["value"], one["headline"]["interval"]) == (other["headline"]["value"], other["headline"]["interval"])
        assert (one["status"], one["against"]) == (other["status"], "teacher")
    assert {one["check"]: one["status"] for one in results["findings"]} == dict.fromkeys((line["check"] for line in lines), "pass")
    assert results["findings"][0]["headline"]["unit"] == "accuracy difference from the teacher model"
    assert results["models"]["teacher"] == expected["champion"] | {"description": "saved answers of the teacher model in test"}
    assert (results["champion"], expected["models"]) == (None, {})
    report = (named.place / "report.html").read_text()
    assert "Model teacher SHA-256" in report
    assert "the teacher model" in report


def test_several_models_beside_the_champion(here: Path) -> None:
    """A loaded one and two of saved answers, each compared in its own requirement."""
    skops = pytest.importorskip("skops.io", reason="comes with the extra sklearn")
    from sklearn.linear_model import LogisticRegression

    frame = table(600)
    frame["size"] = frame["score"]
    skops.dump(LogisticRegression().fit(frame[["size"]], frame["label"]), here / "full.skops")
    frame.assign(third=frame["label"]).to_csv(here / "test.csv", index=False)
    models = {
        "full": {"load": {"kind": "sklearn", "path": "full.skops"}},
        "judge": {"load": {"kind": "predictions"}, "columns": {"prediction": "third"}},
    }
    lines = [ACCURACY | {"id": name, "against": name, "margin": 0.9} for name in ("champion", "full", "judge")]
    outcome = audited(here, comparing(*lines, models=models, champion=TEACHER))
    found = outcome.audit.comparators
    assert list(found) == ["champion", "full", "judge"]
    assert found["full"].sha256 == hashlib.sha256((here / "full.skops").read_bytes()).hexdigest()
    right = frame["prediction"] == frame["label"]
    values = {finding.requirement.id: finding.headline.value for finding in outcome.audit.findings if finding.headline}
    assert values["judge"] == pytest.approx(right.mean() - 1, abs=1e-12)
    assert values["champion"] == pytest.approx(right.mean() - (frame["old"] == frame["label"]).mean(), abs=1e-12)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"require": [ACCURACY | {"against": "techer"}]}, "require.0.against: no model \"techer\" is declared; did you mean 'teacher'?"),
        ({"require": [ACCURACY | {"against": "zzz"}]}, 'require.0.against: no model "zzz" is declared; add `models: {zzz: {load: ...}}`'),
        ({"models": {"teacher": TEACHER, "full": TEACHER}}, "models.full: is used by no requirement; add `against: full` to one"),
        ({"models": {"teacher": TEACHER, "base": TEACHER}}, "models.base: is what `against` calls the base model of the policy"),
        ({"models": {"teacher": TEACHER, "champion": TEACHER}}, "models.champion: is what `against` calls the champion of the policy"),
        (
            {"models": {"teacher": {"load": {"kind": "predictions"}}}},
            "models.teacher.load.kind: the teacher model's columns are not named",
        ),
        ({"models": {"teacher": {"load": {"kind": "sklearn"}}}}, "models.teacher.load.path: is missing; name the folder, file or address"),
        ({"models": {"teacher": {"load": {"kind": "onnx", "path": "a"}}}}, "models.teacher.load.kind: onnx is not served by this release"),
        ({"models": {"teacher": {"load": {"kind": "sklearn", "path": "../a.skops"}}}}, "models.teacher.load.path: "),
        (
            {"models": {"teacher": TEACHER | {"columns": {"prediction": "label"}}}},
            'models.teacher.columns: column "label" is columns.label',
        ),
        (
            {
                "require": [{"check": "performance/roc_auc", "against": "teacher", "margin": 0.1}],
                "models": {"teacher": TEACHER | {"columns": {"prediction": "old"}}},
            },
            "require.0.against: performance/roc_auc needs the teacher model's probabilities; name their column under models.teacher",
        ),
        (
            {"require": [{"check": "fairness/demographic_parity_ratio", "by": ["region"], "against": "teacher", "margin": 0.1}]},
            "require.0.against: fairness/demographic_parity_ratio compares no two models; these do: ",
        ),
    ],
)
def test_what_cannot_be_compared_is_refused_at_its_line(here: Path, changed: dict[str, Any], told: str) -> None:
    said = refused(here, comparing(**changed))
    assert told in said
    assert said.startswith(str(here / "policy.yaml"))


def test_a_model_of_other_classes_or_without_its_columns_is_refused_where_it_is_declared(here: Path) -> None:
    frame = table(200)
    frame.loc[3, "old"] = 2
    frame.to_csv(here / "test.csv", index=False)
    labels = {"teacher": {"load": {"kind": "predictions"}, "columns": {"prediction": "old"}}}
    assert "models.teacher: tells the classes 0, 1, 2, the candidate 0, 1" in refused(here, comparing(models=labels), opened=True)
    absent = {"teacher": {"load": {"kind": "predictions"}, "columns": {"prediction": "odl"}}}
    said = refused(here, comparing(models=absent), opened=True)
    assert "test.csv has no column 'odl' of the teacher model's answers; did you mean 'old'?" in said


def test_a_model_without_probabilities_or_its_features_is_refused_at_the_line_that_compares(here: Path) -> None:
    skops = pytest.importorskip("skops.io", reason="comes with the extra sklearn")
    from sklearn.svm import LinearSVC

    frame = table(200).assign(size=lambda one: one["score"])
    skops.dump(LinearSVC().fit(frame[["size"]], frame["label"]), here / "old.skops")
    frame.to_csv(here / "test.csv", index=False)
    made = comparing(
        {"check": "performance/roc_auc", "against": "full", "margin": 0.1},
        models={"full": {"load": {"kind": "sklearn", "path": "old.skops"}}},
    )
    said = refused(here, made, opened=True)
    assert (
        "require.0.against: performance/roc_auc: the full model gives labels without probabilities: add models.full.columns.score" in said
    )
    frame.drop(columns="size").to_csv(here / "test.csv", index=False)
    assert "require.0.against: " in (said := refused(here, made, opened=True))
    assert "fitted on columns that the data does not offer as features: size" in said


def test_the_answers_of_every_model_are_no_features(here: Path) -> None:
    for role, seed in (("test", 1), ("production", 2)):
        table(400, seed).assign(size=lambda one: one["score"] ** 2).to_csv(here / f"{role}.csv", index=False)
    drift = {"check": "drift/ks", "on": "production", "reference": "test", "max": 0.5}
    both = {role: {"path": f"{role}.csv"} for role in ("test", "production")}
    _, found = audited(here, comparing(ACCURACY, drift, datasets=both)).audit.findings
    assert {str(row.name) for row in found.slices if row.value is not None} == {"column=person", "column=size"}
