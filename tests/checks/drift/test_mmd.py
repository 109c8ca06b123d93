from __future__ import annotations

import importlib.util
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from audit.candidates.capabilities import Embeddings, find
from audit.candidates.saved import SavedPredictions
from audit.catalog import discover
from audit.checks.drift import _kernel
from audit.errors import CannotMeasure
from audit.evidence import Lines
from audit.metrics import bins
from audit.metrics.windows import Feature
from audit.stats import MeanDiscrepancy
from audit.stats.distribution_distance import power_sums
from tests.judged import status
from tests.support import dataset, measure, subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.candidates.capabilities import C
    from audit.evidence import Evidence

CHECK = "drift/mmd"
needs_alibi = pytest.mark.skipif(importlib.util.find_spec("alibi_detect") is None, reason="needs alibi-detect")


def drift(reference: NDArray[Any], current: NDArray[Any], roles: dict[str, Any] | None = None, seed: int = 0, **params: Any) -> Evidence:
    """Drift of tables of numbers, one column a feature."""
    frames = [pd.DataFrame(np.asarray(rows)).add_prefix("x").assign(prediction="a") for rows in (reference, current)]
    return measure(CHECK, subject(frames[1], reference=frames[0], **(roles or {})), seed, **params)


def test_a_worked_example() -> None:
    """Reference 0 and 2, current 0 and 2 moved by 2: six squared distances 4, 4, 0, 16, 4, 4; median 4; k = exp(-d^2 / 4)."""
    seen = _kernel.gaussian(np.array([[0.0], [2.0]]), np.array([[2.0], [4.0]]))
    near, far = math.exp(-1), math.exp(-4)
    assert seen.bandwidth == pytest.approx(math.sqrt(2))
    assert seen.squared() == pytest.approx(near + near - 2 * (near + far + 1 + near) / 4)
    assert seen.squared_distance == pytest.approx((2 + 2 * near) / 4 * 2 - 2 * (near + far + 1 + near) / 4)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_order_origin_unit_and_direction_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = rng.normal(size=(12, 3)), rng.normal(0.5, size=(9, 3))
    squared = _kernel.gaussian(one, two).squared()
    assert _kernel.gaussian(rng.permutation(one), two).squared() == pytest.approx(squared)
    assert _kernel.gaussian(5 * one + 1000, 5 * two + 1000).squared() == pytest.approx(squared, abs=1e-9)
    assert _kernel.gaussian(two, one).squared() == pytest.approx(squared)


def test_the_error_is_as_large_as_theory_says() -> None:
    """E|error|^2 = (1 - mean k) / n for each sample, with the mean over different rows."""
    rng = np.random.default_rng(3)
    seen = _kernel.gaussian(rng.normal(size=(40, 2)), rng.normal(size=(25, 2)))
    expected = sum(
        (1 - (part.sum() - len(part)) / (len(part) * (len(part) - 1))) / len(part) for part in (seen.table[:40, :40], seen.table[40:, 40:])
    )
    assert seen.error(rng)[0][0] == pytest.approx(expected)


