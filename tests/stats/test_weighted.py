from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta, norm, t

from audit.stats import Mean, Proportion, WeightedMean, WeightedShare

flags = st.lists(st.booleans(), min_size=2, max_size=40)


def test_a_worked_example() -> None:
    """Three rows of weight 2, 1 and 1, the first a hit: a half, worth 16 / 6 rows by Kish and fewer by the linearised variance."""
    found = WeightedShare.of(np.array([True, False, False]), np.array([2.0, 1.0, 1.0]))
    assert found.value == 0.5
    variance = 2 / 3 * ((2 * 0.5 / (1 - 2 / 4)) ** 2 + 2 * (0.5 / (1 - 1 / 4)) ** 2) / 16  # each without its own pull
    assert found.effective_n == pytest.approx(min(16 / 6, 0.25 / variance))
    n = found.effective_n * (norm.ppf(0.025) / t.ppf(0.025, 16 / 6 - 1)) ** 2
    x = 0.5 * n
    assert found.bounds(0.025, 0.025) == pytest.approx((beta.ppf(0.025, x, n - x + 1), beta.ppf(0.975, x + 1, n - x)))


@given(flags, st.floats(0.01, 100))
def test_equal_weights_are_no_weights(hits: list[bool], weight: float) -> None:
    """The share is that of the rows, and the interval is the exact one on n - 1 rows, as the linearised variance counts them."""
    hit = np.array(hits)
    found, plain = WeightedShare.of(hit, np.full(len(hit), weight)), Proportion.of(hit)
    assert found.value == pytest.approx(plain.value)
    if 0 < plain.value < 1:
        assert found.effective_n == pytest.approx(len(hits) - 1)
    else:
        assert found.bounds(0.01, 0.01) == pytest.approx(plain.bounds(0.01, 0.01))


@given(st.lists(st.tuples(st.booleans(), st.floats(0.1, 10)), min_size=2, max_size=40), st.floats(0.01, 100))
def test_only_the_ratios_of_weights_matter_and_the_value_lies_within(rows: list[tuple[bool, float]], scale: float) -> None:
    hit, weights = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    here, there = WeightedShare.of(hit, weights), WeightedShare.of(hit, scale * weights)
    assert (here.value, here.effective_n) == pytest.approx((there.value, there.effective_n), rel=1e-6)
    low, high = here.bounds(0.025, 0.025)
    assert low <= here.value <= high
    values = np.random.default_rng(len(rows)).normal(size=len(rows))
    assert WeightedMean.of(values, weights).bounds(0.025, 0.025) == pytest.approx(
        WeightedMean.of(values, scale * weights).bounds(0.025, 0.025)
    )


def test_rows_of_one_weight_are_worth_themselves_whatever_the_weight() -> None:
    """What rounding takes from the square of a sum of weights is no row."""
    weights = np.random.default_rng(0).uniform(0.1, 100, 200)
    assert {WeightedMean.of(np.array([1.0, 2.0, 4.0]), np.full(3, weight)).support for weight in weights} == {3}
    tiny = WeightedMean.of(1e-120 * np.array([1.0, 2.0, 4.0]), np.ones(3)).equal
    assert tiny.skewness == pytest.approx(Mean.of(np.array([1.0, 2.0, 4.0])).skewness)


def test_equal_weights_give_the_plain_mean() -> None:
    values = np.random.default_rng(1).exponential(1.0, 200)
    found, plain = WeightedMean.of(values, np.full(200, 3.0)), Mean.of(values)
    assert found.value == pytest.approx(plain.value)
    assert found.bounds(0.025, 0.025) == pytest.approx(plain.bounds(0.025, 0.025), rel=0.02)


def test_one_heavy_row_is_not_taken_for_many() -> None:
    """A row of weight a million hits: linearised it looks certain, by Kish it is one row."""
    hit, weights = np.arange(1000) == 0, np.where(np.arange(1000) == 0, 1e6, 1.0)
    assert WeightedShare.of(hit, weights).effective_n < 1.1
    assert WeightedMean.of(hit.astype(float), weights).support < 1.01


def test_rows_of_one_person_are_worth_less() -> None:
    rng = np.random.default_rng(2)
    person = np.repeat(np.arange(50), 8)
    hit, weights = np.repeat(rng.random(50) < 0.4, 8), np.exp(0.3 * rng.standard_normal(400))
    alone, together = WeightedShare.of(hit, weights), WeightedShare.of(hit, weights, person)
    assert together.effective_n < 50 < alone.effective_n
    values = np.repeat(rng.normal(size=50), 8)
    assert WeightedMean.of(values, weights, person).support <= 50 < WeightedMean.of(values, weights).support


def test_what_is_no_share_is_refused() -> None:
    for share, rows, worth in ((1.5, 10, 5.0), (0.5, 10, 11.0), (0.5, 10, 0.0)):
        with pytest.raises(ValueError, match="weighted share"):
            WeightedShare(share, rows, worth)
