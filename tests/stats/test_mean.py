from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import skew, ttest_1samp

from audit.stats import Mean
from tests.misses import misses, most

ALPHA = 0.025
numbers = st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=2, max_size=50)


def test_a_symmetric_sample_has_students_interval() -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0] * 4)
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    assert Mean.of(values).bounds(ALPHA, ALPHA) == pytest.approx((expected.low, expected.high))


def test_the_transformation_is_halls() -> None:
    """The transform of each end's t statistic, T + g T^2 / (3 root n) + g^2 T^3 / (27 n) + g / (6 root n), is Student's quantile."""
    values = np.random.default_rng(2).exponential(size=60)
    found = Mean.of(values)
    assert found.skewness == pytest.approx(skew(values), rel=0.05)
    root, g = math.sqrt(60), found.skewness
    for end, quantile in zip(found.bounds(ALPHA, ALPHA), (2.0009954, -2.0009954), strict=True):
        t = (found.mean - end) / found.deviation * root
        assert t + g * t**2 / (3 * root) + g**2 * t**3 / (27 * 60) + g / (6 * root) == pytest.approx(quantile, abs=1e-6)


@pytest.mark.parametrize(("n", "share"), [(100, 0.03), (500, 0.026)])
def test_coverage_of_a_skewed_loss(n: int, share: float) -> None:
    """Exponential losses; a plain t interval's upper end misses 5.1 % at 100."""
    rng, trials = np.random.default_rng(4), 2000
    assert max(misses(lambda: Mean.of(rng.exponential(size=n)), 1.0, trials)) <= most(share, trials)


def test_coverage_with_entities() -> None:
    rng, trials = np.random.default_rng(5), 1000

    def draw(*, honest: bool) -> Mean:
        codes = np.repeat(np.arange(80), rng.integers(1, 8, 80))
        return Mean.of(rng.normal(1, 1, 80)[codes] + rng.normal(0, 0.5, len(codes)), codes if honest else None)

    assert max(misses(lambda: draw(honest=True), 1.0, trials)) <= most(0.028, trials)
    assert max(misses(lambda: draw(honest=False), 1.0, 300)) > 0.08


@given(numbers, st.floats(0.1, 10), st.floats(-50, 50))
def test_shifting_and_scaling_carry_over(values: list[float], scale: float, shift: float) -> None:
    here, there = Mean.of(np.array(values)), Mean.of(np.array(values) * scale + shift)
    if here.deviation > 1e-3:
        low, high = here.bounds(ALPHA, 0.01)
        assert low <= here.mean <= high
        assert there.bounds(ALPHA, 0.01) == pytest.approx((low * scale + shift, high * scale + shift), rel=1e-6, abs=1e-6)


def test_equal_values_are_no_proof_of_no_spread() -> None:
    """Twenty equal rows: 17 % of all rows may differ and not have been drawn, each by as much as the range lets it."""
    same = np.full(20, 0.1)
    assert Mean.of(same).bounds(ALPHA, ALPHA) == (-math.inf, math.inf)
    unseen = 1 - 0.025 ** (1 / 20)
    assert Mean.of(same, low=0, high=1).bounds(ALPHA, ALPHA) == pytest.approx((0.1 - unseen * 0.1, 0.1 + unseen * 0.9))
    assert Mean.of(np.array([0.7])).bounds(ALPHA, ALPHA) == (-math.inf, math.inf)
    assert Mean.of(same, np.zeros(20, dtype=np.int64), high=1).support == 1


def test_ends_stay_in_the_range() -> None:
    low, high = Mean.of(np.array([0.0, 0.0, 0.0, 1.0]), low=0.0, high=1.0).bounds(ALPHA, ALPHA)
    assert low >= 0
    assert high <= 1


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_what_is_not_finite_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite values"):
        Mean.of(np.array(values))


def test_values_outside_their_range_are_refused() -> None:
    with pytest.raises(ValueError, match="leave their range"):
        Mean.of(np.array([0.5, 1.5]), low=0.0, high=1.0)


@pytest.mark.parametrize("scale", [1e-120, 1e120])
def test_the_unit_of_the_values_is_of_no_account(scale: float) -> None:
    """Not even one in which the cube of their spread is no number."""
    plain, scaled = (Mean.of(unit * np.array([1.0, 2.0, 4.0, 8.0])) for unit in (1.0, scale))
    assert scaled.skewness == pytest.approx(plain.skewness)
    assert np.array(scaled.bounds(0.025, 0.025)) / scale == pytest.approx(plain.bounds(0.025, 0.025))
