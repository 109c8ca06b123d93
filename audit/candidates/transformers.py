"""A text classifier in the format of transformers: safetensors only, nothing imported from its folder, nothing fetched.

A text's scores depend on that text alone, bit for bit, and not on what it was scored with: texts are padded to a multiple of eight
tokens and run in batches of one fixed size, so that the same shapes meet the same kernels. Rounding would only make differences rarer.
Padding is tried out on the model first; where it changes a score, each text is scored by itself.
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from audit import child_process, disk_cache
from audit.candidates.capabilities import Embeddings, Labels, Queries, Scores, Training, find
from audit.candidates.folder import ModelFolder
from audit.candidates.interface import Outputs
from audit.candidates.kinds import Kind
from audit.candidates.loading import LIBRARIES, load_classifier
from audit.candidates.memory import Memory
from audit.candidates.running import Runner, TextWithoutTokens, embeddings, logits, probabilities, refuse_blank_texts
from audit.datasets.column_store import Texts
from audit.errors import CannotMeasure
from audit.progress import Progress, Silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.candidates.capabilities import C, TrainingRecord
    from audit.candidates.kinds import Opening
    from audit.candidates.padding import Compute
    from audit.datasets import Dataset
    from audit.datasets.column_store import Inputs
    from audit.policy.schema import Load


@dataclass(frozen=True, slots=True)
class Reading:
    """How texts are fed to the model."""

    max_length: int | None = None
    """Tokens at which longer texts are cut; the model's own limit where none is named."""
    batch_size: int = 64
    """Rows of a batch on a GPU."""


class TextClassifier:
    """A sequence classifier and its tokenizer. Facts come from its files; torch is loaded with the first text that is new."""

    kind = "transformers"

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
        self._folder, self.classes, self._training, self._store = folder, classes, training, store
        self.max_length = folder.cut_length(reading.max_length)
        self._batch_size = reading.batch_size
        self._progress = progress or Silent()
        self._lock = threading.Lock()
        self._runner: Runner | None = None
        self._memory = Memory(store / "texts" / f"{self._memory_key}.sqlite" if store else None)

    @cached_property
    def sha256(self) -> str:
        """Over all files that determine the outputs, and the length at which texts are cut."""
        return _digest(self._folder, self.max_length)

    @property
    def parameters(self) -> int:
        """Number of learned weights."""
        return self._folder.parameters

    @property
    def description(self) -> str:
        """Class, origin and format."""
        name = self._folder.architecture or "text classifier"
        origin = f"fine-tuned from {self._training.base}" if self._training else f"from {self._folder.path.name}"
        return f"{name} {origin}, {len(self.classes)} classes, safetensors"

    @property
    def folder(self) -> str:
        """Where its files lie."""
        return str(self._folder.path)

    def predict(self, dataset: Dataset) -> Outputs:
        """The likeliest class of each row's text. A text that the model cannot read ends the audit: its row has no answer."""
        texts = dataset.texts()
        try:
            scores = self._memory.recall("scores", texts, lambda new: self._run(new, "scores", self._progress))
        except TextWithoutTokens as error:
            error.refuse(dataset)
        if self.max_length is not None:
            self._memory.recall("lengths", texts, self._lengths)  # for the remarks, while the model is loaded
        return self._likeliest(scores)

    def score_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), k) class probabilities: softmax in float64 of the model's logits."""
        return self._memory.recall("scores", texts, lambda new: self._run(new, "scores", Silent()))  # an attack asks hundreds of times

    def get(self, capability: type[C]) -> C | None:
        """Labels, scores and embeddings, of new texts too; how it was trained, where that happened here."""
        asked = Queries(Texts, self._answer), Embeddings(self.embed_texts)
        return find((Labels(), Scores(), *asked, *((Training(self._training),) if self._training else ())), capability)

    def _answer(self, inputs: Inputs) -> Outputs:
        if not isinstance(inputs, Texts):
            msg = f"a text classifier cannot score {len(inputs)} tabular rows"
            raise CannotMeasure(msg)
        return self._likeliest(self.score_texts(inputs.texts))

    def _likeliest(self, probabilities: NDArray[np.float64]) -> Outputs:
        return Outputs(np.array(self.classes, dtype=object)[probabilities.argmax(axis=1)], probabilities)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), d) mean over the tokens of the encoder's last hidden state."""
        return self._memory.recall("embeddings", texts, lambda new: self._run(new, "embeddings", self._progress))

    def open(self) -> None:
        """Refuse a model that cannot be loaded or run before anything is measured; what was opened once is not opened again for that."""
        _ = self._padding_remark

    @cached_property
    def _padding_remark(self) -> str | None:
        """Whether a batch padded by the folder's own tokenizer would be scored otherwise. The model is loaded, once for all runs."""
        place = self._store / "opened" / f"{self._memory_key}.json" if self._store else None
        kept = disk_cache.read(place) if place else None
        if kept is not None and (facts := json.loads(kept)).get("key") == self._memory_key:
            return str(facts["remark"]) if facts["remark"] else None
        remark = child_process.call(self._tried_padding, self._progress)
        if place:
            disk_cache.write(place, json.dumps({"key": self._memory_key, "remark": remark}).encode())
        return remark

    def _tried_padding(self) -> str | None:
        runner = self._loaded()
        with self._lock:
            return runner.padding_remark(logits)

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
        """How many texts were cut, and whether the model depends on how a batch is padded."""
        cut = [self._cut(role, data) for role, data in datasets.items() if data.columns.text is not None]
        return tuple(text for text in (self._padding_remark, *cut) if text)

    @cached_property
    def _memory_key(self) -> str:
        return disk_cache.key(
            {"run": 2, "candidate": self.sha256, "kind": self.kind, "batch": self._batch_size, **disk_cache.surroundings(*LIBRARIES)}
        )

    def _cut(self, role: str, data: Dataset) -> str | None:
        if self.max_length is None:
            return None
        lengths = self._memory.recall("lengths", data.texts(), self._counted_apart)[:, 0]  # (rows,)
        if not (count := int((lengths > self.max_length).sum())):
            return None
        able = self._folder.positions
        own = "" if able is None else " (the model's own limit)" if able == self.max_length else f" (the model takes {able:,})"
        sentence = f"{count:,} of {data.rows:,} texts were cut at {self.max_length:,} tokens{own}"
        return f"datasets.{role}: {sentence}; the longest has {int(lengths.max()):,}."

    def _counted_apart(self, texts: list[str]) -> NDArray[np.float64]:
        return child_process.call(lambda: self._lengths(texts), self._progress)

    def _lengths(self, texts: list[str]) -> NDArray[np.float64]:
        """(len(texts), 1) tokens of each text before it is cut."""
        runner = self._loaded()
        with self._lock:
            return np.array(runner.token_counts(texts), dtype=np.float64).reshape(-1, 1)

    def _run(self, texts: list[str], output: str, progress: Progress) -> NDArray[np.float64]:
        runner = self._loaded()
        compute, like = _COMPUTE[output]
        task = progress.start("score texts" if output == "scores" else "embed texts", len(texts))
        try:
            with self._lock:
                found = runner.run(runner.tokens(texts), compute, like=like, advance=task.advance)
        finally:
            task.finish()
        width = len(self.classes) if output == "scores" else int(runner.loaded.model.config.hidden_size)
        return np.zeros((0, width)) if found is None else found

    def _loaded(self) -> Runner:
        with self._lock:
            if self._runner is None:
                self._runner = Runner(self._folder, load_classifier(self._folder, len(self.classes)), self.max_length, self._batch_size)
            return self._runner


