from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.judged import status
from tests.support import measure, subject

CHECK = "performance/log_loss"
SCORES = ("a", "b", "c")


def test_a_worked_example() -> None:
    """Probabilities of the true class .5, .25 and 1: (ln 2 + ln 4 + 0) / 3."""
    frame = pd.DataFrame({"label": [1, 1, 0], "score": [0.5, 0.25, 0.0]})
    assert measure(CHECK, subject(frame)).members[0].estimate.value == pytest.approx(math.log(2))


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=30))
def test_agrees_with_scikit_learn(rows: list[tuple[int, float]]) -> None:
    """Probabilities of exactly 0 and 1 too, which are kept apart from both."""
    from sklearn.metrics import log_loss

    frame = pd.DataFrame(rows, columns=["label", "score"])
    expected = log_loss(frame.label, np.column_stack([1 - frame.score, frame.score]), labels=[0, 1])
    assert measure(CHECK, subject(frame)).members[0].estimate.value == pytest.approx(expected, abs=1e-12)


def test_rows_that_are_all_alike_settle_nothing() -> None:
    """A hundred rows of the same small loss: a share of rows may be lost entirely and not have been drawn."""
    found = measure(CHECK, subject(pd.DataFrame({"label": [1] * 100, "score": [0.99] * 100})))
    assert status(CHECK, found, max=0.05) == "inconclusive"
