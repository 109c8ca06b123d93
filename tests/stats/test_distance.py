from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, chi2, kstwobign, ncx2, norm

from audit.stats import KolmogorovSmirnov, MeanDiscrepancy, StabilityIndex
from audit.stats.distance import largest_distance
from tests.misses import misses, most

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

ALPHA = 0.025


def index(a: NDArray[np.int64], b: NDArray[np.int64]) -> float:
    """The stability index of two tables of counts, half a row added to each bin."""
    p, q = (a + 0.5) / (a.sum() + 0.5 * len(a)), (b + 0.5) / (b.sum() + 0.5 * len(b))
    return float(((p - q) * np.log(p / q)).sum())


def stability(rng: Generator, n: int, shares: NDArray[np.float64]) -> StabilityIndex:
    return StabilityIndex(index(rng.multinomial(n, [0.1] * 10), rng.multinomial(n, shares)), 10, n, n)


@pytest.mark.parametrize(("n", "passing"), [(200, 0.37), (500, 0.92)])
def test_an_undrifted_feature_at_the_usual_bound(n: int, passing: float) -> None:
    """37 % pass at 200 rows a side and a bound of .1, the others are inconclusive; 92 % at 500."""
    rng, trials = np.random.default_rng(1), 1500
    ends = np.array([stability(rng, n, np.full(10, 0.1)).bounds(ALPHA, ALPHA) for _ in range(trials)])
    assert np.mean(ends[:, 1] <= 0.1) == pytest.approx(passing, abs=0.005 + 3 * np.sqrt(passing * (1 - passing) / trials))
    assert np.mean(ends[:, 0] > 0.1) <= most(0.0005, trials)


@pytest.mark.parametrize("n", [200, 1000, 10_000])
def test_chance_alone_leaves_zero_at_the_chi_square_point(n: int) -> None:
    """The lower end leaves 0 where the index passes (1/n + 1/m) times the chi-square point, and without drift as often as promised."""
    point = chi2.ppf(0.975, 9) * 2 / n
    assert StabilityIndex(point * 0.999, 10, n, n).bounds(ALPHA, ALPHA)[0] == 0
    assert StabilityIndex(point * 1.01, 10, n, n).bounds(ALPHA, ALPHA)[0] > 0
    rng, trials = np.random.default_rng(2), 1000
    assert misses(lambda: stability(rng, n, np.full(10, 0.1)), 0.0, trials)[0] <= most(ALPHA, trials)


@pytest.mark.parametrize(("n", "tilt"), [(300, 0.5), (1000, 1.0), (5000, 0.3)])
def test_coverage_of_the_stability_index(n: int, tilt: float) -> None:
    shares = np.exp(tilt * np.linspace(-1, 1, 10))
    shares /= shares.sum()
    truth = float(((0.1 - shares) * np.log(0.1 / shares)).sum())
    rng, trials = np.random.default_rng(3), 800
    low, high = misses(lambda: stability(rng, n, shares), truth, trials)
    assert low <= most(0.035, trials)  # the law is exact only near no drift
    assert high <= most(0.035, trials)


@given(st.floats(0, 5), st.integers(2, 30), st.integers(20, 10**6), st.integers(20, 10**6))
def test_ends_solve_the_noncentral_chi_square(value: float, bins: int, n: int, m: int) -> None:
    low, high = StabilityIndex(value, bins, n, m).bounds(ALPHA, 0.01)
    assert 0 <= low <= value <= high < math.inf
    scale = 1 / n + 1 / m
    if 0 < low < value:
        assert ncx2.sf(value / scale, bins - 1, low / scale) == pytest.approx(ALPHA, rel=1e-3)
    if high > value > 0 and chi2.cdf(value / scale, bins - 1) > 0.16:
        assert ncx2.cdf(value / scale, bins - 1, high / scale) == pytest.approx(0.01, rel=1e-3)


@pytest.mark.parametrize("level", [0.1, 0.025, 0.0025])
@pytest.mark.parametrize("bins", [1, 2, 10])
def test_windows_that_fit_to_the_row_prove_no_more_than_their_rows_do(bins: int, level: float) -> None:
    """By hand: the end is where chance alone makes its 16 % point; ten times the rows say ten times as much."""
    df = max(1, bins - 1)
    high = StabilityIndex(0.0, bins, 200, 300).bounds(0.025, level)[1]
    assert high > 0
    assert ncx2.cdf(chi2.ppf(0.16, df), df, high / (1 / 200 + 1 / 300)) == pytest.approx(level, rel=1e-3)
    assert StabilityIndex(0.0, bins, 2000, 3000).bounds(0.025, level)[1] == pytest.approx(high / 10)
    seen = [StabilityIndex(value, bins, 200, 300).bounds(0.025, level) for value in np.linspace(0, 0.3, 40)]
    assert all(low <= value <= high for value, (low, high) in zip(np.linspace(0, 0.3, 40), seen, strict=True))
    assert all(np.diff([high for _, high in seen]) >= 0), "more is never less"