@pytest.mark.parametrize(("n", "m"), [(40, 20), (400, 200), (600, 500)])
def test_moments_of_the_error_are_those_of_its_covariance(n: int, m: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the table, centred and scaled: every eigenvalue at 60 rows, the largest 32 at 600, and in single precision at 1,100."""
    monkeypatch.setattr(_kernel, "EXACT", 1000)
    rng = np.random.default_rng(12)
    seen = _kernel.gaussian(rng.normal(size=(n, 2)), 1.5 * rng.normal(size=(m, 2)))
    assert seen.table.dtype == (np.float32 if n == 600 else np.float64)
    moments, leading = seen.error(rng)
    table = seen.table.astype(float)
    for side in (slice(0, n), slice(n, None)):
        table[side] -= table[side].mean(axis=0)
        table[:, side] -= table[:, side].mean(axis=1, keepdims=True)
    scale = np.repeat([1 / np.sqrt(n * (n - 1)), 1 / np.sqrt(m * (m - 1))], [n, m])
    table *= np.outer(scale, scale)
    expected = power_sums(table)
    assert moments[:2] == pytest.approx(expected[:2], rel=1e-4)
    assert moments[2] == pytest.approx(expected[2], rel=0.01)
    assert moments[2] >= expected[2] * (1 - 1e-5)
    assert leading == pytest.approx(np.sqrt(np.linalg.eigvalsh(table)[-1]), rel=1e-4)


def test_many_rows_lose_no_digit_that_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Single precision and the median of every other row, against double precision; and rows far out, which single precision loses."""
    monkeypatch.setattr(_kernel, "EXACT", 1000)
    rng = np.random.default_rng(13)
    before, now = rng.normal(size=(1000, 30)), rng.normal(0.02, size=(1000, 30))
    seen = _kernel.gaussian(before, now)
    assert seen.table.dtype == np.float32
    rows = np.vstack([before, now])
    length = (rows**2).sum(axis=1)
    squared = length[:, None] + length - 2 * rows @ rows.T
    assert 2 * seen.bandwidth**2 == pytest.approx(np.median(squared[np.triu_indices(2000, 1)]), rel=0.005)
    exact = _kernel.Kernel(np.exp(-squared / (2 * seen.bandwidth**2)), 1000, seen.bandwidth, seen.contexts)
    assert seen.squared() == pytest.approx(exact.squared(), abs=1e-7)
    far = np.vstack([before, np.full((2, 30), 1e6)])
    assert _kernel.gaussian(far, now).table.dtype == np.float64


def test_the_estimate_is_unbiased_and_chance_is_not_called_drift() -> None:
    """200 pairs of samples of one law: mean estimate 0 within its error, at most 2.5 % beyond chance, nine in ten a clear pass at .1."""
    rng, trials = np.random.default_rng(4), 200
    seen = [drift(rng.normal(size=(150, 4)), rng.normal(size=(120, 4)), seed=i) for i in range(trials)]
    squared = [found.members[0].estimate.squared for found in seen if isinstance(found.members[0].estimate, MeanDiscrepancy)]
    assert len(squared) == trials
    assert abs(np.mean(squared)) <= 3 * np.std(squared) / np.sqrt(trials)
    lows = np.array([found.members[0].estimate.bounds(0.025, 0.025)[0] for found in seen])
    assert np.mean(lows > 0) <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / trials)
    assert np.mean([status(CHECK, found, max=0.1) == "pass" for found in seen]) > 0.9


def test_the_interval_holds_the_true_discrepancy_and_drift_is_found() -> None:
    """Truth by a sample of 4,000 rows a side; each end of the interval at 200 rows a side misses it at most nominally."""
    rng, trials = np.random.default_rng(5), 150
    truth = _kernel.gaussian(rng.normal(size=(2000, 2)), rng.normal(1.0, size=(2000, 2))).squared()
    seen = [drift(rng.normal(size=(200, 2)), rng.normal(1.0, size=(200, 2)), seed=i) for i in range(trials)]
    ends = np.array([found.members[0].estimate.bounds(0.025, 0.025) for found in seen])
    most = 0.025 + 3 * np.sqrt(0.025 * 0.975 / trials)
    assert np.mean(ends[:, 0] > truth) <= most
    assert np.mean(ends[:, 1] < truth) <= most
    assert np.mean([status(CHECK, found, max=0.05) == "fail" for found in seen]) > 0.9


def test_the_interval_decides() -> None:
    """Ten rows a side show nothing: the value is under the bound and the interval is not."""
    rng = np.random.default_rng(6)
    small = drift(rng.normal(size=(40, 3)), rng.normal(size=(40, 3)))
    assert small.members[0].estimate.value < 0.02
    assert [status(CHECK, small, max=bound) for bound in (0.02, 0.5)] == ["inconclusive", "pass"]


def test_features_that_only_go_together_differently_are_drift() -> None:
    """Both columns keep their law; their correlation turns round."""
    rng = np.random.default_rng(7)
    x, noise = rng.normal(size=(2, 800)), 0.2 * rng.normal(size=(2, 800))
    found = drift(np.column_stack([x[0], x[0] + noise[0]]), np.column_stack([x[1], -x[1] + noise[1]]))
    assert status(CHECK, found, max=0.02) == "fail"


