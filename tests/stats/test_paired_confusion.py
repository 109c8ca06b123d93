from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.stats import Confusion, PairedConfusion, PairedDifference
from audit.stats.stored import from_json, to_json
from tests.misses import misses, most

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from audit.stats.class_scores import Average, Metric

ALPHA = 0.025
rows = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2), st.integers(0, 2), st.integers(0, 5)), min_size=1, max_size=30)
metrics = st.sampled_from(["precision", "recall", "f1", "balanced_accuracy", "mcc"])
averages = st.sampled_from(["binary", "macro", "weighted"])


@settings(max_examples=40)
@given(rows, metrics, averages, st.booleans())
def test_is_the_difference_of_two_tables(some: list[tuple[int, int, int, int]], metric: Metric, average: Average, clustered: bool) -> None:  # noqa: FBT001  # drawn, not typed by a caller
    true, first, second, person = np.array(some).T
    clusters = person if clustered else None
    found = PairedConfusion.of(true, first, second, metric=metric, average=average, clusters=clusters)
    one, two = (Confusion.of(true, by, 3, metric=metric, average=average, clusters=clusters) for by in (first, second))
    assert found.value == pytest.approx(one.value - two.value, abs=1e-12)
    assert found.of_models() == pytest.approx((one.value, two.value), abs=1e-12)
    assert found.n == one.n == len(some)
    assert found.support == min(one.support, two.support)
    low, high = found.bounds(ALPHA, ALPHA)
    assert (-2 if metric == "mcc" else -1) <= low <= found.value <= high <= (2 if metric == "mcc" else 1)
    order = np.random.default_rng(len(some)).permutation(len(some))
    parts = (None if clusters is None else 9 - clusters[order]) if clustered else None
    again = PairedConfusion.of(true[order], first[order], second[order], metric=metric, average=average, clusters=parts)
    assert again == found


@settings(max_examples=15)
@given(rows, metrics)
def test_turns_with_the_models_and_nests(some: list[tuple[int, int, int, int]], metric: Metric) -> None:
    """But for the draws, which are others."""
    true, first, second, _ = np.tile(np.array(some).T, 4)
    here, there = (PairedConfusion.of(true, a, b, metric=metric) for a, b in ((first, second), (second, first)))
    low, high = here.bounds(ALPHA, 0.05)
    width = high - low
    assert there.bounds(0.05, ALPHA) == pytest.approx((-high, -low), abs=0.01 + 0.08 * width)
    wider = here.bounds(0.01, ALPHA)
    assert wider[0] <= low
    assert wider[1] >= high


def drawn(
    prevalence: list[float], right: tuple[float, float], alike: float, n: int, seed: int
) -> tuple[NDArray[np.int64], Callable[[], NDArray[np.int64]]]:
    """(3, many) rows that hold all of the truth, and samples of n rows; the second model repeats the first on a share of rows."""
    rng, k = np.random.default_rng(seed), len(prevalence)

    def sample(size: int) -> NDArray[np.int64]:
        true = rng.choice(k, size, p=prevalence)
        first, own = (np.where(rng.random(size) < share, true, (true + rng.integers(1, k, size)) % k) for share in right)
        return np.stack([true, first, np.where(rng.random(size) < alike, first, own)])

    return sample(1_000_000), lambda: sample(n)


@pytest.mark.parametrize(
    ("metric", "prevalence", "right", "alike", "n"),
    [
        ("mcc", [0.5, 0.5], (0.9, 0.8), 0.8, 100),
        ("f1", [0.9, 0.1], (0.97, 0.9), 0.7, 300),
        ("f1", [0.6, 0.3, 0.1], (0.95, 0.95), 0.9, 300),
    ],
)
def test_no_end_misses_more_than_it_may(metric: Metric, prevalence: list[float], right: tuple[float, float], alike: float, n: int) -> None:
    from sklearn.metrics import f1_score, matthews_corrcoef

    whole, sample = drawn(prevalence, right, alike, n, 41)
    by = matthews_corrcoef if metric == "mcc" else lambda true, said: f1_score(true, said, average="macro")
    truth = by(whole[0], whole[1]) - by(whole[0], whole[2])
    low, high = misses(lambda: PairedConfusion.of(*sample(), metric=metric), truth, 100)
    assert max(low, high) <= most(ALPHA, 100)


