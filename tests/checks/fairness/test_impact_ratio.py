from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from scipy.stats import hypergeom

from audit.catalog import discover, info
from audit.errors import CannotMeasure
from audit.evidence import RateTable
from audit.phrases import message
from audit.pipeline import judging
from audit.pipeline.jobs import Job
from audit.policy.schema import Requirement
from audit.stats import Proportion, Ratio
from tests import realgroups
from tests.grouped import ROWS, by_name, rates, worst
from tests.judged import status
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.evidence import Evidence

CHECK = "fairness/impact_ratio"
BY = (("gender",),)


def law(found: Evidence) -> list[RateTable]:
    """The tables that the law prescribes."""
    return [one for one in found.figures if isinstance(one, RateTable)]


def test_a_worked_example() -> None:
    """Chosen: 48 of 80 men, the most selected, 24 of 80 women: .3 / .6; p by the hypergeometric law."""
    found = measure(CHECK, subject(rates({"f": (24, 80), "m": (48, 80)}), by=BY))
    assert found.members[0].estimate == Ratio(Proportion(24, 80), Proportion(48, 80))
    assert worst(found, floor=True) == pytest.approx(0.5)
    chance = hypergeom(160, 72, 80)
    chances = chance.pmf(np.arange(73))
    p = chances[chances <= chances[24] * (1 + 1e-7)].sum()
    (table,) = law(found)
    assert (table.rate, table.columns, table.of, table.below) == ("selection", ("gender",), "", 0.0)
    assert (list(map(str, table.names)), table.rows, table.hits) == (["gender=f", "gender=m"], (80, 80), (24, 48))
    assert list(table.ratios) == pytest.approx([0.5, 1.0])
    assert ((table.lower[0], table.upper[0]), (table.lower[1], table.upper[1])) == (
        found.members[0].estimate.bounds(0.025, 0.025),
        (None, None),
    )
    assert table.exact_p[0] == pytest.approx(p, rel=1e-9)
    assert table.exact_p[1] is None
    assert table.apart == ("", "")
    assert "gender: 0 rows of an unknown category are not in the calculation." in found.notes


def test_the_scoring_rate_is_the_share_above_the_median_of_all() -> None:
    """Scores 1 to 8 tenths: the median lies between .4 and .5; women have two of four above it, then one."""
    frame = pd.DataFrame({"gender": list("ffffmmmm"), "score": [0.1, 0.2, 0.3, 0.5, 0.4, 0.6, 0.7, 0.8], "label": [0, 1] * 4})
    found = measure(CHECK, subject(frame, by=BY), rate="scoring")
    assert [one.estimate for one in found.context] == [Proportion(1, 4), Proportion(3, 4)]
    assert worst(found, floor=True) == pytest.approx(1 / 3)
    tied = measure(CHECK, subject(frame.assign(score=[0.1, 0.2, 0.5, 0.5, 0.5, 0.5, 0.7, 0.8]), by=BY), rate="scoring")
    assert [one.estimate for one in tied.context] == [Proportion(0, 4), Proportion(2, 4)]
    with pytest.raises(CannotMeasure, match=r"columns\.score"):
        measure(CHECK, subject(rates({"f": (1, 2), "m": (1, 2)}), by=BY), rate="scoring")


def test_people_of_unknown_category_are_counted_and_left_out() -> None:
    frame = rates({"f": (24, 80), "m": (48, 80), "?": (0, 30)})
    frame = pd.concat([frame, rates({"x": (0, 12)}).assign(gender=None)])
    found = measure(CHECK, subject(frame, by=BY), unknown=["?"])
    assert set(by_name(found)) == {"gender=f against gender=m", "gender=m against gender=f"}
    assert "gender: 42 rows of an unknown category are not in the calculation." in found.notes
    assert found.rows == len(frame)
    assert worst(measure(CHECK, subject(frame, by=BY)), floor=True) == 0
    (table,) = law(found)
    assert list(zip(map(str, table.names), table.rows, table.apart, table.ratios, strict=True)) == [
        ("gender=?", 30, "unknown", None),
        ("gender=f", 80, "", pytest.approx(0.5)),
        ("gender=m", 80, "", 1.0),
        ("gender=null", 12, "unknown", None),
    ]


def test_a_category_under_two_percent_may_be_left_out_and_is_told() -> None:
    frame = rates({"f": (240, 490), "m": (270, 500), "x": (0, 10)})
    assert status(CHECK, measure(CHECK, subject(frame, by=BY)), min=0.7) != "pass"
    found = measure(CHECK, subject(frame, by=BY), exclude_below=0.02)
    assert len(found.members) == 2
    assert "gender=x: left out of the impact ratios, as the law allows for a category under 2% (10 rows, 1.00% of those" in " ".join(
        found.notes
    )
    assert status(CHECK, found, min=0.7) == "pass"
    (table,) = law(found)
    assert (table.apart, table.rows, table.ratios[2], table.below) == (("", "", "small"), (490, 500, 10), None, 0.02)
    just = measure(CHECK, subject(rates({"f": (240, 490), "m": (270, 490), "x": (0, 20)}), by=BY), exclude_below=0.02)
    assert len(just.members) == 6
    with pytest.raises(ValueError, match="exclude_below"):
        measure(CHECK, subject(frame, by=BY), exclude_below=0.05)


