"""Tiny models fine-tuned on the spot, as a check sees them: the candidate, its base, and rows to test it on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from audit.candidates.folder import ModelFolder
from audit.candidates.predictions import Predictions
from audit.candidates.transformers import Reading, TextClassifier
from audit.finetune.base import Base, Tuning
from audit.finetune.fine_tuning import TEXT_CLASSIFICATION
from audit.policy.schema import FineTune
from audit.progress import Silent
from audit.subject import Subject
from tests.tiny_bert import base, letters

if TYPE_CHECKING:
    from pathlib import Path

    from audit.candidates.capabilities import TrainingRecord
    from audit.datasets import Dataset

SPEC = FineTune(base="tiny", epochs=3, learning_rate=3e-3, max_length=32)


@dataclass(frozen=True)
class Tuned:
    """A fine-tuning that has been done."""

    tuning: Tuning
    record: TrainingRecord
    tuned: ModelFolder
    cache: Path

    def base(self, **changed: Any) -> Base:
        """Its base; `spec` and other parts of the tuning, or `record`, may be told otherwise than they were."""
        record = changed.pop("record", self.record)
        return Base(replace(self.tuning, **changed), record, tuned=self.tuned, cache=self.cache, progress=Silent())

    def subject(self, test: Dataset, *, origin: Base | None = None, by: tuple[tuple[str, ...], ...] = ()) -> Subject:
        """As a check sees it, measured on these rows."""
        reading = Reading(max_length=int(self.record.hyperparameters["max_length"] or 0))
        candidate = TextClassifier(self.tuned, self.record.classes, reading=reading, training=self.record, store=self.cache)
        sets = {"train": self.tuning.train, test.role: test}
        return Subject(test, Predictions(candidate), datasets=sets, by=by, seed=self.tuning.seed, base=origin or self.base())


def tune(
    place: Path,
    train: Dataset | None = None,
    *,
    spec: FineTune = SPEC,
    folder: Path | None = None,
    validation: Dataset | None = None,
    seed: int = 3,
) -> Tuned:
    """Fine-tune a tiny BERT on letters, or on other rows."""
    train = letters(300, 1) if train is None else train
    folder = base(place / "tiny") if folder is None else folder
    made, record = TEXT_CLASSIFICATION.fine_tune(spec, folder, train, validation, seed=seed, cache=place, progress=Silent())
    return Tuned(Tuning(spec, folder, train, validation, seed), record, ModelFolder(made), place)
