from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from audit.errors import CannotMeasure
from tests.classified import scored, shuffled, three_scored
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

CHECK = "performance/log_loss"
SCORES = ("a", "b", "c")


def test_a_worked_example() -> None:
    """Probabilities of the true class .5, .25 and 1: (ln 2 + ln 4 + 0) / 3."""
    frame = pd.DataFrame({"label": [1, 1, 0], "score": [0.5, 0.25, 0.0]})
    assert measure(CHECK, subject(frame)).members[0].estimate.value == pytest.approx(math.log(2))


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_agrees_with_scikit_learn(rows: list[tuple[int, float]]) -> None:
    """Probabilities of exactly 0 and 1 too, which are kept apart from both."""
    frame = pd.DataFrame(rows, columns=["label", "score"])
    expected = log_loss(frame.label, np.column_stack([1 - frame.score, frame.score]), labels=[0, 1])
    assert measure(CHECK, subject(frame)).members[0].estimate.value == pytest.approx(expected, abs=1e-12)


def test_three_classes_agree_with_scikit_learn_in_any_order() -> None:
    frame = three_scored(200)
    expected = log_loss(frame.label, frame[["a", "b", "c"]], labels=["a", "b", "c"])
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


def test_coverage() -> None:
    """The upper end, which decides a pass, of a skewed loss: 3 % in 400 rows."""
    population, rng, trials = scored(200_000, seed=9), np.random.default_rng(2), 200
    truth = log_loss(population.label, np.column_stack([1 - population.score, population.score]))

    def draw() -> pd.DataFrame:
        return population.iloc[rng.integers(0, len(population), 400)]

    assert max(misses(lambda: measure(CHECK, subject(draw())).members[0].estimate, truth, trials)) <= most(0.03, trials)


def test_slices_and_persons() -> None:
    frame = pd.concat([scored(150)] * 3)
    found = measure(CHECK, subject(frame, by=(("gender",),), group="person"))
    assert [str(one.name) for one in found.members] == ["gender=f", "gender=m"]
    alone = measure(CHECK, subject(frame, by=(("gender",),)))
    assert found.members[0].estimate.bounds(0.025, 0.025)[1] > alone.members[0].estimate.bounds(0.025, 0.025)[1]


def test_rows_that_are_all_alike_settle_nothing() -> None:
    """A hundred rows of the same small loss: a share of rows may be lost entirely and not have been drawn."""
    found = measure(CHECK, subject(pd.DataFrame({"label": [1] * 100, "score": [0.99] * 100})))
    assert status(CHECK, found, max=0.05) == "inconclusive"


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.score"):
        measure(CHECK, subject(pd.DataFrame({"label": [1, 0], "prediction": [1, 0]})))
    unknown = three_scored(20)
    unknown.loc[3, "label"] = "d"
    with pytest.raises(CannotMeasure, match="no probability for d"):
        measure(CHECK, subject(unknown, scores=SCORES))
