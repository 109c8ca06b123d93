"""Shares of missing cells are compared between two windows, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.stats import Difference, Proportion
from audit.testing import assert_complete, assert_crash_blocks, assert_order_of_rows_is_irrelevant, assert_refused
from tests.judged import status
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.evidence import Evidence
    from audit.subject import Subject

CHECK = "drift/missingness"


def windows(before: dict[str, Any], now: dict[str, Any], **roles: Any) -> Subject:
    frames = [pd.DataFrame(columns).assign(prediction="x") for columns in (before, now)]
    return subject(frames[1], reference=frames[0], **roles)


def values(found: Evidence) -> dict[str, float]:
    return {str(member.name): round(member.estimate.value, 9) for member in found.members}


def test_a_worked_example() -> None:
    """x: 2 of 20 before, 10 of 40 now; c stops to be missing."""
    before = {"x": [None] * 2 + [1.0] * 18, "c": ["a", None] * 10}
    found = measure(CHECK, windows(before, {"x": [None] * 10 + [1.0] * 30, "c": ["a"] * 40}))
    assert found.members[0].estimate == Difference(Proportion(10, 40), Proportion(2, 20))
    assert values(found) == {
        "window=test, column=x against window=reference, column=x": 0.15,
        "window=reference, column=x against window=test, column=x": -0.15,
        "window=test, column=c against window=reference, column=c": -0.5,
        "window=reference, column=c against window=test, column=c": 0.5,
    }


@settings(deadline=None, max_examples=30)
@given(st.lists(st.booleans(), min_size=1, max_size=30), st.lists(st.booleans(), min_size=1, max_size=30))
def test_the_share_is_that_of_pandas_and_swapping_windows_turns_the_sign(before: list[bool], now: list[bool]) -> None:
    frames = [{"c": [None if gone else "a" for gone in side]} for side in (before, now)]
    one, other = (measure(CHECK, windows(*pair)).members[0].estimate.value for pair in (frames, frames[::-1]))
    expected = pd.DataFrame(frames[1])["c"].isna().mean() - pd.DataFrame(frames[0])["c"].isna().mean()
    assert one == pytest.approx(expected, abs=1e-12)
    assert other == pytest.approx(-expected, abs=1e-12)


def test_words_among_numbers_and_empty_texts_count() -> None:
    before = {"x": [1.0, 2.0] * 50, "text": ["hello"] * 100}
    found = measure(CHECK, windows(before, {"x": ["unknown", "2"] * 50, "text": ["hello"] * 75 + [None] * 25}))
    assert [member.estimate.value for member in found.members if member.estimate.value > 0] == [0.5, 0.25]
    assert "x: 50 cells that are no numbers count as missing." in found.notes


def test_the_interval_decides() -> None:
    """No cell is missing in 40 rows a side, which is no proof of a change below 5 points; a column that is gone bars a pass."""
    few, many = ({"x": np.arange(float(rows))} for rows in (40, 2000))
    found = measure(CHECK, windows(few, few))
    assert status(CHECK, found, max=0.05) == "inconclusive"
    assert status(CHECK, unplugged(found), max=0.05) == "pass"
    assert status(CHECK, measure(CHECK, windows(many, many)), max=0.05) == "pass"
    assert status(CHECK, measure(CHECK, windows(many, {"x": np.where(np.arange(2000) % 5, 1.0, np.nan)})), max=0.05) == "fail"
    assert status(CHECK, measure(CHECK, windows(many | {"y": many["x"]}, many)), max=0.05) == "inconclusive"


def test_it_behaves() -> None:
    frame = pd.DataFrame({"x": [1.0, None, 3.0] * 20, "c": ["a", "b", None] * 20, "prediction": "x"})
    seen = subject(frame, reference=frame.head(30))
    assert_complete(CHECK, seen)
    assert_crash_blocks(CHECK, seen)
    assert_order_of_rows_is_irrelevant(CHECK, lambda table: subject(table, reference=frame.head(30)), frame)
    (up, _) = measure(CHECK, subject(frame, reference=frame.head(30), by=(("c",),), features=["x"])).members
    assert "column=c" in str(up.name)


def test_what_cannot_be_measured_is_refused() -> None:
    frame = pd.DataFrame({"x": [1.0], "prediction": "x"})
    assert_refused(CHECK, subject(frame), because="under `reference`")
    assert_refused(CHECK, subject(frame, reference=frame), because="no column 'z'", columns=["z"])
    bare = frame[["prediction"]]
    assert_refused(CHECK, subject(bare, reference=bare), because="no feature column")
