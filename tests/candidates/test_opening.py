"""The policy's candidate is opened whatever its kind; test rows never choose a checkpoint."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.candidates.saved import SavedPredictions
from audit.errors import InputError
from audit.finetune.fine_tuning import METHODS, TEXT_CLASSIFICATION
from audit.pipeline.opening import Opener
from audit.policy.schema import Policy
from audit.progress import Silent
from tests.support import dataset, labels, scores_of, trained
from tests.tiny_bert import base, letters

if TYPE_CHECKING:
    from pathlib import Path

    from audit.candidates import Candidate
    from audit.candidates.capabilities import TrainingRecord
    from audit.datasets import Dataset
    from audit.finetune.text_classifier import Setup, Task
    from audit.progress import Progress

pytestmark = pytest.mark.full


ACCURATE = {"check": "performance/accuracy", "id": "performance/accuracy", "min": 0.5}


def opened(
    folder: Path, datasets: dict[str, Dataset], task: str = "text-classification", *, require: Any = (ACCURATE,), **candidate: Any
) -> Candidate:
    policy = Policy.model_validate(
        {
            "policy": "p",
            "seed": 3,
            "candidate": {"task": task} | candidate,
            "require": require,
        }
    )
    return Opener(policy, datasets, resolve=lambda name: folder / name, cache=folder / "cache", progress=Silent()).candidate()


@pytest.fixture
def datasets() -> dict[str, Dataset]:
    return {"train": letters(200, 1), "test": letters(60, 2, "test"), "held": letters(60, 3, "held")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    base(tmp_path / "tiny")
    return tmp_path


TUNE = {"base": "tiny", "epochs": 1}


def test_a_fine_tuned_candidate(folder: Path, datasets: dict[str, Dataset]) -> None:
    """It carries its training record; a second opening takes it from the cache with the same outputs."""
    first, second = (opened(folder, datasets, fine_tune=TUNE) for _ in range(2))
    records = [trained(first), trained(second)]
    assert [record is not None and record.cached for record in records] == [False, True]
    assert (first.kind, first.sha256) == ("transformers", second.sha256)
    assert first.description == "BertForSequenceClassification fine-tuned from tiny, 2 classes, safetensors"
    test = datasets["test"]
    np.testing.assert_array_equal(scores_of(first, test.texts()), scores_of(second, test.texts()))


def test_the_table_of_methods_decides_how_a_task_is_fine_tuned(
    folder: Path, datasets: dict[str, Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One entry serves a further task, from the set-up to the candidate that is opened."""
    seen: list[str] = []

    def set_up(task: Task) -> Setup:
        (folder / "set_up").touch()  # in the process that trains
        return TEXT_CLASSIFICATION.set_up(task)

    def opens(tuned: Path, record: TrainingRecord, store: Path, progress: Progress) -> Candidate:
        seen.append("opened")
        return TEXT_CLASSIFICATION.open(tuned, record, store, progress)

    method = replace(TEXT_CLASSIFICATION, set_up=set_up, open=opens)
    monkeypatch.setitem(METHODS, "tabular-classification", method)
    found = opened(folder, datasets, "tabular-classification", fine_tune=TUNE)
    assert (found.kind, seen, (folder / "set_up").exists()) == ("transformers", ["opened"], True)


def test_the_test_set_moves_nothing(folder: Path, datasets: dict[str, Dataset]) -> None:
    """Other test rows, or none: the same weights."""
    one = opened(folder, datasets, fine_tune=TUNE)
    two = opened(folder / "", datasets | {"test": letters(90, 77, "test")}, fine_tune=TUNE)
    three = opened(folder, {"train": datasets["train"]}, fine_tune=TUNE)
    assert one.sha256 == two.sha256 == three.sha256


def test_the_test_set_may_not_choose_the_checkpoint(folder: Path, datasets: dict[str, Dataset]) -> None:
    """Not by its role, nor as the same file under another role."""
    again = replace(datasets["test"], role="copy")
    with pytest.raises(InputError, match=r"datasets\.test: is the test set"):
        opened(folder, datasets, fine_tune=TUNE | {"validation": "test"})
    with pytest.raises(InputError, match=r"datasets\.copy: is the test set, and would choose the checkpoint"):
        opened(folder, datasets | {"copy": again}, fine_tune=TUNE | {"validation": "copy"})
    with pytest.raises(InputError, match=r"datasets\.copy: is the test set"):
        opened(folder, datasets | {"copy": again}, fine_tune=TUNE | {"on": "copy"})
    training = trained(opened(folder, datasets, fine_tune=TUNE | {"validation": "held"}))
    assert training is not None
    assert (training.validation, training.validation_rows, training.train_rows) == ("held", 60, 200)


