from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.classified import scored
from tests.judged import status
from tests.support import measure, subject

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
    from sklearn.metrics import brier_score_loss

    frame = pd.DataFrame(rows, columns=["label", "score"])
    expected = brier_score_loss(frame.label, frame.score, pos_label=1, labels=[0, 1])
    assert measure(CHECK, subject(frame)).members[0].estimate.value == pytest.approx(expected, abs=1e-12)


def test_few_rows_settle_nothing() -> None:
    assert status(CHECK, measure(CHECK, subject(scored(40))), max=0.9) == "inconclusive"


def test_probabilities_that_are_rounded_stay_in_the_range() -> None:
    """A row of three whose sum is a little over 1, all of it on the wrong classes, is divided by its sum."""
    frame = pd.DataFrame({"a": [0.0005] * 60, "b": [1.0] * 60, "c": [0.0] * 60, "label": ["c"] * 60})
    assert measure(CHECK, subject(frame, scores=SCORES)).members[0].estimate.value == pytest.approx(1 + (1 + 0.0005**2) / 1.0005**2)
