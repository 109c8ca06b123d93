"""Saved scores as people write them: rounded, in lists, raw, or of the wrong class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.candidates.capabilities import Labels, Ranking
from audit.candidates.saved import SavedPredictions
from audit.commands import check as check_command
from audit.datasets import Columns
from audit.errors import CannotMeasure, InputError
from audit.policy.shape import typed
from tests.support import dataset, measure, offers, subject

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CLASSES = ["a", "b", "c"]


def shares(rows: int = 90, seed: int = 1) -> NDArray[np.float64]:
    """(rows, 3) probabilities."""
    given: NDArray[np.float64] = np.random.default_rng(seed).dirichlet([2, 2, 2], rows)
    return given


def table(given: NDArray[Any]) -> pd.DataFrame:
    return pd.DataFrame(given, columns=CLASSES).assign(label=np.resize(CLASSES, len(given)))


def said(frame: pd.DataFrame, **columns: Any) -> str:
    data = {"test": dataset(frame, **columns)}
    return "\n".join(SavedPredictions(data).remarks(data))


def test_rounded_probabilities_are_divided_by_their_sum() -> None:
    from sklearn.metrics import log_loss

    frame = table(shares().round(2))
    seen = subject(frame, scores=CLASSES)
    exact = frame[CLASSES].to_numpy() / frame[CLASSES].sum(axis=1).to_numpy()[:, None]
    found = measure("performance/log_loss", seen).members[0].estimate.value
    assert found == pytest.approx(log_loss(frame["label"], exact, labels=CLASSES))
    rounded = int((np.abs(frame[CLASSES].sum(axis=1) - 1) > 1e-6).sum())
    assert rounded > 10
    assert f"the probabilities of {rounded} of 90 rows sum to 0.99 to 1.01, as rounding leaves them" in said(frame, scores=CLASSES)


def test_unrounded_probabilities_stay_as_they_are() -> None:
    """Sums of single precision are a little off 1."""
    given = shares().astype(np.float32).astype(float)
    seen = subject(table(given), scores=CLASSES)
    assert np.array_equal(seen.probabilities(), given)
    assert said(table(given), scores=CLASSES) == ""


def test_a_row_that_does_not_sum_to_1_is_named() -> None:
    given = shares()
    given[6] *= 0.7
    with pytest.raises(InputError, match=r"row 7: the probabilities .* sum to 0.7, and 1 within 0.02 is needed \(1 of 90 rows"):
        SavedPredictions({"test": dataset(table(given), scores=CLASSES)})


def test_a_probability_a_little_above_1_is_1() -> None:
    frame = pd.DataFrame({"label": [0, 1] * 20, "score": [0.0, 1.000000001] * 20})
    assert measure("performance/brier_score", subject(frame)).members[0].estimate.value == 0.0
    assert "lies beyond 0 or 1 by rounding in 20 of 40 rows" in said(frame)


@pytest.mark.parametrize("kind", ["csv", "jsonl", "parquet", "objects"])
def test_lists_of_probabilities_are_read(tmp_path: Path, kind: str) -> None:
    """From Parquet lists, JSON arrays, JSON objects by their keys, and the text of a list in a CSV."""
    from sklearn.metrics import log_loss

    given = shares()
    label = np.resize(CLASSES, len(given))
    cells = [dict(zip(CLASSES[::-1], row[::-1].tolist(), strict=True)) for row in given] if kind == "objects" else given.tolist()
    frame = pd.DataFrame({"label": label, "prediction": label, "probs": cells})
    path = tmp_path / f"test.{'jsonl' if kind == 'objects' else kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "parquet":
        frame.to_parquet(path)
    else:
        frame.to_json(path, orient="records", lines=True, double_precision=15)
    remarks: list[str] = []
    found = check_command.measured(check_command.CheckRequest("performance/log_loss", path, columns=["scores=probs"]), remarks.append)
    assert found.members[0].estimate.value == pytest.approx(log_loss(label, given, labels=CLASSES))
    assert any("'probs' lists the scores of a, b, c, read in this order" in text for text in remarks)


def test_lists_follow_the_size_of_numbered_classes() -> None:
    """As scikit-learn orders them: 10 comes after 9."""
    label = np.arange(11).repeat(4)
    given = np.full((44, 11), 0.01)
    given[np.arange(44), label] = 0.9
    frame = pd.DataFrame({"label": label, "probs": [str(row) for row in given.tolist()]})
    seen = subject(frame, scores=["probs"])
    assert (seen.y_pred() == seen.y_true()).all()


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("[0.2, 0.8]", "holds 2 numbers, and there are 3 classes"),
        ("[0.2, 0.3, null]", "no number"),
        ("oops", "no list of numbers"),
        (None, "no list"),
    ],
)
def test_a_list_that_does_not_fit_is_named_with_its_row(cell: str | None, told: str) -> None:
    frame = pd.DataFrame({"label": CLASSES, "probs": ["[0.2, 0.3, 0.5]", "[0.2, 0.3, 0.5]", cell]})
    with pytest.raises(InputError, match=f"row 3 of column 'probs' .*{told}"):
        SavedPredictions({"test": dataset(frame, scores=["probs"])})


def scored(rows: int = 400, seed: int = 2) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows)
    raw: NDArray[np.float64] = rng.normal(1.5 * label - 0.7, 1.0)
    return label, raw


def test_raw_decision_scores_serve_rankings_alone() -> None:
    from sklearn.metrics import average_precision_score, roc_auc_score

    label, raw = scored()
    frame = pd.DataFrame({"label": label, "score": raw})
    seen = subject(frame)
    assert offers(seen.candidate) == {Ranking}
    assert measure("performance/roc_auc", seen).members[0].estimate.value == pytest.approx(roc_auc_score(label, raw))
    assert measure("performance/average_precision", seen).members[0].estimate.value == pytest.approx(average_precision_score(label, raw))
    with pytest.raises(CannotMeasure, match="raw decision scores, not probabilities"):
        measure("performance/log_loss", seen)
    with pytest.raises(CannotMeasure, match=r"add columns\.prediction"):
        measure("performance/accuracy", seen)
    assert "outside 0 to 1" in said(frame)


def test_raw_scores_beside_predictions_leave_the_predictions_alone() -> None:
    label, raw = scored()
    seen = subject(pd.DataFrame({"label": label, "prediction": (raw > 0).astype(int), "score": raw}))
    assert offers(seen.candidate) == {Labels, Ranking}
    assert measure("performance/accuracy", seen).members[0].estimate.value == pytest.approx(float(np.mean(label == (raw > 0))))
    assert measure("performance/roc_auc", seen).figures


def test_raw_scores_of_several_classes_rank_each() -> None:
    from sklearn.metrics import roc_auc_score

    logits = np.log(shares()) * 3
    frame = table(logits)
    found = {str(one.name): one.estimate.value for one in measure("performance/roc_auc", subject(frame, scores=CLASSES)).members}
    for index, name in enumerate(CLASSES):
        assert found[f"class={name}"] == pytest.approx(roc_auc_score(frame["label"] == name, logits[:, index]))


def test_one_number_outside_0_to_1_is_a_mistake() -> None:
    label, raw = scored()
    score = 1 / (1 + np.exp(-raw))
    score[7] = 1.2
    with pytest.raises(InputError, match=r"not a number from 0 to 1 in 1 rows \(first: row 8\)"):
        SavedPredictions({"test": dataset(pd.DataFrame({"label": label, "score": score}))})


def test_a_score_of_the_other_class_is_told() -> None:
    label, raw = scored()
    score = 1 / (1 + np.exp(-raw))
    frame = pd.DataFrame({"label": label, "prediction": (score > 0.3).astype(int), "score": score})
    assert said(frame) == "", "a threshold of one's own contradicts nothing"
    assert "contradicts column 'prediction'" in said(frame.assign(score=1 - score))
    assert "contradicts column 'prediction'" in said(frame.assign(score=np.random.default_rng(0).permutation(score))), "of other rows"
    several = table(shares()).assign(prediction=lambda one: one[CLASSES].idxmax(axis=1))
    assert said(several, scores=CLASSES) == ""
    swapped = said(several, scores={"a": "b", "b": "a", "c": "c"})
    assert "the score of 'a' contradicts" in swapped
    assert "the score of 'c'" not in swapped


def test_two_classes_in_any_words_need_no_positive_one_where_either_would_do() -> None:
    from sklearn.metrics import roc_auc_score

    label, raw = scored()
    share = 1 / (1 + np.exp(-raw))
    words = np.array(["no", "yes"])
    frame = pd.DataFrame({"label": words[label], "prediction": words[(share > 0.5).astype(int)], "score": share})
    asked: list[tuple[str, dict[str, Any]]] = [("accuracy", {}), ("balanced_accuracy", {}), ("matthews_correlation", {})]
    for check, params in [*asked, ("f1", {"average": "macro"})]:
        assert measure(f"performance/{check}", subject(frame), **params).members
    with pytest.raises(CannotMeasure, match=r"set columns\.positive to no or yes"):
        measure("performance/log_loss", subject(frame))
    both = subject(frame.drop(columns="score").assign(no=1 - share, yes=share), scores=["no", "yes"])
    assert measure("performance/roc_auc", both).members[0].estimate.value == pytest.approx(roc_auc_score(label, share))


def test_a_check_that_needs_the_positive_class_names_the_two(tmp_path: Path) -> None:
    label, raw = scored()
    frame = pd.DataFrame({"label": np.where(label, 2, 1), "prediction": np.where(raw > 0, 2, 1), "score": 1 / (1 + np.exp(-raw))})
    frame.to_csv(tmp_path / "test.csv", index=False)
    check_command.measured(check_command.CheckRequest("performance/accuracy", tmp_path / "test.csv"))
    for check in ("average_precision", "log_loss", "roc_auc"):
        with pytest.raises(InputError, match="set --column positive to 1 or 2"):
            check_command.measured(check_command.CheckRequest(f"performance/{check}", tmp_path / "test.csv"))


@pytest.mark.parametrize(
    ("cell", "told"),
    [("0,42", "which says '0,42'.*set `decimal: \",\"`"), ("42 %", "which says '42 %'"), ("n/a", "which says 'n/a'"), (None, r"row 3\)")],
)
def test_a_score_that_is_no_number_is_shown(cell: str | None, told: str) -> None:
    frame = pd.DataFrame({"label": [0, 1] * 2, "prediction": [0, 1] * 2, "score": [0.1, 0.8, cell, 0.7]})
    with pytest.raises(InputError, match=f"column 'score' is not a number from 0 to 1 in 1 rows .*{told}"):
        SavedPredictions({"test": dataset(frame)})


@pytest.mark.parametrize("scores", ["probs", ["probs"], ["a", "b"], {"yes": "a"}])
def test_a_policy_may_name_scores_in_each_way(scores: Any) -> None:
    """A policy is read strictly, in which a list is no tuple."""
    named = typed(Columns, {"scores": scores}).scores
    assert named == (tuple(scores) if isinstance(scores, list) else ("probs",) if isinstance(scores, str) else scores)
