"""The pinball loss is scikit-learn's; of the median it is half the absolute error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.numbered import NUMBERS, drawn, numbers, regressed
from tests.support import measure

if TYPE_CHECKING:
    import pandas as pd

ID = "performance/pinball_loss"


def value(frame: pd.DataFrame, **params: float) -> float:
    (member,) = measure(ID, regressed(frame), 0, **params).members
    return member.estimate.value


def test_worked_example() -> None:
    """Off by -1, 2 and 0, of which one too low costs nine times as much as one too high."""
    assert value(numbers([(1, 2), (5, 3), (4, 4)]), alpha=0.9) == pytest.approx((0.1 * 1 + 0.9 * 2) / 3)


@given(NUMBERS, st.floats(0.01, 0.99))
def test_agrees_with_scikit_learn(pairs: list[tuple[float, float]], alpha: float) -> None:
    from sklearn.metrics import mean_pinball_loss

    frame = numbers(pairs)
    expected = mean_pinball_loss(frame.label, frame.prediction, alpha=alpha)
    assert value(frame, alpha=alpha) == pytest.approx(expected, abs=1e-9)


@given(NUMBERS)
def test_half_the_absolute_error_is_the_loss_of_the_median(pairs: list[tuple[float, float]]) -> None:
    from sklearn.metrics import mean_absolute_error

    frame = numbers(pairs)
    assert 2 * value(frame) == pytest.approx(mean_absolute_error(frame.label, frame.prediction), abs=1e-9)


@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_a_quantile_without_rows_on_one_side_is_refused(alpha: float) -> None:
    with pytest.raises(ValidationError, match="alpha"):
        measure(ID, regressed(drawn(40)), alpha=alpha)
