from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from audit.stats import Difference, Proportion, Ratio
from tests.misses import misses, most

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALPHA = 0.025


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)]
)
def test_wilson_as_newcombe_printed_it(hits: int, n: int, low: float, high: float) -> None:
    """Statistics in Medicine 1998, table I, method 3."""
    assert Proportion(hits, n).score_bounds(ALPHA, ALPHA) == pytest.approx((low, high), abs=5e-5)


def test_a_difference_as_newcombe_printed_it() -> None:
    """56 of 70 against 48 of 80, method 10."""
    found = Difference(Proportion(56, 70), Proportion(48, 80))
    assert found.value == pytest.approx(0.2)
    assert found.bounds(ALPHA, ALPHA) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_a_ratio_as_koopman_printed_it() -> None:
    """36 of 40 against 16 of 80."""
    found = Ratio(Proportion(36, 40), Proportion(16, 80))
    assert found.value == pytest.approx(4.5)
    assert found.bounds(ALPHA, ALPHA) == pytest.approx((2.94, 7.15), abs=5e-3)


@pytest.mark.parametrize(("first", "second"), [((300, 1000), (280, 1000)), ((90, 400), (120, 500)), ((500, 4000), (700, 4000))])
def test_a_ratio_stands_beside_katz(first: tuple[int, int], second: tuple[int, int]) -> None:
    """Katz et al., Biometrics 1978: normal on the log's scale, variance 1/x - 1/n + 1/y - 1/m. Koopman's is close at large counts."""
    (x, n), (y, m) = first, second
    centre, error = math.log(x / n / (y / m)), math.sqrt(1 / x - 1 / n + 1 / y - 1 / m)
    katz = (math.exp(centre - 1.959964 * error), math.exp(centre + 1.959964 * error))
    assert Ratio(Proportion(x, n), Proportion(y, m)).bounds(ALPHA, ALPHA) == pytest.approx(katz, rel=0.01)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_agrees_with_scipy(pair: tuple[int, int]) -> None:
    """Wilson at ordinary levels, Clopper-Pearson far out."""
    hits, n = pair
    wilson = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    exact = binomtest(hits, n).proportion_ci(0.998, method="exact")
    assert Proportion(hits, n).score_bounds(0.025, 0.025) == pytest.approx((wilson.low, wilson.high), abs=1e-9)
    for ends in (Proportion(hits, n).bounds(0.001, 0.001), Proportion(hits, n).exact_bounds(0.001, 0.001)):
        assert ends == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_few_hits_or_misses_have_exact_ends() -> None:
    """175 of 176: Wilson's upper end is .9990, the exact one .99986. From 50 misses on, and inwards from 10 on, Wilson's stand."""
    found, exact = Proportion(175, 176), binomtest(175, 176).proportion_ci(0.95, method="exact")
    assert found.bounds(ALPHA, ALPHA) == pytest.approx((exact.low, exact.high), abs=1e-9)
    assert found.bounds(ALPHA, ALPHA)[1] == pytest.approx(0.99986, abs=5e-6)
    assert Proportion(450, 500).bounds(ALPHA, ALPHA) == Proportion(450, 500).score_bounds(ALPHA, ALPHA)
    inner, outer = Proportion(451, 500).bounds(ALPHA, ALPHA)
    assert inner == Proportion(451, 500).score_bounds(ALPHA, ALPHA)[0]
    assert outer == Proportion(451, 500).exact_bounds(ALPHA, ALPHA)[1]


@pytest.mark.parametrize("n", [30, 100, 1000])
def test_no_end_errs_far_above_its_level(n: int) -> None:
    """At every share just beyond an end, enumerated: 3.5 % at most from 150 rows on, 4.2 % below; Wilson's errs in up to 16.3 %."""
    hits = np.arange(n + 1)
    for method, worst in ((Proportion.bounds, 0.035 if n >= 150 else 0.042), (Proportion.score_bounds, 0.165)):
        low = np.array([method(Proportion(x, n), ALPHA, ALPHA)[0] for x in hits.tolist()])
        assert np.all(np.diff(low) > 0)
        misses = binom.sf(hits[1:] - 1, n, low[1:] - 1e-9)
        assert misses.max() <= worst
        assert misses.max() > worst - 0.015


@pytest.mark.parametrize(
    ("n", "p", "covered"),
    [(20, 0.95, 0.925), (20, 0.99, 0.983), (50, 0.9, 0.970), (50, 0.99, 0.911), (100, 0.9, 0.936), (500, 0.95, 0.950)],
)
def test_exact_coverage_of_wilson(n: int, p: float, covered: float) -> None:
    weight = binom.pmf(np.arange(n + 1), n, p)
    ends = [Proportion(hits, n).score_bounds(ALPHA, ALPHA) for hits in range(n + 1)]
    assert sum(w for w, (low, high) in zip(weight, ends, strict=True) if low <= p <= high) == pytest.approx(covered, abs=5e-4)


@pytest.mark.parametrize("p", [0.5, 0.9, 0.98])
def test_corrected_ends_never_err_more_than_promised(p: float) -> None:
    """Level .025 / 50: Wilson's tail is far above it, the exact one is not."""
    n, alpha = 100, ALPHA / 50
    weight = binom.pmf(np.arange(n + 1), n, p)
    ends = np.array([Proportion(hits, n).bounds(alpha, alpha) for hits in range(n + 1)])
    assert weight[ends[:, 0] > p].sum() <= alpha
    assert weight[ends[:, 1] < p].sum() <= alpha


