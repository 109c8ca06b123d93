from __future__ import annotations

import json
import math
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats import Confusion, Proportion
from audit.stats.class_scores import CLOSED, METRICS
from tests.misses import misses, most
from tests.reference import scikit_learn

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.stats.class_scores import Average, Metric

ALPHA = 0.025
REFERENCE = {name: scikit_learn(f"{name}_score") for name in ("f1", "precision", "recall")}
rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=40)


def codes(pairs: list[tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    return np.array([a for a, _ in pairs]), np.array([b for _, b in pairs])


@given(rows, st.sampled_from(["f1", "precision", "recall"]), st.sampled_from(["macro", "weighted"]))
def test_agrees_with_scikit_learn(pairs: list[tuple[int, int]], metric: Metric, average: Average) -> None:
    true, predicted = codes(pairs)
    found = Confusion.of(true, predicted, 4, metric=metric, average=average)
    assert found.value == pytest.approx(REFERENCE[metric](true, predicted, average=average, zero_division=0), abs=1e-12)
    low, high = found.bounds(ALPHA, ALPHA)
    assert 0 <= low <= found.value <= high <= 1
    assert low < high


@given(rows)
def test_binary_and_balanced_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import balanced_accuracy_score, f1_score

    true, predicted = codes(pairs)
    expected = f1_score(true == 2, predicted == 2, zero_division=0)
    assert Confusion.of(true, predicted, 4, metric="f1", average="binary", positive=2).value == pytest.approx(expected, abs=1e-12)
    recalls = [np.mean(predicted[true == one] == one) for one in np.unique(true)]
    found = Confusion.of(true, predicted, 4, metric="balanced_accuracy")
    assert found.value == pytest.approx(float(np.mean(recalls)), abs=1e-12)
    if set(predicted) <= set(true) and len(recalls) > 1:
        assert found.value == pytest.approx(balanced_accuracy_score(true, predicted), abs=1e-12)


@given(rows)
def test_matthews_correlation_agrees_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import matthews_corrcoef

    true, predicted = codes(pairs)
    found = Confusion.of(true, predicted, 4, metric="mcc")
    if len({*true.tolist(), *predicted.tolist()}) > 1:  # scikit-learn warns of a single label
        assert found.value == pytest.approx(matthews_corrcoef(true, predicted), abs=1e-12)
    low, high = found.bounds(ALPHA, ALPHA)
    assert -1 <= low <= found.value <= high <= 1
    assert low < high


def test_matthews_correlation_by_hand() -> None:
    """6 and 3 right, 1 and 2 wrong: (6 x 3 - 1 x 2) / sqrt(7 x 8 x 4 x 5); one class alone shows nothing."""
    true, predicted = np.array([1] * 8 + [0] * 4), np.array([1] * 6 + [0] * 2 + [1] * 1 + [0] * 3)
    found = Confusion.of(true, predicted, 2, metric="mcc", average="binary")
    assert found.value == pytest.approx(16 / math.sqrt(7 * 8 * 4 * 5))
    assert found.support == 8
    alone = np.zeros(40, dtype=np.int64)
    assert Confusion.of(alone, alone, 2, metric="mcc").bounds(ALPHA, ALPHA) == (-1.0, 1.0)


@given(rows, st.sampled_from([0.5, 1.0, 2.0, 10.0]), st.sampled_from(["macro", "weighted"]))
def test_f_beta_agrees_with_scikit_learn(pairs: list[tuple[int, int]], beta: float, average: Average) -> None:
    from sklearn.metrics import fbeta_score

    true, predicted = codes(pairs)
    found = replace(Confusion.of(true, predicted, 4, metric="fbeta", average=average), beta=beta)
    assert found.value == pytest.approx(fbeta_score(true, predicted, beta=beta, average=average, zero_division=0), abs=1e-12)
    if beta == 1:
        assert found.bounds(ALPHA, ALPHA) == Confusion.of(true, predicted, 4, metric="f1", average=average).bounds(ALPHA, ALPHA)
    low, high = found.bounds(ALPHA, ALPHA)
    assert 0 <= low <= found.value <= high <= 1
    assert low < high


@given(rows)
def test_kappa_agrees_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    from sklearn.metrics import cohen_kappa_score

    true, predicted = codes(pairs)
    found = Confusion.of(true, predicted, 4, metric="kappa")
    if len({*true.tolist(), *predicted.tolist()}) > 1:  # of one label it is not defined
        assert found.value == pytest.approx(cohen_kappa_score(true, predicted), abs=1e-12)
    low, high = found.bounds(ALPHA, ALPHA)
    assert -1 <= low <= found.value <= high <= 1
    assert low < high


def test_kappa_by_hand() -> None:
    """Nine of twelve agree, (8 x 7 + 4 x 5) / 12 would by chance; one class alone shows nothing."""
    true, predicted = np.array([1] * 8 + [0] * 4), np.array([1] * 6 + [0] * 2 + [1] * 1 + [0] * 3)
    chance = (8 * 7 + 4 * 5) / 12
    assert Confusion.of(true, predicted, 2, metric="kappa").value == pytest.approx((9 - chance) / (12 - chance))
    alone = np.zeros(40, dtype=np.int64)
    assert Confusion.of(alone, alone, 2, metric="kappa").bounds(ALPHA, ALPHA) == (-1.0, 1.0)


@pytest.mark.parametrize(("prevalence", "right"), [([0.5, 0.5], [0.9, 0.9]), ([0.9, 0.1], [0.98, 0.9]), ([0.6, 0.3, 0.1], [0.6, 0.6, 0.6])])
def test_each_end_of_matthews_correlation_errs_no_more_than_promised(prevalence: list[float], right: list[float]) -> None:
    from sklearn.metrics import matthews_corrcoef

    table, samples = drawn(prevalence, right, 300, 16)
    cells = np.indices(table.shape).reshape(2, -1)
    truth = matthews_corrcoef(cells[0], cells[1], sample_weight=table.ravel())
    left = iter(samples)
    low, high = misses(lambda: Confusion.of(*next(left), len(right), metric="mcc"), truth, len(samples))
    assert max(low, high) <= most(ALPHA, len(samples))


def test_metrics_of_a_table_share_their_draws_and_are_quick() -> None:
    """Five metrics of twenty slices of 100,000 rows."""
    rng = np.random.default_rng(17)
    true, part = rng.integers(0, 2, 100_000), rng.integers(0, 20, 100_000)
    predicted = np.where(rng.random(100_000) < 0.9, true, 1 - true)
    started = time.process_time()
    for one in range(20):
        rows_of = part == one
        for metric in METRICS:
            Confusion.of(true[rows_of], predicted[rows_of], 2, metric=metric).bounds(ALPHA, ALPHA)
    assert time.process_time() - started < 1


def drawn(
    prevalence: list[float], right: list[float], n: int, seed: int
) -> tuple[NDArray[np.float64], list[tuple[NDArray[np.int64], NDArray[np.int64]]]]:
    """The true table, and 150 samples of it."""
    rng, k = np.random.default_rng(seed), len(prevalence)
    table = np.array(
        [[p * (r if i == j else (1 - r) / (k - 1)) for j in range(k)] for i, (p, r) in enumerate(zip(prevalence, right, strict=True))]
    )
    cells = rng.choice(k * k, (150, n), p=table.ravel())
    return table, [(cell // k, cell % k) for cell in cells]


@pytest.mark.parametrize(
    ("prevalence", "right", "n"),
    [
        ([0.5, 0.5], [0.9, 0.9], 100),
        ([0.9, 0.1], [0.99, 0.95], 300),
        ([0.6, 0.3, 0.1], [0.97, 0.95, 0.95], 300),
        ([0.05] * 20, [0.93] * 20, 600),
    ],
)
def test_each_end_of_macro_f1_errs_no_more_than_promised(prevalence: list[float], right: list[float], n: int) -> None:
    """Also where every class is nearly perfect, and where there are twenty, on which half an error a class would weigh."""
    table, samples = drawn(prevalence, right, n, 6)
    truth = float(np.mean(2 * np.diag(table) / (table.sum(axis=0) + table.sum(axis=1))))
    left = iter(samples)
    low, high = misses(lambda: Confusion.of(*next(left), len(right), metric="f1"), truth, len(samples))
    assert low <= most(ALPHA, len(samples))
    assert high <= most(ALPHA, len(samples))


def test_rows_of_one_entity_are_not_independent() -> None:
    rng, trials = np.random.default_rng(7), 120

    def draw(*, honest: bool) -> Confusion:
        person = np.repeat(np.arange(60), rng.integers(1, 10, 60))
        true = rng.integers(0, 2, len(person))
        right = rng.random(len(person)) < rng.beta(1.6, 0.4, 60)[person]
        clusters = person if honest else None
        return Confusion.of(true, np.where(right, true, 1 - true), 2, metric="balanced_accuracy", clusters=clusters)

    assert max(misses(lambda: draw(honest=True), 0.8, trials)) <= most(0.03, trials)
    assert max(misses(lambda: draw(honest=False), 0.8, trials)) > 0.06


def all_or_nothing(rng: Generator, share: float, metric: Metric, average: Average, rare: int = 25) -> Confusion:
    """Forty entities of fifty rows, `rare` of them of the second class; the model gets all rows of an entity right or none."""
    person = np.repeat(np.arange(40), 50)
    true = np.tile((np.arange(50) < rare).astype(np.int64), 40)
    right = (rng.random(40) < share)[person]
    return Confusion.of(true, np.where(right, true, 1 - true), 2, metric=metric, average=average, clusters=person)


@pytest.mark.parametrize("share", [0.7, 0.9, 0.98])
@pytest.mark.parametrize(
    ("metric", "average", "rare"),
    [
        ("f1", "macro", 25),
        ("f1", "binary", 25),
        ("precision", "weighted", 25),
        ("recall", "macro", 25),
        ("balanced_accuracy", "macro", 1),
    ],
)
def test_an_end_counts_whole_entities_more_than_were_seen(share: float, metric: Metric, average: Average, rare: int) -> None:
    """With rows for entities the lower end missed in 7, then in 43 of 100 trials as the share rose."""
    rng, trials = np.random.default_rng(8), 150
    low, high = misses(lambda: all_or_nothing(rng, share, metric, average, rare), share, trials)
    assert max(low, high) <= most(ALPHA, trials)


def test_entities_of_which_all_rows_are_right_prove_no_more_than_as_many_rows() -> None:
    """Also where each holds a single row of the rare class, which then counts as one."""
    exact = Proportion(40, 40).bounds(ALPHA, ALPHA)[0]
    for rare in (25, 1):
        low, high = all_or_nothing(np.random.default_rng(9), 1.0, "balanced_accuracy", "macro", rare).bounds(ALPHA, ALPHA)
        assert 0.8 < low < exact
        assert high == 1


def test_entities_of_one_row_are_rows() -> None:
    """But for Student's quantile in place of the normal one."""
    rng = np.random.default_rng(10)
    true = rng.integers(0, 2, 400)
    predicted = np.where(rng.random(400) < 0.95, true, 1 - true)
    rows = Confusion.of(true, predicted, 2, metric="f1")
    entities = Confusion.of(true, predicted, 2, metric="f1", clusters=np.arange(400))
    assert entities.bounds(ALPHA, ALPHA) == pytest.approx(rows.bounds(ALPHA, ALPHA), abs=0.003)


def test_one_class_of_binary_recall_is_as_wide_as_the_exact_interval() -> None:
    """Balanced accuracy of a single class is a plain proportion."""
    found = Confusion.of(np.zeros(50, dtype=np.int64), np.array([0] * 45 + [1] * 5), 2, metric="balanced_accuracy")
    exact = Proportion(45, 50).bounds(0.01, 0.01)
    assert found.bounds(0.01, 0.01) == pytest.approx(exact, abs=0.012)


def test_no_error_seen_is_no_proof_of_none() -> None:
    both = np.array([0, 1] * 30)
    low, high = Confusion.of(both, both, 2, metric="f1").bounds(ALPHA, ALPHA)
    assert 0.93 < low < ALPHA ** (1 / 60)
    assert high == 1
    alone = np.zeros(30, dtype=np.int64)
    assert Confusion.of(alone, alone, 1, metric="recall").bounds(ALPHA, ALPHA)[0] < 0.9


def test_a_class_that_is_only_predicted_bars_a_pass_and_leaves_recall_open() -> None:
    from sklearn.metrics import recall_score

    true, predicted = np.array([0, 1] * 40), np.array([0, 1] * 39 + [0, 2])
    found = Confusion.of(true, predicted, 3, metric="recall")
    assert found.value == pytest.approx(recall_score(true, predicted, average="macro", zero_division=0))
    assert found.support == 0
    assert found.bounds(ALPHA, ALPHA)[1] > 0.95


def test_support() -> None:
    true, predicted = np.array([0] * 20 + [1] * 5), np.array([0] * 25)
    assert Confusion.of(true, predicted, 2, metric="f1").support == 5
    assert Confusion.of(true, predicted, 2, metric="f1", average="binary", positive=0).support == 20
    assert Confusion.of(true, predicted, 2, metric="f1", average="weighted").support == 25
    assert Confusion.of(true, predicted, 2, metric="f1", clusters=np.arange(25) % 3).support == pytest.approx(25 / 9)  # 1, 2 and 2 rows


def test_support_is_entities_that_hold_the_class() -> None:
    """Forty people of five rows, of whom twelve have four rows of the rare class each."""
    person = np.repeat(np.arange(40), 5)
    true = (np.arange(200) % 5 < 4).astype(np.int64) * (person < 12)
    support = {
        average: Confusion.of(true, true, 2, metric="f1", average=average, clusters=person).support
        for average in ("macro", "binary", "weighted")
    }
    assert support == {"macro": 12, "binary": 12, "weighted": 40}


@pytest.mark.parametrize("metric", [*CLOSED, "mcc", "kappa"])
def test_however_many_slices_share_a_level_an_end_can_decide(metric: Metric) -> None:
    """251 and 100,000 slices: the end that faces fail goes on moving outwards, and stays inside the range."""
    true = np.array([0, 1] * 200)
    found = Confusion.of(true, np.where(np.arange(400) % 5 == 0, 1 - true, true), 2, metric=metric)
    ends = [found.bounds(ALPHA, ALPHA / slices)[1] for slices in (1, 50, 251, 100_000)]
    assert found.value < ends[0] < ends[1] < ends[2] < ends[3] < 0.97


def test_same_table_same_ends_whatever_the_order_of_rows() -> None:
    rng = np.random.default_rng(11)
    true, predicted, person = rng.integers(0, 3, (3, 200))
    order = rng.permutation(200)
    here = Confusion.of(true, predicted, 3, metric="f1", clusters=person)
    there = Confusion.of(true[order], predicted[order], 3, metric="f1", clusters=person[order])
    assert here == there
    assert here.bounds(ALPHA, ALPHA) == there.bounds(ALPHA, ALPHA)


def test_many_classes_and_many_entities_stay_small_and_quick() -> None:
    rng = np.random.default_rng(12)
    true = rng.integers(0, 77, 3000)
    started = time.perf_counter()
    Confusion.of(true, np.where(rng.random(3000) < 0.9, true, rng.integers(0, 77, 3000)), 77, metric="f1").bounds(ALPHA, ALPHA)
    binary = rng.integers(0, 2, 100_000)
    found = Confusion.of(binary, binary, 2, metric="f1", clusters=np.arange(100_000) // 2)
    found.bounds(ALPHA, ALPHA)
    assert time.perf_counter() - started < 10
    assert len(json.dumps(found.tables)) < 1000


def test_no_row_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one row"):
        Confusion.of(np.array([], dtype=np.int64), np.array([], dtype=np.int64), 2, metric="f1")


def test_a_rare_class_is_as_badly_known_as_its_few_rows() -> None:
    """Thirty rows without an error among nine classes of a thousand: the exact end of thirty of thirty, over ten."""
    flat = tuple(np.diag([30] + [1000] * 9).ravel().tolist())
    for metric in ("balanced_accuracy", "recall", "precision"):
        low, high = Confusion((flat,), metric).bounds(ALPHA, ALPHA)
        assert 1 - (1 - ALPHA ** (1 / 30)) / 10 - 0.0001 < low < 0.9884 + 5e-5
        assert high == 1
    half = ALPHA ** (1 / 30)
    assert Confusion((flat,), "f1").bounds(ALPHA, ALPHA)[0] < 1 - (1 - 2 * half / (1 + half)) / 10


@pytest.mark.parametrize("metric", ["balanced_accuracy", "f1", "precision"])
def test_errors_that_a_rare_class_carries_are_not_passed_over(metric: Metric) -> None:
    """Ten classes, one of thirty rows of which it gets nine in ten: the end that faces pass missed in up to 23 % of samples."""
    rng, trials = np.random.default_rng(14), 400
    sizes, right = np.array([30] + [1000] * 9), np.array([0.9] + [1.0] * 9)
    law = np.diag(sizes * right) + np.outer(sizes * (1 - right), np.ones(10)) * (1 - np.eye(10)) / 9
    truth = Confusion((tuple(np.rint(law * 10**6).astype(np.int64).ravel().tolist()),), metric).value

    def draw() -> Confusion:
        return Confusion((tuple(rng.multinomial(sizes.sum(), law.ravel() / law.sum()).tolist()),), metric)

    assert max(misses(draw, truth, trials)) <= most(ALPHA, trials)


def test_f1_of_one_class_follows_from_the_share_of_its_hits() -> None:
    """F1 = 2 J / (1 + J), J the share of hits among rows that are of the class or are taken for it."""
    found = Confusion(((900, 30, 20, 50),), "f1", "binary")
    ends = Proportion(50, 100).exact_bounds(ALPHA, ALPHA)
    assert found.value == pytest.approx(2 / 3)
    assert found.bounds(ALPHA, ALPHA) == pytest.approx(tuple(2 * j / (1 + j) for j in ends))
