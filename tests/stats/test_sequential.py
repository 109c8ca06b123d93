from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from audit.stats import Proportion
from audit.stats.hypothesis_tests import Spending, constant, crossing, spent
from tests.misses import most

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ALPHA = 0.025


@pytest.mark.parametrize(("looks", "chance"), [(1, 0.050), (2, 0.083), (3, 0.107), (4, 0.126), (5, 0.142), (10, 0.193), (20, 0.248)])
def test_repeated_looks_as_armitage_mcpherson_and_rowe_printed_them(looks: int, chance: float) -> None:
    """JRSS A 1969, table 2, at 1.96."""
    assert crossing([1.96] * looks)[-1] == pytest.approx(chance, abs=5e-4)


def test_the_constants_for_five_looks() -> None:
    assert constant("pocock", 5, 0.05) == pytest.approx(2.413, abs=5e-4)
    assert constant("obrien-fleming", 5, 0.05) == pytest.approx(2.040, abs=5e-4)
    assert constant("pocock", 1, 0.05) == pytest.approx(norm.ppf(0.975))


def test_crossing_agrees_with_a_simulation() -> None:
    limits = [3.0, 2.4, 1.8, 2.2]
    steps = np.random.default_rng(1).normal(size=(200_000, 4))
    sums = np.abs(np.cumsum(steps, axis=1)) / np.sqrt(np.arange(1, 5))
    seen = np.maximum.accumulate(sums > limits, axis=1).mean(axis=0)
    assert crossing(limits) == pytest.approx(tuple(seen), abs=3 * math.sqrt(0.1 * 0.9 / 200_000))


@given(st.lists(st.floats(0.5, 30), min_size=1, max_size=8))
def test_a_chance_to_have_crossed_only_grows(limits: list[float]) -> None:
    found = crossing(limits)
    assert all(0 <= one <= 1 for one in found)
    assert all(later >= earlier - 1e-9 for earlier, later in itertools.pairwise(found))
    assert found[0] == pytest.approx(2 * norm.sf(min(limits[0], 9.0)), abs=1e-9)


@given(st.sampled_from(["obrien-fleming", "pocock"]), st.integers(1, 40), st.floats(1e-4, 0.2))
def test_increments_sum_to_alpha(kind: Spending, looks: int, alpha: float) -> None:
    found = spent(kind, looks, alpha)
    assert len(found) == looks
    assert min(found) > 0
    assert math.fsum(found) == pytest.approx(alpha, rel=1e-12)


def test_spending_as_lan_and_demets_wrote_it() -> None:
    """Half way: 2 - 2 Phi(z / root 1/2) of .05, and .05 log(1 + (e - 1) / 2)."""
    assert spent("obrien-fleming", 2, 0.05)[0] == pytest.approx(2 * norm.sf(norm.isf(0.025) * math.sqrt(2)))
    assert spent("pocock", 2, 0.05)[0] == pytest.approx(0.05 * math.log(1 + (math.e - 1) / 2))
    rising = spent("obrien-fleming", 5, ALPHA)
    assert list(rising) == sorted(rising)
    assert spent("pocock", 1, ALPHA) == (ALPHA,)


def lower_ends(n: int, alpha: float) -> NDArray[np.float64]:
    """(n + 1,) deciding ends for `min`, by the number of hits."""
    return np.array([Proportion(hits, n).bounds(alpha, 0.5)[0] for hits in range(n + 1)])


def ever_passes(hits: NDArray[np.int64], n: int, bound: float, levels: Sequence[float]) -> float:
    """Share of (trials, looks) runs in which some look's lower end reaches the bound."""
    passed = [lower_ends(n, level)[hits[:, look]] >= bound for look, level in enumerate(levels)]
    return float(np.any(passed, axis=0).mean())


@pytest.mark.parametrize("kind", ["obrien-fleming", "pocock"])
@pytest.mark.parametrize("alike", [0.0, 0.7, 1.0])
def test_no_sequence_of_bad_candidates_passes_more_often_than_promised(kind: Spending, alike: float) -> None:
    """Ten candidates exactly on the bound of .9, which err on the same rows to some degree; unspent looks break the promise."""
    rng, n, looks, trials = np.random.default_rng(3), 300, 10, 6000
    shared = rng.binomial(n, alike, (trials, 1))
    hits = rng.binomial(shared, 0.9) + rng.binomial(n - np.repeat(shared, looks, axis=1), 0.9)
    assert ever_passes(hits, n, 0.9, spent(kind, looks, ALPHA)) <= most(ALPHA, trials)
    if alike < 1:
        assert ever_passes(hits, n, 0.9, [ALPHA] * looks) > 2.5 * ALPHA


def test_a_search_that_only_hears_no_gains_nothing() -> None:
    """After each no the next candidate is the last one with a tenth of its errors dealt anew: still on the bound, still at most alpha."""
    rng, n, looks, trials = np.random.default_rng(4), 300, 5, 3000
    right = rng.random((trials, n)) < 0.9
    hits = []
    for _ in range(looks):
        hits.append(right.sum(axis=1))
        right = np.where(rng.random((trials, n)) < 0.1, rng.random((trials, n)) < 0.9, right)
    assert ever_passes(np.stack(hits, axis=1), n, 0.9, spent("pocock", looks, ALPHA)) <= most(ALPHA, trials)


def test_a_candidate_fitted_to_the_test_rows_passes_at_any_level() -> None:
    """What no spending can mend: the rows that were shown as errors are learnt by heart."""
    assert lower_ends(300, spent("obrien-fleming", 3, ALPHA)[1])[300] > 0.9


@pytest.mark.parametrize(("looks", "alpha"), [(0, 0.05), (3, 0.0), (3, 1.0)])
def test_what_is_no_plan_of_looks_is_refused(looks: int, alpha: float) -> None:
    with pytest.raises(ValueError, match="looks"):
        spent("pocock", looks, alpha)
    with pytest.raises(ValueError, match="boundary"):
        crossing([])
    with pytest.raises(ValueError, match="boundary"):
        crossing([2.0, 0.0])
