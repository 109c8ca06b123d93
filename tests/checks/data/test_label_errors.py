from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.candidates.capabilities import Embeddings, find
from audit.candidates.saved import SavedPredictions
from audit.checks.data import label_errors as learning
from audit.errors import CannotMeasure, MissingExtra
from tests import realdata
from tests.judged import status
from tests.support import dataset, measure, subject

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.candidates.capabilities import C
    from audit.evidence import Evidence

CHECK = "data/label_errors"
TOPICS = {
    "delivery": ["parcel", "courier", "late", "tracking", "door", "address"],
    "billing": ["invoice", "charged", "refund", "card", "twice", "amount"],
    "network": ["router", "signal", "slow", "outage", "cable", "wifi"],
}


def complaints(rows: int, wrong: float, seed: int = 0) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Generated complaints, and which of them carry a wrong label."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(list(TOPICS), rows)
    text = [" ".join([*rng.choice(TOPICS[topic], 3), *rng.choice(["please", "again", "help", "now", "my"], 3)]) for topic in truth]
    planted = rng.random(rows) < wrong
    label = [rng.choice([topic for topic in TOPICS if topic != true]) if bad else true for true, bad in zip(truth, planted, strict=True)]
    return pd.DataFrame({"text": text, "label": label, "prediction": label}), planted


def suspects(evidence: Evidence) -> NDArray[np.int64]:
    return np.asarray(evidence.table["row"]).astype(int) - 1


def random_case(seed: int, rows: int, k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.repeat(np.arange(k), 5), rng.integers(0, k, rows)])
    label = np.where(rng.random(len(truth)) < 0.2, rng.integers(0, k, len(truth)), truth)
    weight = rng.gamma(1.0, size=(len(truth), k)) + 3 * np.eye(k)[truth] * rng.random((len(truth), 1))
    return label, weight / weight.sum(axis=1, keepdims=True)


def test_a_worked_example() -> None:
    """Thresholds .75 and .7; row 3 is labelled 0, surely a 1; the joint says one of each four 0s is a 1; that row is flagged."""
    label = np.array([0, 0, 0, 0, 1, 1, 1, 1])
    one = np.array([0.1, 0.0, 0.0, 0.9, 0.8, 0.8, 0.7, 0.5])
    probability = np.column_stack([1 - one, one])
    assert learning.joint(label, probability).tolist() == [[3, 1], [0, 4]]
    assert learning.flagged(label, probability).tolist() == [False, False, False, True, False, False, False, False]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 100_000), st.integers(20, 200), st.integers(2, 5))
def test_agrees_with_cleanlab(seed: int, rows: int, k: int) -> None:
    """Where two cells' remainders tie, cleanlab rounds up the one whose class comes first or last, and we do not."""
    filters = pytest.importorskip("cleanlab.filter", reason="needs cleanlab")
    count = pytest.importorskip("cleanlab.count", reason="needs cleanlab")
    label, probability = random_case(seed, rows, k)
    ours, theirs = learning.joint(label, probability), count.compute_confident_joint(label, probability)
    assert np.abs(ours - theirs).max() <= 1
    assert (ours.sum(axis=1) == theirs.sum(axis=1)).all()
    if (ours == theirs).all():
        assert learning.flagged(label, probability).tolist() == filters.find_label_issues(label, probability, n_jobs=1).tolist()


@settings(deadline=None)
@given(st.integers(0, 100_000), st.permutations(range(4)))
def test_renaming_classes_and_reordering_rows_flag_the_same_rows(seed: int, names: list[int]) -> None:
    label, probability = random_case(seed, 100, 4)
    order = np.random.default_rng(seed).permutation(len(label))
    renamed = np.argsort(names)
    assert (learning.flagged(np.array(names)[label], probability[:, renamed]) == learning.flagged(label, probability)).all()
    assert (learning.flagged(label[order], probability[order]) == learning.flagged(label, probability)[order]).all()


def test_every_class_is_spread_evenly_over_the_folds() -> None:
    label = np.array([0] * 13 + [1] * 7)
    fold = learning.folds(label, np.random.default_rng(1))
    for name in (0, 1):
        sizes = np.bincount(fold[label == name], minlength=5)
        assert sizes.max() - sizes.min() <= 1


