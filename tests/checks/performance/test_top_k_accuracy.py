from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from audit.candidates.predictions import Predictions
from audit.candidates.saved import SavedComparator
from audit.errors import CannotMeasure
from audit.policy.schema import ComparatorColumns
from tests.classified import scored, shuffled
from tests.compared import compare
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECK = "performance/top_k_accuracy"
CLASSES = ("a", "b", "c", "d")
WEIGHTS = st.lists(st.integers(1, 4), min_size=4, max_size=4)


def four(n: int, seed: int = 0) -> pd.DataFrame:
    """Rows of four classes with one probability column a class."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 4, n)
    raw = np.exp(rng.normal(size=(n, 4)) + 1.5 * np.eye(4)[label])
    frame = pd.DataFrame(raw / raw.sum(axis=1, keepdims=True), columns=list(CLASSES))
    return frame.assign(label=np.array(CLASSES)[label], person=rng.integers(0, n // 3, n), gender=rng.choice(["f", "m"], n))


def test_a_worked_example() -> None:
    """The true class a comes first, second, third and second."""
    rows = [(0.4, 0.3, 0.2, 0.1), (0.3, 0.4, 0.2, 0.1), (0.2, 0.3, 0.4, 0.1), (0.3, 0.2, 0.1, 0.4)]
    made = subject(pd.DataFrame(rows, columns=list(CLASSES)).assign(label="a"), scores=CLASSES)
    assert [measure(CHECK, made, k=k).members[0].estimate.value for k in (1, 2, 3)] == [0.25, 0.75, 1.0]
    assert measure(CHECK, made).unit == "top-2 accuracy"


@given(st.lists(st.tuples(st.sampled_from(CLASSES), WEIGHTS), min_size=1, max_size=30), st.integers(1, 3))
def test_agrees_with_scikit_learn_ties_and_all(rows: list[tuple[str, list[int]]], k: int) -> None:
    from sklearn.metrics import top_k_accuracy_score

    raw = np.array([weights for _, weights in rows], dtype=float)
    frame = pd.DataFrame(raw / raw.sum(axis=1, keepdims=True), columns=list(CLASSES)).assign(label=[one for one, _ in rows])
    expected = top_k_accuracy_score(frame.label, frame[list(CLASSES)], k=k, labels=list(CLASSES))
    for one in (frame, shuffled(frame)):
        assert measure(CHECK, subject(one, scores=CLASSES), k=k).members[0].estimate.value == pytest.approx(expected, abs=1e-12)


def test_a_longer_list_is_right_no_less_often_and_of_one_it_is_accuracy() -> None:
    frame = four(300)
    shares = [measure(CHECK, subject(frame, scores=CLASSES), k=k).members[0].estimate.value for k in (1, 2, 3)]
    assert shares == sorted(shares)
    assert shares[0] == measure("performance/accuracy", subject(frame, scores=CLASSES)).members[0].estimate.value
    two = scored(200)
    assert measure(CHECK, subject(two), k=1).members[0].estimate.value == ((two.score > 0.5) == (two.label == 1)).mean()


def test_ties_are_told() -> None:
    frame = pd.DataFrame([(0.4, 0.2, 0.2, 0.2), (0.4, 0.3, 0.2, 0.1)], columns=list(CLASSES)).assign(label=["d", "b"])
    found = measure(CHECK, subject(frame, scores=CLASSES))
    assert found.notes == ("In 1 row the last class on the list is as probable as the first one off it; the later of the two is taken.",)
    assert found.members[0].estimate.value == 1.0
    assert measure(CHECK, subject(frame.iloc[1:], scores=CLASSES)).notes == ()


def test_each_slice_by_itself_and_persons_widen() -> None:
    frame = pd.concat([four(150)] * 3)
    found = measure(CHECK, subject(frame, by=(("gender",),), group="person", scores=CLASSES))
    assert [str(one.name) for one in found.members] == ["gender=f", "gender=m"]
    alone = measure(CHECK, subject(frame, by=(("gender",),), scores=CLASSES))
    assert found.members[0].estimate.bounds(0.025, 0.025)[0] < alone.members[0].estimate.bounds(0.025, 0.025)[0]


def test_the_difference_from_a_champion() -> None:
    """The candidate has the class on its list in three of four rows; the champion always lists c and d."""
    rows = [(0.4, 0.3, 0.2, 0.1), (0.4, 0.3, 0.2, 0.1), (0.3, 0.2, 0.4, 0.1), (0.4, 0.3, 0.2, 0.1)]
    frame = pd.DataFrame(rows, columns=list(CLASSES)).assign(label=list(CLASSES), old_a=0.1, old_b=0.2, old_c=0.3, old_d=0.4)
    made = subject(frame, scores=CLASSES)
    own = ComparatorColumns.model_validate({"scores": {one: f"old_{one}" for one in CLASSES}})
    champion = Predictions(SavedComparator({"test": made.data}, own, made.classes))
    found = compare(CHECK, replace(made, comparator=champion, against="champion"), k=2)
    assert found.members[0].estimate.value == pytest.approx(3 / 4 - 2 / 4)
    assert "Top-2 accuracy over all rows: 0.750 by the candidate, 0.500 by the champion." in found.notes


def test_the_interval_decides() -> None:
    found = measure(CHECK, subject(four(300), scores=CLASSES))
    value, (low, high) = found.members[0].estimate.value, found.members[0].estimate.bounds(0.025, 0.025)
    middle = (value + low) / 2
    assert [status(CHECK, found, min=bound) for bound in (low - 0.01, middle, high + 0.01)] == ["pass", "inconclusive", "fail"]
    assert status(CHECK, unplugged(found), min=middle) == "pass"


def test_coverage() -> None:
    population, rng, trials = four(200_000, seed=9), np.random.default_rng(2), 200
    truth = measure(CHECK, subject(population, scores=CLASSES)).members[0].estimate.value

    def draw() -> pd.DataFrame:
        return population.iloc[rng.integers(0, len(population), 200)]

    assert max(misses(lambda: measure(CHECK, subject(draw(), scores=CLASSES)).members[0].estimate, truth, trials)) <= most(0.03, trials)


@pytest.mark.parametrize("k", [4, 5])
def test_a_list_of_all_classes_proves_nothing(k: int) -> None:
    with pytest.raises(CannotMeasure, match="holds all of the 4 classes"):
        measure(CHECK, subject(four(20), scores=CLASSES), k=k)
    with pytest.raises(CannotMeasure, match="holds all of the 2 classes"):
        measure(CHECK, subject(scored(20)))


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.score"):
        measure(CHECK, subject(pd.DataFrame({"label": ["a", "b", "c"], "prediction": ["a", "b", "c"]})))
    with pytest.raises(ValidationError, match="k"):
        measure(CHECK, subject(four(20), scores=CLASSES), k=0)
