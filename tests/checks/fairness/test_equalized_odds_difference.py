from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given

from tests.classified import shuffled
from tests.grouped import ROWS, by_name, drawn, rates, worst
from tests.judged import status
from tests.misses import most
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from pandas import DataFrame

CHECK = "fairness/equalized_odds_difference"
BY = (("gender",),)


def test_a_worked_example() -> None:
    """Found: 8 of 10 and 6 of 12; falsely called: 5 of 50 and 25 of 50. The larger gap is the false alarms'."""
    others = rates({"f": (5, 50), "m": (25, 50)}).assign(label=0)
    found = measure(CHECK, subject(pd.concat([rates({"f": (8, 10), "m": (6, 12)}), others]), by=BY))
    assert by_name(found) == pytest.approx(
        {
            "gender=f, rate=true_positive_rate against gender=m, rate=true_positive_rate": 0.3,
            "gender=m, rate=true_positive_rate against gender=f, rate=true_positive_rate": -0.3,
            "gender=f, rate=false_positive_rate against gender=m, rate=false_positive_rate": -0.4,
            "gender=m, rate=false_positive_rate against gender=f, rate=false_positive_rate": 0.4,
        }
    )
    assert [one.name.to_json() for one in found.context] == [
        {"gender": group, "rate": f"{kind}_positive_rate"} for kind in ("true", "false") for group in "fm"
    ]


@given(ROWS)
def test_agrees_with_fairlearn(frame: DataFrame) -> None:
    from fairlearn.metrics import equalized_odds_difference

    expected = equalized_odds_difference(frame.label, frame.prediction, sensitive_features=frame.gender)
    assert worst(measure(CHECK, subject(frame, by=BY))) == pytest.approx(expected, abs=1e-12)


@given(ROWS)
def test_swapping_classes_and_renaming_groups_keep_the_gap(frame: DataFrame) -> None:
    """Each rate turns into one less the other."""
    before = sorted(by_name(measure(CHECK, subject(frame, by=BY))).values())
    swapped = frame.assign(label=1 - frame.label, prediction=1 - frame.prediction)
    assert sorted(by_name(measure(CHECK, subject(swapped, by=BY))).values()) == pytest.approx(before)
    renamed = shuffled(frame.assign(gender=frame.gender.map({"f": "q", "m": "r", "x": "s"})))
    assert sorted(by_name(measure(CHECK, subject(renamed, by=BY))).values()) == pytest.approx(before)


def test_a_group_of_one_class_bars_a_pass() -> None:
    frame = pd.concat([drawn(0, {"f": 0.5, "m": 0.5}, 600, truly=0.5), rates({"x": (20, 40)})])
    found = measure(CHECK, subject(frame, by=BY))
    assert [str(one.name) for one in found.unmeasured] == ["gender=x, rate=false_positive_rate"]
    assert "truly other than 1" in found.unmeasured[0].reason
    assert status(CHECK, found, max=0.9) == "inconclusive"


def test_more_classes_each_have_both_rates() -> None:
    from fairlearn.metrics import equalized_odds_difference

    frame = pd.DataFrame({"label": list("abc") * 40, "prediction": list("abcabb") * 20, "gender": ["f"] * 61 + ["m"] * 59})
    found = measure(CHECK, subject(frame, by=BY))
    assert len(found.members) == 3 * 2 * 2
    assert found.context[0].name.to_json() == {"gender": "f", "class": "a", "rate": "true_positive_rate"}
    of_b = measure(CHECK, subject(frame, by=BY, positive="b"))
    binary = equalized_odds_difference(frame.label == "b", frame.prediction == "b", sensitive_features=frame.gender)
    assert worst(of_b) == pytest.approx(binary, abs=1e-12)


def test_the_interval_decides() -> None:
    frame = pd.concat([rates({"f": (150, 300), "m": (90, 300)}), rates({"f": (60, 300), "m": (60, 300)}).assign(label=0)])
    found = measure(CHECK, subject(frame, by=BY))
    assert [status(CHECK, found, max=bound) for bound in (0.3, 0.22, 0.18, 0.08)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), max=bound) for bound in (0.22, 0.18)] == ["pass", "fail"]


def test_equal_groups_are_not_failed_for_their_luck() -> None:
    trials = 80
    looks = [measure(CHECK, subject(drawn(seed, dict.fromkeys("fmx", 0.4), 150, truly=0.5), by=BY)) for seed in range(trials)]
    assert sum(status(CHECK, found, max=0.0) == "fail" for found in looks) / trials <= most(0.025, trials)
    assert sum(status(CHECK, unplugged(found), max=0.05) == "fail" for found in looks) / trials > 0.8
