from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from audit.stats import CalibrationError, Proportion
from audit.stats.calibration import _redrawn, _row_by_row
from tests.misses import misses, most

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

ALPHA = 0.025


def drawn(rng: Generator, n: int, steep: float = 1.0) -> tuple[CalibrationError, float]:
    """A model that says p where logit(p) * steep is true, and its true error over the bins that it got."""
    said = rng.beta(2, 1, n)
    true = said**steep / (said**steep + (1 - said) ** steep)
    found = CalibrationError.of(said, rng.random(n) < true, rng)
    ranked, ends = np.argsort(said), np.cumsum([share.n for share in found.observed])[:-1]
    bins = np.split(ranked, ends)
    return found, float(sum(abs(said[rows].mean() - true[rows].mean()) * len(rows) for rows in bins) / n)


def test_a_worked_example() -> None:
    """Two bins of two rows: means .15 and .85, shares 0 and .5."""
    said, hit = np.array([0.1, 0.2, 0.8, 0.9]), np.array([False, False, True, False])
    found = CalibrationError.of(said, hit, np.random.default_rng(0), bins=2)
    assert found.confidence == pytest.approx((0.15, 0.85))
    assert found.observed == (Proportion(0, 2), Proportion(1, 2))
    assert found.value == pytest.approx((0.15 + 0.35) / 2)
    assert found.n == 4


@pytest.mark.parametrize(("n", "mean"), [(100, 0.123), (300, 0.071), (1000, 0.039)])
def test_the_plug_in_error_of_a_perfect_model(n: int, mean: float) -> None:
    """15 equal-mass bins. The noise floor is its 95th percentile, and no end is above the truth of 0."""
    rng = np.random.default_rng(1)
    found = [drawn(rng, n)[0] for _ in range(150)]
    assert np.mean([one.value for one in found]) == pytest.approx(mean, rel=0.05)
    assert np.mean([one.value > one.noise_floor for one in found]) <= most(0.05, 150)
    assert np.mean([one.bounds(ALPHA, ALPHA)[0] > 0 for one in found]) <= most(ALPHA, 150)


@pytest.mark.parametrize(("n", "steep"), [(300, 0.5), (1000, 0.7), (1000, 2.0)])
def test_coverage(n: int, steep: float) -> None:
    """Over- and underconfident models: both ends are conservative, and neither is useless."""
    rng, trials = np.random.default_rng(2), 200
    pairs = [drawn(rng, n, steep) for _ in range(trials)]
    low, high = ([end[i] for end in (one.bounds(ALPHA, ALPHA) for one, _ in pairs)] for i in (0, 1))
    truth = [true for _, true in pairs]
    assert np.mean(np.array(low) > truth) <= most(ALPHA, trials)
    assert np.mean(np.array(high) < truth) <= most(ALPHA, trials)
    assert np.mean(high) < np.mean(truth) + 5 / np.sqrt(n)
    if n == 1000:
        assert np.mean(low) > 0


def test_with_one_bin_it_is_the_gap_of_two_means() -> None:
    """Half-normal noise: the Gamma law's 2.5 % point is near 2.24 standard errors, and never far below in the tail."""
    found = CalibrationError((0.7,), (Proportion(500, 1000),), 0.02)
    error = np.sqrt(0.25 / 1000)
    assert found.value == pytest.approx(0.2)
    assert (0.2 - found.bounds(ALPHA, ALPHA)[0]) / error == pytest.approx(2.24, abs=0.1)
    assert (0.2 - found.bounds(0.0005, ALPHA)[0]) / error > 3.48


def test_equal_probabilities_share_a_bin_whatever_the_order_of_rows() -> None:
    rng = np.random.default_rng(3)
    said = np.round(rng.random(500), 1)
    hit = rng.random(500) < said
    order = rng.permutation(500)
    here = CalibrationError.of(said, hit, np.random.default_rng(0))
    there = CalibrationError.of(said[order], hit[order], np.random.default_rng(0))
    assert here.observed == there.observed
    assert len(here.confidence) == len(set(said))
    assert here.value == pytest.approx(there.value)
    assert here.noise_floor == pytest.approx(there.noise_floor)


def test_without_ties_bins_are_of_equal_mass() -> None:
    rng = np.random.default_rng(4)
    sizes = [share.n for share in CalibrationError.of(rng.random(1000), rng.random(1000) < 0.5, rng).observed]
    assert len(sizes) == 15
    assert max(sizes) - min(sizes) <= 1
    assert len(CalibrationError.of(rng.random(4), np.ones(4, dtype=bool), rng).observed) == 4


