from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import beta

from audit.stats.brier import Decomposition, decompose
from audit.stats.calibration import equal_mass
from tests.misses import misses, most

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.stats import SquaredDistance

ALPHA = 0.025
rows = st.lists(st.tuples(st.integers(0, 10), st.booleans()), min_size=2, max_size=60)


def binom_ends(hits: int, n: int) -> tuple[float, float]:
    """Clopper & Pearson's."""
    low = beta.ppf(ALPHA, hits, n - hits + 1) if hits else 0.0
    return float(low), float(beta.ppf(1 - ALPHA, hits + 1, n - hits))


def drawn(rng: Generator, n: int, off: float = 0.0) -> Decomposition:
    """Stated .2 to .7, true `off` more."""
    said = rng.uniform(0.2, 0.7, n)
    return decompose(said, rng.random(n) < said + off)


def test_a_worked_example() -> None:
    """Ten rows given .2 of which four come true, ten given .8 of which six do."""
    said, hit = np.repeat([0.2, 0.8], 10), np.array(([True] * 4 + [False] * 6) + ([True] * 6 + [False] * 4))
    found = decompose(said, hit, bins=2)
    assert found.reliability.seen == pytest.approx(0.04)
    assert found.resolution.seen == pytest.approx(0.01)
    assert found.uncertainty == pytest.approx(0.25)
    assert found.score == pytest.approx(0.04 - 0.01 + 0.25)
    assert found.within == pytest.approx(0)
    # Bröcker's bias: each bin's o (1 - o) / (rows - 1), weighted.
    assert found.reliability.chance == pytest.approx(0.24 / 9)
    assert found.reliability.value == pytest.approx(0.04 - 0.24 / 9)
    assert found.reliability.n == found.reliability.support == 20


@given(rows)
def test_no_end_leaves_the_range_of_a_squared_distance(some: list[tuple[int, bool]]) -> None:
    """Shares are 1 apart at most: two rows that are off by .4 are no ground for an upper end of 1.4."""
    said, hit = np.array([tenths for tenths, _ in some], dtype=float) / 10, np.array([one for _, one in some])
    found = decompose(said, hit)
    for part in (found.reliability, found.resolution):
        low, high = part.bounds(ALPHA, ALPHA)
        assert 0 <= low <= part.value <= high <= 1


@given(rows)
def test_the_parts_make_up_the_score(some: list[tuple[int, bool]]) -> None:
    """With one stated probability a bin nothing is left within the bins; and the score is scikit-learn's."""
    from sklearn.metrics import brier_score_loss

    said, hit = np.array([tenths for tenths, _ in some], dtype=float) / 10, np.array([one for _, one in some])
    found = decompose(said, hit, bins=100)
    if len(np.unique(said)) == found.reliability.bins:
        assert found.within == pytest.approx(0, abs=1e-12)
    assert found.score == pytest.approx(brier_score_loss(hit, said, pos_label=True, labels=[False, True]), abs=1e-12)
    assert found.score == pytest.approx(found.reliability.seen - found.resolution.seen + found.uncertainty + found.within)
    low, high = found.reliability.bounds(ALPHA, ALPHA)
    assert 0 <= low <= found.reliability.value <= high


@given(rows)
def test_the_other_event_has_the_same_parts(some: list[tuple[int, bool]]) -> None:
    """Where bins are single probabilities, which do not change their order of ties."""
    said, hit = np.array([tenths for tenths, _ in some], dtype=float) / 10, np.array([one for _, one in some])
    here, there = decompose(said, hit, bins=100), decompose(1 - said, ~hit, bins=100)
    if here.reliability.bins == there.reliability.bins == len(np.unique(said)):
        assert there.reliability.value == pytest.approx(here.reliability.value, abs=1e-12)
        assert there.resolution.bounds(ALPHA, ALPHA) == pytest.approx(here.resolution.bounds(ALPHA, ALPHA), abs=1e-9)


