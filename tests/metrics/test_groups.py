from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given

from audit.errors import CannotMeasure
from tests.classified import shuffled
from tests.grouped import ROWS, by_name, rates
from tests.judged import finding, status
from tests.support import measure, subject

CHECK = "fairness/demographic_parity_difference"
PARITY = (CHECK, "fairness/demographic_parity_ratio")
FRAME = rates({"f": (30, 100), "m": (50, 100), "x": (40, 200)})


def gaps(reference_group: str | None = None, frame: pd.DataFrame = FRAME) -> dict[str, float]:
    return by_name(measure(CHECK, subject(frame, by=(("gender",),), reference_group=reference_group)))


@pytest.mark.parametrize("check", PARITY)
@given(frame=ROWS)
def test_renaming_groups_and_reordering_rows_change_nothing(check: str, frame: pd.DataFrame) -> None:
    new = {"f": "q", "m": "r", "x": "s"}
    renamed = shuffled(frame.assign(gender=frame.gender.map(new)))
    before, after = (by_name(measure(check, subject(table, by=(("gender",),)))) for table in (frame, renamed))
    expected = {re.sub("(?<=gender=)[fmx]", lambda old: new[old.group()], name): value for name, value in before.items()}
    assert after == pytest.approx(expected)


def test_by_default_every_ordered_pair() -> None:
    found = gaps()
    assert len(found) == 6
    assert found["gender=m against gender=x"] == pytest.approx(0.3)
    assert found["gender=x against gender=m"] == pytest.approx(-0.3)


def test_pooled_rest_holds_each_group_against_all_others_together() -> None:
    found = gaps("pooled_rest")
    assert len(found) == 6
    assert found["gender=f against gender=all but f"] == pytest.approx(0.3 - 90 / 300)
    assert found["gender=all but x against gender=x"] == pytest.approx(80 / 200 - 0.2)


def test_of_two_groups_the_rest_is_the_other() -> None:
    two = FRAME[FRAME.gender != "x"]
    assert gaps("pooled_rest", two) == gaps(None, two)


def test_a_named_group_is_the_reference_of_all_others() -> None:
    found = gaps("f")
    assert set(found) == {
        "gender=m against gender=f",
        "gender=f against gender=m",
        "gender=x against gender=f",
        "gender=f against gender=x",
    }


def test_the_highest_group_is_told_to_be_chosen_after_looking() -> None:
    found = measure(CHECK, subject(FRAME, by=(("gender",),), reference_group="highest"))
    assert {str(one.name).split(" against ")[1] for one in found.members[::2]} == {"gender=m"}
    assert max(by_name(found).values()) == pytest.approx(0.3)
    assert "after looking" in found.notes[0]


def test_a_crossed_family_names_its_groups_in_order() -> None:
    frame = FRAME.assign(region=["n", "s"] * 200)
    found = by_name(measure(CHECK, subject(frame, by=(("gender", "region"),), reference_group="m, s")))
    assert len(found) == 10
    assert "gender=f, region=n against gender=m, region=s" in found
    pooled = by_name(measure(CHECK, subject(frame, by=(("gender", "region"),), reference_group="pooled_rest")))
    assert "gender=f, region=n against gender, region=all but f, n" in pooled


def test_families_are_compared_within_themselves() -> None:
    frame = FRAME.assign(region=["n", "s"] * 200)
    found = measure(CHECK, subject(frame, by=(("gender",), ("region",))))
    assert len(found.members) == 6 + 2
    assert len(found.context) == 3 + 2


def test_rows_without_a_value_are_a_group() -> None:
    frame = FRAME.assign(gender=FRAME.gender.where(FRAME.gender != "x"))
    assert set(gaps("null", frame)) == {
        "gender=f against gender=null",
        "gender=null against gender=f",
        "gender=m against gender=null",
        "gender=null against gender=m",
    }


def test_the_judge_shows_the_groups_rates_and_names_the_worst_pair() -> None:
    found = finding(CHECK, measure(CHECK, subject(FRAME, by=(("gender",),))), max=0.1)
    assert found.status == "fail"
    assert found.headline is not None
    assert str(found.headline.member) == "gender=m against gender=x"
    assert [(str(row.name), row.value, row.status) for row in found.slices] == [
        ("gender=m", 0.5, None),
        ("gender=f", 0.3, None),
        ("gender=x", 0.2, None),
    ]


def test_more_classes_are_taken_one_against_the_rest() -> None:
    frame = pd.DataFrame({"label": list("abc") * 20, "prediction": list("abcabb") * 10, "gender": ["f", "f", "m", "m", "f", "m"] * 10})
    found = by_name(measure(CHECK, subject(frame, by=(("gender",),))))
    assert len(found) == 2 * 3
    share = {group: (frame[frame.gender == group].prediction == "b").mean() for group in "fm"}
    assert found["gender=f, class=b against gender=m, class=b"] == pytest.approx(share["f"] - share["m"])
    alone = by_name(measure(CHECK, subject(frame, by=(("gender",),), positive="b")))
    assert alone == {"gender=f against gender=m": share["f"] - share["m"], "gender=m against gender=f": share["m"] - share["f"]}


def test_a_column_called_class_is_not_confused_with_the_class() -> None:
    frame = pd.DataFrame({"label": list("abc") * 4, "prediction": list("abc") * 4, "class": ["first", "second"] * 6})
    found = measure(CHECK, subject(frame, by=(("class",),)))
    assert found.context[0].name.to_json() == {"class": "first", "class'": "a"}


def test_rows_of_one_person_widen_the_interval() -> None:
    frame = pd.concat([FRAME.assign(person=range(400), amount=row / 8 + np.arange(400)) for row in range(4)])
    ends = [
        measure(CHECK, subject(frame, by=(("gender",),), group=group)).members[0].estimate.bounds(0.025, 0.025)
        for group in (None, "person")
    ]
    assert ends[1][1] - ends[1][0] > 1.9 * (ends[0][1] - ends[0][0])


def test_a_small_group_bars_a_pass() -> None:
    frame = rates({"f": (100, 500), "m": (100, 500), "x": (2, 10)})
    assert status(CHECK, measure(CHECK, subject(frame, by=(("gender",),))), max=0.9) == "inconclusive"
    assert status(CHECK, measure(CHECK, subject(frame[frame.gender != "x"], by=(("gender",),))), max=0.9) == "pass"


def test_what_cannot_be_compared_is_refused() -> None:
    with pytest.raises(CannotMeasure, match=r"'z' is no group of gender: there are f; m; x"):
        gaps("z")
    with pytest.raises(CannotMeasure, match=r"one group only \(gender=f\)"):
        gaps(None, FRAME[FRAME.gender == "f"])
    with pytest.raises(CannotMeasure, match="under `by`"):
        measure(CHECK, subject(FRAME))
    with pytest.raises(CannotMeasure, match=r"columns\.positive"):
        measure(CHECK, subject(FRAME.replace({"label": {1: "y"}, "prediction": {1: "y", 0: "n"}}), by=(("gender",),)))
