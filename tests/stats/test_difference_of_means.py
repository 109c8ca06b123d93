from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats import Mean, MeanDifference, RootMeanSquare
from tests.misses import misses, most

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALPHA = 0.025
VALUES = st.lists(st.floats(-10, 10).map(lambda x: round(x, 3)), min_size=3, max_size=40).map(np.array)


@given(VALUES)
def test_a_root_is_the_root_of_the_mean_square_and_of_its_ends(values: NDArray[np.float64]) -> None:
    found, squares = RootMeanSquare.of(values), Mean.of(values**2, low=0.0)
    assert found.value == pytest.approx(math.sqrt(np.mean(values**2)))
    assert found.bounds(0.01, 0.2) == pytest.approx([math.sqrt(end) for end in squares.bounds(0.01, 0.2)])
    assert RootMeanSquare.of(-3 * values).value == pytest.approx(3 * found.value)


def test_ends_by_hand() -> None:
    """Means 5 and 3 with symmetric values: each end lies the root of both squared distances away."""
    first, second = Mean.of(np.array([4.0, 6.0] * 20)), Mean.of(np.array([1.0, 5.0] * 20))
    found = MeanDifference(first, second)
    away = math.hypot(5 - first.bounds(ALPHA, ALPHA)[0], 3 - second.bounds(ALPHA, ALPHA)[0])
    assert found.value == 2.0
    assert found.bounds(ALPHA, ALPHA) == pytest.approx((2 - away, 2 + away))
    assert (found.n, found.support) == (80, 40)


@given(VALUES, VALUES)
def test_turns_with_the_sides(one: NDArray[np.float64], other: NDArray[np.float64]) -> None:
    here, there = (MeanDifference(RootMeanSquare.of(a), RootMeanSquare.of(b)) for a, b in ((one, other), (other, one)))
    low, high = here.bounds(0.01, 0.2)
    assert low <= here.value <= high
    assert there.bounds(0.2, 0.01) == pytest.approx((-high, -low))


def test_what_both_find_hard_drops_out() -> None:
    """On the same rows the interval is narrower than of two samples, by the correlation of the squares."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=400)
    first, second = shared + rng.normal(0, 0.3, 400), shared + rng.normal(0, 0.3, 400)
    paired = MeanDifference.of_roots(first, second)
    apart = MeanDifference(RootMeanSquare.of(first), RootMeanSquare.of(second))
    assert paired.correlation == pytest.approx(np.corrcoef(first**2, second**2)[0, 1])
    assert (paired.n, apart.n) == (400, 800)
    assert np.ptp(paired.bounds(ALPHA, ALPHA)) < 0.6 * np.ptp(apart.bounds(ALPHA, ALPHA))


def test_entities_count_in_the_correlation() -> None:
    person = np.repeat(np.arange(50), 4)
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=200), rng.normal(size=200)
    found = MeanDifference.of_roots(first, second, person)
    totals = [np.bincount(person, weights=one**2 - np.mean(one**2)) for one in (first, second)]
    assert found.correlation == pytest.approx(float(totals[0] @ totals[1] / np.linalg.norm(totals[0]) / np.linalg.norm(totals[1])))
    assert found.support == 50


def test_errors_that_never_vary_settle_nothing() -> None:
    found = MeanDifference.of_roots(np.ones(200), np.ones(200))
    assert found.bounds(ALPHA, ALPHA) == (-math.inf, math.inf)


def test_coverage_of_a_gap_between_groups() -> None:
    rng, trials = np.random.default_rng(4), 500

    def draw() -> MeanDifference:
        return MeanDifference(RootMeanSquare.of(rng.normal(0, 1, 150)), RootMeanSquare.of(rng.normal(0, 2, 100)))

    assert max(misses(draw, -1.0, trials)) <= most(0.033, trials)


def test_refused() -> None:
    mean, root = Mean.of(np.ones(5)), RootMeanSquare.of(np.ones(5))
    with pytest.raises(ValueError, match="two of a kind"):
        MeanDifference(mean, root)
    with pytest.raises(ValueError, match="correlation from -1 to 1"):
        MeanDifference(mean, mean, 1.5)
    with pytest.raises(ValueError, match="same rows"):
        MeanDifference.of_roots(np.ones(3), np.ones(4))