@pytest.mark.parametrize("params", [{"unknown": ["?"]}, {"unknown": ["?"], "exclude_below": 0.015}])
def test_who_is_left_out_of_the_ratios_is_shown_and_breaks_no_run(params: dict[str, object]) -> None:
    """The engine holds every category that the policy names against what the check says; one without a word would be an error."""
    frame = pd.concat([rates({"f": (440, 900), "m": (480, 900), "?": (3, 30), "x": (1, 18)}), rates({"x": (0, 12)}).assign(gender=None)])
    check, asked = discover()[CHECK], Requirement(check=CHECK, id=CHECK, by=BY, min=0.7, params=params)
    (found,) = judging.findings([Job(asked, check, info(CHECK), check.params.model_validate(params), subject(frame, by=BY), 0, 0.95, "x")])
    assert found.status == ("pass" if "exclude_below" in params else "fail"), message(found)
    assert {(str(one.name), one.value) for one in found.slices} >= {("gender=?", 0.1), ("gender=null", 0.0), ("gender=x", 1 / 18)}
    assert found.evidence is not None
    assert not any("?" in str(one.name) or "null" in str(one.name) for one in found.evidence.members)


def test_sex_race_and_their_crossing_each_have_a_table() -> None:
    frame = pd.concat([rates({"f": (30, 100), "m": (50, 100)}).assign(race=race) for race in ("a", "b")])
    found = measure(CHECK, subject(frame, by=(("gender",), ("race",), ("gender", "race"))))
    assert len(found.members) == 2 + 2 + 12
    assert [(one.columns, len(one.names)) for one in law(found)] == [(("gender",), 2), (("race",), 2), (("gender", "race"), 4)]
    assert not any("impact ratio" in note for note in found.notes)
    listed = pd.DataFrame(dict(found.table))
    assert listed["by"].value_counts().to_dict() == {"gender": 2, "race": 2, "gender and race": 4}
    assert listed[listed["category"] == "gender=f"]["impact_ratio"].tolist() == [pytest.approx(0.6)]
    assert not any("names no crossing" in note for note in found.notes)
    assert any("names no crossing" in note for note in measure(CHECK, subject(frame, by=BY)).notes)


@given(ROWS)
def test_the_worst_pair_is_the_smallest_impact_ratio(frame: pd.DataFrame) -> None:
    """That of fairlearn's demographic parity ratio."""
    from fairlearn.metrics import demographic_parity_ratio

    found = measure(CHECK, subject(frame, by=BY))
    if frame.prediction.any():
        expected = demographic_parity_ratio(frame.label, frame.prediction, sensitive_features=frame.gender)
        assert worst(found, floor=True) == pytest.approx(expected, abs=1e-12)
    else:
        assert not found.members
        assert any("no impact ratio" in note for note in found.notes)


@pytest.mark.data
@pytest.mark.parametrize("name", realgroups.NAMES)
def test_agrees_on_real_people(name: str) -> None:
    from fairlearn.metrics import demographic_parity_ratio

    frame = realgroups.table(name)
    crossed = ("group", "second")
    expected = demographic_parity_ratio(frame.label, frame.prediction, sensitive_features=frame[list(crossed)])
    assert worst(measure(CHECK, subject(frame, by=(crossed,))), floor=True) == pytest.approx(expected, abs=1e-9)
    above = (frame.score > frame.score.median()).astype(int)
    expected = demographic_parity_ratio(frame.label, above, sensitive_features=frame.group)
    assert worst(measure(CHECK, subject(frame, by=(("group",),)), rate="scoring"), floor=True) == pytest.approx(expected, abs=1e-9)


def test_pooled_rest_leaves_the_unknown_out_too() -> None:
    frame = rates({"f": (24, 80), "m": (48, 80), "x": (40, 80), "?": (0, 300)})
    found = by_name(measure(CHECK, subject(frame, by=BY, reference_group="pooled_rest"), unknown=["?"]))
    assert found["gender=f against gender=all but f"] == pytest.approx(0.3 / (88 / 160))


def test_rows_of_one_person_have_no_exact_p() -> None:
    frame = rates({"f": (24, 80), "m": (48, 80)}).assign(person=range(160))
    (table,) = law(measure(CHECK, subject(frame, by=BY, group="person")))
    assert table.exact_p == (None, None)
    assert table.lower[0] is not None


def test_where_nobody_is_selected_there_is_no_ratio() -> None:
    found = measure(CHECK, subject(rates({"f": (0, 80), "m": (0, 80)}), by=BY))
    (table,) = law(found)
    assert (table.ratios, table.lower, table.exact_p) == ((None, None), (None, None), (None, None))
    assert "No category is selected at all: there is no impact ratio." in found.notes


def test_the_interval_decides() -> None:
    """A ratio of .9 in 400 rows a group: not clearly over .8, and clearly over .6; the point alone would pass."""
    found = measure(CHECK, subject(rates({"f": (108, 400), "m": (120, 400)}), by=BY))
    assert [status(CHECK, found, min=bound) for bound in (0.6, 0.8)] == ["pass", "inconclusive"]
    assert status(CHECK, unplugged(found), min=0.8) == "pass"
    assert status(CHECK, measure(CHECK, subject(rates({"f": (60, 400), "m": (160, 400)}), by=BY)), min=0.8) == "fail"


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(CannotMeasure, match="fewer than two categories"):
        measure(CHECK, subject(rates({"f": (1, 2), "?": (1, 2)}), by=BY), unknown=["?"])
