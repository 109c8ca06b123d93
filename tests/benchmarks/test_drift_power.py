"""The benchmark of drift detectors draws what it says and counts what it says, on so few trials that it costs seconds."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import drift_power


def test_the_changes_are_those_of_the_docstring() -> None:
    rng = np.random.default_rng(0)
    found = {change: [drift_power.windows(change, rng) for _ in range(200)] for change in drift_power.CHANGES}
    now = {change: np.vstack([pair[1] for pair in pairs]) for change, pairs in found.items()}
    assert [rows.shape[1] for rows in now.values()] == [5, 5, 5, 5, 50]
    assert [round(float(rows[:, 0].mean()), 1) for rows in now.values()] == [0.0, 0.4, 0.0, 0.0, 0.5]
    assert [round(float(rows[:, 0].std()), 1) for rows in now.values()] == [1.0, 1.0, 1.5, 1.0, 1.0]
    assert np.corrcoef(now["correlation"].T)[0, 1] == pytest.approx(0.7, abs=0.02)
    assert now["correlation"][:, 1].std() == pytest.approx(1.0, abs=0.02)


@pytest.mark.parametrize("name", ["ks", "hellinger", "chi_squared"])
def test_a_change_is_found_and_none_is_not(name: str) -> None:
    rng = np.random.default_rng(1)
    before, now = rng.normal(size=(200, 3)), rng.normal(2.0, size=(200, 3))
    if name == "chi_squared":
        before, now = (np.digitize(side, drift_power.CUTS).astype(float) for side in (before, now))
    assert drift_power.ours(name, before, now, 0)
    assert not drift_power.ours(name, before, before[::-1], 0)


@pytest.mark.full
def test_both_are_counted_on_the_same_draws() -> None:
    pytest.importorskip("alibi_detect", reason="compares with alibi-detect")
    found, theirs = drift_power.detected("ks", "shift", 3)
    assert found in {0, 1 / 3, 2 / 3, 1}
    assert theirs in {0, 1 / 3, 2 / 3, 1}
    assert drift_power.detected("hellinger", "shift", 1)[1] is None
