"""The champion is opened like a candidate; what cannot be compared is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from audit.candidates.capabilities import Labels, Ranking, Scores
from audit.candidates.saved import SavedComparator, SavedPredictions, refuse_other_classes
from audit.errors import CannotMeasure, InputError
from audit.policy.schema import ComparatorColumns
from tests.support import dataset, labels, offers

FRAME = pd.DataFrame({"label": ["a", "b", "a"], "prediction": ["a", "b", "b"], "old": ["b", "b", "a"], "old_score": [0.2, 0.4, 0.9]})
LABELS, SCORES = ComparatorColumns(prediction="old"), ComparatorColumns(score="old_score")


def test_it_answers_from_its_own_columns() -> None:
    data = {"test": dataset(FRAME)}
    champion = SavedComparator(data, LABELS, ("a", "b"))
    assert labels(champion.predict(data["test"])).tolist() == ["b", "b", "a"]
    assert labels(SavedPredictions(data).predict(data["test"])).tolist() == ["a", "b", "b"]
    assert offers(champion) == {Labels}
    assert champion.sha256 != SavedPredictions(data).sha256


def test_scores_alone_give_answers_too() -> None:
    data = {"test": dataset(FRAME, positive="a")}
    outputs = SavedComparator(data, SCORES, ("a", "b")).predict(data["test"])
    assert labels(outputs).tolist() == ["b", "b", "a"]
    assert outputs.probabilities is not None
    np.testing.assert_allclose(outputs.probabilities[:, 0], [0.2, 0.4, 0.9])


def test_the_first_rows_are_read_from_its_own_columns_too() -> None:
    """As a smoke run reads them: what its scores are is found out on all rows."""
    whole = dataset(FRAME.assign(score=[0.1, 0.9, 0.8], old_score=[-2.0, 4.0, 9.0]), positive="a", score="score")
    plain = dataset(FRAME, positive="a")
    assert SavedComparator({"test": whole.head(2)}, SCORES, ("a", "b")).get(Ranking) is not None
    assert SavedComparator({"test": plain.head(2)}, SCORES, ("a", "b")).get(Scores) is not None


def test_a_data_set_without_its_columns_is_left_aside() -> None:
    """Unless no data set has them, or it is asked for."""
    data = {"test": dataset(FRAME), "train": dataset(FRAME.drop(columns="old"), "train")}
    champion = SavedComparator(data, LABELS, ("a", "b"))
    with pytest.raises(CannotMeasure, match="train: has no columns old"):
        champion.predict(data["train"])
    with pytest.raises(InputError, match=r"champion\.columns: no data set has the columns old: mend their names"):
        SavedComparator({"train": data["train"]}, LABELS, ("a", "b"))


def test_classes_that_it_never_names_are_known_beforehand() -> None:
    """Of three classes the champion and the truth name two here."""
    champion = SavedComparator({"test": dataset(FRAME)}, LABELS, ("c", "a", "b"))
    assert champion.classes == ("c", "a", "b")


def test_other_classes_are_refused() -> None:
    candidate = SavedPredictions({"test": dataset(FRAME)})
    strange = SavedComparator({"test": dataset(FRAME.assign(old=["a", "z", "a"]))}, LABELS, candidate.classes)
    with pytest.raises(InputError, match="champion: tells the classes a, b, z, the candidate a, b: only models of the same classes"):
        refuse_other_classes(strange, candidate)
    refuse_other_classes(SavedComparator({"test": dataset(FRAME)}, LABELS, candidate.classes), candidate)


def test_bad_scores_are_refused_as_a_candidates_are() -> None:
    with pytest.raises(InputError, match="'old_score' is not a number from 0 to 1 in 1 rows"):
        SavedComparator({"test": dataset(FRAME.assign(old_score=[0.2, np.nan, 0.9]), positive="a")}, SCORES, ("a", "b"))