def test_no_set_that_is_measured_trains_or_chooses(folder: Path, datasets: dict[str, Dataset]) -> None:
    """With a validation set of its own, the training set is looked at too; every role that is measured counts."""
    again = {"copy": replace(datasets["test"], role="copy")}
    with pytest.raises(InputError, match=r"datasets\.copy: is the test set, and would train the candidate"):
        opened(folder, datasets | again, fine_tune=TUNE | {"on": "copy", "validation": "held"})
    require = [{"check": "fairness/demographic_parity_difference", "id": "gap", "on": "later", "max": 0.5}]
    later = {"later": replace(datasets["held"], role="later")}
    with pytest.raises(InputError, match=r"datasets\.held: is the file of datasets\.later, on which it is measured"):
        opened(folder, datasets | later, require=require, fine_tune=TUNE | {"validation": "held"})


def test_a_loaded_text_classifier(folder: Path, datasets: dict[str, Dataset]) -> None:
    """From its folder, with its digest held against the policy's."""
    tuned = opened(folder, datasets, fine_tune=TUNE)
    assert tuned.folder is not None
    loaded = opened(folder, datasets, load={"kind": "transformers", "path": tuned.folder})
    assert (loaded.classes, loaded.sha256, trained(loaded)) == (("other", "urgent"), tuned.sha256, None)
    opened(folder, datasets, load={"kind": "transformers", "path": tuned.folder, "sha256": tuned.sha256})
    with pytest.raises(InputError, match=f"its SHA-256 is {tuned.sha256}, the policy names 00"):
        opened(folder, datasets, load={"kind": "transformers", "path": tuned.folder, "sha256": "0" * 64})
    for data in datasets.values():
        data.cells.frame()["label"] = data.cells.column("label").map({"other": "no", "urgent": "yes"})
    with pytest.raises(InputError, match=r"knows the classes other, urgent, and none of the labels no, yes of datasets\.train: name"):
        opened(folder, datasets, load={"kind": "transformers", "path": tuned.folder})


