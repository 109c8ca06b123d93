from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given

from audit.stats import Difference, Proportion
from tests.grouped import ROWS, drawn, rates, worst
from tests.judged import status
from tests.misses import most
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from pandas import DataFrame

CHECK = "fairness/equal_opportunity_difference"
BY = (("gender",),)


def test_a_worked_example() -> None:
    """Found: 8 of 10 women who should be, 6 of 12 men; the others are of no account."""
    others = rates({"f": (5, 50), "m": (40, 50)}).assign(label=0)
    found = measure(CHECK, subject(pd.concat([rates({"f": (8, 10), "m": (6, 12)}), others]), by=BY))
    assert found.members[0].estimate == Difference(Proportion(8, 10), Proportion(6, 12))
    assert worst(found) == pytest.approx(0.3)
    assert found.rows == 122


@given(ROWS)
def test_agrees_with_fairlearn(frame: DataFrame) -> None:
    from fairlearn.metrics import equal_opportunity_difference

    expected = equal_opportunity_difference(frame.label, frame.prediction, sensitive_features=frame.gender)
    assert worst(measure(CHECK, subject(frame, by=BY))) == pytest.approx(expected, abs=1e-12)


def test_the_interval_decides() -> None:
    found = measure(CHECK, subject(rates({"f": (120, 300), "m": (90, 300)}), by=BY))
    assert [status(CHECK, found, max=bound) for bound in (0.2, 0.12, 0.08, 0.01)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), max=bound) for bound in (0.12, 0.08)] == ["pass", "fail"]


def test_a_model_on_the_bound_passes_and_fails_no_more_often_than_promised() -> None:
    """Three groups, one of them truly .2 below the others: at most 2.5 % pass or fail a bound of .2."""
    trials = 150
    looks = [measure(CHECK, subject(drawn(seed, {"f": 0.8, "m": 0.8, "x": 0.6}, 200, truly=0.6), by=BY)) for seed in range(trials)]
    for outcome in ("pass", "fail"):
        assert sum(status(CHECK, found, max=0.2) == outcome for found in looks) / trials <= most(0.025, trials)
