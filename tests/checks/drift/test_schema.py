"""Columns that went missing, were added or changed their kind are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.stats import Census
from audit.testing import assert_complete, assert_crash_blocks, assert_order_of_rows_is_irrelevant, assert_refused
from tests.judged import status
from tests.support import measure, subject

if TYPE_CHECKING:
    from audit.evidence import Evidence

CHECK = "drift/schema"


def schema(before: dict[str, Any], now: dict[str, Any], *, roles: dict[str, Any] | None = None, **params: Any) -> Evidence:
    frames = [pd.DataFrame(columns).assign(prediction="x") for columns in (before, now)]
    return measure(CHECK, subject(frames[1], reference=frames[0], **(roles or {})), **params)


def counts(found: Evidence) -> dict[str, float]:
    return {str(member.name).removeprefix("columns="): member.estimate.value for member in found.members}


def test_a_worked_example() -> None:
    """A is gone, d and e are new, b was numbers and is words: four columns of five named."""
    found = schema(
        {"a": [1.0, 2.0], "b": [1.0, 2.0], "c": ["u", "v"]}, {"b": ["one", "two"], "c": ["v", "u"], "d": [0, 1], "e": ["x", "y"]}
    )
    assert counts(found) == {"missing": 1, "added": 2, "kind changed": 1}
    assert found.members[0].estimate == Census(1, 5)
    assert found.notes[:2] == ("Columns missing: a.", "Columns added: d, e.")
    assert found.notes[2].startswith("Columns kind changed: b (number, now ")
    assert status(CHECK, found, max=0) == "fail"


def test_the_same_columns_in_another_order_pass() -> None:
    found = schema({"a": [1.0], "b": ["u"]}, {"b": ["v"], "a": [2.0]})
    assert counts(found) == {"missing": 0, "added": 0, "kind changed": 0}
    assert status(CHECK, found, max=0) == "pass"


def test_swapping_windows_swaps_missing_and_added() -> None:
    one, two = {"a": [1.0], "b": [1.0]}, {"b": [1.0], "c": [1.0], "d": [2.0]}
    there, back = counts(schema(one, two)), counts(schema(two, one))
    assert (there["missing"], there["added"]) == (back["added"], back["missing"]) == (1, 2)


def test_labels_may_come_later_and_what_is_ignored_may_change() -> None:
    assert counts(schema({"a": [1.0], "label": ["y"]}, {"a": [1.0]})) == {"missing": 0, "added": 0, "kind changed": 0}
    assert counts(schema({"a": [1.0]}, {"a": [1.0], "b": [1.0]}, ignore=["b"])) == {"missing": 0, "added": 0, "kind changed": 0}


def test_declared_features_texts_and_sensitive_columns_are_compared() -> None:
    before = {"text": ["some words", "more"], "x": [1.0, 2.0], "gender": ["f", "m"], "other": [1, 2]}
    roles = {"features": ["x"], "sensitive": ("gender",)}
    gone = {name: cells for name, cells in before.items() if name == "other"}
    assert counts(schema(before, gone, roles=roles))["missing"] == 3
    assert schema(before, before, roles=roles).members[0].estimate == Census(0, 3)


def test_a_column_that_came_empty_has_changed() -> None:
    assert counts(schema({"a": [1.0, 2.0]}, {"a": [None, None]}))["kind changed"] == 1


def test_it_behaves() -> None:
    frame = pd.DataFrame({"x": np.arange(30.0), "c": ["a", "b", "c"] * 10, "prediction": "x"})
    reference = frame.assign(y=1.0)
    assert_complete(CHECK, subject(frame, reference=reference))
    assert_crash_blocks(CHECK, subject(frame, reference=reference))
    assert_order_of_rows_is_irrelevant(CHECK, lambda table: subject(table, reference=reference), frame)


def test_what_cannot_be_measured_is_refused() -> None:
    bare = pd.DataFrame({"prediction": ["a"]})
    assert_refused(CHECK, subject(bare), because="under `reference`")
    assert_refused(CHECK, subject(bare, reference=bare), because="no feature column")
    with pytest.raises(ValueError, match="ignores"):
        measure(CHECK, subject(bare), ignores=["x"])
