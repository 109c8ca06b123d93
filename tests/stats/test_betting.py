"""Means by betting: their capital by hand, coverage at every look, entities, and other sizes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.stats import binom

from audit.stats import BettingMean, Proportion, betting
from audit.stats.betting import LEVELS, STAKES, Bets

if TYPE_CHECKING:
    from numpy.typing import NDArray

losses = st.lists(st.floats(0, 1), min_size=1, max_size=60).map(np.array)


def capital(values: NDArray[np.float64], mean: float) -> float:
    """Of bets that the mean is above `mean`, written out."""
    products = [float(np.prod([1 + stake * (x - mean) for x in values])) if stake * mean < 1 else 0.0 for stake in STAKES]
    return sum(products) / len(STAKES)


def test_a_worked_example() -> None:
    """30 errors in 100 rows: the lower end is where the mean capital reaches 40, as a root search finds it."""
    values = np.array([1.0] * 30 + [0.0] * 70)
    found = BettingMean.of(values)
    level = min(one for one in LEVELS if one >= math.log(40) - 1e-9)
    exact = brentq(lambda mean: math.log(capital(values, mean)) - level, 0.01, 0.299)
    assert found.value == pytest.approx(0.3)
    assert exact - 0.003 <= found.bounds(0.025, 0.025)[0] <= exact
    assert found.bounds(0.025, 0.025)[0] < Proportion(30, 100).bounds(0.025, 0.025)[0]


@given(losses, st.floats(0.01, 0.99))
def test_the_capital_is_the_product_of_its_bets(values: NDArray[np.float64], mean: float) -> None:
    bets = Bets.of(values, None, low=0.0, high=1.0)
    above, below = (float(bets.log_capital(np.array([mean]), floor=floor)[0]) for floor in (True, False))
    assert math.exp(above) == pytest.approx(capital(values, mean))
    assert math.exp(below) == pytest.approx(capital(1 - values, 1 - mean))


@given(losses, st.sampled_from([0.5, 0.025, 0.001, 1e-9, 1e-30]))
def test_ends_hold_the_mean_mirror_each_other_and_do_not_depend_on_order_or_scale(values: NDArray[np.float64], alpha: float) -> None:
    found = BettingMean.of(values)
    low, high = found.bounds(alpha, alpha)
    assert 0 <= low <= found.value + 1e-12
    assert found.value - 1e-12 <= high <= 1
    assert BettingMean.of(values[::-1]).bounds(alpha, alpha) == pytest.approx((low, high), abs=1e-9)
    assert BettingMean.of(1 - values).bounds(alpha, alpha) == pytest.approx((1 - high, 1 - low), abs=0.02)
    assert BettingMean.of(3 * values - 1, low=-1.0, high=2.0).bounds(alpha, alpha) == pytest.approx((3 * low - 1, 3 * high - 1), abs=0.06)


def test_a_single_look_misses_less_often_than_its_level() -> None:
    """Enumerated over 120 rows."""
    hits = np.arange(121)
    ends = np.array([BettingMean.of((np.arange(120) < one).astype(float)).bounds(0.025, 0.025) for one in hits])
    for share in (0.02, 0.1, 0.5):
        chances = binom.pmf(hits, 120, share)
        assert chances[ends[:, 0] > share].sum() <= 0.025
        assert chances[ends[:, 1] < share].sum() <= 0.025


def test_looks_after_every_row_miss_less_often_than_the_level() -> None:
    """Capital against the true mean in 400 runs of 1,000 skewed losses: how often it ever reaches 1 over the level of 5 %."""
    rng = np.random.default_rng(0)
    values = rng.beta(0.3, 2.7, (400, 1000))
    paths = np.mean([np.exp(np.cumsum(np.log1p(stake * (values - 0.1)), axis=1)) for stake in STAKES], axis=0)
    ever = float(np.mean(paths.max(axis=1) >= 20))
    assert 0.003 <= ever <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_a_mean_that_moves_is_covered_by_its_average() -> None:
    """Half of the rows lose .05 on average, half .25: the average is .15."""
    rng, trials = np.random.default_rng(1), 150
    ends = [BettingMean.of((rng.random(400) < np.repeat([0.05, 0.25], 200)).astype(float)).bounds(0.05, 0.05) for _ in range(trials)]
    assert np.mean([low > 0.15 or high < 0.15 for low, high in ends]) <= 0.05


def test_entities_count_and_not_their_rows() -> None:
    """Forty entities whose 25 rows are alike tell what forty rows tell."""
    flags = np.arange(40) % 4 == 0
    clustered = BettingMean.of(np.repeat(flags, 25).astype(float), np.repeat(np.arange(40), 25))
    alone = BettingMean.of(flags.astype(float))
    assert (clustered.rows, clustered.support) == (1000, 40)
    assert clustered.bounds(0.025, 0.025) == pytest.approx(alone.bounds(0.025, 0.025))
    rng, misses = np.random.default_rng(2), 0
    for _ in range(100):
        sizes = rng.integers(1, 30, 60)
        values = np.repeat(rng.random(60) < 0.3, sizes).astype(float)
        low, high = BettingMean.of(values, np.repeat(np.arange(60), sizes)).bounds(0.025, 0.025)
        misses += low > 0.3 or high < 0.3
    assert misses <= 5


def test_many_different_losses_are_rounded_outwards(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(4).beta(2, 18, 400)
    exact = BettingMean.of(values).bounds(0.025, 0.025)
    monkeypatch.setattr(betting, "_GRID", 100)
    rounded = BettingMean.of(values).bounds(0.025, 0.025)
    assert exact[0] - 0.012 <= rounded[0] < exact[0] < exact[1] < rounded[1] <= exact[1] + 0.012


def test_other_sizes_and_values() -> None:
    found = BettingMean.of(np.array([1.0] * 40 + [0.0] * 360))
    larger, real = found.with_sample_size(4), BettingMean.of(np.array([1.0] * 160 + [0.0] * 1440))
    assert (larger.rows, larger.units, larger.value) == (1600, 1600, 0.1)
    assert larger.bounds(0.025, 0.025) == pytest.approx(real.bounds(0.025, 0.025), abs=0.008)
    moved = found.with_value(0.3)
    assert moved.value == pytest.approx(0.3)
    assert moved.bounds(0.025, 0.025)[0] - 0.3 == pytest.approx(found.bounds(0.025, 0.025)[0] - 0.1)
    assert found.with_value(2.0).value == 1.0


@pytest.mark.parametrize("values", [[], [1.5], [-0.1, 0.5], [math.nan]])
def test_losses_outside_their_range_are_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="within a range"):
        BettingMean.of(np.array(values))


def test_ends_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="lower and upper ends"):
        BettingMean(0.5, 10, 10, 0.0, 1.0, (0.1,), (0.9,))