def test_categories_and_missing_cells_count() -> None:
    frames = [
        pd.DataFrame({"c": ["a", "b"] * 100, "x": [1.0, 2.0, 3.0, 4.0] * 50, "prediction": "p"}),
        pd.DataFrame({"c": ["a", "new"] * 100, "x": [1.0, 2.0, 3.0, None] * 50, "prediction": "p"}),
    ]
    assert status(CHECK, measure(CHECK, subject(frames[1], reference=frames[0])), max=0.02) == "fail"
    one, two = (np.array(cells, dtype=object) for cells in (["a"] * 5 + ["b"] * 5, ["a", "z", None]))
    before, now = bins.encode([Feature("c", numeric=False, reference=one, current=two)])
    assert (now * np.sqrt(2)).tolist() == pytest.approx(np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]))
    assert before.shape == (10, 4)
    one, two = np.array([1.0, 3.0]), np.array([3.0, np.nan])
    assert bins.encode([Feature("x", numeric=True, reference=one, current=two)])[1].tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_large_windows_are_drawn_from_and_said_to_be() -> None:
    rng = np.random.default_rng(8)
    rows = rng.normal(size=(400, 2))
    found = drift(rows, rng.normal(size=(90, 2)), max_rows=100)
    check = discover()[CHECK]
    seen = subject(pd.DataFrame(rows).assign(prediction="a"), reference=pd.DataFrame(rows[:90]).assign(prediction="a"))
    assert found.rows == 190 == check.expected_rows(seen, check.params.model_validate({"max_rows": 100}))
    assert "100 of the 400 rows of reference were drawn at random and compared." in found.notes
    again, other = drift(rows, rows[:90] + 1, max_rows=100), drift(rows, rows[:90] + 1, max_rows=100, seed=1)
    assert again.members == drift(rows, rows[:90] + 1, max_rows=100).members
    assert again.members != other.members


