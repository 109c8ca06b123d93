"""R² is scikit-learn's, has no unit, and cannot be told where the true numbers are all alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.compared import compare
from tests.judged import status
from tests.numbered import NUMBERS, drawn, numbers, regressed
from tests.support import measure

if TYPE_CHECKING:
    import pandas as pd

ID = "performance/r2"


def value(frame: pd.DataFrame) -> float:
    (member,) = measure(ID, regressed(frame)).members
    return member.estimate.value


def test_worked_example() -> None:
    """Off by -1, 2 and 0; true numbers 1, 5 and 4, of which the mean square about their mean 10/3 is 26/9."""
    assert value(numbers([(1, 2), (5, 3), (4, 4)])) == pytest.approx(1 - (5 / 3) / (26 / 9))


@given(pairs=NUMBERS)
def test_agrees_with_scikit_learn(pairs: list[tuple[float, float]]) -> None:
    from sklearn.metrics import r2_score

    frame = numbers(pairs)
    assume(frame.label.min() < frame.label.max())
    assert value(frame) == pytest.approx(r2_score(frame.label, frame.prediction), abs=1e-9, rel=1e-9)


@given(NUMBERS, st.floats(0.1, 10), st.floats(-100, 100))
def test_it_has_no_unit(pairs: list[tuple[float, float]], scale: float, shift: float) -> None:
    frame = numbers(pairs)
    assume(frame.label.std() > 1e-2)
    assert value(scale * frame + shift) == pytest.approx(value(frame), rel=1e-6)


def test_a_slice_whose_true_numbers_are_all_alike_is_unmeasured() -> None:
    frame = drawn(100).assign(label=lambda f: f.label.where(f.region == "north", 7.0))
    for found in (measure(ID, regressed(frame, by=(("region",),))), compare(ID, regressed(frame, by=(("region",),)))):
        assert [str(one.name) for one in found.members] == ["region=north"]
        assert "all alike" in found.unmeasured[0].reason


def test_a_few_rows_that_carry_the_error_are_told_of() -> None:
    frame = drawn(500, noise=0.5)
    frame.loc[:4, "prediction"] += 100
    assert measure(ID, regressed(frame)).notes[0].startswith("5 of 500 rows make up ")


def test_a_model_that_is_always_right() -> None:
    """No error ever varied, so that nothing bounds the next one."""
    frame = numbers([(x, x) for x in range(200)])
    assert value(frame) == 1.0
    assert status(ID, measure(ID, regressed(frame)), min=0.9) == "inconclusive"
