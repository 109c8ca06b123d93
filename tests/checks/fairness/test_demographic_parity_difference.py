from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given

from audit.evidence import Pair
from audit.stats import Difference, Proportion
from tests.grouped import ROWS, by_name, drawn, rates, worst
from tests.judged import status
from tests.misses import most
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    import pandas as pd

CHECK = "fairness/demographic_parity_difference"
BY = (("gender",),)


def test_a_worked_example() -> None:
    """Chosen: 56 of 70 women and 48 of 80 men; Newcombe's own figures."""
    found = measure(CHECK, subject(rates({"f": (56, 70), "m": (48, 80)}), by=BY))
    assert [one.estimate for one in found.members] == [
        Difference(Proportion(56, 70), Proportion(48, 80)),
        Difference(Proportion(48, 80), Proportion(56, 70)),
    ]
    assert found.members[0].estimate.bounds(0.025, 0.025) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert [one.estimate.value for one in found.context] == pytest.approx([0.8, 0.6])
    assert all(isinstance(one.name, Pair) for one in found.members)
    assert found.rows == 150


@given(ROWS)
def test_agrees_with_fairlearn(frame: pd.DataFrame) -> None:
    from fairlearn.metrics import demographic_parity_difference

    expected = demographic_parity_difference(frame.label, frame.prediction, sensitive_features=frame.gender)
    assert worst(measure(CHECK, subject(frame, by=BY))) == pytest.approx(expected, abs=1e-12)


@given(ROWS)
def test_swapping_classes_keeps_the_gap(frame: pd.DataFrame) -> None:
    before = by_name(measure(CHECK, subject(frame, by=BY)))
    swapped = frame.assign(label=1 - frame.label, prediction=1 - frame.prediction)
    assert sorted(by_name(measure(CHECK, subject(swapped, by=BY))).values()) == pytest.approx(sorted(before.values()))


def test_the_interval_decides() -> None:
    """A gap of .1 in 300 rows a group: neither clearly under .12 nor clearly over .08, though the point is."""
    found = measure(CHECK, subject(rates({"f": (120, 300), "m": (90, 300)}), by=BY))
    assert [status(CHECK, found, max=bound) for bound in (0.2, 0.12, 0.08, 0.01)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), max=bound) for bound in (0.12, 0.08)] == ["pass", "fail"]


def test_equal_groups_are_not_failed_for_their_luck() -> None:
    """Six equal groups of 100: the point gap is above .05 in nearly every audit, the interval fails at most 2.5 %."""
    trials = 60
    looks = [measure(CHECK, subject(drawn(seed, dict.fromkeys("abcdef", 0.3), 100), by=BY)) for seed in range(trials)]
    assert sum(status(CHECK, found, max=0.0) == "fail" for found in looks) / trials <= most(0.025, trials)
    assert sum(status(CHECK, unplugged(found), max=0.05) == "fail" for found in looks) / trials > 0.9
