from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given

from audit.stats import Difference, Proportion
from tests.grouped import ROWS, by_name, drawn, rates, worst
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from pandas import DataFrame

CHECK = "fairness/predictive_parity_difference"
BY = (("gender",),)


def right(sizes: dict[str, tuple[int, int]]) -> DataFrame:
    """For each group, so many truly `1` among so many that are all called `1`."""
    made = rates(sizes)
    return made.assign(label=made.prediction, prediction=1)


def test_a_worked_example() -> None:
    """Right: 8 of 10 women who are called, 6 of 12 men; those who are not called are of no account."""
    others = rates({"f": (5, 50), "m": (40, 50)}).rename(columns={"label": "prediction", "prediction": "label"}).assign(prediction=0)
    found = measure(CHECK, subject(pd.concat([right({"f": (8, 10), "m": (6, 12)}), others]), by=BY))
    assert found.members[0].estimate == Difference(Proportion(8, 10), Proportion(6, 12))
    assert worst(found) == pytest.approx(0.3)
    assert found.rows == 122


@given(ROWS)
def test_agrees_with_fairlearn(frame: DataFrame) -> None:
    """Among the groups of which somebody is called; scikit-learn takes the precision of the others as 0, we leave it open."""
    from fairlearn.metrics import MetricFrame
    from sklearn.metrics import precision_score

    called = frame[frame.groupby("gender").prediction.transform("max") == 1]
    if len(set(called.gender)) > 1:
        expected = MetricFrame(metrics=precision_score, y_true=called.label, y_pred=called.prediction, sensitive_features=called.gender)
        assert worst(measure(CHECK, subject(frame, by=BY))) == pytest.approx(expected.difference(), abs=1e-12)
    uncalled = set(frame.gender) - set(called.gender)
    assert {str(one.name) for one in measure(CHECK, subject(frame, by=BY)).unmeasured} == {f"gender={one}" for one in uncalled}


@given(ROWS)
def test_exchanging_truth_and_prediction_turns_it_into_equal_opportunity(frame: DataFrame) -> None:
    turned = frame.rename(columns={"label": "prediction", "prediction": "label"})
    other = by_name(measure("fairness/equal_opportunity_difference", subject(turned, by=BY)))
    assert by_name(measure(CHECK, subject(frame, by=BY))) == pytest.approx(other)


def test_a_group_nobody_of_which_is_called_bars_a_pass() -> None:
    frame = pd.concat([right({"f": (200, 400), "m": (200, 400)}), rates({"x": (0, 40)})])
    found = measure(CHECK, subject(frame, by=BY))
    assert [(str(one.name), one.reason) for one in found.unmeasured] == [("gender=x", "no row is predicted 1: add rows of this group")]
    assert status(CHECK, found, max=0.5) == "inconclusive"
    assert status(CHECK, measure(CHECK, subject(frame[frame.gender != "x"], by=BY)), max=0.5) == "pass"


def test_the_interval_decides() -> None:
    found = measure(CHECK, subject(right({"f": (120, 300), "m": (90, 300)}), by=BY))
    assert [status(CHECK, found, max=bound) for bound in (0.2, 0.12, 0.08, 0.01)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), max=bound) for bound in (0.12, 0.08)] == ["pass", "fail"]


def test_coverage_of_the_pair() -> None:
    """Precision truly .8 against .7; how many are called is drawn too."""
    seeds, trials = iter(range(1000)), 250

    def frame() -> DataFrame:
        made = drawn(next(seeds), {"f": 0.8, "m": 0.7}, 400, truly=0.5)
        return made.rename(columns={"label": "prediction", "prediction": "label"})

    assert max(misses(lambda: measure(CHECK, subject(frame(), by=BY)).members[0].estimate, 0.1, trials)) <= most(0.027, trials)
