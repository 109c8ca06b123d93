"""What holds of every check that sets one group's rate against another's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given

from audit.errors import CannotMeasure
from tests.classified import shuffled
from tests.grouped import ROWS, by_name, drawn, rates
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject

if TYPE_CHECKING:
    from pandas import DataFrame

BY = (("gender",),)
OF_TRUE_CLASSES = (
    *("average_odds_difference", "equal_opportunity_difference", "equal_opportunity_ratio", "equalized_odds_difference"),
    *("equalized_odds_ratio", "false_negative_rate_difference", "false_positive_rate_difference", "predictive_parity_difference"),
)


@pytest.mark.parametrize("name", [*OF_TRUE_CLASSES, "impact_ratio"])
@given(frame=ROWS)
def test_renaming_groups_and_reordering_rows_keep_the_gaps(name: str, frame: DataFrame) -> None:
    before = by_name(measure(f"fairness/{name}", subject(frame, by=BY)))
    renamed = shuffled(frame.assign(gender=frame.gender.map({"f": "q", "m": "r", "x": "s"})))
    assert sorted(by_name(measure(f"fairness/{name}", subject(renamed, by=BY))).values()) == pytest.approx(sorted(before.values()))


@pytest.mark.parametrize("name", OF_TRUE_CLASSES)
def test_data_without_true_classes_are_refused(name: str) -> None:
    with pytest.raises(CannotMeasure, match=r"columns\.label"):
        measure(f"fairness/{name}", subject(rates({"f": (1, 2), "m": (1, 2)}).drop(columns="label"), by=BY))


@pytest.mark.parametrize("name", ["equal_opportunity_difference", "false_negative_rate_difference"])
def test_a_group_without_positives_bars_a_pass(name: str) -> None:
    check = f"fairness/{name}"
    frame = pd.concat([rates({"f": (200, 400), "m": (200, 400)}), rates({"x": (20, 40)}).assign(label=0)])
    found = measure(check, subject(frame, by=BY))
    assert [(str(one.name), one.reason) for one in found.unmeasured] == [("gender=x", "no row is truly 1: add rows of this group")]
    assert len(found.members) == 2
    assert status(check, found, max=0.5) == "inconclusive"
    assert status(check, measure(check, subject(frame[frame.gender != "x"], by=BY)), max=0.5) == "pass"


@pytest.mark.parametrize(
    ("name", "called", "each", "truly", "truth"),
    [
        ("average_odds_difference", (0.4, 0.3), 300, 0.5, 0.1),
        ("demographic_parity_difference", (0.4, 0.3), 150, 1.0, 0.1),
        ("demographic_parity_ratio", (0.24, 0.3), 200, 1.0, 0.8),
        ("equal_opportunity_difference", (0.9, 0.8), 200, 0.5, 0.1),
        ("equal_opportunity_ratio", (0.64, 0.8), 400, 0.5, 0.8),
        ("equalized_odds_difference", (0.4, 0.3), 300, 0.5, 0.1),
        ("false_negative_rate_difference", (0.8, 0.9), 200, 0.5, 0.1),
        ("false_positive_rate_difference", (0.2, 0.1), 400, 0.5, 0.1),
        ("impact_ratio", (0.24, 0.3), 200, 1.0, 0.8),
    ],
)
def test_coverage_of_the_pair(name: str, called: tuple[float, float], each: int, truly: float, truth: float) -> None:
    """`called` is the chance in either group; `each` rows of a group, a share `truly` of them positive."""
    seeds, trials = iter(range(1000)), 250
    frames = (drawn(next(seeds), dict(zip("fm", called, strict=True)), each, truly=truly) for _ in range(trials))
    missed = misses(lambda: measure(f"fairness/{name}", subject(next(frames), by=BY)).members[0].estimate, truth, trials)
    assert max(missed) <= most(0.028 if name.endswith("ratio") else 0.027, trials)
