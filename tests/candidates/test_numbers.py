"""Candidates for regression give numbers and no classes: saved ones, and scikit-learn's regressors."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from audit.candidates.capabilities import Features, Values
from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedValues
from audit.datasets.column_store import Table
from audit.errors import CannotMeasure, InputError
from tests.support import dataset, offers, subject

if TYPE_CHECKING:
    from pathlib import Path

    from audit.candidates.interface import Outputs
    from audit.datasets import Dataset

FRAME = pd.DataFrame({"label": [1.5, 2.0, -3.0], "prediction": [1.0, 2.5, 0.0], "old": [0.0, 1.0, 2.0]})


def test_saved_numbers_are_the_columns_own() -> None:
    data = dataset(FRAME)
    model = SavedValues({"test": data})
    assert model.predict(data).labels is None
    assert subject(FRAME, candidate=model).predicted_values().tolist() == [1.0, 2.5, 0.0]
    assert (len(model.classes), offers(model), model.kind) == (0, {Values}, "predictions")


def test_a_champion_has_a_column_of_its_own() -> None:
    data = dataset(FRAME)
    champion = SavedValues({"test": data}, "old")
    assert subject(FRAME, candidate=champion).predicted_values().tolist() == [0.0, 1.0, 2.0]
    assert champion.sha256 != SavedValues({"test": data}).sha256
    with pytest.raises(InputError, match="no data set has the column older"):
        SavedValues({"test": data}, "older")
    with pytest.raises(CannotMeasure, match="add the column old"):
        champion.predict(dataset(FRAME.drop(columns="old")))


@pytest.mark.parametrize("cell", ["", "n/a", None, float("inf"), float("nan")])
def test_what_is_no_number_is_refused_with_its_row(cell: object) -> None:
    frame = FRAME.assign(prediction=pd.Series([1.0, cell, 0.0], dtype=object))
    with pytest.raises(InputError, match=r"datasets\.test: column 'prediction' holds no number in 1 of 3 rows \(first: row 2"):
        SavedValues({"test": dataset(frame)})


def test_booleans_are_no_numbers() -> None:
    with pytest.raises(InputError, match="holds true and false"):
        SavedValues({"test": dataset(FRAME.assign(prediction=[True, False, True]))})


def test_without_a_column_there_is_no_candidate() -> None:
    with pytest.raises(InputError, match=r"columns\.prediction"):
        SavedValues({"test": dataset(FRAME, prediction=None)})


def test_new_rows_are_refused() -> None:
    model = SavedValues({"test": dataset(FRAME)})
    with pytest.raises(CannotMeasure, match="load the model itself"):
        Predictions(model).answer(Table.of(FRAME))
    with pytest.raises(CannotMeasure, match="no encoder"):
        Predictions(model).embed_texts(["a"])


def test_the_subject_hands_out_numbers_or_says_why_not() -> None:
    data = dataset(FRAME)
    seen = subject(FRAME, candidate=SavedValues({"test": data}))
    assert seen.target().tolist() == [1.5, 2.0, -3.0]
    assert seen.predicted_values().tolist() == [1.0, 2.5, 0.0]
    with pytest.raises(CannotMeasure, match="gives numbers, not classes"):
        seen.y_pred()
    with pytest.raises(CannotMeasure, match="gives classes, not numbers"):
        subject(FRAME).predicted_values()
    with pytest.raises(CannotMeasure, match="no column of true numbers"):
        subject(FRAME.drop(columns="label"), candidate=SavedValues({"test": data})).target()


class Counting(SavedValues):
    """A model that is not on disk already, and counts how often it is asked."""

    kind = "counting"
    asked = 0

    def predict(self, dataset: Dataset) -> Outputs:
        self.asked += 1
        return super().predict(dataset)


def test_numbers_are_kept_on_disk(tmp_path: Path) -> None:
    """A second run takes them from there, whole, to the last bit."""
    data = dataset(FRAME)
    first, second = Counting({"test": data}), Counting({"test": data})
    first.asked = second.asked = 0
    made, again = Predictions(first, tmp_path).of(data), Predictions(second, tmp_path).of(data)
    assert (first.asked, second.asked) == (1, 0)
    assert again.labels is None
    assert numbers_of(made) == numbers_of(again) == [1.0, 2.5, 0.0]


def numbers_of(outputs: Outputs) -> list[float]:
    found = outputs.values  # noqa: PD011  # no data frame
    assert found is not None
    return list(found)


@pytest.mark.full
def test_a_regressor_gives_its_own_numbers(tmp_path: Path) -> None:
    from sklearn.linear_model import Ridge, RidgeClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from skops import io as skops

    from audit.candidates.sklearn import load, load_regressor

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"rooms": rng.normal(5, 1, 60), "age": rng.normal(30, 5, 60)}).assign(label=lambda f: 3 * f.rooms - f.age)
    fitted = make_pipeline(StandardScaler(), Ridge()).fit(frame[["rooms", "age"]], frame["label"])
    path = tmp_path / "m.skops"
    skops.dump(fitted, path)
    model = load_regressor(path, sha256=None, trust_pickle=False, reads_text=False)
    assert numbers_of(model.predict(dataset(frame))) == fitted.predict(frame[["rooms", "age"]]).tolist()
    assert (model.parameters, model.description) == (3, "StandardScaler → Ridge, one number a row, skops")
    with pytest.raises(InputError, match="no fitted classifier"):
        load(path, sha256=None, trust_pickle=False, reads_text=False)
    features = model.get(Features)
    assert features is not None
    with pytest.raises(InputError, match="does not offer as features: age"):
        features.refuse_unfit(dataset(frame.drop(columns="age")))
    skops.dump(RidgeClassifier().fit(frame[["rooms"]], frame["age"] > 30), path)
    with pytest.raises(InputError, match="is no regressor"):
        load_regressor(path, sha256=None, trust_pickle=False, reads_text=False)


@pytest.mark.full
def test_a_regressor_of_two_targets_is_refused(tmp_path: Path) -> None:
    from sklearn.linear_model import LinearRegression
    from skops import io as skops

    from audit.candidates.sklearn import load_regressor

    frame = pd.DataFrame({"rooms": [1.0, 2.0, 3.0], "label": [1.0, 2.0, 3.0]})
    path = tmp_path / "m.skops"
    skops.dump(LinearRegression().fit(frame[["rooms"]], frame[["rooms", "label"]]), path)
    model = load_regressor(path, sha256=None, trust_pickle=False, reads_text=False)
    with pytest.raises(InputError, match="one model for each target"):
        model.predict(dataset(frame))
