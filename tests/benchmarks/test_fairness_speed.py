"""The benchmark of fairness rates, on so few rows that it costs seconds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from audit.measures.frame import RATES
from benchmarks import fairness_speed


def test_twenty_slices_have_fairlearns_values_and_other_rows_have_not() -> None:
    pytest.importorskip("fairlearn", reason="compares with fairlearn")
    rows = fairness_speed.Rows.drawn(2_000, np.random.default_rng(3))
    frames, intervals = fairness_speed.ours(rows)
    assert [len(frame.groups) for frame in frames] == [2, 6, 12]
    assert set(fairness_speed.functions()) == set(RATES)
    assert len(RATES) == 12
    assert intervals == 12 * (20 + 2 + 30 + 132)
    theirs = fairness_speed.theirs(rows, boot=1)
    assert fairness_speed.largest_difference(frames, theirs) < 1e-12
    other, _ = fairness_speed.ours(replace(rows, y_pred=~rows.y_pred))
    assert fairness_speed.largest_difference(other, theirs) > 0.1


def test_memory_is_what_was_held_at_most() -> None:
    assert fairness_speed.megabytes(lambda: np.zeros(2**20).sum()) == pytest.approx(8.0, abs=0.5)