def test_one_row_of_each_person_is_drawn() -> None:
    rng = np.random.default_rng(9)
    frames = [pd.DataFrame({"x": rng.normal(size=200), "who": np.arange(200) // 4, "prediction": "a"}) for _ in range(2)]
    seen = subject(frames[0], reference=frames[1], group="who")
    found = measure(CHECK, seen, columns=["x"])
    assert found.rows == 100 == discover()[CHECK].expected_rows(seen, discover()[CHECK].params())


class LatentSemantics(SavedPredictions):
    """Saved predictions with a small encoder learnt on the spot: TF-IDF and a truncated singular value decomposition."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.pipeline import make_pipeline

        pipeline = make_pipeline(TfidfVectorizer(), TruncatedSVD(8, random_state=0)).fit(CORPUS)
        return np.asarray(pipeline.transform(texts), dtype=float)

    def get(self, capability: type[C]) -> C | None:
        return find((Embeddings(self.embed_texts),), capability) or super().get(capability)


CORPUS = [
    f"{who} {what}" for who in ("parcel", "invoice", "router", "password") for what in ("late", "lost", "wrong", "broken", "please help")
]


def test_texts_are_compared_by_the_candidates_own_encoder() -> None:
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    rng = np.random.default_rng(10)

    def window(subjects: list[str]) -> pd.DataFrame:
        rows = [f"{rng.choice(subjects)} {rng.choice(['late', 'lost', 'wrong', 'broken'])}" for _ in range(300)]
        return pd.DataFrame({"text": rows, "prediction": "a"})

    before, same, other = window(["parcel", "invoice"]), window(["parcel", "invoice"]), window(["router", "password"])
    for now, expected in ((same, "pass"), (other, "fail")):
        candidate = LatentSemantics({"test": dataset(now)})
        assert status(CHECK, measure(CHECK, subject(now, reference=before, candidate=candidate)), max=0.05) == expected
    with pytest.raises(CannotMeasure, match="no encoder"):
        measure(CHECK, subject(same, reference=before))


@pytest.mark.full
@needs_alibi
def test_the_other_backend_agrees_and_names_its_licence() -> None:
    rng = np.random.default_rng(11)
    frames = rng.normal(size=(150, 4)), rng.normal(0.3, size=(120, 4))
    ours, theirs = drift(*frames), drift(*frames, backend="alibi-detect")
    one, other = ours.members[0].estimate, theirs.members[0].estimate
    assert isinstance(one, MeanDiscrepancy)
    assert isinstance(other, MeanDiscrepancy)
    assert other.squared == pytest.approx(one.squared, abs=1e-5)
    assert theirs.backend.startswith("alibi-detect 0.")
    assert any("Business Source License 1.1" in note for note in theirs.notes)
    assert drift(*frames, backend="alibi-detect") == theirs


@pytest.mark.full
@needs_alibi
def test_the_other_backend_agrees_on_texts() -> None:
    """Both compare the embeddings of the candidate's encoder."""
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    rng = np.random.default_rng(16)
    frames = [pd.DataFrame({"text": rng.choice(CORPUS[low : low + 12], 60), "prediction": "a"}) for low in (0, 6)]
    seen = subject(frames[1], reference=frames[0], candidate=LatentSemantics({"test": dataset(frames[1])}))
    one, other = (measure(CHECK, seen, backend=backend).members[0].estimate.value for backend in ("audit", "alibi-detect"))
    assert other == pytest.approx(one, abs=1e-5)
    assert one > 0.05


@pytest.mark.full
@needs_alibi
def test_the_same_permutations_give_the_same_p_as_the_other_backend() -> None:
    """Windows of one size, on one kernel: as many of its 100 permutations set the windows as far apart, over several draws."""
    import torch

    from audit.checks.drift import _alibi

    cd, _ = _alibi.detectors()
    for shift in (0.0, 0.1, 0.2):
        rng = np.random.default_rng(int(100 * shift))
        before, now = rng.normal(size=(80, 4)), rng.normal(shift, size=(80, 4))
        seen = _kernel.gaussian(before, now)
        detector = cd.MMDDrift(before, backend="pytorch", sigma=np.array([seen.bandwidth]), n_permutations=100, device="cpu")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(5)
            theirs = detector.predict(now)["data"]["p_val"]
            torch.manual_seed(5)
            orders = [torch.randperm(160).numpy() for _ in range(100)]
        weights = np.empty((160, 100))
        for column, order in enumerate(orders):
            weights[order, column] = seen.weights
        assert np.mean(seen.squares(weights) >= seen.squared_distance) == pytest.approx(theirs)


def test_p_values_are_even_without_a_change_and_small_with_one() -> None:
    rng = np.random.default_rng(14)

    def p_value(shift: float) -> float:
        found = drift(rng.normal(size=(40, 3)), rng.normal(shift, size=(60, 3)), permutations=99)
        return float(found.notes[1].split("p = ")[1].split(",")[0])

    still = [p_value(0.0) for _ in range(200)]
    assert np.mean(still) == pytest.approx(0.5, abs=3 * 0.29 / np.sqrt(200))
    assert np.mean(np.array(still) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)
    assert p_value(1.5) == 0.01


def test_the_answers_are_told_apart() -> None:
    """The p-value says that there is a change; the interval says that it is small. The picture has the same p as the note."""
    rng = np.random.default_rng(15)
    found = drift(rng.normal(size=(1500, 2)), rng.normal(0.15, size=(1500, 2)), permutations=199)
    assert found.notes[1].startswith("Is there a change: p = 0.005, by 199 permutations.")
    assert status(CHECK, found, max=0.05) == "pass"
    (figure,) = found.figures
    assert isinstance(figure, Lines)
    assert figure.curves[1].y == (0.005,)
    assert figure.curves[1].x[0] > max(figure.curves[0].x)


def test_what_cannot_be_measured_is_refused() -> None:
    rows = np.ones((5, 2))
    with pytest.raises(CannotMeasure, match="every row of both windows is the same"):
        drift(rows, rows)
    with pytest.raises(CannotMeasure, match="two rows a side"):
        drift(rows[:1], rows)
    with pytest.raises(CannotMeasure, match="no column 'x1'"):
        drift(rows, rows[:, :1])
    with pytest.raises(ValidationError):
        drift(rows, rows, permutations=10)
    seen = subject(pd.DataFrame({"x": [1.0, 2.0], "prediction": "a"}))
    with pytest.raises(CannotMeasure, match="under `reference`"):
        measure(CHECK, seen)
    with pytest.raises(CannotMeasure, match="same file"):
        measure(CHECK, replace(seen, reference=seen.data))
