from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given

from tests.grouped import ROWS, by_name, drawn, rates, worst
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from pandas import DataFrame

CHECK = "fairness/equalized_odds_ratio"
BY = (("gender",),)


def test_a_worked_example() -> None:
    """Found: 8 of 10 and 6 of 12; falsely called: 5 of 50 and 25 of 50. The smaller ratio is the false alarms'."""
    others = rates({"f": (5, 50), "m": (25, 50)}).assign(label=0)
    found = measure(CHECK, subject(pd.concat([rates({"f": (8, 10), "m": (6, 12)}), others]), by=BY))
    assert by_name(found) == pytest.approx(
        {
            "gender=f, rate=true_positive_rate against gender=m, rate=true_positive_rate": 1.6,
            "gender=m, rate=true_positive_rate against gender=f, rate=true_positive_rate": 0.625,
            "gender=f, rate=false_positive_rate against gender=m, rate=false_positive_rate": 0.2,
            "gender=m, rate=false_positive_rate against gender=f, rate=false_positive_rate": 5.0,
        }
    )
    assert worst(found, floor=True) == pytest.approx(0.2)


@given(ROWS)
def test_agrees_with_fairlearn(frame: DataFrame) -> None:
    """Where both rates occur; a rate that is 0 in every group has no ratio and leaves its pairs unmeasured."""
    from fairlearn.metrics import equalized_odds_ratio

    found = measure(CHECK, subject(frame, by=BY))
    hits, alarms = (frame.prediction[frame.label == one].any() for one in (1, 0))
    if hits and alarms:
        expected = equalized_odds_ratio(frame.label, frame.prediction, sensitive_features=frame.gender)
        assert worst(found, floor=True) == pytest.approx(expected, abs=1e-12)
    else:
        assert found.unmeasured


def test_groups_without_false_alarms_bar_a_pass() -> None:
    frame = pd.concat([rates({"f": (390, 400), "m": (390, 400)}), rates({"f": (0, 400), "m": (0, 400)}).assign(label=0)])
    found = measure(CHECK, subject(frame, by=BY))
    assert [one.reason for one in found.unmeasured] == ["neither group has a hit, so their ratio is not defined: add rows"]
    assert status(CHECK, found, min=0.5) == "inconclusive"


def test_more_classes_each_have_both_rates() -> None:
    from fairlearn.metrics import equalized_odds_ratio

    frame = pd.DataFrame({"label": list("abc") * 40, "prediction": list("abcabb") * 20, "gender": ["f"] * 61 + ["m"] * 59})
    of_b = measure(CHECK, subject(frame, by=BY, positive="b"))
    binary = equalized_odds_ratio(frame.label == "b", frame.prediction == "b", sensitive_features=frame.gender)
    assert worst(of_b, floor=True) == pytest.approx(binary, abs=1e-12)
    assert measure(CHECK, subject(frame, by=BY)).context[0].name.to_json() == {"gender": "f", "class": "a", "rate": "true_positive_rate"}


def test_the_interval_decides() -> None:
    """A ratio of .9 in 400 rows a group: not clearly over .8, and clearly over .6; the point alone would pass."""
    found = measure(CHECK, subject(both({"f": (108, 400), "m": (120, 400)}), by=BY))
    assert [status(CHECK, found, min=bound) for bound in (0.6, 0.8)] == ["pass", "inconclusive"]
    assert status(CHECK, unplugged(found), min=0.8) == "pass"
    assert status(CHECK, measure(CHECK, subject(both({"f": (60, 400), "m": (160, 400)}), by=BY)), min=0.8) == "fail"


def both(sizes: dict[str, tuple[int, int]]) -> DataFrame:
    """As many false alarms as hits in each group."""
    return pd.concat([rates(sizes), rates(sizes).assign(label=0)])


def test_coverage_of_the_pair() -> None:
    seeds, trials = iter(range(1000)), 250
    frames = (drawn(next(seeds), {"f": 0.24, "m": 0.3}, 400, truly=0.5) for _ in range(trials))
    assert max(misses(lambda: measure(CHECK, subject(next(frames), by=BY)).members[2].estimate, 0.8, trials)) <= most(0.028, trials)
