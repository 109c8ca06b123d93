from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given

from audit.stats import Proportion, Ratio
from tests.grouped import ROWS, rates, worst
from tests.judged import status
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from pandas import DataFrame

CHECK = "fairness/equal_opportunity_ratio"
BY = (("gender",),)


def test_a_worked_example() -> None:
    """Found: 36 of 40 women who should be, 16 of 80 men; Koopman's own figures."""
    others = rates({"f": (5, 50), "m": (40, 50)}).assign(label=0)
    found = measure(CHECK, subject(pd.concat([rates({"f": (36, 40), "m": (16, 80)}), others]), by=BY))
    assert found.members[0].estimate == Ratio(Proportion(36, 40), Proportion(16, 80))
    assert found.members[0].estimate.bounds(0.025, 0.025) == pytest.approx((2.94, 7.15), abs=5e-3)
    assert worst(found, floor=True) == pytest.approx(0.2 / 0.9)


@given(ROWS)
def test_agrees_with_fairlearn(frame: DataFrame) -> None:
    """Where nobody is found in any group there is no ratio, and no member."""
    from fairlearn.metrics import equal_opportunity_ratio

    found = measure(CHECK, subject(frame, by=BY))
    if frame.prediction[frame.label == 1].any():
        expected = equal_opportunity_ratio(frame.label, frame.prediction, sensitive_features=frame.gender)
        assert worst(found, floor=True) == pytest.approx(expected, abs=1e-12)
    else:
        assert not found.members


def test_a_group_without_positives_bars_a_pass() -> None:
    frame = pd.concat([rates({"f": (360, 400), "m": (360, 400)}), rates({"x": (20, 40)}).assign(label=0)])
    found = measure(CHECK, subject(frame, by=BY))
    assert [(str(one.name), one.reason) for one in found.unmeasured] == [("gender=x", "no row is truly 1: add rows of this group")]
    assert status(CHECK, found, min=0.5) == "inconclusive"
    assert status(CHECK, measure(CHECK, subject(frame[frame.gender != "x"], by=BY)), min=0.5) == "pass"


def test_the_interval_decides() -> None:
    """A ratio of .9 in 400 rows a group: not clearly over .8, and clearly over .6; the point alone would pass."""
    found = measure(CHECK, subject(rates({"f": (108, 400), "m": (120, 400)}), by=BY))
    assert [status(CHECK, found, min=bound) for bound in (0.6, 0.8)] == ["pass", "inconclusive"]
    assert status(CHECK, unplugged(found), min=0.8) == "pass"
    assert status(CHECK, measure(CHECK, subject(rates({"f": (60, 400), "m": (160, 400)}), by=BY)), min=0.8) == "fail"
