"""Rows of the current window whose category the reference never had are counted, column by column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.stats import Proportion
from audit.testing import assert_complete, assert_crash_blocks, assert_order_of_rows_is_irrelevant, assert_refused
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.subject import Subject

CHECK = "drift/new_categories"


def windows(before: dict[str, Any], now: dict[str, Any], **roles: Any) -> Subject:
    frames = [pd.DataFrame(columns).assign(prediction="x") for columns in (before, now)]
    return subject(frames[1], reference=frames[0], **roles)


def test_a_worked_example() -> None:
    """12 rows "green" and 3 rows "grey" of 40 are new; a missing cell and numbers are not; "grey" has too few rows to be named."""
    before = {"colour": ["red", "blue"] * 20, "x": np.arange(40.0)}
    now = {"colour": ["red"] * 20 + ["green"] * 12 + ["grey"] * 3 + [None] * 5, "x": np.arange(40.0)}
    found = measure(CHECK, windows(before, now))
    assert [(str(member.name), member.estimate) for member in found.members] == [("column=colour", Proportion(15, 40))]
    assert found.notes == ("colour: 2 new categories in 15 rows, most often green.", "Left out because they hold numbers: x.")


@settings(deadline=None, max_examples=30)
@given(st.lists(st.sampled_from("abcd"), min_size=10, max_size=30), st.lists(st.sampled_from("abcdef"), min_size=1, max_size=30))
def test_it_counts_the_rows_outside_the_set_of_the_reference(before: list[str], now: list[str]) -> None:
    found = measure(CHECK, windows({"c": before * 5}, {"c": now}))
    assert found.members[0].estimate == Proportion(sum(cell not in before for cell in now), len(now))


def test_the_interval_decides_and_covers() -> None:
    """A twentieth of the rows is new. No new category in 30 rows does not prove that fewer than 5 % are."""
    rng, trials = np.random.default_rng(0), 300
    reference = {"c": ["a", "b"] * 50}

    def look() -> Any:
        return measure(CHECK, windows(reference, {"c": np.where(rng.random(300) < 0.05, "new", "a")})).members[0].estimate

    assert max(misses(look, 0.05, trials)) <= most(0.03, trials)
    none = measure(CHECK, windows(reference, {"c": ["a"] * 30}))
    assert status(CHECK, none, max=0.05) == "inconclusive"
    assert status(CHECK, unplugged(none), max=0.05) == "pass"
    assert status(CHECK, measure(CHECK, windows(reference, {"c": ["a"] * 1000})), max=0.05) == "pass"


def test_columns_that_cannot_be_compared() -> None:
    """Names of rows are unmeasured, a column that is gone bars a pass, and named numbers are refused."""
    rows = {"c": ["a", "b"] * 100, "name": [f"n{i}" for i in range(200)]}
    assert [str(one.name) for one in measure(CHECK, windows(rows, rows)).unmeasured] == ["column=name"]
    assert [str(one.name) for one in measure(CHECK, windows({"c": rows["c"]}, {"x": [1.0] * 200})).unmeasured] == ["column=c", "column=x"]
    numbers = {"x": [1.0, 2.0]}
    assert_refused(CHECK, windows(numbers, numbers), because="numbers have no categories: x", columns=["x"])
    assert_refused(CHECK, windows(numbers, numbers), because="no feature of categories")


def test_rows_of_one_person_count_as_one_person() -> None:
    """A category that only one person brought is not named, and the interval is that of persons."""
    before = {"c": ["a", "b"] * 40, "who": np.arange(80)}
    found = measure(CHECK, windows(before, {"c": ["a"] * 60 + ["mine"] * 20, "who": [*range(60), *[99] * 20]}, group="who"), columns=["c"])
    assert found.notes == ("c: 1 new categories in 20 rows.",)
    (member,) = found.members
    assert isinstance(member.estimate, Proportion)
    assert (member.estimate.hits, member.estimate.n, member.estimate.entities) == (20, 80, 61)


def test_it_behaves() -> None:
    frame = pd.DataFrame({"c": ["a", "b", "new"] * 20, "prediction": "x"})
    reference = frame.assign(c=["a", "b", "a"] * 20)
    assert_complete(CHECK, subject(frame, reference=reference))
    assert_crash_blocks(CHECK, subject(frame, reference=reference))
    assert_order_of_rows_is_irrelevant(CHECK, lambda table: subject(table, reference=reference), frame)
    with pytest.raises(ValueError, match="extra"):
        measure(CHECK, subject(frame, reference=reference), share=0.1)
