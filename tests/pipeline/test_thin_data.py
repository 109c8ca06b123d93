"""Data that cannot show what a requirement asks: one class, one answer, copies, no groups, or a group fewer than at the last promotion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from audit.commands import check as check_command
from audit.datasets.identity import copies_remark, dominating_copies
from audit.errors import InputError, PolicyError
from audit.phrases import message
from tests.pipeline.in_process import audited, remarks
from tests.running import policy
from tests.support import dataset

if TYPE_CHECKING:
    from pathlib import Path

ACCURACY: dict[str, Any] = {"check": "performance/accuracy", "min": 0.85}
ROLES = {"label": "label", "prediction": "prediction"}


def answers(label: object, prediction: object, rows: int = 600) -> pd.DataFrame:
    return pd.DataFrame({"label": np.resize(label, rows), "prediction": np.resize(prediction, rows)})  # type: ignore[call-overload]  # the stubs know fewer types of rows


@pytest.mark.parametrize(
    ("frame", "told"),
    [
        (answers([1], [1]), "every row is truly 1 and predicted 1"),
        (answers([1], [1] * 19 + [0]), "every row is truly 1: add rows of another class"),
    ],
)
def test_one_class_alone_never_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frame: pd.DataFrame, told: str) -> None:
    audit = audited(tmp_path, monkeypatch, policy(ACCURACY, columns=ROLES | {"positive": 1}), test=frame)
    assert (audit.findings[0].status, audit.verdict.decision) == ("inconclusive", "block")
    assert told in message(audit.findings[0])


def test_one_answer_to_every_row_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its accuracy is what it is: that of the commonest class."""
    audit = audited(tmp_path, monkeypatch, policy(ACCURACY, columns=ROLES | {"positive": 1}), test=answers([1] * 19 + [0], [1]))
    assert audit.findings[0].status == "pass"
    assert "datasets.test: the candidate answers '1' in every row: it tells no classes apart" in remarks(audit)


def test_a_rate_among_rows_of_one_class_may_rest_on_them(tmp_path: Path) -> None:
    """Recall over known cases is no claim about other rows; where every row is answered alike it shows nothing."""
    for prediction, status in (([1] * 19 + [0], "pass"), ([1], "inconclusive")):
        answers([1], prediction).to_csv(tmp_path / "test.csv", index=False)
        asked = check_command.CheckRequest(
            "performance/recall", tmp_path / "test.csv", columns=["positive=1"], params=["average=binary"], minimum=0.85
        )
        assert check_command.judged(asked).status == status


def test_one_number_in_every_row_never_passes(tmp_path: Path) -> None:
    pd.DataFrame({"target": [2.5] * 60, "prediction": [2.5] * 60}).to_csv(tmp_path / "test.csv", index=False)
    found = check_command.judged(check_command.CheckRequest("performance/mean_absolute_error", tmp_path / "test.csv", maximum=1.0))
    assert found.status == "inconclusive"
    assert "every row is truly 2.5 and predicted 2.5: add rows of another value" in message(found)


