"""What an audit makes of labels: two spellings of one class, maps between them, classes that the model does not know."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from audit.commands import check as check_command
from audit.errors import InputError, PolicyError
from tests.pipeline.in_process import audited, remarks
from tests.running import policy

if TYPE_CHECKING:
    from pathlib import Path

GAP = {"check": "fairness/demographic_parity_difference", "by": ["sex"], "max": 0.1}
ROLES = {"label": "label", "prediction": "prediction", "positive": "approved"}


def decisions(rows: int = 200) -> pd.DataFrame:
    """Right in every row; of men 60 % are approved and of women 30 %, and men's approvals are predicted with a capital."""
    sex = np.repeat(["F", "M"], rows)
    approved = np.concatenate([np.arange(rows) < 0.3 * rows, np.arange(rows) < 0.6 * rows])
    label = np.where(approved, "approved", "rejected")
    prediction = np.where(approved & (sex == "M"), "Approved", label)
    return pd.DataFrame({"label": label, "prediction": prediction, "sex": sex})


def test_two_spellings_are_refused_at_their_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PolicyError, match=r"policy.yaml:\d+:\d+: datasets.test: one class .*'Approved' \(120 rows .* first row 201\)"):
        audited(tmp_path, monkeypatch, policy(GAP, columns=ROLES), test=decisions())


def test_mapped_spellings_are_one_class(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = policy(GAP, {"check": "performance/accuracy", "min": 0.95}, columns=ROLES, labels={"map": {"Approved": "approved"}})
    gap, accuracy = audited(tmp_path, monkeypatch, made, test=decisions()).findings
    assert gap.headline is not None
    assert gap.headline.value == pytest.approx(0.3)
    assert gap.status == "fail"
    assert accuracy.headline is not None
    assert accuracy.headline.value == 1.0


@pytest.mark.parametrize(
    ("label_map", "told"),
    [
        ({"A": "B", "B": "C"}, 'means "B", which means "C" itself'),
        ({"true": "x", "True": "y"}, "labels.map.true: is the same class as another key"),
        ({"a": None}, "labels.map.a"),
    ],
)
def test_a_map_that_contradicts_itself_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, label_map: dict[str, str], told: str
) -> None:
    with pytest.raises(PolicyError) as error:
        audited(tmp_path, monkeypatch, policy(labels={"map": label_map}))
    assert told in str(error.value)


def test_a_models_classes_are_mapped_and_unknown_labels_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.linear_model import LogisticRegression
    from skops import io as skops

    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 2))
    model = LogisticRegression().fit(pd.DataFrame(x, columns=["a", "b"]), np.where(x[:, 0] > 0, "Yes", "No"))
    skops.dump(model, tmp_path / "model.skops")
    label = np.where(x[:, 0] > 0, "yes", "no").astype(object)
    label[:3] = "perhaps"
    test = pd.DataFrame(x, columns=["a", "b"]).assign(label=label)
    made = policy(
        {"check": "performance/accuracy", "min": 0.9},
        columns={"label": "label"},
        candidate={"task": "tabular-classification", "load": {"kind": "sklearn", "path": "model.skops"}},
    )
    with pytest.raises(PolicyError, match=r"'Yes' \(a class of the candidate\)"):
        audited(tmp_path, monkeypatch, made, test=test)
    audit = audited(tmp_path, monkeypatch, made | {"labels": {"map": {"Yes": "yes", "No": "no"}}}, test=test)
    (accuracy,) = audit.findings
    assert accuracy.headline is not None
    assert 0.95 < accuracy.headline.value <= 0.99
    assert "a label is unknown to the model, which gets these rows wrong: 'perhaps' in 3 (first: row 1)" in remarks(audit)
    with pytest.raises(PolicyError, match="tells the classes 'No' and 'Yes' apart"):
        audited(tmp_path, monkeypatch, made | {"labels": {"map": {"Yes": "no", "No": "no"}}}, test=test)


def test_rows_without_a_label_are_refused_or_dropped_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = decisions(100).assign(prediction=lambda one: one["label"])
    frame.loc[[3, 50, 60], "label"] = [None, " ", None]
    made = policy({"check": "performance/accuracy", "min": 0.9}, columns=ROLES)
    with pytest.raises(InputError, match=r"has no value in 3 of 200 rows \(first: row 4\).*`unlabelled: drop` leaves them out"):
        audited(tmp_path, monkeypatch, made, test=frame)
    audit = audited(tmp_path, monkeypatch, made | {"datasets": {"test": {"path": "test.csv", "unlabelled": "drop"}}}, test=frame)
    (accuracy,) = audit.findings
    assert accuracy.headline is not None
    assert (accuracy.headline.n, accuracy.headline.value) == (197, 1.0)
    assert "3 of 200 rows have no label in column 'label' and are left out (first: row 4)" in remarks(audit)
    assert audit.datasets[0].sha256 == hashlib.sha256((tmp_path / "test.csv").read_bytes()).hexdigest()
    told: list[str] = []
    asked = check_command.CheckRequest("performance/accuracy", tmp_path / "test.csv", reading=["unlabelled=drop"])
    assert check_command.measured(asked, told.append).rows == 197
    assert any("3 of 200 rows have no label" in text for text in told)


@pytest.mark.parametrize(
    ("check", "columns", "told"),
    [
        ("performance/recall", ["positive=Approved"], "is 'Approved', but the classes are .*; write 'approved'"),
        ("performance/log_loss", ["scores=[Approved, rejected]", "prediction="], "'Approved' \\(a class of the scores\\)"),
    ],
)
def test_other_spellings_of_the_positive_class_and_of_scores_are_refused(tmp_path: Path, check: str, columns: list[str], told: str) -> None:
    frame = decisions(100).assign(prediction=lambda one: one["label"], Approved=0.5)
    frame.assign(rejected=0.5).to_csv(tmp_path / "test.csv", index=False)
    with pytest.raises(InputError, match=told):
        check_command.measured(check_command.CheckRequest(check, tmp_path / "test.csv", columns=columns))
