"""Inputs that `audit run` cannot use end in exit code 2, with the place and the remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from audit.errors import PolicyError
from audit.pipeline.compatibility import load_policy
from tests.command import audit
from tests.running import ROLES, policy, refused, run, table

if TYPE_CHECKING:
    from pathlib import Path


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


def test_mistakes_in_data_columns_and_waivers_are_told_at_once(tmp_path: Path) -> None:
    require = {"check": "performance/accuracy", "min": 0.8, "by": ["gruop"]}
    datasets = {"test": {"path": "test.csv"}, "production": {"path": "absent.csv"}}
    made = policy(require, datasets=datasets, waivers="nowhere")
    done, _ = run(tmp_path, made)
    keys = ["datasets.production.path", "require.0.by", "waivers"]
    assert done.returncode == 2
    assert [line.split(": ")[1] for line in done.stderr.splitlines()] == keys
    checked = audit("validate", "policy.yaml", cwd=tmp_path)
    assert checked.returncode == 2
    assert [line.split(": ")[1] for line in checked.stderr.splitlines() if line.startswith("policy.yaml:")] == keys[1:]
    (tmp_path / "policy.yaml").write_text(yaml.safe_dump(policy(waivers="nowhere", datasets=datasets, columns=ROLES | {"label": "lable"})))
    table().to_csv(tmp_path / "absent.csv", index=False)
    checked = audit("validate", "policy.yaml", cwd=tmp_path)
    assert sorted(line.split(": ")[1] for line in checked.stderr.splitlines()) == ["columns.label", "waivers"]


def test_a_misspelt_slice_column_is_told_the_nearest(tmp_path: Path) -> None:
    made = policy({"check": "performance/accuracy", "min": 0.8, "by": ["gruop", "income"]})
    told = refused(tmp_path, table(), made).splitlines()
    assert any("require.0.by: column 'gruop' is not in " in line and line.endswith("did you mean 'group'?") for line in told)
    assert any("require.0.by: column 'income' is not in " in line and line.endswith("it has group, id, label, prediction") for line in told)


def test_a_misspelt_positive_class_is_refused_at_its_place(tmp_path: Path) -> None:
    """Among the classes it would be one without rows, which is never missed."""
    frame = table().replace({"label": {0: "not", 1: "urgent"}, "prediction": {0: "not", 1: "urgent"}})
    made = policy({"check": "performance/accuracy", "min": 0.8}, columns=ROLES | {"positive": "urgnet"})
    said = refused(tmp_path, frame, made)
    assert "policy.yaml:" in said
    assert "columns.positive: is 'urgnet', but the classes are not, urgent" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({0: "low", 1: "high"}, "has the classes 0, 1, and column 'prediction' has high, low"),
        ({0: "No", 1: "Yes"}, 'labels: {map: {Yes: "1", No: "0"}}'),
        ({0: False, 1: True}, 'labels: {map: {"true": "1", "false": "0"}}'),
    ],
)
def test_labels_and_predictions_in_other_words_are_refused(tmp_path: Path, words: dict[int, Any], told: str) -> None:
    frame = table()
    assert told in refused(tmp_path, frame.assign(prediction=frame["prediction"].map(words)), policy())


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
    table(seed=4).assign(entity=1).to_csv(tmp_path / "train.csv", index=False)
    files = {"train": {"path": "train.csv"}, "test": {"path": "test.csv"}}
    made = policy(datasets=files, columns=ROLES | {role: "entity"})
    said = refused(tmp_path, table(), made)
    assert f"columns.{role}: no column 'entity'" in said
    assert f"datasets.test.columns: {{{role}: null}}" in said
    files["test"]["columns"] = {role: None}  # type: ignore[assignment]  # a role that is null, beside paths
    done, _ = run(tmp_path, made)
    assert done.returncode == 0, done.stderr


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


def test_a_task_that_nothing_fine_tunes_is_refused_at_its_line(tmp_path: Path) -> None:
    made = policy(candidate={"task": "tabular-classification", "fine_tune": {"base": "minilm"}})
    said = refused(tmp_path, table(), made)
    line = next(number for number, text in enumerate((tmp_path / "policy.yaml").read_text().splitlines(), 1) if "base: minilm" in text)
    told = "candidate.fine_tune: fine-tuning for tabular-classification is not served by this release; train the model yourself"
    assert f"policy.yaml:{line}:5: {told}" in said


@pytest.mark.parametrize(
    ("check", "values", "told"),
    [
        ({"check": "performance/accuracy", "min": 0.8}, 1001, "'g' splits the rows into 1,001 slices, and 1,000 are the most"),
        ({"check": "fairness/impact_ratio", "min": 0.8}, 301, "'g' splits the rows into 301 slices, and 300 are the most"),
        ({"check": "fairness/impact_ratio", "min": 0.8, "reference_group": "pooled_rest"}, 1001, "1,000 are the most"),
    ],
)
def test_a_column_that_names_rows_and_no_groups_is_refused_before_anything_runs(
    tmp_path: Path, check: dict[str, Any], values: int, told: str
) -> None:
    """Every pair of some thousand groups is millions of intervals: it would take all memory and never end."""
    made = policy(check | {"by": ["g"]}, columns=ROLES | {"positive": 1})
    said = refused(tmp_path, table(2000).assign(g=[f"g{row % values}" for row in range(2000)]), made)
    assert said.startswith("policy.yaml:")
    assert told in said
    assert "bands of the values" in said


def test_as_many_groups_as_can_be_judged_are_judged(tmp_path: Path) -> None:
    frame = table(2000).assign(g=[f"g{row % 301}" for row in range(2000)])
    frame.to_csv(tmp_path / "test.csv", index=False)
    gap = {"check": "fairness/demographic_parity_difference", "max": 0.5, "by": ["g"], "reference_group": "pooled_rest"}
    _, results = run(tmp_path, policy(gap, columns=ROLES | {"positive": 1}))
    assert results is not None
    assert len(results["findings"][0]["slices"]) == 301


@pytest.mark.parametrize(
    ("asked", "needs_encoder"),
    [
        ({"check": "drift/mmd", "reference": "before", "max": 0.1}, True),
        ({"check": "drift/mmd", "reference": "before", "max": 0.1, "columns": ["amount"]}, False),
        ({"check": "data/label_errors", "max": 0.5, "features": "embedding"}, True),
        ({"check": "data/label_errors", "max": 0.5}, False),
        ({"check": "fairness/discovered_slices", "max": 0.9, "clusters": 3}, True),
    ],
)
def test_embeddings_of_saved_predictions_are_refused_at_their_line(tmp_path: Path, asked: dict[str, Any], *, needs_encoder: bool) -> None:
    """Without reading a row: saved predictions have no encoder, whatever the data."""
    frame = table().assign(text="please hurry", amount=1.5)
    frame.to_csv(tmp_path / "before.csv", index=False)
    made = policy(asked, datasets={"test": {"path": "test.csv"}, "before": {"path": "before.csv"}}, columns=ROLES | {"text": "text"})
    frame.to_csv(tmp_path / "test.csv", index=False)
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(made, sort_keys=False), encoding="utf-8")
    if not needs_encoder:
        load_policy(path)
        return
    with pytest.raises(PolicyError) as found:
        load_policy(path)
    (mistake,) = found.value.mistakes
    assert mistake.line == 1 + path.read_text().splitlines().index(f"- check: {asked['check']}")
    assert (
        f"require.0.check: {asked['check']}: these parameters ask for embeddings of texts, and a predictions candidate has no encoder"
        in mistake.message
    )