@pytest.mark.parametrize(
    ("rows", "distinct", "passes"),
    [
        ([(1, 1, 5)], 1, False),
        ([(1, 1, 5), (0, 0, 7)], 2, False),
        ([(1, 1, 5), (0, 0, 7), (1, 1, 9), (0, 0, 3)], 4, False),
        ([(i % 2, i % 2, i) for i in range(200)], 200, True),
    ],
)
def test_copies_count_once(tmp_path: Path, rows: list[tuple[int, int, int]], distinct: int, *, passes: bool) -> None:
    """600 rows of a few different ones are worth those few, and 200 rows that stand three times each are enough."""
    frame = pd.DataFrame(rows * (600 // len(rows)), columns=["label", "prediction", "x"])
    frame.to_csv(tmp_path / "test.csv", index=False)
    told: list[str] = []
    found = check_command.judged(check_command.CheckRequest("performance/accuracy", tmp_path / "test.csv", minimum=0.85), told.append)
    assert found.status == ("pass" if passes else "inconclusive")
    assert any(f"600 rows hold {distinct} different" in text for text in told)
    assert found.evidence is not None
    assert found.evidence.members[0].estimate.support <= distinct + 1e-9


def test_a_bound_at_the_true_accuracy_passes_seldom_on_copies() -> None:
    """40 cases, 15 copies each: with rows taken for independent, about three in ten such test sets would pass."""
    from audit.stats import Proportion

    rng = np.random.default_rng(5)
    passed = {"rows": 0, "copies": 0}
    for _ in range(400):
        right = np.repeat(rng.random(40) < 0.85, 15)
        codes = np.repeat(np.arange(40), 15)
        passed["rows"] += Proportion.of(right).bounds(0.025, 0.025)[0] >= 0.85
        passed["copies"] += Proportion.of(right, codes).bounds(0.025, 0.025)[0] >= 0.85
    assert passed["rows"] > 80
    assert passed["copies"] <= 20


@pytest.mark.parametrize(
    "frame",
    [
        answers([0, 1], [0, 1]),
        answers([0, 1], [0, 1, 1]).assign(sex=["F", "M", "M"] * 200),
        answers([0, 1, 1], [0, 1]).assign(x=np.arange(600) % 7 / 2),
        answers([0, 1], [0, 1]).assign(x=np.random.default_rng(0).normal(size=600)),
        answers([0, 1], [0, 1]).assign(text=[f"letter {i // 2} {i % 2}" if i < 100 else f"letter {i}" for i in range(600)]),
    ],
)
def test_coarse_features_are_no_copies(frame: pd.DataFrame) -> None:
    """Rows without features, or that agree in them and differ in the label, are different cases; so are a few repeats among many."""
    assert dominating_copies(dataset(frame)) is None


def test_one_row_among_others_that_stands_for_half_of_them() -> None:
    frame = pd.DataFrame({"text": [f"note {i}" for i in range(300)] + ["same"] * 300, "label": [0, 1] * 150 + [1] * 300})
    found = dominating_copies(dataset(frame))
    assert found is not None
    assert (found.distinct, found.most, found.first) == (301, 300, 300)
    assert copies_remark(dataset(frame, group="text")) == (), "entities are told by the policy"


@pytest.mark.parametrize("blank", [None, " "])
@pytest.mark.parametrize("by", [["gender"], [["gender", "region"]]])
def test_a_slice_column_without_any_group_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, blank: str | None, by: list[Any]
) -> None:
    frame = answers([0, 1], [0, 1]).assign(gender=blank, region=["north", "south"] * 300)
    with pytest.raises(PolicyError, match=r"require.0.by: column 'gender' is blank in all 600 rows"):
        audited(tmp_path, monkeypatch, policy(ACCURACY | {"by": by}, columns=ROLES), test=frame)
    with pytest.raises(InputError, match="--by: column 'gender' is blank"):
        check_command.judged(check_command.CheckRequest("performance/accuracy", tmp_path / "test.csv", by=["gender"], minimum=0.5))


def test_a_slice_column_with_hardly_a_group_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six rows of one group prove nothing of it; the blank rows are judged together."""
    frame = answers([0, 1], [0, 1]).assign(gender=["F"] * 6 + [""] * 594, one="all")
    audit = audited(tmp_path, monkeypatch, policy(ACCURACY | {"by": ["gender", "one"]}, columns=ROLES), test=frame)
    assert audit.findings[0].status == "inconclusive"
    assert "datasets.test: column 'gender' is blank in 594 of 600 rows (99 %)" in remarks(audit)
    assert "column 'one' holds one value in every row, so that a result by one compares no groups" in remarks(audit)


def test_a_group_of_the_last_promotion_that_is_gone_bars_a_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = answers([0, 1, 1], [0, 1, 1], 900).assign(region=np.repeat(["north", "south", "west"], 300), extra=range(900))
    made = policy(ACCURACY | {"by": ["region"]}, columns=ROLES)
    assert audited(tmp_path, monkeypatch, made, test=whole).verdict.decision == "promote"
    less = audited(tmp_path, monkeypatch, made, test=whole[whole["region"] != "west"])
    assert (less.findings[0].status, less.verdict.decision) == ("inconclusive", "block")
    assert "region=west: run " in message(less.findings[0])
    assert "was promoted on rows of this group, and the data have none" in message(less.findings[0])
    assert audited(tmp_path, monkeypatch, made, test=whole.assign(extra=0)).verdict.decision == "promote"


def test_one_label_in_every_row_is_told_where_a_rate_may_rest_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = policy({"check": "performance/recall", "average": "binary", "min": 0.5}, columns=ROLES | {"positive": 1})
    audit = audited(tmp_path, monkeypatch, made, test=answers([1], [1] * 19 + [0]))
    assert audit.findings[0].status == "pass"
    assert "every label in column 'label' is '1'" in remarks(audit)


def test_groups_in_two_spellings_and_blank_texts_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = answers([0, 1, 1], [0, 1, 1]).assign(sex=np.resize(["f", "F", "m "], 600), note=" ")
    made = policy(ACCURACY | {"by": ["sex"]}, columns=ROLES | {"text": "note"})
    told = remarks(audited(tmp_path, monkeypatch, made, test=frame))
    assert "column 'sex' holds 'f' and 'F', which are judged as groups of their own" in told
    assert "column 'note' holds no text in 600 of 600 rows" in told