def test_a_scikit_learn_model_over_texts(folder: Path, datasets: dict[str, Dataset]) -> None:
    """With a text column and no features it is given texts."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from skops import io as skops

    train = datasets["train"]
    fitted = make_pipeline(CountVectorizer(), LogisticRegression()).fit(train.texts(), train.labels("label").tolist())
    skops.dump(fitted, folder / "m.skops")
    model = opened(folder, datasets, load={"kind": "sklearn", "path": "m.skops"})
    assert labels(model.predict(datasets["test"])).tolist() == fitted.predict(datasets["test"].texts()).tolist()


def test_saved_predictions(folder: Path) -> None:
    """Need no model at all."""
    data = letters(30, 1, "test", prediction="label")
    model = opened(folder, {"test": data}, load={"kind": "predictions"})
    assert labels(model.predict(data)).tolist() == data.labels("label").tolist()


def test_a_data_set_whose_labels_are_spelt_otherwise_is_refused(folder: Path, datasets: dict[str, Dataset]) -> None:
    """Trained on the one spelling and measured on the other, a model would be wrong in every row, on paper."""
    from sklearn.feature_extraction.text import CountVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from skops import io as skops

    datasets["test"].cells.frame()["label"] = datasets["test"].cells.column("label").str.upper()
    told = r"'urgent' \(.* a class of the candidate\) and 'URGENT' \(46 rows of column 'label' in test.csv, first row 1\)"
    with pytest.raises(InputError, match=told):
        opened(folder, datasets, fine_tune=TUNE)
    fitted = make_pipeline(CountVectorizer(), LogisticRegression()).fit(datasets["train"].texts(), datasets["train"].labels("label"))
    skops.dump(fitted, folder / "m.skops")
    with pytest.raises(InputError, match=told):
        opened(folder, datasets, load={"kind": "sklearn", "path": "m.skops"})


def test_a_model_without_names_takes_its_features_in_one_order(folder: Path) -> None:
    """Two files with the same columns in another order cannot both be read by place."""
    from sklearn.linear_model import LogisticRegression
    from skops import io as skops

    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 1.0, 0.0, 0.0], "label": [0, 0, 1, 1]})
    skops.dump(LogisticRegression().fit(frame[["a", "b"]].to_numpy(), frame["label"]), folder / "m.skops")
    named = LogisticRegression().fit(frame[["a", "b"]], frame["label"])
    skops.dump(named, folder / "named.skops")
    both = {"test": dataset(frame), "production": dataset(frame[["b", "a", "label"]], "production")}
    with pytest.raises(InputError, match=r"datasets\.test and datasets\.production have them in another order: list them"):
        opened(folder, both, "tabular-classification", load={"kind": "sklearn", "path": "m.skops"})
    listed = {role: dataset(data.cells.frame(), role, features=("a", "b")) for role, data in both.items()}
    for name, given in (("m.skops", listed), ("named.skops", both)):
        model = opened(folder, given, "tabular-classification", load={"kind": "sklearn", "path": name})
        expected = named.predict(frame[["a", "b"]]).astype(str).tolist()
        assert [labels(model.predict(data)).tolist() for data in given.values()] == [expected, expected]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"score": "p", "scores": {"a": "p", "b": "q"}}, "columns.score and columns.scores are both named"),
        ({"prediction": "said", "scores": {"a": "p", "b": "q"}}, "column 'said' predicts c, for which columns.scores has no column"),
    ],
)
def test_saved_predictions_that_contradict_themselves_are_refused(columns: dict[str, Any], told: str) -> None:
    frame = pd.DataFrame({"label": ["a", "b", "c"], "said": ["a", "b", "c"], "p": [0.9, 0.2, 0.6], "q": [0.1, 0.8, 0.4]})
    with pytest.raises(InputError, match=told):
        SavedPredictions({"test": dataset(frame, positive="a", **columns)})


@pytest.mark.parametrize(
    ("only", "positive", "classes"),
    [("no", "yes", ("no", "yes")), (1, 2, ("1", "2")), (0, None, ("0", "1")), (1, True, ("0", "1")), (False, 1, ("false", "true"))],
)
def test_rows_of_one_class_alone_have_the_positive_one_beside_it(only: object, positive: object, classes: tuple[str, ...]) -> None:
    """A small window without a single case of a rare class is measured as it is."""
    frame = pd.DataFrame({"label": [only] * 3, "said": [only] * 3, "score": [0.1, 0.2, 0.3]})
    for columns in ({"prediction": "said"}, {"score": "score"}, {"prediction": "said", "score": "score"}):
        assert SavedPredictions({"test": dataset(frame, positive=positive, **columns)}).classes == classes


@pytest.mark.parametrize(
    ("rows", "positive", "told"),
    [
        ((["no"], ["no"]), None, "name 'no': none is named beside it: use columns.scores, which names both"),
        ((["no"], ["no"]), "No", "name 'no': none is named beside it"),
        ((["no"], ["no"]), "no", "or set columns.positive where that is the other one"),
        ((["no", "yes"], ["no", " yes"]), "yes", "name ' yes', 'no', 'yes': mend the rows that name another by mistake"),
        ((["true", "false"], [1, 0]), 1, "has the classes false, true, and column 'said' has 0, 1, none of them the same: name them alike"),
    ],
)
def test_a_score_needs_two_classes(rows: tuple[list[object], list[object]], positive: object, told: str) -> None:
    frame = pd.DataFrame({"label": rows[0], "said": rows[1], "score": 0.5})
    with pytest.raises(InputError, match=re.escape(told)):
        SavedPredictions({"test": dataset(frame, positive=positive, prediction="said", score="score")})


@pytest.mark.parametrize(
    ("candidate", "message"),
    [
        ({"task": "text-generation", "load": {"kind": "transformers", "path": "m"}}, "candidate.task text-generation is not served"),
        ({"task": "tabular-classification", "fine_tune": TUNE}, "fine_tune for tabular-classification is not served"),
        ({"load": {"kind": "onnx", "path": "m.onnx"}}, "candidate.load.kind onnx is not served by this release"),
        ({"load": {"kind": "sklearn"}}, "candidate.load: kind sklearn needs a path"),
        ({"fine_tune": TUNE | {"on": "trian"}}, "candidate.fine_tune.on: no data set 'trian'"),
        ({}, "neither `fine_tune` nor `load`"),
    ],
)
def test_refused(folder: Path, datasets: dict[str, Dataset], candidate: dict[str, Any], message: str) -> None:
    """What this release does not serve, or what is missing, is said with a way out."""
    with pytest.raises(InputError, match=message):
        opened(folder, datasets, **candidate)
