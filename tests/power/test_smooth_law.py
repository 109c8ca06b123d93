"""Foreseen chances of a smooth calibration error against drawn ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from audit.power.analysis import Expected, outlook
from audit.power.laws import Asked, chances, grown, likely, typical
from audit.power.laws.smooth_calibration import curve
from audit.stats import SmoothCalibrationError
from audit.stats.smooth_calibration import crossing

if TYPE_CHECKING:
    from numpy.random import Generator

TRIALS = 120


def drawn(rng: Generator, n: int, steep: float) -> tuple[SmoothCalibrationError, float]:
    """Says p where logit(p) * steep is true, and the true error of these rows."""
    said = rng.beta(2, 1, n)
    true = said**steep / (said**steep + (1 - said) ** steep)
    return SmoothCalibrationError.of(said, rng.random(n) < true), crossing(said, (true - said) / n)


@pytest.mark.parametrize(("n", "steep"), [(300, 1.0), (1000, 1.0), (1000, 0.6), (1000, 0.3), (1000, 2.0)])
def test_agrees_with_drawn_ones(n: int, steep: float) -> None:
    """A calibrated model and others; the pilot had ten times as many rows. The share that passes or fails at a few bounds."""
    rng = np.random.default_rng(1)
    pilot, _ = drawn(rng, 10 * n, steep)
    made, truths = zip(*(drawn(rng, n, steep) for _ in range(TRIALS)), strict=True)
    ends, truth = np.array([one.bounds(0.025, 0.025) for one in made]), float(np.mean(truths))
    for share in (0.2, 0.5, 0.8):
        bound = float(np.quantile(ends[:, 1], share))
        seen, own = (chances(one, truth, growth, Asked(bound, floor=False))[1] for one, growth in ((pilot, 0.1), (made[0], 1.0)))
        assert seen == pytest.approx(share, abs=0.14 if steep == 1.0 else 0.16)
        assert own == pytest.approx(share, abs=0.2)
        low = float(np.quantile(ends[:, 0], share))
        fails = chances(pilot, truth, 0.1, Asked(low + 1e-9, floor=False))[0]
        assert fails == pytest.approx(float(np.mean(ends[:, 0] > low)), abs=0.25)


def test_a_plan_does_not_promise_a_pass_that_does_not_come() -> None:
    """A calibrated model of 300 rows: its upper end lies at .07 and more, although its true error is 0."""
    made, _ = drawn(np.random.default_rng(3), 300, 1.0)
    assert outlook([Expected(made, 0.0)], Asked(0.06, floor=False)).p_pass < 0.02
    assert outlook([Expected(made, 0.0)], Asked(0.13, floor=False)).p_pass > 0.98
    needed = outlook([Expected(made, 0.0)], Asked(0.05, floor=False)).needed
    assert needed is not None
    rng = np.random.default_rng(4)
    passed = np.mean([drawn(rng, needed, 1.0)[0].bounds(0.025, 0.025)[1] <= 0.05 for _ in range(60)])
    assert passed == pytest.approx(0.8, abs=0.16)  # three Monte-Carlo errors


def test_better_is_likelier_to_pass_and_more_rows_settle_it() -> None:
    pilot, _ = drawn(np.random.default_rng(5), 3000, 0.5)
    asked = Asked(0.1, floor=False)
    passes = [chances(pilot, truth, 1.0, asked)[1] for truth in (0.0, 0.04, 0.08, 0.12)]
    assert passes == sorted(passes, reverse=True)
    assert passes[0] > 0.99
    assert passes[-1] < 0.01
    assert chances(pilot, 0.12, 30.0, asked)[0] > chances(pilot, 0.12, 1.0, asked)[0] + 0.3
    more = grown(pilot, 4.0)
    assert more.n == 4 * pilot.n
    assert max(more.means) == pytest.approx(max(pilot.means) / 2)


def test_what_is_likely_and_what_is_typical() -> None:
    """Chance alone makes the error of a calibrated model larger than 0: that is taken off."""
    rng = np.random.default_rng(6)
    seen = [drawn(rng, 1000, 1.0)[0] for _ in range(20)]
    assert np.mean([one.value for one in seen]) > 0.02
    assert np.median([likely(one) for one in seen]) < 0.015
    pilot, truth = drawn(rng, 20_000, 0.4)
    assert likely(pilot) == pytest.approx(truth, abs=0.01)
    low, high = typical(pilot, truth, 1.0, (0.025, 0.025))
    assert (low, high) == pytest.approx(pilot.bounds(0.025, 0.025), abs=0.012)
    assert typical(pilot, 0.0, 1.0, (0.025, 0.025))[0] == 0.0


def test_rows_of_which_all_say_the_same() -> None:
    """One bandwidth is left where there is little noise."""
    made = SmoothCalibrationError.of(np.full(400, 0.6), np.arange(400) % 10 < 6)
    above, below = chances(made, 0.0, 1.0, Asked(0.2, floor=False))
    assert (above, below) == (0.0, 1.0)


def test_a_pilot_of_few_rows_has_chances_however_many_are_to_come() -> None:
    """With more rows its floor falls below an error that was all noise: nothing is left of the pilot's shape."""
    rng = np.random.default_rng(0)
    for n in rng.integers(2, 60, 60):
        said = rng.random(n).round(2)
        pilot = SmoothCalibrationError.of(said, rng.random(n) < said)
        there = curve(grown(pilot, 10.0), 0.5)
        assert np.interp(0.5, there.widths, there.signal) == pytest.approx(0.5, rel=0.05)
