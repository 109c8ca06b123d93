"""Average precision, two of them on the same rows, and means over classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats import Auc, AveragePrecision, ClassMean, PairedPrecision
from audit.stats import auc as areas
from audit.stats.average_precision import influence
from benchmarks import coverage
from benchmarks.populations import precisions
from tests.misses import misses, most

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.populations.case import Case

ALPHA = 0.025
ROWS = st.lists(st.tuples(st.booleans(), st.integers(0, 5)), min_size=2, max_size=40).filter(lambda rows: len({a for a, _ in rows}) == 2)


def columns(rows: list[tuple[bool, int]]) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    return np.array([a for a, _ in rows]), np.array([b for _, b in rows], dtype=float)


def normal(n: int, seed: int = 0, share: float = 0.3, shift: float = 1.5) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < share
    return positive, rng.normal(positive * shift)


def test_by_hand() -> None:
    """Positive, negative, positive from the top: the mean of 1/1 and 2/3."""
    found = AveragePrecision.of(np.array([True, False, True]), np.array([0.9, 0.8, 0.1]))
    assert found.value == pytest.approx((1 + 2 / 3) / 2)
    assert (found.positives, found.negatives, found.support, found.n) == (2, 1, 1, 3)
    tied = AveragePrecision.of(np.array([True, False, True, False]), np.ones(4))
    assert tied.value == 0.5


@given(ROWS)
def test_agrees_with_scikit_learn_ties_and_all(rows: list[tuple[bool, int]]) -> None:
    from sklearn.metrics import average_precision_score

    positive, score = columns(rows)
    found = AveragePrecision.of(positive, score)
    assert found.value == pytest.approx(average_precision_score(positive, score), abs=1e-12)
    low, high = found.bounds(ALPHA, ALPHA)
    assert 0 <= low <= found.value <= high <= 1
    assert low < high
    again = AveragePrecision.of(positive[::-1], 3 * score[::-1] + 1)
    assert (again.value, again.variance) == pytest.approx((found.value, found.variance))


def test_each_row_s_influence_is_what_a_little_more_of_it_does() -> None:
    """Against the value itself, recomputed with one row weighted a millionth more."""
    from sklearn.metrics import average_precision_score

    positive, score = normal(60, seed=3)
    score = np.round(score, 1)  # with ties
    step = 1e-6
    for row in range(60):
        weight = np.ones(60)
        weight[row] += step
        apart = average_precision_score(positive, score, sample_weight=weight) - average_precision_score(positive, score)
        assert influence(positive, score)[row] == pytest.approx(apart / step, abs=1e-6)
    assert influence(positive, score).sum() == pytest.approx(0)


def test_a_score_that_knows_nothing_has_the_variance_of_the_share() -> None:
    positive = np.arange(200) < 60
    found = AveragePrecision.of(positive, np.zeros(200))
    assert found.variance == pytest.approx(0.3 * 0.7 / 199)


def test_a_perfect_ranking_has_an_honest_end() -> None:
    """Forty positives all on top: .05^(1/40) and no less; 1 above."""
    positive = np.arange(400) < 40
    found = AveragePrecision.of(positive, -np.arange(400.0))
    assert found.bounds(0.05, 0.05) == pytest.approx((0.05 ** (1 / 40), 1.0))
    nearly = AveragePrecision.of(np.roll(positive, 0) ^ np.isin(np.arange(400), [39, 40]), -np.arange(400.0))
    assert nearly.value < 1
    assert 0.85 < nearly.bounds(0.05, 0.05)[0] < 0.05 ** (1 / 40)


def test_levels_further_out_lie_further_out() -> None:
    found = AveragePrecision.of(*normal(200))
    ends = [found.bounds(alpha, alpha) for alpha in (0.5, 0.1, 0.025, 0.001)]
    assert [low for low, _ in ends] == sorted((low for low, _ in ends), reverse=True)
    assert [high for _, high in ends] == sorted(high for _, high in ends)
    z = np.array([-1.959963984540054, 0.0, 1.959963984540054])
    assert found.ends_at(z) == pytest.approx([ends[2][0], found.value, ends[2][1]])


def test_rows_of_one_entity_widen_the_interval() -> None:
    positive, score = normal(150)
    alone = AveragePrecision.of(positive, score)
    four = AveragePrecision.of(np.tile(positive, 4), np.tile(score, 4), np.tile(np.arange(150), 4))
    assert four.value == pytest.approx(alone.value)
    assert four.variance == pytest.approx(alone.variance, rel=0.05)
    assert four.support == alone.support
    single = AveragePrecision.of(positive, score, np.zeros(150, dtype=np.int64))
    assert single.bounds(ALPHA, ALPHA)[1] - single.bounds(ALPHA, ALPHA)[0] > 0.9


@pytest.mark.parametrize(("n", "share", "shift"), [(200, 0.5, 1.5), (500, 0.1, 1.5), (1000, 0.1, 3.0)])
def test_each_end_errs_no_more_than_promised(n: int, share: float, shift: float) -> None:
    seeds = iter(range(400))
    truth = precisions.true_precision(share, shift)
    found = misses(lambda: AveragePrecision.of(*normal(n, next(seeds), share, shift)), truth, 400)
    assert max(found) <= most(0.03, 400)


@pytest.mark.parametrize("case", [*precisions.paired_precisions()[::3], *precisions.class_means()[::3]], ids=lambda case: case.name)
def test_each_end_of_differences_and_means_errs_no_more_than_promised(case: Case) -> None:
    assert coverage.simulated(case, fast=True).holds


def test_a_difference_by_hand() -> None:
    """5/6 against 1/2: the second score has the positives last."""
    positive = np.array([True, False, True])
    found = PairedPrecision.of(positive, np.array([0.9, 0.8, 0.1]), np.array([0.2, 0.8, 0.1]))
    assert found.value == pytest.approx(5 / 6 - (1 / 2 + 2 / 3) / 2)
    assert found.first.value == pytest.approx(5 / 6)


@given(ROWS, st.integers(0, 1000))
def test_swapping_two_scores_mirrors_the_ends(rows: list[tuple[bool, int]], seed: int) -> None:
    positive, first = columns(rows)
    second = np.random.default_rng(seed).permutation(first)
    forth, back = PairedPrecision.of(positive, first, second), PairedPrecision.of(positive, second, first)
    low, high = forth.bounds(0.025, 0.01)
    assert back.value == pytest.approx(-forth.value)
    assert back.bounds(0.01, 0.025) == pytest.approx((-high, -low), abs=2e-5)  # as fine as the search on the ellipse
    assert -1 <= low <= forth.value <= high <= 1


def test_a_model_against_itself_has_an_honest_interval() -> None:
    """What is shared drops out, and yet the interval does not vanish; two unlike scores are farther apart."""
    positive, score = normal(400)
    low, high = PairedPrecision.of(positive, score, score).bounds(ALPHA, ALPHA)
    assert low < 0 < high
    assert low == pytest.approx(-high)
    other = PairedPrecision.of(positive, score, normal(400, seed=9)[1] + positive).bounds(ALPHA, ALPHA)
    assert other[1] - other[0] > 2 * (high - low)


def macro(kind: str, n: int = 300, k: int = 3) -> tuple[ClassMean, NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(4)
    label, noise = rng.integers(0, k, n), rng.normal(size=(n, k))
    return precisions.class_mean(kind, label, noise, 1.0), label, noise + np.eye(k)[label]


def test_means_over_classes_agree_with_scikit_learn() -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    found, label, scores = macro("precisions")
    assert found.value == pytest.approx(average_precision_score(np.eye(3)[label], scores, average="macro"), abs=1e-12)
    chance = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    sides = [(label == one, chance[:, one]) for one in range(3)]
    area = ClassMean.of([Auc.of(*side) for side in sides], np.stack([areas.influence(*side) for side in sides]))
    assert area.value == pytest.approx(roc_auc_score(label, chance, multi_class="ovr", average="macro"), abs=1e-12)
    assert area.n == 300
    assert area.support == np.bincount(label).min()


@pytest.mark.parametrize("kind", ["areas", "precisions"])
def test_a_mean_is_surer_than_its_classes_and_no_surer_than_were_they_apart(kind: str) -> None:
    found, _, _ = macro(kind)
    widths = [high - low for low, high in (part.bounds(ALPHA, ALPHA) for part in found.parts)]
    low, high = found.bounds(ALPHA, ALPHA)
    assert low < found.value < high
    assert high - low < sum(widths) / 3
    whole = ClassMean(found.parts, ((1.0,) * 3,) * 3).bounds(ALPHA, ALPHA)
    assert whole[1] - whole[0] == pytest.approx(sum(widths) / 3)


def test_a_class_without_variance_counts_as_correlated_with_all() -> None:
    positive = np.arange(120) < 60
    parts = [Auc.of(positive, -np.arange(120.0)), Auc.of(*normal(120))]
    found = ClassMean.of(parts, np.stack([np.zeros(120), areas.influence(*normal(120))]))
    assert found.correlations == ((1.0, 1.0), (1.0, 1.0))


def test_what_makes_no_estimate_is_refused() -> None:
    with pytest.raises(ValueError, match="both classes, got 3 positive and 0 negative"):
        AveragePrecision.of(np.ones(3, dtype=bool), np.arange(3.0))
    with pytest.raises(ValueError, match="both classes, got 0 positive"):
        AveragePrecision.of(np.zeros(3, dtype=bool), np.arange(3.0))
    one, other = AveragePrecision.of(*normal(60)), AveragePrecision.of(*normal(61))
    with pytest.raises(ValueError, match="the same counts"):
        PairedPrecision(one, other, 0.5)
    with pytest.raises(ValueError, match="a mean over 1 classes"):
        ClassMean((one,), ((1.0, 0.0),))
