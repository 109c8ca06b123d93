"""The benchmarks of rates by group, on so few rows that they cost seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import by_group, fairness_speed


def test_twenty_slices_have_fairlearns_values_and_other_rows_have_not() -> None:
    pytest.importorskip("fairlearn", reason="compares with fairlearn")
    rows = fairness_speed.drawn(2_000, np.random.default_rng(3))
    found = by_group.ours(rows, fairness_speed.FAMILIES, metrics=list(by_group.METRICS))
    assert list(found) == list(by_group.functions())
    assert len(found) == 12
    assert by_group.intervals(found) == 12 * 20 + 5 * (2 + 30 + 132)
    theirs = fairness_speed.theirs(rows, boot=1)
    assert [len(frame.by_group) for frame in theirs] == [2, 6, 12]
    assert by_group.largest_difference(found, theirs) < 1e-12
    other = by_group.ours(replace(rows, y_pred=~rows.y_pred), fairness_speed.FAMILIES, metrics=list(by_group.METRICS))
    assert by_group.largest_difference(other, theirs) > 0.1


def test_a_group_that_one_side_lacks_is_an_error() -> None:
    pytest.importorskip("fairlearn", reason="compares with fairlearn")
    rows = fairness_speed.drawn(500, np.random.default_rng(4))
    theirs = by_group.theirs(rows, ("sex",), metrics=["accuracy"], boot=1)
    women = rows.columns["sex"] == "female"
    part = by_group.Rows(rows.y_true[women], rows.y_pred[women], {key: values[women] for key, values in rows.columns.items()})
    with pytest.raises(ValueError, match="accuracy: groups"):
        by_group.largest_difference(by_group.ours(part, [("sex",)], metrics=["accuracy"]), [theirs])


def test_memory_is_what_was_held_at_most() -> None:
    assert fairness_speed.megabytes(lambda: np.zeros(2**20).sum()) == pytest.approx(8.0, abs=0.5)