_COMPUTE: dict[str, tuple[Compute, Compute]] = {"scores": (probabilities, logits), "embeddings": (embeddings, embeddings)}
"""What is computed, and what padding is tried out on: two probabilities near 1 would look alike."""


def _digest(folder: ModelFolder, max_length: int | None) -> str:
    return hashlib.sha256(f"{folder.sha256} max_length {max_length}".encode()).hexdigest()


def _digest_at(path: Path, max_length: int | None) -> str:
    folder = ModelFolder(path)
    return _digest(folder, folder.cut_length(max_length))


def _refuse_other_tasks(folder: ModelFolder, classes: Sequence[str]) -> None:
    if not folder.architecture.endswith("ForSequenceClassification"):
        what = f"holds {folder.architecture or 'a model of no named class'}, not a text classifier"
        folder.refuse(what, "fine-tune it first (candidate.fine_tune)")
    if len(classes) < 2:  # noqa: PLR2004  # one class is no choice
        folder.refuse("tells no two classes apart", "this release serves classifiers of two classes and more")
    if folder.config.get("problem_type") in {"multi_label_classification", "regression"}:
        folder.refuse(f"is made for {folder.config['problem_type']}", "this release serves one class per text")


def _open(opening: Opening, load: Load) -> TextClassifier:
    folder = ModelFolder(opening.path(load))
    classes = opening.mapped(folder.classes(opening.labels()))
    reading = Reading(folder.cut_length(load.max_length, "candidate.load.max_length"), load.batch_size)
    candidate = TextClassifier(folder, classes, reading=reading, store=opening.cache, progress=opening.progress)
    if load.sha256 is not None and load.sha256 != candidate.sha256:
        folder.refuse(f"its SHA-256 is {candidate.sha256}, the policy names {load.sha256}", "find out who changed it")
    candidate.open()
    refuse_blank_texts(folder, opening.measured)
    return candidate


def _find(files: Sequence[Path]) -> Path | None:
    weights = {path.parent for path in files if path.suffix == ".safetensors"}
    return next((path.parent for path in files if path.name == "config.json" and path.parent in weights), None)


KIND = Kind(
    name="transformers",
    title="a transformers model",
    tasks=("text-classification", "tabular-classification"),
    offers=frozenset({Labels, Scores, Queries, Embeddings, Training}),
    open=_open,
    digest=_digest_at,
    brings=("text", "fine-tuning and loading of transformers text models"),
    find=_find,
)