@pytest.mark.parametrize("n", [200, 1000])
def test_a_calibrated_models_value_is_zero_on_average(n: int) -> None:
    """The debiased distance is off by nothing, the floor is its 95th percentile, and no end is above 0."""
    rng = np.random.default_rng(1)
    found = [drawn(rng, n).reliability for _ in range(400)]
    error = np.std([one.seen for one in found]) / 20
    assert abs(np.mean([one.seen - one.chance for one in found])) < 3 * error
    assert np.mean([one.seen for one in found]) > 10 * error
    assert np.mean([one.value > one.noise_floor for one in found]) <= most(0.05, 400)
    assert np.mean([one.bounds(ALPHA, ALPHA)[0] > 0 for one in found]) <= most(ALPHA, 400)


def test_coverage_and_use() -> None:
    """Truly .15 off in every row; no wider than a few standard errors of the square."""
    rng = np.random.default_rng(2)
    assert max(misses(lambda: drawn(rng, 800, 0.15).reliability, 0.0225, 400)) <= most(ALPHA, 400)
    low, high = np.mean([drawn(rng, 800, 0.15).reliability.bounds(ALPHA, ALPHA) for _ in range(50)], axis=0)
    assert 0.01 < low < high < 0.04


def test_bins_of_sure_rows_leave_room() -> None:
    """Said .999, true .97: in a bin of 27 rows there is often no miss at all, and nothing that was seen varies."""
    rng, n = np.random.default_rng(3), 400

    def draw() -> SquaredDistance:
        return decompose(np.clip(rng.normal(0.999, 1e-5, n), 0, 1), rng.random(n) < 0.97).reliability

    assert misses(draw, 0.029**2, 400)[1] <= most(ALPHA, 400)
    right = decompose(np.linspace(0.998, 0.999, n), np.ones(n, dtype=bool)).reliability
    assert right.value < 1e-5
    assert right.bounds(ALPHA, ALPHA)[1] > 1e-4


@pytest.mark.parametrize("said", [np.full(100, 0.5), np.repeat([0.0, 1.0], 50)])
def test_bins_that_fit_to_the_row_prove_no_more_than_their_rows_do(said: NDArray[np.float64]) -> None:
    """Half of 100 rows said .5, or 50 said to be sure: what is seen is 0, which shares as far off as the exact ends would show too."""
    hit = np.arange(100) >= 50
    found = decompose(said, hit).reliability
    assert found.seen == 0.0
    off = 0.5 - binom_ends(50, 100)[0] if said[0] else binom_ends(0, 50)[1]
    assert found.bounds(ALPHA, ALPHA)[1] >= off**2 * (1.0 if said[0] else 0.5)
    wide, narrow = (decompose(np.repeat(said, k), np.repeat(hit, k)).reliability.bounds(ALPHA, ALPHA)[1] for k in (1, 10))
    assert 0 < narrow < wide / 5


def test_entities_cover() -> None:
    """People of one to seven rows, all alike: without entities the lower end leaves 0 far too often."""
    rng, trials = np.random.default_rng(4), 200

    def draw(*, honest: bool) -> SquaredDistance:
        person, said = np.repeat(np.arange(150), rng.integers(1, 8, 150)), rng.beta(2, 1, 150)
        hit = (rng.random(150) < said)[person]
        return decompose(said[person], hit, person if honest else None).reliability

    assert misses(lambda: draw(honest=True), 0.0, trials)[0] <= most(ALPHA, trials)
    assert misses(lambda: draw(honest=False), 0.0, trials)[0] > 0.3


def test_every_row_its_own_entity_changes_little() -> None:
    rng = np.random.default_rng(5)
    said: NDArray[np.float64] = rng.random(300)
    hit = rng.random(300) < said
    alone, apart = decompose(said, hit).reliability, decompose(said, hit, np.arange(300)).reliability
    assert apart.chance == pytest.approx(alone.chance)
    assert apart.bounds(ALPHA, ALPHA) == pytest.approx(alone.bounds(ALPHA, ALPHA), rel=0.05, abs=1e-4)


def test_bins_hold_ties_together() -> None:
    assert equal_mass(np.array([0.5, 0.1, 0.5, 0.9]), 4).tolist() == [1, 0, 1, 2]
