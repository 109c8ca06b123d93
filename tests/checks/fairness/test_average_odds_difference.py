from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest
from hypothesis import given

from audit.stats import AverageDifference, Difference, Proportion
from tests import realgroups
from tests.grouped import ROWS, by_name, drawn, rates, worst
from tests.judged import status
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from pandas import DataFrame

CHECK = "fairness/average_odds_difference"
BY = (("gender",),)


def defined(frame: DataFrame, group: str = "gender") -> float:
    """By AI Fairness 360's formula on fairlearn's rates, over the ordered pairs of groups."""
    from fairlearn.metrics import MetricFrame, false_positive_rate, true_positive_rate

    parts = {"tpr": true_positive_rate, "fpr": false_positive_rate}
    by = MetricFrame(metrics=parts, y_true=frame.label, y_pred=frame.prediction, sensitive_features=frame[group]).by_group
    odds = (by["tpr"] + by["fpr"]) / 2
    return float(odds.max() - odds.min())


def both(hits: dict[str, tuple[int, int]], alarms: dict[str, tuple[int, int]]) -> DataFrame:
    return pd.concat([rates(hits), rates(alarms).assign(label=0)])


def test_a_worked_example() -> None:
    """Found: 8 of 10 and 6 of 12; falsely called: 5 of 50 and 10 of 50. (.3 - .1) / 2."""
    found = measure(CHECK, subject(both({"f": (8, 10), "m": (6, 12)}, {"f": (5, 50), "m": (10, 50)}), by=BY))
    assert found.members[0].estimate == AverageDifference(
        Difference(Proportion(8, 10), Proportion(6, 12)), Difference(Proportion(5, 50), Proportion(10, 50))
    )
    assert by_name(found) == pytest.approx({"gender=f against gender=m": 0.1, "gender=m against gender=f": -0.1})
    assert [one.name.to_json() for one in found.context][:2] == [
        {"gender": "f", "rate": "true_positive_rate"},
        {"gender": "f", "rate": "false_positive_rate"},
    ]


def test_the_ends_are_recovered_from_those_of_the_rates() -> None:
    """Newcombe's interval of each difference, and both put together by the root of the squares."""
    (one,) = (measure(CHECK, subject(both({"f": (8, 10), "m": (6, 12)}, {"f": (5, 50), "m": (10, 50)}), by=BY)).members[:1],)
    low, high = one[0].estimate.bounds(0.025, 0.025)
    parts = [Difference(Proportion(8, 10), Proportion(6, 12)), Difference(Proportion(5, 50), Proportion(10, 50))]
    down, up = zip(*[(part.value - part.bounds(0.025, 0.025)[0], part.bounds(0.025, 0.025)[1] - part.value) for part in parts], strict=True)
    assert low == pytest.approx(0.1 - (down[0] ** 2 + down[1] ** 2) ** 0.5 / 2)
    assert high == pytest.approx(0.1 + (up[0] ** 2 + up[1] ** 2) ** 0.5 / 2)


@given(ROWS)
def test_agrees_with_the_definition_on_fairlearns_rates(frame: DataFrame) -> None:
    assert worst(measure(CHECK, subject(frame, by=BY))) == pytest.approx(defined(frame), abs=1e-12)


@pytest.mark.data
@pytest.mark.parametrize("name", realgroups.NAMES)
def test_agrees_on_real_people(name: str) -> None:
    frame = realgroups.table(name)
    for group in ("group", "second"):
        assert worst(measure(CHECK, subject(frame, by=((group,),)))) == pytest.approx(defined(frame, group), abs=1e-9)


def test_gaps_of_one_sign_average_to_fairlearns_mean() -> None:
    from fairlearn.metrics import equalized_odds_difference

    frame = both({"f": (8, 10), "m": (6, 12)}, {"f": (20, 50), "m": (10, 50)})
    expected = equalized_odds_difference(frame.label, frame.prediction, sensitive_features=frame.gender, agg="mean")
    assert worst(measure(CHECK, subject(frame, by=BY))) == pytest.approx(expected, abs=1e-12)


def test_the_reference_group_and_more_classes_are_as_for_every_gap() -> None:
    frame = pd.DataFrame({"label": list("abc") * 60, "prediction": list("abcabb") * 30, "gender": (["f"] * 61 + ["m"] * 59 + ["x"] * 60)})
    rest = measure(CHECK, subject(frame, by=BY, reference_group="pooled_rest"))
    assert len(rest.members) == 3 * 3 * 2
    assert str(rest.members[0].name) == "gender=f, class=a against gender=all but f, class=a"


def test_a_group_of_one_class_bars_a_pass() -> None:
    frame = pd.concat([drawn(0, {"f": 0.5, "m": 0.5}, 600, truly=0.5), rates({"x": (20, 40)})])
    found = measure(CHECK, subject(frame, by=BY))
    assert [str(one.name) for one in found.unmeasured] == ["gender=x"]
    assert status(CHECK, found, max=0.9) == "inconclusive"
    assert status(CHECK, measure(CHECK, subject(frame[frame.gender != "x"], by=BY)), max=0.9) == "pass"


def test_entities_with_rows_of_both_kinds_widen_the_interval() -> None:
    """Each person has a row of either class, called alike but for few: the margins of both rates nearly add up."""
    frame = both({"f": (150, 300), "m": (90, 300)}, {"f": (140, 300), "m": (80, 300)}).assign(person=[*range(600), *range(600)])
    alone, together = (measure(CHECK, subject(frame, by=BY, group=group)).members[0].estimate for group in (None, "person"))
    widths = [one.bounds(0.025, 0.025)[1] - one.bounds(0.025, 0.025)[0] for one in (alone, together)]
    assert 1.3 * widths[0] < widths[1] < 1.42 * widths[0]


def test_the_interval_decides() -> None:
    frame = both({"f": (150, 300), "m": (90, 300)}, {"f": (90, 300), "m": (90, 300)})
    found = measure(CHECK, subject(frame, by=BY))
    assert [status(CHECK, found, max=bound) for bound in (0.2, 0.12, 0.08, 0.02)] == ["pass", "inconclusive", "inconclusive", "fail"]
    assert [status(CHECK, unplugged(found), max=bound) for bound in (0.12, 0.08)] == ["pass", "fail"]
