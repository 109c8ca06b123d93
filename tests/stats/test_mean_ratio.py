from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import t as student

from audit.stats import Explained, MeanRatio
from tests.misses import misses, most

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALPHA = 0.025
PAIRS = st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 40)), min_size=5, max_size=40)


def fieller(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    """Roots of (a - r b)^2 = t^2 (s_aa - 2 r s_ab + r^2 s_bb) / n, as Fieller solves them."""
    n, t = len(first), student.ppf(1 - ALPHA, len(first) - 1)
    (s_aa, s_ab), (_, s_bb) = np.cov(first, second) * t**2 / n
    a, b = first.mean(), second.mean()
    low, high = np.sort(np.roots([b**2 - s_bb, -2 * (a * b - s_ab), a**2 - s_aa]).real)
    return float(low), float(high)


def test_without_skewness_the_ends_are_fiellers() -> None:
    """Every value goes with its mirror image about the means, so that no third moment is left."""
    rng = np.random.default_rng(0)
    away = rng.normal(0, 1, (30, 2)) @ np.array([[1.0, 0.5], [0.0, 0.6]])
    first, second = np.vstack([away, -away]).T + np.array([[2.0], [5.0]])
    found = MeanRatio.of(first, second)
    assert found.value == pytest.approx(0.4)
    assert found.bounds(ALPHA, ALPHA) == pytest.approx(fieller(first, second), rel=1e-9)


def test_a_constant_second_value_leaves_the_mean_of_the_first() -> None:
    from audit.stats import Mean

    first = np.random.default_rng(1).exponential(size=80)
    ratio, mean = MeanRatio.of(first, np.full(80, 2.0)), Mean.of(first)
    assert ratio.bounds(0.01, 0.1) == pytest.approx([end / 2 for end in mean.bounds(0.01, 0.1)], rel=1e-9)


@given(PAIRS, st.floats(0.1, 10), st.floats(0.1, 10))
def test_scales(pairs: list[tuple[int, int]], a: float, b: float) -> None:
    """Either value in another unit changes the ratio's unit and nothing else; the order of the rows is nothing to it."""
    first, second = np.array(pairs, dtype=float).T
    here, there = MeanRatio.of(first, second), MeanRatio.of(a * first[::-1], b * second[::-1])
    low, high = here.bounds(0.01, 0.2)
    assert low <= here.value <= high
    assume(math.isfinite(high - low) and high - low > 1e-6)
    assert there.bounds(0.01, 0.2) == pytest.approx((low * a / b, high * a / b), rel=1e-6, abs=1e-6 * (high - low) * a / b)
    wider = here.bounds(0.005, 0.1)
    assert wider[0] <= low
    assert wider[1] >= high


def test_an_end_is_open_where_the_second_mean_is_hardly_told_from_nothing() -> None:
    second = np.array([1.0] + [0.0] * 99)
    assert MeanRatio.of(np.ones(100), second).bounds(ALPHA, ALPHA)[1] == math.inf


def test_entities_widen_it() -> None:
    rng = np.random.default_rng(2)
    person = np.repeat(np.arange(60), 5)
    shared = rng.normal(size=60)[person]
    first, second = shared + rng.normal(size=300), rng.exponential(size=300) + 1
    alone, together = MeanRatio.of(first, second), MeanRatio.of(first, second, person)
    assert (together.support, together.n) == (60, 300)
    assert "60 effective entities" in together.method
    width = np.ptp(together.bounds(ALPHA, ALPHA)) / np.ptp(alone.bounds(ALPHA, ALPHA))
    assert 1.3 < width < 2.5


@pytest.mark.parametrize("first", [[1.0], [1.0, math.nan], []])
def test_refused(first: list[float]) -> None:
    with pytest.raises(ValueError, match="finite values of the same rows"):
        MeanRatio.of(np.array(first), np.ones(len(first) + (len(first) == 1)))


def test_a_second_mean_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="positive second mean"):
        MeanRatio.of(np.ones(3), np.zeros(3))


def test_explained_is_one_minus_the_ratio_and_never_above_one() -> None:
    target = np.arange(50.0)
    exact, poor = Explained.of(target, target), Explained.of(target, target[::-1])
    assert exact.value == 1.0
    assert poor.value == pytest.approx(-3.0)
    near = Explained.of(target, target + np.tile([0.1, -0.2], 25))
    low, high = near.bounds(ALPHA, ALPHA)
    assert low < near.value < high < 1


def test_rows_without_any_spread_settle_nothing() -> None:
    """A model that was right in every row, or off by the same multiple in each: what the next row brings nobody has seen."""
    target = np.arange(50.0)
    for predicted in (target, target[::-1]):
        assert Explained.of(target, predicted).bounds(ALPHA, ALPHA) == (-math.inf, 1.0)


def test_coverage_of_the_share_explained() -> None:
    """Each end; a delta method without the skewness misses at the lower end in 5 % here."""
    rng, trials = np.random.default_rng(5), 500

    def draw() -> Explained:
        known = rng.normal(0, math.sqrt(0.8), 150)
        return Explained.of(known + rng.normal(0, math.sqrt(0.2), 150), known)

    assert max(misses(draw, 0.8, trials)) <= most(0.033, trials)