def test_rows_of_one_entity_widen_both_ends_and_the_floor() -> None:
    rng = np.random.default_rng(5)
    person = np.repeat(np.arange(100), 10)
    said: NDArray[np.float64] = np.repeat(rng.random(100), 10)
    hit = np.repeat(rng.random(100) < said[::10], 10)
    alone = CalibrationError.of(said, hit, np.random.default_rng(0))
    grouped = CalibrationError.of(said, hit, np.random.default_rng(0), clusters=person)
    assert grouped.value == alone.value
    assert grouped.noise_floor > 2 * alone.noise_floor
    assert grouped.bounds(ALPHA, ALPHA)[1] > alone.bounds(ALPHA, ALPHA)[1]
    assert grouped.support < 200


def test_entities_cover() -> None:
    """A perfect model whose rows come in fours: without entities the lower end leaves 0 far too often."""
    rng, trials = np.random.default_rng(6), 150

    def draw(*, honest: bool) -> CalibrationError:
        person = np.repeat(np.arange(150), 4)
        said = rng.random(150)
        hit = rng.random(150) < said
        return CalibrationError.of(said[person], hit[person], rng, clusters=person if honest else None)

    assert misses(lambda: draw(honest=True), 0.0, trials)[0] <= most(ALPHA, trials)
    assert misses(lambda: draw(honest=False), 0.0, trials)[0] > 0.1


def test_entities_that_are_all_right_leave_room_for_one_that_is_not() -> None:
    """Twenty people of fifty rows, each all right or all wrong; said .99, true .9, so the true error is .09."""
    rng, trials, person = np.random.default_rng(7), 150, np.repeat(np.arange(20), 50)

    def draw() -> CalibrationError:
        return CalibrationError.of(np.full(1000, 0.99), (rng.random(20) < 0.9)[person], rng, clusters=person)

    assert misses(draw, 0.09, trials)[1] <= most(ALPHA, trials)


def test_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        CalibrationError.of(np.array([]), np.array([], dtype=bool), np.random.default_rng(0))


@pytest.mark.parametrize("wrong", [0, 1, 3, 20])
def test_a_model_that_is_always_sure_is_no_surer_than_its_share_of_errors(wrong: int) -> None:
    """Given 0 or 1 in every row, its error is how often it is wrong; 400 rows without a mistake still leave 0.95 % to be feared."""
    stated = np.repeat([0.0, 1.0], 200)
    hit = stated.astype(bool) ^ (np.arange(400) % 20 < 1) * (np.arange(400) < 20 * wrong)
    found = CalibrationError.of(stated, hit, np.random.default_rng(0))
    assert found.value == pytest.approx(wrong / 400)
    assert found.bounds(0.025, 0.025)[1] >= Proportion(wrong, 400).bounds(0.025, 0.025)[1] - 1e-12


@pytest.mark.parametrize("shape", [(2.0, 1.0), (0.05, 0.05), (0.2, 20.0)], ids=["spread", "sure", "rare"])
def test_labels_of_large_bins_are_drawn_as_those_of_small_ones(shape: tuple[float, float]) -> None:
    """Mean and variance of each bin's hits are the sums over its rows, and the noise floor is that of labels drawn row by row."""
    rng = np.random.default_rng(7)
    said = np.sort(rng.beta(*shape, 6_000))
    starts = np.arange(0, 6_000, 1_000)
    drawn = np.concatenate([_redrawn(said, starts, rng) for _ in range(10)])
    row_by_row = np.concatenate([_row_by_row(said, starts, rng) for _ in range(10)])
    mean, variance = np.add.reduceat(said, starts), np.add.reduceat(said * (1 - said), starts)
    assert np.abs(drawn.mean(axis=0) - mean).max() <= 4 * np.sqrt(variance.max() / len(drawn))
    assert drawn.var(axis=0) == pytest.approx(variance, rel=0.06, abs=0.006)
    floors = [np.quantile(np.abs(one - mean).sum(axis=1), 0.95) for one in (drawn, row_by_row)]
    assert floors[0] == pytest.approx(floors[1], rel=0.02)


def test_many_rows_cost_no_draw_each() -> None:
    """The same floor over the root of the rows, as chance has it, and no billion of numbers."""
    rng = np.random.default_rng(8)
    floors = [
        CalibrationError.of(said, rng.random(n) < said, rng).noise_floor * np.sqrt(n)
        for n in (2_000, 1_000_000)
        for said in [rng.random(n)]
    ]
    assert floors[0] == pytest.approx(floors[1], rel=0.05)
