from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from audit.errors import CannotMeasure
from tests.classified import scored, shuffled, three_scored
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECK = "performance/brier_score"
SCORES = ("a", "b", "c")


def test_a_worked_example() -> None:
    """Off by .5, .75 and 0: (.25 + .5625 + 0) / 3."""
    frame = pd.DataFrame({"label": [1, 1, 0], "score": [0.5, 0.25, 0.0]})
    assert measure(CHECK, subject(frame)).members[0].estimate.value == pytest.approx(0.8125 / 3)


def test_three_classes_are_summed_and_not_halved() -> None:
    """Certain and wrong is 2, certain and right 0, knowing nothing 2/3: as the original definition has it."""
    frame = pd.DataFrame({"a": [0.0, 1.0, 1 / 3], "b": [1.0, 0.0, 1 / 3], "c": [0.0, 0.0, 1 / 3], "label": ["a"] * 3})
    assert measure(CHECK, subject(frame, scores=SCORES)).members[0].estimate.value == pytest.approx((2 + 0 + 2 / 3) / 3)


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_agrees_with_scikit_learn(rows: list[tuple[int, float]]) -> None:
    frame = pd.DataFrame(rows, columns=["label", "score"])
    expected = brier_score_loss(frame.label, frame.score, pos_label=1, labels=[0, 1])
    assert measure(CHECK, subject(frame)).members[0].estimate.value == pytest.approx(expected, abs=1e-12)


def test_three_classes_agree_with_scikit_learn_in_any_order() -> None:
    frame = three_scored(200)
    expected = brier_score_loss(frame.label, frame[["a", "b", "c"]], labels=["a", "b", "c"])
    for one in (frame, shuffled(frame)):
        assert measure(CHECK, subject(one, scores=SCORES)).members[0].estimate.value == pytest.approx(expected, abs=1e-12)


def test_swapping_the_two_classes_changes_nothing() -> None:
    frame = scored(100)
    swapped = frame.assign(label=1 - frame.label, score=1 - frame.score)
    here, there = (measure(CHECK, subject(one)).members[0].estimate for one in (frame, swapped))
    assert here.value == pytest.approx(there.value)
    assert here.bounds(0.025, 0.025) == pytest.approx(there.bounds(0.025, 0.025))


def test_the_interval_decides() -> None:
    found = measure(CHECK, subject(scored(400)))
    value, (low, high) = found.members[0].estimate.value, found.members[0].estimate.bounds(0.025, 0.025)
    middle = (value + high) / 2
    assert [status(CHECK, found, max=bound) for bound in (high + 0.01, middle, low - 0.01)] == ["pass", "inconclusive", "fail"]
    assert status(CHECK, unplugged(found), max=middle) == "pass"
    assert status(CHECK, measure(CHECK, subject(scored(40))), max=0.9) == "inconclusive"


def test_coverage() -> None:
    population, rng, trials = scored(200_000, seed=9), np.random.default_rng(2), 200
    truth = float(np.mean((population.score - population.label) ** 2))

    def draw() -> pd.DataFrame:
        return population.iloc[rng.integers(0, len(population), 200)]

    assert max(misses(lambda: measure(CHECK, subject(draw())).members[0].estimate, truth, trials)) <= most(0.03, trials)


def test_slices_and_persons() -> None:
    frame = pd.concat([scored(150)] * 3)
    found = measure(CHECK, subject(frame, by=(("gender",),), group="person"))
    assert [str(one.name) for one in found.members] == ["gender=f", "gender=m"]
    alone = measure(CHECK, subject(frame, by=(("gender",),)))
    assert found.members[0].estimate.bounds(0.025, 0.025)[1] > alone.members[0].estimate.bounds(0.025, 0.025)[1]


def test_probabilities_that_are_rounded_stay_in_the_range() -> None:
    """A row of three whose sum is a little over 1, all of it on the wrong class."""
    frame = pd.DataFrame({"a": [0.0005] * 60, "b": [1.0] * 60, "c": [0.0] * 60, "label": ["c"] * 60})
    assert measure(CHECK, subject(frame, scores=SCORES)).members[0].estimate.value == 2.0


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.score"):
        measure(CHECK, subject(pd.DataFrame({"label": [1, 0], "prediction": [1, 0]})))
    unknown = three_scored(20)
    unknown.loc[3, "label"] = "d"
    with pytest.raises(CannotMeasure, match="no probability for d"):
        measure(CHECK, subject(unknown, scores=SCORES))
