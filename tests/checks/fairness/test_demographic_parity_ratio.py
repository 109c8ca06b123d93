from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from audit.stats import Proportion, Ratio
from tests.grouped import ROWS, drawn, rates, worst
from tests.judged import status
from tests.misses import most
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    import pandas as pd

CHECK = "fairness/demographic_parity_ratio"
BY = (("gender",),)


def test_a_worked_example() -> None:
    """Chosen: 36 of 40 women and 16 of 80 men; Koopman's own figures."""
    found = measure(CHECK, subject(rates({"f": (36, 40), "m": (16, 80)}), by=BY))
    assert found.members[0].estimate == Ratio(Proportion(36, 40), Proportion(16, 80))
    assert found.members[0].estimate.bounds(0.025, 0.025) == pytest.approx((2.94, 7.15), abs=5e-3)
    assert worst(found, floor=True) == pytest.approx(0.2 / 0.9)


@given(ROWS)
def test_agrees_with_fairlearn(frame: pd.DataFrame) -> None:
    """Where no group is chosen at all there is no ratio, and no member."""
    from fairlearn.metrics import demographic_parity_ratio

    found = measure(CHECK, subject(frame, by=BY))
    if frame.prediction.any():
        expected = demographic_parity_ratio(frame.label, frame.prediction, sensitive_features=frame.gender)
        assert worst(found, floor=True) == pytest.approx(expected, abs=1e-12)
    else:
        assert not found.members


def test_groups_that_are_never_chosen_bar_a_pass_and_have_no_ratio() -> None:
    frame = rates({"f": (0, 400), "m": (0, 400), "x": (200, 400)})
    found = measure(CHECK, subject(frame, by=BY))
    assert [str(one.name) for one in found.unmeasured] == ["gender=f against gender=m"]
    assert status(CHECK, found, min=0.8) == "fail"
    assert worst(found, floor=True) == 0
    assert math.isinf(found.members[1].estimate.bounds(0.025, 0.025)[1])
    none = measure(CHECK, subject(frame[frame.gender != "x"], by=BY))
    assert status(CHECK, none, min=0.8) == "inconclusive"


def test_the_interval_decides() -> None:
    """A ratio of .9 in 400 rows a group: not clearly over .8, and clearly over .6; the point alone would pass."""
    found = measure(CHECK, subject(rates({"f": (108, 400), "m": (120, 400)}), by=BY))
    assert [status(CHECK, found, min=bound) for bound in (0.6, 0.8)] == ["pass", "inconclusive"]
    assert status(CHECK, unplugged(found), min=0.8) == "pass"
    assert status(CHECK, measure(CHECK, subject(rates({"f": (60, 400), "m": (160, 400)}), by=BY)), min=0.8) == "fail"


def test_four_fifths_on_small_groups_is_noise() -> None:
    """Six equal groups of 100: the point fails nine audits of ten, the interval at most 2.5 %."""
    trials = 60
    looks = [measure(CHECK, subject(drawn(seed, dict.fromkeys("abcdef", 0.3), 100), by=BY)) for seed in range(trials)]
    assert sum(status(CHECK, found, min=0.8) == "fail" for found in looks) / trials <= most(0.025, trials)
    assert sum(status(CHECK, unplugged(found), min=0.8) == "fail" for found in looks) / trials == pytest.approx(0.9, abs=0.12)
