"""A text classifier in the format of transformers: safetensors only, nothing imported from its folder, nothing fetched.

A text's scores depend on that text alone, bit for bit, and not on what it was scored with: texts are padded to a multiple of eight
tokens and run in batches of one fixed size, so that the same shapes meet the same kernels. Rounding would only make differences rarer.
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from audit import cache
from audit.candidates.interface import Ability, Outputs
from audit.candidates.loading import LIBRARIES, Loaded, load_classifier, refuse_strange_tokens
from audit.candidates.memory import Memory
from audit.candidates.padding import padded
from audit.errors import CannotMeasure
from audit.progress import Progress, Silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from audit.candidates.folder import ModelFolder
    from audit.datasets import Dataset
    from audit.finetune.record import TrainingRecord

_STEP = 8
"""Token counts are padded to a multiple of it."""
CPU_ROWS = 8
"""Rows of a batch on a processor: small calls, as attacks make them, waste little, and larger batches gain nothing."""

_Output: TypeAlias = Literal["scores", "embeddings"]


@dataclass(frozen=True, slots=True)
class Reading:
    """How texts are fed to the model."""

    max_length: int = 128
    """Tokens; longer texts are cut."""
    batch_size: int = 64
    """Rows of a batch on a GPU."""


class TextClassifier:
    """A sequence classifier and its tokenizer. Facts come from its files; torch is loaded with the first text that is new."""

    kind = "transformers"
    abilities: frozenset[Ability] = frozenset({"predictions", "scores", "text"})

    def __init__(
        self,
        folder: ModelFolder,
        classes: tuple[str, ...],
        *,
        reading: Reading = Reading(),
        training: TrainingRecord | None = None,
        store: Path | None = None,
        progress: Progress | None = None,
    ) -> None:
        _refuse_other_tasks(folder, classes)
        self._folder, self.classes, self.training = folder, classes, training
        self._max_length = min(reading.max_length, folder.length_limit or reading.max_length)
        self._batch_size = reading.batch_size
        self._progress = progress or Silent()
        self._lock = threading.Lock()
        self._held: Loaded | None = None
        self._memory = Memory(store / "texts" / f"{self._memory_key()}.sqlite" if store else None)

    @cached_property
    def sha256(self) -> str:
        """Over all files that determine the outputs, and the length at which texts are cut."""
        return hashlib.sha256(f"{self._folder.sha256} max_length {self._max_length}".encode()).hexdigest()

    @property
    def parameters(self) -> int:
        """Number of learned weights."""
        return self._folder.parameters

    @property
    def description(self) -> str:
        """Class, origin and format."""
        name = (self._folder.config.get("architectures") or ["text classifier"])[0]
        origin = f"fine-tuned from {self.training.base}" if self.training else f"from {self._folder.path.name}"
        return f"{name} {origin}, {len(self.classes)} classes, safetensors"

    @property
    def folder(self) -> str:
        """Where its files lie."""
        return str(self._folder.path)

    def predict(self, dataset: Dataset) -> Outputs:
        """The likeliest class of each row's text."""
        probabilities = self._memory.recall("scores", dataset.texts(), lambda new: self._run(new, "scores", self._progress))
        return self._likeliest(probabilities)

    def score_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), k) class probabilities: softmax in float64 of the model's logits."""
        return self._memory.recall("scores", texts, lambda new: self._run(new, "scores", Silent()))  # an attack asks hundreds of times

    def answer_texts(self, texts: Sequence[str]) -> Outputs:
        """The likeliest class of each text."""
        return self._likeliest(self.score_texts(texts))

    def _likeliest(self, probabilities: NDArray[np.float64]) -> Outputs:
        return Outputs(np.array(self.classes, dtype=object)[probabilities.argmax(axis=1)], probabilities)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), d) mean over the tokens of the encoder's last hidden state."""
        return self._memory.recall("embeddings", texts, lambda new: self._run(new, "embeddings", self._progress))

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:  # noqa: ARG002  # another candidate reads them
        """None: nothing is changed or cut on the way to the answers."""
        return ()

    def answer_frame(self, frame: pd.DataFrame) -> Outputs:
        """Refused: it reads texts."""
        msg = f"a text classifier cannot score {len(frame)} tabular rows"
        raise CannotMeasure(msg)

    def _memory_key(self) -> str:
        return cache.key({"candidate": self.sha256, "kind": self.kind, "batch": self._batch_size, **cache.surroundings(*LIBRARIES)})

    def _run(self, texts: list[str], output: _Output, progress: Progress) -> NDArray[np.float64]:
        import torch

        loaded = self._loaded()
        rows = min(self._batch_size, CPU_ROWS) if loaded.device.type == "cpu" else self._batch_size
        found = np.zeros((len(texts), len(self.classes) if output == "scores" else int(loaded.model.config.hidden_size)))
        task = progress.start("score texts" if output == "scores" else "embed texts", len(texts))
        try:
            with self._lock, torch.inference_mode():
                tokens = loaded.tokenizer(texts, truncation=True, max_length=self._max_length) if texts else {"input_ids": []}
                refuse_strange_tokens(self._folder, loaded.model, tokens["input_ids"])
                for places, batch in batches(loaded.tokenizer, tokens, self._max_length, rows):
                    found[places] = forward(loaded, batch, output)[: len(places)]  # rows that fill up the batch come last
                    if not np.isfinite(found[places]).all():
                        self._folder.refuse("gives a number that is none for a text", "its weights are broken: train it again")
                    task.advance(len(places))
        finally:
            task.finish()
        return found

    def _loaded(self) -> Loaded:
        with self._lock:
            if self._held is None:
                self._held = load_classifier(self._folder, len(self.classes))
            return self._held