def test_each_row_is_judged_by_a_model_that_was_fitted_without_its_fold() -> None:
    linear_model = pytest.importorskip("sklearn.linear_model", reason="needs scikit-learn")
    rng = np.random.default_rng(3)
    label = rng.integers(2, size=40).astype(np.int64)
    matrix = rng.normal(size=(40, 3)) + label[:, None]
    given = learning.out_of_fold(matrix, label, np.random.default_rng(1))
    fold = learning.folds(label, np.random.default_rng(1))
    for left_out in range(learning.FOLDS):
        model = linear_model.LogisticRegression(max_iter=2000).fit(matrix[fold != left_out], label[fold != left_out])
        np.testing.assert_array_equal(given[fold == left_out], model.predict_proba(matrix[fold == left_out]))


def test_planted_errors_in_texts_are_found() -> None:
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    frame, planted = complaints(900, 0.06)
    found = measure(CHECK, subject(frame))
    flagged = np.zeros(len(frame), dtype=bool)
    flagged[suspects(found)] = True
    assert flagged[planted].mean() > 0.9
    assert planted[flagged].mean() > 0.8
    assert found.members[0].estimate.value == flagged.mean()
    assert set(found.table["suggested"]) <= set(TOPICS)
    assert found.examples[0].parts[0].text.startswith("labelled ")
    assert (status(CHECK, found, max=0.02), status(CHECK, found, max=0.15)) == ("fail", "pass")
    clean = measure(CHECK, subject(complaints(900, 0.0)[0]))
    assert status(CHECK, clean, max=0.02) == "pass"


def test_the_interval_decides() -> None:
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    found = measure(CHECK, subject(complaints(400, 0.06)[0]))
    share = found.members[0].estimate.value
    assert status(CHECK, found, max=share + 0.002) == "inconclusive"
    assert status(CHECK, found, max=share - 0.002) == "inconclusive"


def test_planted_errors_in_a_real_table_are_found() -> None:
    datasets = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn")
    bunch = datasets.load_breast_cancer(as_frame=True)
    rng = np.random.default_rng(2)
    planted = rng.random(len(bunch.target)) < 0.05
    label = np.where(planted, 1 - bunch.target, bunch.target)
    found = measure(CHECK, subject(bunch.data.assign(label=label, prediction=label)))
    flagged = np.isin(np.arange(len(label)), suspects(found))
    assert flagged[planted].mean() > 0.7
    assert planted[flagged].mean() > 0.6


class Counted(SavedPredictions):
    """Saved predictions with an encoder: how often each topic's words occur."""

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([[sum(word in text for word in words) for words in TOPICS.values()] for text in texts], dtype=float)

    def get(self, capability: type[C]) -> C | None:
        return find((Embeddings(self.embed_texts),), capability) or super().get(capability)


def test_the_candidates_embedding_can_stand_in_for_words() -> None:
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    frame, planted = complaints(300, 0.06)
    found = measure(CHECK, subject(frame, candidate=Counted({"test": dataset(frame)})), features="embedding")
    assert np.isin(np.flatnonzero(planted), suspects(found)).mean() > 0.6
    with pytest.raises(CannotMeasure, match="has no encoder"):
        measure(CHECK, subject(frame), features="embedding")


def stated(rows: int, seed: int) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Labels of three classes with a model's probabilities, and which labels are wrong."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 3, rows)
    planted = rng.random(rows) < 0.08
    label = np.where(planted, (truth + rng.integers(1, 3, rows)) % 3, truth)
    weight = rng.gamma(0.3, size=(rows, 3)) + 4 * np.eye(3)[truth]
    frame = pd.DataFrame(weight / weight.sum(axis=1, keepdims=True), columns=["ant", "bee", "cow"])
    return frame.assign(label=np.array(["ant", "bee", "cow"])[label], prediction="ant"), planted


SCORES = ("ant", "bee", "cow")


def test_the_candidates_own_probabilities_flag_what_cleanlab_flags() -> None:
    filters = pytest.importorskip("cleanlab.filter", reason="needs cleanlab")
    for seed in range(4):
        frame, planted = stated(500, seed)
        found = measure(CHECK, subject(frame, scores=SCORES), probabilities="candidate")
        label = frame.label.map({name: code for code, name in enumerate(SCORES)}).to_numpy()
        theirs = filters.find_label_issues(label, frame[list(SCORES)].to_numpy(), n_jobs=1)
        assert sorted(suspects(found)) == np.flatnonzero(theirs).tolist()
        assert planted[suspects(found)].mean() > 0.9
        assert np.isin(np.flatnonzero(planted), suspects(found)).mean() > 0.7
        assert found.notes[0].startswith("The candidate agrees with 9")
        assert (status(CHECK, found, max=0.02), status(CHECK, found, max=0.15)) == ("fail", "pass")


