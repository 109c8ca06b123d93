"""A training told as it was has no fault; each untruth and each omission is found under its part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.candidates.capabilities import LossPoint
from audit.checks.finetuning.training_record import FACTS
from audit.datasets import Columns, Dataset
from audit.datasets.column_store import InMemory
from audit.errors import CannotMeasure
from tests.judged import status
from tests.support import measure
from tests.tiny_bert import letters
from tests.tuned import SPEC, Tuned, tune

if TYPE_CHECKING:
    from pathlib import Path

    from audit.finetune.base import Base

pytestmark = pytest.mark.full
CHECK = "finetuning/training_record"
TEST = letters(80, 2, "test")


def faults(tuned: Tuned, origin: Base | None = None, test: Dataset = TEST, **params: Any) -> dict[str, int]:
    """Parts with faults."""
    found = measure(CHECK, tuned.subject(test, origin=origin), **params)
    assert found.rows == FACTS + test.rows
    counts = {dict(one.name.items)["part"]: one.estimate.value for one in found.members}  # type: ignore[union-attr]  # names here are slices
    assert len(counts) == 8
    return {str(name): int(count) for name, count in counts.items() if count}


def test_a_training_told_as_it_was_has_no_fault(tuned: Tuned) -> None:
    assert faults(tuned) == {}
    found = measure(CHECK, tuned.subject(TEST))
    assert status(CHECK, found, max=0) == "pass"
    assert found.notes[0].startswith(f"{tuned.record.steps} steps on 255 rows; step ")


@pytest.mark.parametrize(
    ("key", "value"),
    [("learning_rate", 1e-3), ("epochs", 5), ("batch_size", 8), ("weight_decay", 0.1), ("max_grad_norm", 0.5), ("warmup", 0.2)],
)
def test_a_policy_that_says_otherwise_is_found(tuned: Tuned, key: str, value: float) -> None:
    origin = tuned.base(spec=SPEC.model_copy(update={key: value}))
    assert faults(tuned, origin)["declared hyperparameters"] == 1
    assert status(CHECK, measure(CHECK, tuned.subject(TEST, origin=origin)), max=0) == "fail"


@pytest.mark.parametrize("changed", [{"learning_rate": 1e-3}, {"epochs": 5}, {"schedule": "constant"}, {"warmup": 0.5}])
def test_a_record_mended_to_say_the_same_is_betrayed_by_its_curves(tuned: Tuned, changed: dict[str, Any]) -> None:
    """Policy and record agree on what was not done."""
    record = tuned.record.model_copy(update={"hyperparameters": {**tuned.record.hyperparameters, **changed}})
    assert set(faults(tuned, tuned.base(spec=SPEC.model_copy(update=changed), record=record))) == {"course of the training"}


@pytest.mark.parametrize(
    ("changed", "part"),
    [
        ({"weights_sha256": "0" * 64}, "weights"),
        ({"base_sha256": "0" * 64}, "weights"),
        ({"train_sha256": "0" * 64}, "data"),
        ({"train_rows": 254}, "data"),
        ({"classes": ("other", "spam")}, "data"),
        ({"kept_step": 1}, "course of the training"),
        ({"steps": 49}, "course of the training"),
        ({"precision": "bfloat16"}, ""),
    ],
)
def test_a_record_of_something_else(tuned: Tuned, changed: dict[str, Any], part: str) -> None:
    """`precision: auto` declares none."""
    record = tuned.record.model_copy(update=changed)
    assert record != tuned.record
    assert faults(tuned, tuned.base(record=record)) == ({part: 1} if part else {})


def test_a_precision_that_was_named_is_held(tuned: Tuned) -> None:
    origin = tuned.base(spec=SPEC.model_copy(update={"precision": "bfloat16"}))
    assert faults(tuned, origin) == {"declared hyperparameters": 1}


def test_gradients_that_nothing_clips(tuned: Tuned) -> None:
    assert faults(tuned, highest_norm=0.5) == {"gradient clipping": 1}
    assert faults(tuned, highest_norm=1.0) == {}


def test_no_validation(tuned: Tuned) -> None:
    record = tuned.record.model_copy(update={"validation_rows": 0, "validation_loss": ()})
    assert set(faults(tuned, tuned.base(record=record))) == {"validation split", "data", "course of the training"}


def test_patience_that_outlasts_the_training_counts_where_the_loss_rose(tuned: Tuned) -> None:
    def told(*losses: float) -> dict[str, int]:
        points = tuple(LossPoint(step=16 * i, epoch=i, loss=loss) for i, loss in enumerate(losses, 1))
        kept = min(points, key=lambda point: point.loss).step
        did = {**tuned.record.hyperparameters, "patience": 3}
        record = tuned.record.model_copy(update={"validation_loss": points, "kept_step": kept, "hyperparameters": did})
        return faults(tuned, tuned.base(record=record, spec=SPEC.model_copy(update={"patience": 3})))

    assert told(0.6, 0.5, 0.4) == {}
    assert told(0.6, 0.4, 0.5) == {"early stopping": 1}


@given(st.lists(st.integers(0, 44), unique=True, max_size=45))
def test_each_validation_row_among_the_tested_ones_counts_once(tuned: Tuned, rows: list[int]) -> None:
    """Whatever its case and punctuation."""
    origin = tuned.base()
    held = origin.validation
    texts = [f"{held.texts()[row].upper()}!" for row in rows] + ["something else altogether"] * 3
    frame: Any = TEST.cells.frame().head(0)
    frame = type(frame)({"text": texts, "label": ["other"] * len(texts)})
    test = Dataset("test", TEST.path, InMemory(frame), Columns(text="text", label="label"), f"digest-{rows}")
    expected = {"validation rows in the tested data": len(rows)} if rows else {}
    assert faults(tuned, origin, test) == expected


def test_a_validation_set_of_its_own(tmp_path: Path) -> None:
    """And a copy of it that is tested on."""
    held = letters(60, 7, "validation")
    spec = SPEC.model_copy(update={"validation": "validation", "epochs": 1})
    made = tune(tmp_path, letters(120, 1), spec=spec, validation=held)
    assert faults(made) == {}
    assert faults(made, test=held) == {"validation rows in the tested data": 60}


def test_a_candidate_that_was_not_tuned_here_is_not_measured(tuned: Tuned) -> None:
    from dataclasses import replace

    with pytest.raises(CannotMeasure, match=r"candidate\.fine_tune"):
        measure(CHECK, replace(tuned.subject(TEST), base=None))
