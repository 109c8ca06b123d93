from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given

from audit.stats import Difference, Proportion
from tests.grouped import ROWS, by_name, rates, worst
from tests.judged import status
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from pandas import DataFrame

CHECK = "fairness/false_negative_rate_difference"
BY = (("gender",),)


def test_a_worked_example() -> None:
    """Missed: 2 of 10 women who should be found, 6 of 12 men; the others are of no account."""
    others = rates({"f": (5, 50), "m": (40, 50)}).assign(label=0)
    found = measure(CHECK, subject(pd.concat([rates({"f": (8, 10), "m": (6, 12)}), others]), by=BY))
    assert found.members[1].estimate == Difference(Proportion(6, 12), Proportion(2, 10))
    assert worst(found) == pytest.approx(0.3)
    assert found.rows == 122


@given(ROWS)
def test_agrees_with_fairlearn(frame: DataFrame) -> None:
    from fairlearn.metrics import false_negative_rate_difference

    expected = false_negative_rate_difference(frame.label, frame.prediction, sensitive_features=frame.gender)
    assert worst(measure(CHECK, subject(frame, by=BY))) == pytest.approx(expected, abs=1e-12)


@given(ROWS)
def test_it_is_equal_opportunity_seen_from_the_other_side(frame: DataFrame) -> None:
    """Every pair's gap is that of the true positive rates the other way round."""
    missed = by_name(measure(CHECK, subject(frame, by=BY)))
    found = by_name(measure("fairness/equal_opportunity_difference", subject(frame, by=BY)))
    turned = {" against ".join(reversed(name.split(" against "))): value for name, value in found.items()}
    assert missed == pytest.approx(turned)


def test_the_interval_decides() -> None:
    found = measure(CHECK, subject(rates({"f": (120, 300), "m": (90, 300)}), by=BY))
    assert [status(CHECK, found, max=bound) for bound in (0.2, 0.12, 0.08, 0.01)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), max=bound) for bound in (0.12, 0.08)] == ["pass", "fail"]