def _refuse_other_tasks(folder: ModelFolder, classes: Sequence[str]) -> None:
    named = str((folder.config.get("architectures") or [""])[0])
    if not named.endswith("ForSequenceClassification"):
        folder.refuse(f"holds {named or 'a model of no named class'}, not a text classifier", "fine-tune it first (candidate.fine_tune)")
    if len(classes) < 2:  # noqa: PLR2004  # one class is no choice
        folder.refuse("tells no two classes apart", "this release serves classifiers of two classes and more")
    if folder.config.get("problem_type") in {"multi_label_classification", "regression"}:
        folder.refuse(f"is made for {folder.config['problem_type']}", "this release serves one class per text")


def batches(tokenizer: Any, tokens: Any, max_length: int, rows: int) -> Iterator[tuple[list[int], dict[str, Any]]]:
    """Batches of one size, each of texts with the same padded length, with the places of their texts."""
    places = defaultdict(list)
    for place, ids in enumerate(tokens["input_ids"]):
        places[min(-(-len(ids) // _STEP) * _STEP, max_length)].append(place)
    for length in sorted(places, reverse=True):  # longest first: what does not fit into memory fails at once
        for start in range(0, len(places[length]), rows):
            chosen = places[length][start : start + rows]
            filled = chosen + chosen[-1:] * (rows - len(chosen))
            yield chosen, padded(tokenizer, tokens, filled, length)


def forward(loaded: Loaded, batch: dict[str, Any], output: _Output) -> NDArray[np.float64]:
    """(rows, k) probabilities, or (rows, d) mean-pooled last hidden states, of one batch."""
    given = {name: tensor.to(loaded.device) for name, tensor in batch.items()}
    if output == "scores":
        logits = loaded.model(**given).logits.double()
        scores: NDArray[np.float64] = logits.softmax(dim=-1).cpu().numpy()
        return scores
    states = loaded.model.base_model(**given).last_hidden_state.double()
    mask = given["attention_mask"].unsqueeze(-1).double()
    vectors: NDArray[np.float64] = ((states * mask).sum(dim=1) / mask.sum(dim=1)).cpu().numpy()
    return vectors
