"""The assertions that a third party makes of its checks: sound checks meet them, each kind of fault does not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.catalog import discover
from audit.evidence import Evidence, Member, Slice
from audit.stats import Proportion
from audit.testing import assert_complete, assert_crash_blocks, assert_order_of_rows_is_irrelevant, assert_refused, measure, subject

if TYPE_CHECKING:
    from audit.check import Check
    from audit.subject import Subject

ACCURACY = discover()["performance/accuracy"]


def table(rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, rows)
    score = np.clip(0.3 * label + rng.uniform(0, 0.7, rows), 0.01, 0.99)
    prediction = (score > 0.5).astype(int)
    return pd.DataFrame({"label": label, "prediction": prediction, "score": score, "gender": rng.choice(["f", "m"], rows)})


def grouped(frame: pd.DataFrame) -> Subject:
    return subject(frame, by=(("gender",),))


def changed(**parts: Any) -> Check:
    """Accuracy with evidence that is wrong in some parts."""
    return replace(ACCURACY, measure=lambda *given: replace(ACCURACY.measure(*given), **parts))


@pytest.mark.parametrize(
    "check_id", ["performance/f1", "performance/roc_auc", "fairness/equal_opportunity_difference", "calibration/brier_decomposition"]
)
def test_sound_checks_meet_all(check_id: str) -> None:
    assert_complete(check_id, grouped(table()))
    assert_order_of_rows_is_irrelevant(check_id, grouped, table())
    assert_crash_blocks(check_id, grouped(table()))
    assert_refused(check_id, grouped(table().drop(columns="label")), because="columns.label")


def test_a_check_that_is_not_in_the_catalogue_yet() -> None:
    assert assert_complete(changed(), grouped(table())).members == measure(ACCURACY, grouped(table())).members
    assert_crash_blocks(changed(), grouped(table()))


@dataclass(frozen=True, slots=True)
class Narrowing:
    """An estimate whose interval narrows where it should widen."""

    value: float = 0.5

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        return 0.5 - 4 * lower_alpha, 0.5 + 4 * upper_alpha


OVERALL, TWICE = Member(Slice(), Proportion(3, 4)), (Member(Slice(), Proportion(3, 4)), Member(Slice(), Proportion(2, 4)))


@pytest.mark.parametrize(
    ("parts", "error", "said"),
    [
        ({"rows": 199}, ValueError, "examined 199 of 200 rows"),
        ({"members": (OVERALL,)}, ValueError, "says nothing of gender=f"),
        ({"members": (*TWICE,)}, ValueError, "says nothing of gender=f"),
        ({"unit": ""}, AssertionError, "names no unit"),
    ],
)
def test_incomplete_evidence_is_noticed(parts: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        assert_complete(changed(**parts), grouped(table()))


def test_two_members_of_one_name_and_a_value_outside_the_range_are_noticed() -> None:
    with pytest.raises(AssertionError, match="two members have one name"):
        assert_complete(changed(members=TWICE), subject(table()))
    with pytest.raises(AssertionError, match=r"lies outside 0.0 to 0.1"):
        assert_complete(replace(ACCURACY, highest=0.1), subject(table()))


def test_an_estimate_that_cannot_be_stored_is_noticed() -> None:
    with pytest.raises(TypeError, match="Narrowing"):
        assert_complete(changed(members=(Member(Slice(), Narrowing()),)), subject(table()))  # type: ignore[arg-type]  # no estimate


def test_a_check_that_looks_at_the_order_of_rows_is_noticed() -> None:
    def first_half(seen: Subject, *_: object) -> Evidence:
        right = (seen.y_true() == seen.y_pred())[: seen.data.rows // 2]
        return Evidence((Member(Slice(), Proportion.of(right)),), "accuracy", seen.data.rows)

    with pytest.raises(AssertionError, match="when the rows were shuffled"):
        assert_order_of_rows_is_irrelevant(replace(ACCURACY, measure=first_half), subject, table())


def test_a_measured_input_that_should_be_refused_is_noticed() -> None:
    with pytest.raises(AssertionError, match="it is measured"):
        assert_refused(ACCURACY, subject(table()), because="anything")
    with pytest.raises(AssertionError, match="refused for another reason"):
        assert_refused(ACCURACY, subject(table().drop(columns="label")), because="no rows")
