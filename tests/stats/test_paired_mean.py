from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from audit.stats import Mean, PairedMean
from tests.misses import misses, most

ALPHA = 0.025
loss = st.floats(0, 10).map(lambda x: round(x, 3))
losses = st.lists(st.tuples(loss, loss), min_size=3, max_size=40)


def test_a_symmetric_difference_has_students_paired_interval() -> None:
    first, second = np.array([3.0, 5.0, 4.0, 6.0] * 5), np.array([2.0, 3.0, 3.0, 4.0] * 5)
    expected = ttest_rel(first, second).confidence_interval(0.95)
    found = PairedMean.of(first, second)
    assert found.value == 1.5
    assert found.bounds(ALPHA, ALPHA) == pytest.approx((expected.low, expected.high))


@given(losses)
def test_turns_with_the_models(some: list[tuple[float, float]]) -> None:
    first, second = np.array(some).T
    here, there = PairedMean.of(first, second), PairedMean.of(second, first)
    low, high = here.bounds(0.01, 0.1)
    assert low <= here.value <= high
    assert there.bounds(0.1, 0.01) == pytest.approx((-high, -low), abs=1e-9)
    wider = here.bounds(0.005, 0.05)
    assert wider[0] <= low
    assert wider[1] >= high
    order = np.random.default_rng(len(some)).permutation(len(some))
    assert PairedMean.of(first[order], second[order]).bounds(0.01, 0.1) == pytest.approx((low, high), abs=1e-9)


def test_what_both_find_hard_drops_out() -> None:
    """Skewed losses that the two share; each end keeps its level, and the interval is far narrower than a mean's own."""
    rng, trials = np.random.default_rng(61), 600

    def draw() -> PairedMean:
        hard = rng.exponential(size=100)
        return PairedMean.of(hard + rng.normal(0.1, 0.2, 100), hard)

    assert max(misses(draw, 0.1, trials)) <= most(ALPHA, trials)
    (low, high), (far_low, far_high) = draw().bounds(ALPHA, ALPHA), Mean.of(rng.exponential(size=100)).bounds(ALPHA, ALPHA)
    assert high - low < 0.5 * (far_high - far_low)


def test_entities_and_equal_losses() -> None:
    person = np.repeat(np.arange(20), 5)
    same = np.full(100, 0.3)
    found = PairedMean.of(same, same, person, low=0.0, high=1.0)
    edge = 1 - 0.025 ** (1 / 20)
    assert found.support == 20
    assert found.bounds(ALPHA, ALPHA) == pytest.approx((-edge, edge))
    assert PairedMean.of(same, same, low=0.0).bounds(ALPHA, ALPHA) == (-math.inf, math.inf)
    assert found.n == 100
    assert "20 effective entities" in found.method


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="the same rows, got 3 and 2"):
        PairedMean.of(np.ones(3), np.ones(2))
    with pytest.raises(ValueError, match="leave their range"):
        PairedMean.of(np.array([0.5, 1.5]), np.array([0.5, 0.5]), low=0.0, high=1.0)
    with pytest.raises(ValueError, match="finite values"):
        PairedMean.of(np.array([math.nan]), np.array([1.0]))