def test_zero_failures_follow_the_rule_of_three() -> None:
    assert Proportion(0, 299).bounds(0.01, 0.01)[1] == pytest.approx(1 - 0.01 ** (1 / 299))
    assert Proportion(0, 299).bounds(0.01, 0.001)[1] == pytest.approx(6.9 / 299, rel=0.02)


def ends_of_all(kind: type[Difference | Ratio], n: int, m: int, alpha: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    found = np.array([[kind(Proportion(x, n), Proportion(y, m)).bounds(alpha, alpha) for y in range(m + 1)] for x in range(n + 1)])
    return found[..., 0], found[..., 1]


@pytest.mark.parametrize("kind", [Difference, Ratio])
@pytest.mark.parametrize(("alpha", "worst"), [(0.025, 0.040), (0.0025, 0.0065)])
def test_exact_coverage_of_two_samples(kind: type[Difference | Ratio], alpha: float, worst: float) -> None:
    """By enumeration, 30 against 60: a score interval's end may err a little more than its nominal level, never much."""
    low, high = ends_of_all(kind, 30, 60, alpha)
    found = []
    for p, q in [(0.5, 0.5), (0.3, 0.3), (0.3, 0.2), (0.9, 0.9), (0.95, 0.9), (0.1, 0.3), (0.24, 0.3)]:
        weight = np.outer(binom.pmf(np.arange(31), 30, p), binom.pmf(np.arange(61), 60, q))
        truth = p - q if kind is Difference else p / q
        found += [weight[low > truth].sum(), weight[high < truth].sum()]
    assert max(found) <= worst
    assert np.mean(found) <= 1.05 * alpha


proportions = st.integers(1, 300).flatmap(lambda n: st.builds(Proportion, st.integers(0, n), st.just(n)))
levels = st.sampled_from([0.0001, 0.0025, 0.025, 0.1, 0.5])


@given(proportions, proportions, levels, levels)
def test_ends_are_in_order_and_turn_with_the_sign(first: Proportion, second: Proportion, low: float, high: float) -> None:
    for estimate in (first, Difference(first, second), Ratio(first, second)):
        ends = estimate.bounds(low, high)
        assert not math.isnan(ends[0])
        assert ends[0] <= ends[1] + 1e-12
        assert estimate.bounds(low / 2, high / 2)[0] <= ends[0] + 1e-9
    forth, back = Difference(first, second).bounds(low, high), Difference(second, first).bounds(high, low)
    assert forth == pytest.approx((-back[1], -back[0]), abs=1e-12)


@given(proportions, proportions)
def test_a_ratio_turned_over_turns_its_ends_over(first: Proportion, second: Proportion) -> None:
    forth, back = Ratio(first, second).bounds(0.025, 0.01), Ratio(second, first).bounds(0.01, 0.025)
    assert forth[0] == pytest.approx(1 / back[1] if back[1] < math.inf else 0.0)
    assert (forth[1] == math.inf) == (second.hits == 0)


def test_ratios_without_hits() -> None:
    none, some = Proportion(0, 50), Proportion(20, 50)
    assert Ratio(none, some).value == 0
    assert Ratio(none, some).bounds(ALPHA, ALPHA)[0] == 0
    assert Ratio(none, some).bounds(ALPHA, ALPHA)[1] < 0.25
    assert Ratio(some, none).bounds(ALPHA, ALPHA)[1] == math.inf
    assert math.isfinite(Ratio(some, none).value)
    assert Ratio(none, none).bounds(ALPHA, ALPHA) == (0, math.inf)


@pytest.mark.parametrize(("entities", "p"), [(12, 0.5), (40, 0.9)])
def test_rows_of_one_entity_are_not_independent(entities: int, p: float) -> None:
    """Shares of entities vary by a Beta law; with rows taken as independent each end misses in about one of ten."""
    rng = np.random.default_rng(8)
    trials = 400

    def draw(*, honest: bool) -> Proportion:
        codes = np.repeat(np.arange(entities), rng.integers(1, 12, entities))
        hit = rng.random(len(codes)) < rng.beta(2 * p, 2 * (1 - p), entities)[codes]
        return Proportion.of(hit, codes if honest else None)

    assert max(misses(lambda: draw(honest=True), p, trials)) <= most(0.033, trials)  # 3.3 % at 40 entities in 2,000 trials
    assert max(misses(lambda: draw(honest=False), p, trials)) > 0.08


def test_design_effects_at_the_edges() -> None:
    every = np.ones(20, dtype=bool)
    assert Proportion.of(every, np.arange(20)).design_effect == 1
    assert Proportion.of(every, np.repeat(np.arange(5), 4)).design_effect == 4
    alone = Proportion.of(every, np.zeros(20, dtype=np.int64))
    assert alone.support == 1
    assert alone.bounds(ALPHA, ALPHA)[0] < 0.05
    assert Proportion.of(every, np.repeat(np.arange(5), 4)).bounds(0.5, 0.5) == (1.0, 1.0)
    assert "5 entities" in Proportion.of(every, np.repeat(np.arange(5), 4)).method


def test_impossible_counts_are_refused() -> None:
    for hits, n in ((1, 0), (0, 0), (-1, 4), (5, 4)):
        with pytest.raises(ValueError, match="a proportion needs"):
            Proportion(hits, n)
