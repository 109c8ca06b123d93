"""A model of tables is given some rows at a time, and answers as if it had been given all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from audit.candidates import sklearn
from audit.candidates.fitted import LocalModel, Method
from audit.candidates.model_file import OpenedFile
from audit.candidates.sklearn import SklearnModel, SklearnRegressor
from audit.datasets import Columns
from audit.datasets.columns import ReadOptions
from audit.datasets.reading import read
from audit.errors import InputError
from tests.support import labels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.candidates import Outputs
    from audit.datasets import Dataset

ROWS = 5_003
RNG = np.random.default_rng(11)
FRAME = pd.DataFrame(
    {
        "city": pd.Series(np.where(np.arange(ROWS) < 4_900, RNG.choice(["x", "y"], ROWS), "z"), dtype=object),  # z in the last rows alone
        "tenure": pd.array([*range(4_000), *([None] * 3), *range(1_000)], dtype="Int64"),  # whole numbers; blanks in one batch alone
        "size": RNG.normal(0, 3, ROWS),
        "narrow": RNG.normal(0, 3, ROWS).astype(np.float32),
        "is_new": RNG.random(ROWS) < 0.5,
        "code": RNG.choice(["7", "8", "NA"], ROWS),
        "label": RNG.choice(["no", "yes"], ROWS),
    }
)
FEATURES = [name for name in FRAME.columns if name != "label"]
CATEGORIES, NUMBERS = ["city", "code"], ["tenure", "size", "narrow", "is_new"]
ONE_HOT = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
LINEAR = make_pipeline(
    make_column_transformer((make_pipeline(SimpleImputer(), StandardScaler()), NUMBERS), (ONE_HOT, CATEGORIES)), LogisticRegression()
)
FOREST = make_pipeline(
    make_column_transformer((SimpleImputer(), NUMBERS), (OrdinalEncoder(), CATEGORIES)), RandomForestClassifier(9, random_state=0)
)
BOOSTED = make_pipeline(
    make_column_transformer((ONE_HOT, CATEGORIES), remainder="passthrough"), HistGradientBoostingClassifier(max_iter=9, random_state=0)
)


@pytest.fixture
def data(tmp_path: Path) -> Dataset:
    FRAME.to_parquet(tmp_path / "test.parquet", index=False, row_group_size=1_200)
    return read("test", tmp_path / "test.parquet", Columns(label="label"), ReadOptions(missing=("NA",), types={"code": "category"}))


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Rows of each table that a model was given."""
    found: list[int] = []
    ask = LocalModel.ask

    def counted(self: LocalModel, method: Method, given: Any) -> Any:
        found.append(len(given))
        return ask(self, method, given)

    monkeypatch.setattr(LocalModel, "ask", counted)
    return found


def probabilities(outputs: Outputs) -> NDArray[np.float64]:
    assert outputs.probabilities is not None
    return outputs.probabilities


def numbers(outputs: Outputs) -> NDArray[np.float64]:
    found = outputs.values  # noqa: PD011  # no table's
    assert found is not None
    return found


def forget(data: Dataset) -> None:
    """As if larger columns had been read since."""
    data.cells._cache.clear()  # type: ignore[attr-defined]  # what it holds shows nowhere else


@pytest.mark.parametrize("fitted", [LINEAR, FOREST, BOOSTED], ids=["one-hot and linear", "ordinal and forest", "one-hot and boosted"])
@pytest.mark.parametrize("at_hand", [True, False], ids=["columns at hand", "columns read anew"])
def test_the_answers_are_those_to_all_rows_at_once(
    fitted: Any, data: Dataset, seen: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, at_hand: bool
) -> None:
    fitted.fit(data.cells.frame(FEATURES), FRAME["label"])
    model = SklearnModel(tmp_path, OpenedFile(LocalModel(fitted), "0"), reads_text=False)
    whole = model.predict(data)
    assert max(seen) == ROWS
    seen.clear()
    monkeypatch.setattr(sklearn, "ROWS", 700)
    if not at_hand:
        forget(data)
    parts = model.predict(data)
    assert max(seen) <= 700
    assert sum(seen) == 2 * ROWS  # labels and probabilities
    assert labels(parts).tolist() == labels(whole).tolist()
    assert probabilities(parts).tolist() == probabilities(whole).tolist()


def test_numbers_are_those_of_all_rows_at_once(data: Dataset, seen: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fitted = make_pipeline(SimpleImputer(), Ridge()).fit(data.cells.frame(NUMBERS), FRAME["size"] * 2)
    model = SklearnRegressor(tmp_path, OpenedFile(LocalModel(fitted), "0"), reads_text=False)
    whole = model.predict(data)
    seen.clear()
    monkeypatch.setattr(sklearn, "ROWS", 700)
    forget(data)
    parts = model.predict(data)
    assert max(seen) <= 700
    assert numbers(parts).tolist() == numbers(whole).tolist()


def test_picked_rows_are_given_in_batches_too(data: Dataset, seen: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fitted = LINEAR.fit(data.cells.frame(FEATURES), FRAME["label"])
    model = SklearnModel(tmp_path, OpenedFile(LocalModel(fitted), "0"), reads_text=False)
    picked = data.where((FRAME["size"] > 0).to_numpy())
    whole = model.predict(picked)
    seen.clear()
    monkeypatch.setattr(sklearn, "ROWS", 700)
    forget(data)
    parts = model.predict(picked)
    assert max(seen) <= 700
    assert probabilities(parts).tolist() == probabilities(whole).tolist()


def test_features_are_looked_for_without_a_look_at_their_cells(data: Dataset, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    fitted = LINEAR.fit(data.cells.frame(FEATURES).assign(other=1), FRAME["label"])
    model = SklearnModel(tmp_path, OpenedFile(LocalModel(fitted), "0"), reads_text=False)
    monkeypatch.setattr(type(data.cells), "frame", lambda *_: pytest.fail("a table was made"))
    with pytest.raises(InputError, match="does not offer as features: other"):
        model.predict(data)
