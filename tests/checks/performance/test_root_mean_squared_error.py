"""The root mean squared error is scikit-learn's, and says where a few rows carry it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from tests.judged import status
from tests.numbered import NUMBERS, drawn, numbers, regressed
from tests.support import measure

if TYPE_CHECKING:
    import pandas as pd

ID = "performance/root_mean_squared_error"


def value(frame: pd.DataFrame) -> float:
    (member,) = measure(ID, regressed(frame)).members
    return member.estimate.value


def test_worked_example() -> None:
    """Off by -1, 2 and 0: squares of 1, 4 and 0."""
    assert value(numbers([(1, 2), (5, 3), (4, 4)])) == pytest.approx(math.sqrt(5 / 3))


@given(pairs=NUMBERS)
def test_agrees_with_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    from sklearn.metrics import root_mean_squared_error

    frame = numbers(pairs)
    assert value(frame) == pytest.approx(root_mean_squared_error(frame.label, frame.prediction), abs=1e-9, rel=1e-9)


def test_a_few_rows_that_carry_the_error_are_told_of() -> None:
    frame = drawn(500, noise=0.5)
    assert measure(ID, regressed(frame)).notes == ()
    frame.loc[:4, "prediction"] += 100
    assert measure(ID, regressed(frame)).notes[0].startswith("5 of 500 rows make up ")


def test_a_model_that_is_always_right() -> None:
    """No error ever varied, so that nothing bounds the next one."""
    seen = regressed(numbers([(x, x) for x in range(200)]))
    assert status(ID, measure(ID, seen), max=1.0) == "inconclusive"
