from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, quantile_test

from audit.stats import Quantile
from tests.misses import misses, most

ALPHA = 0.025
samples = st.lists(st.integers(-20, 20) | st.floats(-100, 100), min_size=1, max_size=80)
shares = st.sampled_from([0.01, 0.25, 0.5, 0.9, 0.95, 0.99])


def test_the_median_of_ten_by_hand() -> None:
    """At most one of ten below the median: 11 in 1,024; at most two: 56 in 1,024. So ranks 2 and 9 at 2.5 %, 3 and 8 at 6 %."""
    found = Quantile.of(np.arange(10.0, 110.0, 10.0), 0.5)
    assert found.value == 50
    assert found.bounds(ALPHA, ALPHA) == (20, 90)
    assert found.bounds(0.06, 0.01) == (30, 100)
    assert found.bounds(0.0005, 0.0005) == (-math.inf, math.inf)


def test_the_far_percentile_of_few_rows_is_open() -> None:
    """An upper end of the 95th percentile needs 72 rows, since .95^72 is the first power under 2.5 %."""
    assert Quantile.of(np.arange(71.0), 0.95).bounds(ALPHA, ALPHA)[1] == math.inf
    assert Quantile.of(np.arange(72.0), 0.95).bounds(ALPHA, ALPHA)[1] == 71


@given(samples, shares)
def test_agrees_with_scipy(values: list[float], share: float) -> None:
    """Also the value: numpy's inverted distribution function."""
    found = Quantile.of(np.array(values, dtype=float), share)
    assert found.value == np.quantile(values, share, method="inverted_cdf")
    low, high = found.bounds(ALPHA, ALPHA)
    assert low <= found.value <= high
    ends = (
        quantile_test(values, p=share, alternative="greater").confidence_interval(0.975).low,
        quantile_test(values, p=share, alternative="less").confidence_interval(0.975).high,
    )
    assert (low, high) == tuple(open_ if math.isnan(end) else end for end, open_ in zip(ends, (-math.inf, math.inf), strict=True))


@given(samples, shares)
def test_nests_mirrors_and_knows_no_order(values: list[float], share: float) -> None:
    here = Quantile.of(np.array(values, dtype=float), share)
    low, high = here.bounds(ALPHA, 0.1)
    wider = here.bounds(0.001, ALPHA)
    assert wider[0] <= low
    assert wider[1] >= high
    assert Quantile.of(np.array(values[::-1], dtype=float), share) == here
    mirror = Quantile.of(-np.array(values, dtype=float), 1 - share)
    if mirror.value == -here.value:  # else the two lie at either end of the gap between two rows
        turned = mirror.bounds(0.1, ALPHA)
        assert (low, high) == (-turned[1], -turned[0])


@pytest.mark.parametrize(("n", "share"), [(40, 0.5), (200, 0.95), (1000, 0.99)])
def test_exact_miss_rates(n: int, share: float) -> None:
    """Rows 1 to n stand for their own ranks, so the chance that an end misses is a binomial one, at most 2.5 % and not much less."""
    low, high = Quantile.of(np.arange(1.0, n + 1), share).bounds(ALPHA, ALPHA)
    too_high, too_low = binom.cdf(low - 1, n, share), binom.sf(high - 1, n, share)
    assert max(too_high, too_low) <= ALPHA
    assert binom.cdf(low, n, share) > ALPHA
    assert binom.sf(high - 2, n, share) > ALPHA


def test_many_rows_keep_few_values() -> None:
    """And at a million the thinned ranks are outer ones."""
    values = np.random.default_rng(51).lognormal(size=1_000_000)
    found = Quantile.of(values, 0.95)
    assert len(found.ranks) <= 1001
    low, high = found.bounds(ALPHA, ALPHA)
    ascending = np.sort(values)
    exact = ascending[[int(binom.ppf(ALPHA, 1_000_000, 0.95)) - 1, int(binom.isf(ALPHA, 1_000_000, 0.95))]]
    assert low <= exact[0]
    assert high >= exact[1]
    assert high - low < 1.05 * (exact[1] - exact[0])


def test_coverage_with_entities() -> None:
    rng, trials = np.random.default_rng(52), 400

    def draw(*, honest: bool) -> Quantile:
        person = np.repeat(np.arange(80), rng.integers(1, 9, 80))
        return Quantile.of(rng.normal(0, 1, 80)[person] + rng.normal(0, 0.3, len(person)), 0.8, person if honest else None)

    truth = 0.8416212 * math.hypot(1, 0.3)
    assert max(misses(lambda: draw(honest=True), truth, trials)) <= most(ALPHA, trials)
    assert max(misses(lambda: draw(honest=False), truth, trials)) > 0.07
    assert 60 < draw(honest=True).support < 80, "persons of one to eight rows, as persons of one size"
    assert "80 entities" in draw(honest=True).method


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_what_is_not_finite_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="finite values"):
        Quantile.of(np.array(values), 0.5)


@pytest.mark.parametrize("share", [0.0, 1.0, 1.5, -0.1])
def test_a_share_outside_is_refused(share: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        Quantile.of(np.ones(3), share)
    with pytest.raises(ValueError, match="between 0 and 1"):
        Quantile(share, 3, (1,), (1.0,))


def test_ranks_without_values_are_refused() -> None:
    with pytest.raises(ValueError, match="the value at rank 5 of 10"):
        Quantile(0.5, 10, (1, 2), (1.0, 2.0))