def test_pairing_pays() -> None:
    """Models that agree on nine of ten rows: the interval is far narrower than from the two tables alone."""
    _, sample = drawn([0.5, 0.5], (0.85, 0.85), 0.9, 1500, 42)
    true, first, second = sample()
    low, high = PairedConfusion.of(true, first, second, metric="f1").bounds(ALPHA, ALPHA)
    ends = [Confusion.of(true, by, 2, metric="f1").bounds(ALPHA, ALPHA) for by in (first, second)]
    apart = math.hypot(*(upper - lower for lower, upper in ends))
    assert 0 < high - low < 0.7 * apart


def test_balanced_accuracy_of_one_class_is_a_paired_difference() -> None:
    first, second = np.arange(400) >= 40, np.arange(400) >= 60
    found = PairedConfusion.of(np.ones(400, dtype=np.int64), first.astype(np.int64), second.astype(np.int64), metric="balanced_accuracy")
    exact = PairedDifference.of(first, second)
    assert found.value == pytest.approx(exact.value)
    assert found.bounds(0.01, 0.01) == pytest.approx(exact.bounds(0.01, 0.01), abs=0.008)


def test_models_that_agree_are_no_proof_of_agreement() -> None:
    both = np.array([0, 1] * 100)
    low, high = PairedConfusion.of(both, both, both, metric="f1").bounds(ALPHA, ALPHA)
    assert low == pytest.approx(-high, abs=0.003)
    assert 0.01 < high < 0.04


def test_rows_of_one_entity_are_not_independent() -> None:
    person = np.repeat(np.arange(50), 8)
    true = np.tile([0, 1], 200)
    wrong = np.isin(person, [3, 14, 15, 9, 26])
    second = np.where(wrong, 1 - true, true)
    alone, honest = (PairedConfusion.of(true, true, second, metric="f1", clusters=by).bounds(ALPHA, ALPHA) for by in (None, person))
    assert honest[1] - honest[0] > 1.8 * (alone[1] - alone[0])
    found = PairedConfusion.of(true, true, second, metric="f1", clusters=person)
    assert "50 entities" in found.method
    assert found.support == 50
    assert found.copies == (5, 45)


def test_survives_a_file_and_is_wider_at_levels_beyond_its_draws() -> None:
    rng = np.random.default_rng(43)
    found = PairedConfusion.of(*rng.integers(0, 3, (3, 90)), metric="mcc", clusters=np.arange(90) // 3)
    assert from_json(json.loads(json.dumps(to_json(found)))) == found
    (far_low, far_high), (low, high) = found.bounds(1e-6, 1e-6), found.bounds(1e-3, 1e-3)
    assert -2.0 <= far_low < low < found.value < high < far_high <= 2.0
    alone = np.zeros(30, dtype=np.int64)
    assert PairedConfusion.of(alone, alone, alone, metric="mcc").bounds(ALPHA, ALPHA) == (-2.0, 2.0)


def test_what_is_not_the_same_rows_is_refused() -> None:
    some, none = np.zeros(3, dtype=np.int64), np.zeros(0, dtype=np.int64)
    with pytest.raises(ValueError, match="the same rows, one at least, got 3, 3 and 0"):
        PairedConfusion.of(some, some, none, metric="f1")
    with pytest.raises(ValueError, match="the same rows, one at least, got 0"):
        PairedConfusion.of(none, none, none, metric="f1")
    with pytest.raises(ValueError, match="a count for each of 1 cells"):
        PairedConfusion(((0, 0, 0),), ((1, 2),), "f1")