def test_the_candidate_is_not_asked_about_rows_that_it_has_learned_from() -> None:
    frame, _ = stated(100, 1)
    learned = replace(subject(frame, scores=SCORES), learned_from=("test",))
    with pytest.raises(CannotMeasure, match="has learned from these rows"):
        measure(CHECK, learned, probabilities="candidate")
    with pytest.raises(CannotMeasure, match="1 classes"):
        measure(CHECK, subject(frame.assign(label="ant"), scores=SCORES), probabilities="candidate")
    with pytest.raises(CannotMeasure):
        measure(CHECK, subject(frame.drop(columns=list(SCORES)).assign(label=["ant", "bee"] * 50)), probabilities="candidate")


def test_the_same_seed_flags_the_same_rows_and_no_text_reaches_the_report() -> None:
    pytest.importorskip("sklearn", reason="needs scikit-learn")
    frame, _ = complaints(300, 0.06)
    one, two = measure(CHECK, subject(frame)), measure(CHECK, subject(frame))
    assert suspects(one).tolist() == suspects(two).tolist()
    assert not any(word in repr(one) for word in ("parcel", "invoice", "router"))


@pytest.mark.data
@pytest.mark.parametrize(("name", "expected"), [("20news", 95), ("mnist", 15)])
def test_as_many_real_rows_are_flagged_as_published(name: str, expected: int) -> None:
    """The counts are those of the label-errors repository (Northcutt, Athalye & Mueller, NeurIPS 2021 Datasets); a tie moves one row."""
    saved = np.load(realdata.path("label_errors") / f"{name}.npz")
    probability = saved["pyx"].astype(float)
    assert abs(int(learning.flagged(saved["labels"].astype(np.int64), probability).sum()) - expected) <= 1


@pytest.mark.data
def test_people_agree_with_most_flags_on_real_news() -> None:
    """Of the 93 suspects that people judged, those flagged here were mostly found to be wrong labels."""
    folder = realdata.path("label_errors")
    saved = np.load(folder / "20news.npz")
    flagged = learning.flagged(saved["labels"].astype(np.int64), saved["pyx"].astype(float))
    judged: list[dict[str, Any]] = json.loads((folder / "20news_mturk.json").read_text(encoding="utf-8"))
    rows = np.array([int(entry["id"]) for entry in judged])
    wrong = np.array([entry["mturk"]["given"] < 3 for entry in judged])
    assert wrong[flagged[rows]].mean() > 0.85
    assert flagged[rows][wrong].mean() > 0.6


def test_what_cannot_be_measured_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pd.DataFrame({"text": [f"word {i}" for i in range(12)], "label": ["a"] * 8 + ["b"] * 4})
    rows["prediction"] = rows["label"]
    with pytest.raises(CannotMeasure, match=r"too few of b \(4\)"):
        measure(CHECK, subject(rows))
    with pytest.raises(CannotMeasure, match="1 classes"):
        measure(CHECK, subject(rows.head(8)))
    even = rows.assign(label=["a", "b"] * 6, prediction=["a", "b"] * 6)
    with pytest.raises(CannotMeasure, match="every text is empty"):
        measure(CHECK, subject(even.assign(text="  ")))
    with pytest.raises(CannotMeasure, match="no feature column"):
        measure(CHECK, subject(even.drop(columns="text")))
    monkeypatch.setitem(__import__("sys").modules, "sklearn", None)
    with pytest.raises(MissingExtra, match=r"\[sklearn\]"):
        measure(CHECK, subject(even))


def test_rows_of_one_customer_count_once_and_the_surest_suspects_come_first() -> None:
    frame, _ = complaints(300, 0.1, seed=12)
    found = measure(CHECK, subject(frame.assign(customer=np.arange(300) // 3), group="customer"))
    assert found.members[0].estimate.support == 100
    assert found.members[0].estimate.n == 300
    given, rows = np.asarray(found.table["label"]), suspects(found)
    assert len(rows) > 3
    assert given.tolist() == frame.label.iloc[rows].tolist()
    assert rows.tolist() != sorted(rows.tolist())
    assert [example.row for example in found.examples] == [str(row) for row in found.table["row"][:20]]
