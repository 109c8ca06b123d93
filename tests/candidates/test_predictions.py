"""Each prediction is computed once, kept by digest, and computed anew when its file was changed."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedPredictions
from tests.small_models import Trained, customer_reader, customers, letter_reader, letters
from tests.support import dataset, labels

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.candidates import Outputs
    from audit.datasets import Dataset

pytestmark = pytest.mark.full


class Counting(Trained):
    """Counts the data sets that it predicts."""

    predicted = 0

    def predict(self, dataset: Dataset) -> Outputs:
        self.predicted += 1
        return super().predict(dataset)


def counting(model: Trained) -> Counting:
    return Counting(model.model, model.reads)


def table(outputs: Outputs) -> NDArray[np.float64]:
    assert outputs.probabilities is not None
    return outputs.probabilities


@pytest.fixture
def model() -> Counting:
    return counting(letter_reader())


def test_once_for_all_checks(model: Counting) -> None:
    """Twice asked, once computed; without a store nothing is kept for another run."""
    data, predicted = dataset(letters(50, 1)), Predictions(model)
    assert predicted.of(data) is predicted.of(data)
    Predictions(model).of(data)
    assert model.predicted == 2


def test_a_later_run_reads_them(model: Counting, tmp_path: Path) -> None:
    """The same labels and probabilities, bit for bit, without the model."""
    data = dataset(letters(50, 1))
    first = Predictions(model, tmp_path).of(data)
    second = Predictions(model, tmp_path).of(data)
    assert model.predicted == 1
    assert labels(first).tolist() == labels(second).tolist()
    assert table(first).tobytes() == table(second).tobytes()
    assert all(type(label) is str for label in labels(second))


def test_whatever_determines_them_is_in_the_key(model: Counting, tmp_path: Path) -> None:
    """Other bytes, other roles, fewer rows of the same file, another model: computed. The role's name alone: not."""
    data = dataset(letters(50, 1))
    Predictions(model, tmp_path).of(data)
    Predictions(model, tmp_path).of(replace(data, role="production"))
    assert model.predicted == 1
    others = [replace(data, sha256="other"), data.head(20), replace(data, columns=data.columns.model_copy(update={"id": None}))]
    for other in others:
        assert len(labels(Predictions(model, tmp_path).of(other))) == other.rows
    assert model.predicted == 4
    changed = counting(letter_reader())
    changed.sha256 = "another-digest"
    Predictions(changed, tmp_path).of(data)
    assert changed.predicted == 1


def test_a_changed_file_is_computed_anew(model: Counting, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Any flipped bit of it is noticed, and said."""
    data = dataset(letters(50, 1))
    expected = table(Predictions(model, tmp_path).of(data))
    (path,) = (tmp_path / "predictions").iterdir()
    whole = path.read_bytes()
    for place in (0, 40, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            np.testing.assert_array_equal(table(Predictions(model, tmp_path).of(data)), expected)
        assert "was changed since it was written" in caplog.text
        assert path.read_bytes() == whole
    path.write_bytes(b"")
    np.testing.assert_array_equal(table(Predictions(model, tmp_path).of(data)), expected)
    assert model.predicted == 6


def test_predictions_copied_over_others_are_computed_anew(model: Counting, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Those of other rows, though of as many."""
    data, others = (dataset(letters(50, seed)) for seed in (1, 2))
    expected = table(Predictions(model, tmp_path).of(data))
    (path,) = (tmp_path / "predictions").iterdir()
    Predictions(model, tmp_path).of(replace(others, sha256="other"))
    (other,) = set((tmp_path / "predictions").iterdir()) - {path}
    path.write_bytes(other.read_bytes())
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(table(Predictions(model, tmp_path).of(data)), expected)
    assert "holds another entry" in caplog.text
    assert model.predicted == 3


def test_labels_without_probabilities(tmp_path: Path) -> None:
    """Their absence is kept too."""
    model = counting(customer_reader())
    data = dataset(customers(30, 1))

    class Plain(Counting):
        def predict(self, dataset: Dataset) -> Outputs:
            return replace(super().predict(dataset), probabilities=None)

    plain = Plain(model.model, model.reads)
    assert Predictions(plain, tmp_path).of(data).probabilities is None
    assert Predictions(plain, tmp_path).of(data).probabilities is None
    assert plain.predicted == 1


def test_saved_predictions_are_not_kept_twice(tmp_path: Path) -> None:
    """They lie in a file already."""
    data = dataset(pd.DataFrame({"label": ["a", "b"], "prediction": ["a", "a"]}))
    assert labels(Predictions(SavedPredictions({"test": data}), tmp_path).of(data)).tolist() == ["a", "a"]
    assert not list(tmp_path.iterdir())
