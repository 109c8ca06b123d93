from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given

from audit.errors import CannotMeasure
from audit.stats import Difference, Proportion
from tests.grouped import ROWS, by_name, rates, worst
from tests.judged import status
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from pandas import DataFrame

CHECK = "fairness/false_positive_rate_difference"
BY = (("gender",),)


def alarms(sizes: dict[str, tuple[int, int]]) -> DataFrame:
    """For each group, so many called `1` among so many rows that are all truly `0`."""
    return rates(sizes).assign(label=0)


def test_a_worked_example() -> None:
    """Falsely called: 5 of 50 women and 25 of 50 men; those who should be called are of no account."""
    found = measure(CHECK, subject(pd.concat([alarms({"f": (5, 50), "m": (25, 50)}), rates({"f": (8, 10), "m": (6, 12)})]), by=BY))
    assert found.members[1].estimate == Difference(Proportion(25, 50), Proportion(5, 50))
    assert worst(found) == pytest.approx(0.4)
    assert [one.estimate.value for one in found.context] == pytest.approx([0.1, 0.5])
    assert found.rows == 122


@given(ROWS)
def test_agrees_with_fairlearn(frame: DataFrame) -> None:
    from fairlearn.metrics import false_positive_rate_difference

    expected = false_positive_rate_difference(frame.label, frame.prediction, sensitive_features=frame.gender)
    assert worst(measure(CHECK, subject(frame, by=BY))) == pytest.approx(expected, abs=1e-12)


@given(ROWS)
def test_swapping_classes_turns_it_into_the_gap_of_the_misses(frame: DataFrame) -> None:
    swapped = frame.assign(label=1 - frame.label, prediction=1 - frame.prediction)
    other = measure("fairness/false_negative_rate_difference", subject(swapped, by=BY))
    assert by_name(measure(CHECK, subject(frame, by=BY))) == pytest.approx(by_name(other))


def test_a_group_without_negatives_bars_a_pass() -> None:
    frame = pd.concat([alarms({"f": (200, 400), "m": (200, 400)}), rates({"x": (20, 40)})])
    found = measure(CHECK, subject(frame, by=BY))
    assert [(str(one.name), one.reason) for one in found.unmeasured] == [
        ("gender=x", "no row is truly other than 1: add rows of this group")
    ]
    assert status(CHECK, found, max=0.5) == "inconclusive"
    assert status(CHECK, measure(CHECK, subject(frame[frame.gender != "x"], by=BY)), max=0.5) == "pass"


def test_more_classes_are_taken_one_against_the_rest() -> None:
    from fairlearn.metrics import false_positive_rate_difference

    frame = pd.DataFrame({"label": list("abc") * 40, "prediction": list("abcabb") * 20, "gender": ["f"] * 61 + ["m"] * 59})
    found = measure(CHECK, subject(frame, by=BY))
    each = [false_positive_rate_difference(frame.label == one, frame.prediction == one, sensitive_features=frame.gender) for one in "abc"]
    assert worst(found) == pytest.approx(max(each), abs=1e-12)
    assert len(found.members) == 3 * 2


def test_the_interval_decides() -> None:
    found = measure(CHECK, subject(alarms({"f": (120, 300), "m": (90, 300)}), by=BY, positive=1))
    assert [status(CHECK, found, max=bound) for bound in (0.2, 0.12, 0.08, 0.01)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), max=bound) for bound in (0.12, 0.08)] == ["pass", "fail"]


def test_one_group_alone_is_refused() -> None:
    with pytest.raises(CannotMeasure, match="one group only"):
        measure(CHECK, subject(rates({"f": (1, 2)}), by=BY))
