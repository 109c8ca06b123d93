from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr
from scipy.stats import norm

from audit.stats import Auc, AucDifference, PairedAuc
from tests.misses import misses, most

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

ALPHA = 0.025
rows = st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 6), st.integers(0, 9)), min_size=4, max_size=50).filter(
    lambda some: 2 <= sum(row[0] for row in some) <= len(some) - 2
)


def columns(
    some: list[tuple[bool, int, int, int]],
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    positive, first, second, person = zip(*some, strict=True)
    return np.array(positive), np.array(first, dtype=float), np.array(second, dtype=float), np.array(person)


def delong(positive: NDArray[np.bool_], *scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """The areas' covariance by all pairs, as DeLong et al. write it."""
    tens, ones = [], []
    for score in scores:
        above = score[positive][:, None] - score[~positive][None, :]
        psi = (above > 0) + 0.5 * (above == 0)
        tens.append(psi.mean(axis=1))
        ones.append(psi.mean(axis=0))
    found: NDArray[np.float64] = np.cov(tens) / len(tens[0]) + np.cov(ones) / len(ones[0])
    return found


@given(rows)
def test_correlation_agrees_with_all_pairs(some: list[tuple[bool, int, int, int]]) -> None:
    """Ties included."""
    positive, first, second, _ = columns(some)
    found, expected = PairedAuc.of(positive, first, second), delong(positive, first, second)
    apart = np.sqrt(expected[0, 0] * expected[1, 1])
    assert found.first.variance == pytest.approx(expected[0, 0], abs=1e-12)
    assert found.correlation == pytest.approx(expected[0, 1] / apart if apart > 1e-9 else 0.0, abs=1e-6)


@settings(max_examples=40)
@given(rows, st.booleans())
def test_ends_contain_the_value_nest_and_turn_with_the_models(some: list[tuple[bool, int, int, int]], clustered: bool) -> None:  # noqa: FBT001  # drawn, not typed by a caller
    positive, first, second, person = columns(some)
    clusters = person if clustered else None
    here, there = PairedAuc.of(positive, first, second, clusters), PairedAuc.of(positive, second, first, clusters)
    low, high = here.bounds(0.01, 0.05)
    assert -1 <= low <= here.value <= high <= 1
    assert here.value == pytest.approx(Auc.of(positive, first).area - Auc.of(positive, second).area)
    jump = 1e-9 if 0 < here.first.area < 1 and 0 < here.second.area < 1 else 1e-4  # the exact end of 1 leaps where it begins
    assert there.bounds(0.05, 0.01) == pytest.approx((-high, -low), abs=jump)
    wider = here.bounds(0.001, 0.01)
    assert wider[0] <= low + 1e-9
    assert wider[1] >= high - 1e-9
    order = np.random.default_rng(len(some)).permutation(len(some))
    again = PairedAuc.of(positive[order], first[order], second[order], None if clusters is None else 7 - clusters[order])
    assert again.bounds(0.01, 0.05) == pytest.approx((low, high), abs=1e-9)


def test_an_area_moves_to_its_own_ends() -> None:
    rng = np.random.default_rng(31)
    positive = np.arange(200) < 60
    for shift in (0.0, 2.0):
        found = Auc.of(positive, rng.normal(positive * shift))
        ends = [found.bounds(float(ndtr(-z)), float(ndtr(-z))) for z in (1.0, 1.96, 3.0)]
        assert found.ends_at(np.array([-1.0, -1.96, -3.0])) == pytest.approx([low for low, _ in ends], abs=1e-6)
        assert found.ends_at(np.array([1.0, 1.96, 3.0])) == pytest.approx([high for _, high in ends], abs=1e-6)
        assert found.ends_at(np.zeros(1)) == found.area


def drawn(rng: Generator, size: tuple[int, int], areas: tuple[float, float], correlation: float, spread: float) -> PairedAuc:
    """Two binormal scores of the same rows; the positive ones spread `spread` times as much."""
    positive = np.arange(sum(size)) < size[0]
    one, other = rng.normal(size=(2, sum(size)))
    shift = norm.ppf(areas) * np.sqrt(1 + spread**2)
    noise = (one, correlation * one + np.sqrt(1 - correlation**2) * other)
    return PairedAuc.of(positive, *(np.where(positive, by + spread * z, z) for by, z in zip(shift, noise, strict=True)))


@pytest.mark.parametrize(
    ("size", "areas", "correlation", "spread"),
    [
        ((30, 300), (0.93, 0.97), 0.95, 1.0),
        ((30, 30), (0.985, 0.995), 0.95, 1.0),
        ((30, 300), (0.95, 0.95), 0.6, 2.0),
        ((100, 400), (0.8, 0.82), 0.9, 1.0),
    ],
)
def test_no_end_misses_more_than_it_may(size: tuple[int, int], areas: tuple[float, float], correlation: float, spread: float) -> None:
    rng, trials = np.random.default_rng(32), 300
    low, high = misses(lambda: drawn(rng, size, areas, correlation, spread), areas[0] - areas[1], trials)
    assert max(low, high) <= most(ALPHA, trials)


def test_a_plain_normal_interval_misses_far_more() -> None:
    """Why it is not used: 30 positive rows, areas .93 and .97 of scores that are much alike."""
    rng, trials = np.random.default_rng(33), 300
    found = [drawn(rng, (30, 300), (0.93, 0.97), 0.95, 1.0) for _ in range(trials)]
    variances = np.array([(e.first.variance, e.second.variance) for e in found])
    error = np.sqrt(variances.sum(axis=1) - 2 * np.array([e.correlation for e in found]) * np.sqrt(variances.prod(axis=1)))
    assert np.mean(np.array([e.value for e in found]) - 1.96 * error > -0.04) > 0.06


def test_the_same_rows_tell_more_than_two_samples() -> None:
    rng = np.random.default_rng(34)
    paired = drawn(rng, (200, 200), (0.9, 0.9), 0.95, 1.0)
    apart = AucDifference(paired.first, paired.second)
    (low, high), (far_low, far_high) = paired.bounds(ALPHA, ALPHA), apart.bounds(ALPHA, ALPHA)
    assert high - low < 0.5 * (far_high - far_low)
    assert apart.n == 2 * paired.n
    assert apart.support == paired.support == 200


def test_scores_that_agree_are_no_proof_of_agreement() -> None:
    rng = np.random.default_rng(35)
    positive = np.arange(300) < 40
    score = rng.normal(positive * 2.0)
    low, high = PairedAuc.of(positive, score, score).bounds(ALPHA, ALPHA)
    assert -0.06 < low < -0.01
    assert 0.01 < high < 0.06


def test_coverage_with_entities() -> None:
    rng, trials = np.random.default_rng(36), 300

    def draw(*, honest: bool) -> PairedAuc:
        """Eighty people of one to eight rows; each model has its own luck with a person."""
        person = np.repeat(np.arange(80), rng.integers(1, 9, 80))
        positive = (np.arange(80) % 2 == 0)[person]
        first, second = (rng.normal(0, 1, 80)[person] + rng.normal(0, 0.3, len(person)) + 1.5 * positive for _ in range(2))
        return PairedAuc.of(positive, first, second, person if honest else None)

    assert max(misses(lambda: draw(honest=True), 0.0, trials)) <= most(ALPHA, trials)
    assert max(misses(lambda: draw(honest=False), 0.0, trials)) > 0.08
    found = draw(honest=True)
    assert 28 < found.support < 40  # of unequal size
    assert "80 entities" in found.method


@pytest.mark.parametrize(("areas", "spread"), [((0.9, 0.95), 1.0), ((0.8, 0.8), 1.0), ((0.95, 0.98), 2.0)])
def test_two_samples(areas: tuple[float, float], spread: float) -> None:
    rng, trials = np.random.default_rng(37), 300

    def draw() -> AucDifference:
        first, second = (drawn(rng, (40, 160), areas, 0.0, spread) for _ in range(2))
        return AucDifference(first.first, second.second)

    assert max(misses(draw, areas[0] - areas[1], trials)) <= most(ALPHA, trials)


def test_a_difference_of_two_samples_by_hand() -> None:
    """Newcombe's hybrid: the root of the squared distances to the ends that lie apart."""
    rng = np.random.default_rng(38)
    positive = np.arange(100) < 50
    first, second = Auc.of(positive, rng.normal(positive * 2.0)), Auc.of(positive, rng.normal(positive * 1.0))
    low, high = AucDifference(first, second).bounds(0.01, ALPHA)
    down = np.hypot(first.area - first.bounds(0.01, 0.5)[0], second.bounds(0.5, 0.01)[1] - second.area)
    up = np.hypot(first.bounds(0.5, ALPHA)[1] - first.area, second.area - second.bounds(ALPHA, 0.5)[0])
    assert (low, high) == pytest.approx((first.area - second.area - down, first.area - second.area + up))


def test_what_is_not_the_same_rows_is_refused() -> None:
    here, there = Auc(0.8, 0.001, 40, 60, 40), Auc(0.8, 0.001, 41, 60, 41)
    with pytest.raises(ValueError, match="the same counts"):
        PairedAuc(here, there, 0.5)
    with pytest.raises(ValueError, match="from -1 to 1"):
        PairedAuc(here, here, 1.5)
    with pytest.raises(ValueError, match="both classes"):
        PairedAuc.of(np.ones(5, dtype=bool), np.arange(5.0), np.arange(5.0))
