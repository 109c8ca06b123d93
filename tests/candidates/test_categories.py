"""Categories that an encoder never saw are counted, whatever stands around the encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import FixedThresholdClassifier, GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

from audit.candidates.fitted import LocalModel
from audit.candidates.model_file import OpenedFile
from audit.candidates.sklearn import SklearnModel, SklearnRegressor
from tests.support import dataset

if TYPE_CHECKING:
    from pathlib import Path

ROWS = 40
TRAIN = pd.DataFrame({"size": np.arange(ROWS) / 7, "alley": ["grvl", "pave", None, "grvl"] * 10, "label": ["yes", "no"] * 20})
TEST = TRAIN.assign(alley=["grvl", "pave", "NA", "NA"] * 10)
ENCODER = OneHotEncoder(handle_unknown="ignore")
COLUMNS = make_column_transformer((StandardScaler(), ["size"]), (ENCODER, ["alley"]))
TOLD = (
    "datasets.test: alley: the model does not know all values: 'NA' in 20 of 40 rows (it was fitted on 'grvl', 'pave' and empty cells); "
    "if the file is read otherwise than for its training, set `missing` or `types`."
)


def remarks(model: Any, tmp_path: Path, frame: pd.DataFrame = TEST, train: pd.DataFrame = TRAIN) -> tuple[str, ...]:
    given = train.drop(columns="label")
    fitted = model.fit(given, train["label"])
    candidate = SklearnModel(tmp_path / "m.skops", OpenedFile(LocalModel(fitted), "digest"), reads_text=False)
    return candidate.remarks({"test": dataset(frame), "train": dataset(train)})


@pytest.mark.parametrize(
    "model",
    [
        make_pipeline(COLUMNS, LogisticRegression()),
        make_pipeline(make_column_transformer((ENCODER, [1]), remainder="passthrough"), RandomForestClassifier(2)),
        make_pipeline(make_column_transformer((make_pipeline(ENCODER, StandardScaler(with_mean=False)), ["alley"])), LogisticRegression()),
        GridSearchCV(make_pipeline(COLUMNS, LogisticRegression()), {"logisticregression__C": [1.0]}, cv=2),
        FixedThresholdClassifier(make_pipeline(COLUMNS, LogisticRegression()), threshold=0.2),
        CalibratedClassifierCV(make_pipeline(COLUMNS, LogisticRegression()), cv=2),
        make_pipeline(make_union(make_column_transformer((ENCODER, ["alley"])), COLUMNS), LogisticRegression()),
    ],
)
def test_a_word_that_the_model_never_saw_is_told(tmp_path: Path, model: Any) -> None:
    """With its rows and what the model knows; the rows of its training bring no remark."""
    assert remarks(model, tmp_path) == (TOLD,)


def test_blanks_count_where_nothing_fills_them(tmp_path: Path) -> None:
    """Filled ones reach no encoder."""
    train, test = TRAIN.fillna("grvl"), TRAIN
    alone = make_pipeline(make_column_transformer((ENCODER, ["alley"])), LogisticRegression())
    filled = make_pipeline(SimpleImputer(strategy="most_frequent"), ENCODER)
    assert "empty cells in 10 of 40 rows (it was fitted on 'grvl', 'pave')" in remarks(alone, tmp_path, test, train)[0]
    assert remarks(make_pipeline(make_column_transformer((filled, ["alley"])), LogisticRegression()), tmp_path, test, train) == ()
    (told,) = remarks(make_pipeline(make_column_transformer((filled, ["alley"])), LogisticRegression()), tmp_path)
    assert "'NA' in 20 of 40 rows" in told


def test_codes_read_as_another_kind_are_all_unknown(tmp_path: Path) -> None:
    """Fitted on numbers, given texts with leading zeros: no value is known; rare values are counted and not shown."""
    train = TRAIN.assign(plz=[1067, 1069] * 20)[["plz", "label"]]
    model = make_pipeline(make_column_transformer((ENCODER, ["plz"])), LogisticRegression())
    (told,) = remarks(model, tmp_path, train.assign(plz=["01067", "01069"] * 20), train)
    assert told.startswith(
        "datasets.test: plz: no value is known to the model: '01067' in 20, '01069' in 20 of 40 rows (it was fitted on 1067,"
    )
    (told,) = remarks(model, tmp_path, train.assign(plz=[f"0{code}" for code in range(40)]), train)
    assert "no value is known to the model: 40 values in 40 of 40 rows" in told
    assert "'0" not in told


def test_what_changes_the_values_first_is_no_reason_for_a_remark(tmp_path: Path) -> None:
    """Behind a step of its own the encoder sees other values than the file's."""
    texts = FunctionTransformer(lambda frame: frame.astype(str), feature_names_out="one-to-one")
    train = TRAIN.assign(plz=[1067, 1069] * 20)[["plz", "label"]]
    assert remarks(make_pipeline(texts, ENCODER, LogisticRegression()), tmp_path, train, train) == ()


def test_a_regressor_says_so_too(tmp_path: Path) -> None:
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    fitted = make_pipeline(encoder, SimpleImputer(), Ridge()).fit(TRAIN[["alley"]], TRAIN["size"])
    model = SklearnRegressor(tmp_path / "m.skops", OpenedFile(LocalModel(fitted), "digest"), reads_text=False)
    assert model.remarks({"test": dataset(TEST)}) == (TOLD,)
