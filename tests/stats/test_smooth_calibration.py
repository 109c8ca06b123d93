from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm as normal

from audit.stats import SmoothCalibrationError
from audit.stats.smooth_calibration import crossing
from tests.misses import most

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

ALPHA = 0.025
rows = st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=3, max_size=30)


def drawn(rng: Generator, n: int, steep: float) -> tuple[SmoothCalibrationError, float]:
    """Says p where logit(p) * steep is true, and the true error of these rows."""
    said = rng.beta(2, 1, n)
    true = said**steep / (said**steep + (1 - said) ** steep)
    return SmoothCalibrationError.of(said, rng.random(n) < true), crossing(said, (true - said) / n)


def by_quadrature(said: NDArray[np.float64], residual: NDArray[np.float64], width: float) -> float:
    """The paper's definition: a Gaussian kernel, its mass beyond 0 and 1 reflected, and the integral of the absolute sum."""
    mirrors = np.concatenate([base + sign * said for base in (-4, -2, 0, 2, 4) for sign in (1, -1)])
    weights = np.tile(residual, 10)
    return float(quad(lambda t: abs(weights @ normal.pdf(t, mirrors, width)), 0, 1, limit=400, points=np.linspace(0, 1, 21)[1:-1])[0])


def test_a_worked_example() -> None:
    """All rows given .6, half come true: nothing cancels, so the error is .1 at every bandwidth."""
    found = SmoothCalibrationError.of(np.full(200, 0.6), np.arange(200) % 2 == 0)
    assert found.value == pytest.approx(0.1, abs=1e-9)
    assert found.norms == pytest.approx((0.1,) * len(found.norms), abs=1e-9)
    assert found.n == found.support == 200


def test_agrees_with_the_definition() -> None:
    """At the bandwidth found, the integral equals it."""
    rng = np.random.default_rng(1)
    said: NDArray[np.float64] = rng.random(40)
    hit = rng.random(40) < said**2
    found = SmoothCalibrationError.of(said, hit)
    assert by_quadrature(said, (hit - said) / 40, found.value) == pytest.approx(found.value, abs=1e-5)


def test_agrees_with_relplot() -> None:
    """Figures of relplot 1.0.3, the authors' own, which finds the bandwidth to a thousandth and cuts the kernel off at half the axis."""
    said = (np.arange(300) + 0.5) / 300
    hit = (np.arange(300) * 7 % 11) / 11 < said**2
    assert SmoothCalibrationError.of(said, hit).value == pytest.approx(0.1167688, abs=0.002)
    hit = (np.arange(300) * 3 % 10 + 0.5) / 10 < np.sqrt(said)
    assert SmoothCalibrationError.of(said, hit).value == pytest.approx(0.1664996, abs=0.002)


@settings(max_examples=30)
@given(rows)
def test_the_other_event_has_the_same_error(some: list[tuple[int, bool]]) -> None:
    """Mirrored, and whatever the order of rows."""
    said, hit = np.array([twentieths for twentieths, _ in some], dtype=float) / 20, np.array([one for _, one in some])
    here, there = SmoothCalibrationError.of(said, hit), SmoothCalibrationError.of(1 - said[::-1], ~hit[::-1])
    assert there.value == pytest.approx(here.value, abs=1e-9)
    assert there.bounds(ALPHA, ALPHA) == pytest.approx(here.bounds(ALPHA, ALPHA), abs=1e-6)
    low, high = here.bounds(ALPHA, ALPHA)
    assert 0 <= low <= here.value <= high <= 1


def test_a_calibrated_model_stays_under_the_floor() -> None:
    rng = np.random.default_rng(2)
    found = [drawn(rng, 300, 1.0)[0] for _ in range(80)]
    assert np.mean([one.value > one.noise_floor for one in found]) <= most(0.05, 80)
    assert np.mean([one.value for one in found]) > 0.4 * found[0].noise_floor
    assert np.mean([one.bounds(ALPHA, ALPHA)[0] > 0 for one in found]) <= most(ALPHA, 80)


@pytest.mark.parametrize("steep", [0.5, 2.0])
def test_coverage(steep: float) -> None:
    """Both ends are conservative, and neither is useless."""
    rng, trials = np.random.default_rng(3), 80
    pairs = [drawn(rng, 1000, steep) for _ in range(trials)]
    ends, truth = np.array([one.bounds(ALPHA, ALPHA) for one, _ in pairs]), np.array([true for _, true in pairs])
    assert np.mean(ends[:, 0] > truth) <= most(ALPHA, trials)
    assert np.mean(ends[:, 1] < truth) <= most(ALPHA, trials)
    assert truth.mean() / 2 < ends[:, 0].mean()
    assert ends[:, 1].mean() < 1.6 * truth.mean()


def test_rows_that_are_all_right_leave_room() -> None:
    """Said .999 and never wrong in 300 rows: one in a hundred may be wrong unseen."""
    found = SmoothCalibrationError.of(np.full(300, 0.999), np.ones(300, dtype=bool))
    assert found.bounds(ALPHA, ALPHA)[0] == 0
    assert found.bounds(ALPHA, ALPHA)[1] >= 0.011


def test_rows_of_one_entity_widen_both_ends() -> None:
    rng = np.random.default_rng(4)
    person, said = np.repeat(np.arange(100), 10), np.repeat(rng.random(100), 10)
    hit = np.repeat(rng.random(100) < said[::10] ** 3, 10)
    alone, grouped = SmoothCalibrationError.of(said, hit), SmoothCalibrationError.of(said, hit, person)
    assert grouped.value == alone.value
    assert grouped.noise_floor > 1.5 * alone.noise_floor
    assert grouped.bounds(ALPHA, ALPHA)[0] < alone.bounds(ALPHA, ALPHA)[0]
    assert grouped.bounds(ALPHA, ALPHA)[1] > alone.bounds(ALPHA, ALPHA)[1]
    assert grouped.support == 100


def test_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        SmoothCalibrationError.of(np.array([]), np.array([], dtype=bool))
