from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, multinomial

from audit.stats import PairedDifference
from tests.misses import misses, most

ALPHA = 0.025
cells = st.tuples(*[st.integers(0, 200) | st.sampled_from([0, 0, 1, 10**6])] * 4).filter(any)
levels = st.sampled_from([0.0001, 0.0025, 0.019, 0.02, 0.025, 0.1, 0.5])


def newcombe(both: int, only_first: int, only_second: int, neither: int) -> tuple[float, float]:
    """Method 10 for paired data, Statistics in Medicine 1998, 17:2635, at 95 %."""
    n, first, second = both + only_first + only_second + neither, both + only_first, both + only_second
    (low_1, high_1), (low_2, high_2) = (binomtest(hits, n).proportion_ci(method="wilson") for hits in (first, second))
    product: float = both * neither - only_first * only_second
    product = max(product - n / 2, 0) if product >= 0 else product
    phi = product / math.sqrt(first * (n - first) * second * (n - second))
    p, q = first / n, second / n
    down = math.sqrt((p - low_1) ** 2 - 2 * phi * (p - low_1) * (high_2 - q) + (high_2 - q) ** 2)
    up = math.sqrt((high_1 - p) ** 2 - 2 * phi * (high_1 - p) * (q - low_2) + (q - low_2) ** 2)
    return p - q - down, p - q + up


def test_as_tango_printed_it() -> None:
    """Disinfection of 44 lenses, both in 43 and only the second in one; 90 %."""
    found = PairedDifference(43, 0, 1, 0)
    assert found.value == pytest.approx(-1 / 44)
    assert found.bounds(0.05, 0.05) == pytest.approx((-0.096, 0.037), abs=5e-4)


def test_the_end_that_shows_a_difference_is_no_bolder_than_exact_ones() -> None:
    """Bentur 2009, where Tango gives (-.517, -.026) and McNemar's exact p is .07."""
    low, high = PairedDifference(1, 1, 7, 12).bounds(ALPHA, ALPHA)
    assert low == pytest.approx(-0.517, abs=5e-4)
    assert high == 0
    assert math.copysign(1, high) == 1


def test_rows_without_any_difference_follow_wilson() -> None:
    """By hand: the difference at which none in n lies z standard errors off is z^2 / (n + z^2)."""
    edge = 1.959964**2 / (50 + 1.959964**2)
    assert PairedDifference(40, 0, 0, 10).bounds(ALPHA, ALPHA) == pytest.approx((-edge, edge), abs=1e-6)


@pytest.mark.parametrize("table", [(400, 30, 25, 45), (90, 20, 12, 78), (700, 60, 60, 180)])
def test_stands_beside_newcombe(table: tuple[int, int, int, int]) -> None:
    assert PairedDifference(*table).bounds(ALPHA, ALPHA) == pytest.approx(newcombe(*table), abs=0.006)


@pytest.mark.parametrize(("alpha", "worst"), [(0.025, 0.0262), (0.0005, 0.00054)])
def test_exact_miss_rates(alpha: float, worst: float) -> None:
    """All tables of 100 rows, weighted by their chances, over truths of either sign; the mean over them is far below."""
    n = 100
    tables = [(b, c) for b in range(n + 1) for c in range(n + 1 - b) if b + c <= 75]
    ends = np.array([PairedDifference(n - b - c, b, c, 0).bounds(alpha, 0.5)[0] for b, c in tables])
    counts = np.array([(n - b - c, b, c) for b, c in tables])
    shares = [0.002, 0.01, 0.05, 0.1, 0.2]
    found = {(p, q): float(multinomial.pmf(counts, n, [1 - p - q, p, q])[ends > p - q].sum()) for p in shares for q in shares}
    assert max(found.values()) <= worst
    assert max(found.values()) > alpha / 2


@given(cells, levels, levels)
def test_ends_are_in_order_nest_and_turn_with_the_models(table: tuple[int, int, int, int], low: float, high: float) -> None:
    both, b, c, neither = table
    here, there = PairedDifference(*table), PairedDifference(both, c, b, neither)
    ends = here.bounds(low, high)
    assert -1 <= ends[0] <= here.value + 1e-12
    assert here.value - 1e-12 <= ends[1] <= 1
    turned = there.bounds(high, low)
    assert ends == pytest.approx((-turned[1], -turned[0]), abs=1e-12)
    for wider in (level for level in (0.0001, 0.0025, 0.019, 0.02, 0.025, 0.1, 0.5) if level < low):
        assert here.bounds(wider, high)[0] <= ends[0] + 1e-12


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(0, 5)), min_size=1, max_size=40))
def test_order_of_rows_and_names_of_entities_change_nothing(rows: list[tuple[bool, bool, int]]) -> None:
    first, second, person = (np.array(column) for column in zip(*rows, strict=True))
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    here, there = PairedDifference.of(first, second, person), PairedDifference.of(first[order], second[order], 9 - person[order])
    assert here.bounds(ALPHA, ALPHA) == pytest.approx(there.bounds(ALPHA, ALPHA), abs=1e-12)
    assert here.value == pytest.approx(first.mean() - second.mean(), abs=1e-12)
    assert here.n == len(rows)
    sizes = np.unique(person, return_counts=True)[1]
    assert here.support == pytest.approx(sizes.sum() ** 2 / (sizes @ sizes), abs=1e-8), "Kish's effective entities"


def test_coverage_with_entities() -> None:
    """The candidate loses or wins whole entities; with rows taken as independent each end misses in about one of ten."""
    rng, trials = np.random.default_rng(21), 500

    def draw(*, honest: bool) -> PairedDifference:
        person = np.repeat(np.arange(60), rng.integers(1, 10, 60))
        kind = rng.choice(3, 60, p=[0.8, 0.08, 0.12])[person]
        flip = rng.random(len(person)) < 0.7
        first = np.where((kind == 1) & flip, True, ~((kind == 2) & flip))
        second = ~((kind == 1) & flip)
        return PairedDifference.of(first, second, person if honest else None)

    truth = 0.7 * (0.08 - 0.12)
    assert max(misses(lambda: draw(honest=True), truth, trials)) <= most(ALPHA, trials)
    assert max(misses(lambda: draw(honest=False), truth, trials)) > 0.06


def test_entities() -> None:
    every = np.ones(20, dtype=bool)
    alike = PairedDifference.of(every, every, np.repeat(np.arange(5), 4))
    assert alike.design_effect == 4
    assert "5 entities" in alike.method
    alone = PairedDifference.of(every, ~every, np.zeros(20, dtype=np.int64))
    assert alone.bounds(ALPHA, ALPHA)[0] <= 0


@pytest.mark.parametrize("table", [(0, 0, 0, 0), (-1, 2, 3, 4)])
def test_impossible_cells_are_refused(table: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="cells of at least 0"):
        PairedDifference(*table)


def test_unequal_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="the same rows, got 3 and 4"):
        PairedDifference.of(np.ones(3, dtype=bool), np.ones(4, dtype=bool))