@pytest.mark.parametrize(("n", "p", "q"), [(50, 0.5, 0.52), (100, 0.05, 0.07), (200, 0.02, 0.025), (50, 0.02, 0.05)])
def test_two_bins_near_no_drift_by_enumeration(n: int, p: float, q: float) -> None:
    """Both windows fit to the row far more often than the level: the law alone, without the least end, would miss 5 to 28 %."""
    rows = np.arange(n + 1)
    weight = np.outer(binom.pmf(rows, n, p), binom.pmf(rows, n, q))
    truth = (q - p) * math.log(q / p) + (p - q) * math.log((1 - q) / (1 - p))
    missed = fitted = 0.0
    for i, j in zip(*np.nonzero(weight > 1e-9), strict=True):
        a, b = (np.array([k, n - k])[[i + j > 0, i + j < 2 * n]] for k in (i, j))
        half = 0.5 * bool((a == 0).any() or (b == 0).any())  # as the check has it
        here, there = ((one + half) / (n + half * len(one)) for one in (a, b))
        found = StabilityIndex(max(0.0, float(((there - here) * np.log(there / here)).sum())), len(a), n, n)
        missed += weight[i, j] * (found.bounds(ALPHA, ALPHA)[1] < truth)
        fitted += weight[i, j] * (i == j)
    assert missed <= ALPHA
    assert fitted > 2 * ALPHA


def test_kolmogorov_smirnov_without_change_is_the_test_itself() -> None:
    """The lower end leaves 0 where Kolmogorov's one-sided tail, at most 2 exp(-2 x^2), is 2.5 %."""
    point = kstwobign.isf(ALPHA) * math.sqrt(1 / 400 + 1 / 100)
    assert KolmogorovSmirnov(point * 0.999, 400, 100).bounds(ALPHA, ALPHA)[0] == 0
    assert KolmogorovSmirnov(point * 1.001, 400, 100).bounds(ALPHA, ALPHA)[0] > 0
    assert KolmogorovSmirnov(0.9, 20, 20).bounds(ALPHA, ALPHA)[1] == 1
    assert KolmogorovSmirnov(0.0, 20, 20).bounds(ALPHA, ALPHA)[0] == 0


@pytest.mark.parametrize(("n", "m", "shift"), [(50, 50, 0.0), (400, 100, 0.0), (200, 200, 0.5), (100, 100, 2.0)])
def test_coverage_of_kolmogorov_smirnov(n: int, m: int, shift: float) -> None:
    from scipy.stats import ks_2samp, norm

    rng, trials = np.random.default_rng(4), 500
    truth = float(2 * norm.cdf(shift / 2) - 1)

    def draw() -> KolmogorovSmirnov:
        return KolmogorovSmirnov(float(ks_2samp(rng.normal(size=n), rng.normal(shift, size=m), method="asymp").statistic), n, m)

    assert max(misses(draw, truth, trials)) <= most(ALPHA, trials)


def test_a_mean_discrepancy_is_within_its_noise() -> None:
    """An error of one direction is one normal; of 20 equal ones the root of a chi-square of 20 degrees of freedom."""
    found = MeanDiscrepancy(0.04, 0.25, (0.01, 0.01**2, 0.01**3), 0.1, 500, 400)
    low, high = found.bounds(ALPHA, ALPHA)
    assert low == pytest.approx((0.25 - 0.1 * norm.isf(ALPHA / 2)) ** 2)
    assert high == pytest.approx((0.25 + 0.1 * norm.isf(ALPHA)) ** 2)
    assert (found.value, found.n, found.support) == (0.04, 900, 400)
    many = MeanDiscrepancy(0.04, 0.25, (20 * 1e-4, 20 * 1e-8, 20 * 1e-12), 0.01, 500, 400)
    assert many.bounds(ALPHA, ALPHA)[0] == pytest.approx((0.25 - 0.01 * math.sqrt(chi2.isf(ALPHA, 20))) ** 2)
    near = MeanDiscrepancy(-0.001, 0.05, found.moments, 0.1, 500, 400)
    assert near.value == 0
    assert near.bounds(ALPHA, ALPHA)[0] == 0


@pytest.mark.parametrize("law", ["same", "moved", "ties", "infinite", "one value", "apart", "one row"])
def test_the_largest_distance_is_that_over_every_value(law: str) -> None:
    """Looking into a few stretches only finds what looking at every value finds, to the bit."""
    rng = np.random.default_rng(6)
    n, m = 5000, 3333
    samples = {
        "same": (rng.normal(size=n), rng.normal(size=m)),
        "moved": (rng.normal(size=n), rng.normal(0.3, size=m)),
        "ties": (rng.poisson(3, n) * 1.0, rng.poisson(3.2, m) * 1.0),
        "infinite": (np.where(rng.random(n) < 0.2, -np.inf, 1.0), np.where(rng.random(m) < 0.3, -np.inf, np.inf)),
        "one value": (np.ones(n), np.ones(m)),
        "apart": (rng.random(n), rng.random(m) + 2),
        "one row": (rng.normal(size=1), rng.normal(size=m)),
    }
    one, other = samples[law]
    every = np.concatenate([one, other])
    shares = [np.searchsorted(np.sort(side), every, side="right") / len(side) for side in (one, other)]
    assert largest_distance(one, other) == largest_distance(other, one) == np.abs(shares[0] - shares[1]).max()
