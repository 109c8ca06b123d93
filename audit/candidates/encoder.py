"""A base model's encoder: embeddings of texts, and how well its head fills in hidden words before and after fine-tuning."""

from __future__ import annotations

import hashlib
import threading
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NoReturn, TypeAlias

import numpy as np

from audit import disk_cache, seeds
from audit.candidates.loading import LIBRARIES, Loaded, libraries, load_encoder, read_files
from audit.candidates.memory import Memory
from audit.candidates.running import Runner, embeddings
from audit.errors import CandidateError, CannotMeasure
from audit.progress import Progress, Silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.candidates.folder import ModelFolder

Stage: TypeAlias = Literal["before", "after"]
SHARE = 0.15
"""Of a text's words that are hidden, as in BERT's own training."""


class Encoder:
    """A folder of a pretrained text model without a head. torch is loaded with the first text that is new."""

    def __init__(self, folder: ModelFolder, *, max_length: int | None, store: Path | None = None, progress: Progress | None = None) -> None:
        self._folder, self._max_length, self._progress = folder, max_length, progress or Silent()
        self.path, self.parameters = folder.path, folder.parameters
        self._lock = threading.Lock()
        self._runner: Runner | None = None
        key = disk_cache.key({"run": 2, "encoder": self.sha256, **disk_cache.surroundings(*LIBRARIES)})
        self._memory = Memory(store / "texts" / f"{key}.sqlite" if store else None)

    @cached_property
    def sha256(self) -> str:
        """Over all files that determine the embeddings, and the length at which texts are cut."""
        return hashlib.sha256(f"{self._folder.sha256} encoder {self._max_length}".encode()).hexdigest()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), d) mean over the tokens of the last hidden state."""
        return self._memory.recall("embeddings", texts, self._run)

    def _run(self, texts: list[str]) -> NDArray[np.float64]:
        task = self._progress.start("embed texts", len(texts))
        try:
            with self._lock:
                self._runner = runner = self._runner or Runner(self._folder, load_encoder(self._folder), self._max_length)
                found = runner.run(runner.tokens(texts), embeddings, advance=task.advance)
        finally:
            task.finish()
        return np.zeros((0, int(runner.loaded.model.config.hidden_size))) if found is None else found


class MaskedHead:
    """The head for masked words of a base model. It stays as it was while the encoder below is exchanged for the tuned one.

    Which words of a text are hidden depends on the text alone, so that both encoders are asked the same.
    """

    def __init__(
        self, base: ModelFolder, tuned: ModelFolder, *, max_length: int | None, store: Path | None = None, progress: Progress
    ) -> None:
        self._base, self._tuned, self._max_length, self._progress = base, tuned, max_length, progress
        self._lock = threading.Lock()
        self._runners: dict[Stage, Runner] = {}
        facts = {"masked": 2, "base": base.sha256, "tuned": tuned.sha256, "max_length": max_length, **disk_cache.surroundings(*LIBRARIES)}
        self._memory = Memory(store / "texts" / f"{disk_cache.key(facts)}.sqlite" if store else None)

    def losses(self, texts: Sequence[str], stage: Stage) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(n,) mean cross-entropy of each text's hidden words in nats, and (n,) how many were hidden; 0 and 0 for a text without words."""
        found = self._memory.recall(stage, texts, lambda new: self._run(new, stage))
        return found[:, 0], found[:, 1].astype(np.int64)

    def _run(self, texts: list[str], stage: Stage) -> NDArray[np.float64]:
        task = self._progress.start("fill in hidden words", len(texts))
        try:
            with self._lock:
                runner = self._runner(stage)
                found = runner.run(_hidden(runner, texts), _losses, like=embeddings, advance=task.advance)
        finally:
            task.finish()
        return np.zeros((0, 2)) if found is None else found

    def _runner(self, stage: Stage) -> Runner:
        if stage not in self._runners:
            loaded = _with_head(self._base)
            if stage == "after":
                tuned = load_encoder(self._tuned).model.state_dict()
                missing = loaded.model.base_model.load_state_dict(tuned, strict=False).missing_keys
                if missing:
                    self._tuned.refuse(f"has no weights for {', '.join(missing[:3])}", "it is not tuned from this base: fine-tune it again")
            self._runners[stage] = Runner(self._base, loaded, self._max_length)
        return self._runners[stage]


def _hidden(runner: Runner, texts: list[str]) -> dict[str, list[list[int]]]:
    """Tokens with some of them hidden, and under `hidden` what they were, counted from 1; 0 where nothing is hidden."""
    tokenizer = runner.loaded.tokenizer
    tokens = {name: [list(ids) for ids in column] for name, column in runner.tokens(texts).items()}
    tokens["hidden"] = [[0] * len(ids) for ids in tokens["input_ids"]]
    special = set(tokenizer.all_special_ids)
    for text, ids, hidden in zip(texts, tokens["input_ids"], tokens["hidden"], strict=True):
        words = [place for place, token in enumerate(ids) if token not in special]
        rng = np.random.default_rng(seeds.words(0, text))
        for place in rng.permutation(words)[: max(1, round(SHARE * len(words)))] if words else ():
            hidden[place], ids[place] = ids[place] + 1, tokenizer.mask_token_id
    return tokens


def _with_head(folder: ModelFolder) -> Loaded:
    """The base with its head for masked words, which no longer shares its weights with the encoder below."""
    torch, _ = libraries()
    try:
        files = read_files(folder, "AutoModelForMaskedLM")
    except CandidateError as error:
        _refuse(folder, error)
    if files.missing or files.tokenizer.mask_token_id is None:
        _refuse(folder)
    output = files.model.get_output_embeddings()
    output.weight = torch.nn.Parameter(output.weight.detach().clone())
    return files.ready()


def _refuse(folder: ModelFolder, error: Exception | None = None) -> NoReturn:
    msg = f"the base model {folder.path.name} comes without a head for masked words: set measure: probe or measure: neighbours"
    raise CannotMeasure(msg) from error


def _losses(loaded: Loaded, batch: dict[str, Any]) -> NDArray[np.float64]:
    """(rows, 2) mean loss over the hidden words of each row, and their number."""
    import torch

    given = {name: tensor.to(loaded.device) for name, tensor in batch.items()}
    hidden = given.pop("hidden")
    logits = loaded.model(**given).logits.double()
    each = torch.nn.functional.cross_entropy(logits.flatten(0, 1), (hidden - 1).clamp(min=0).flatten(), reduction="none").view(hidden.shape)
    count = (hidden > 0).sum(dim=1)
    mean = (each * (hidden > 0)).sum(dim=1) / count.clamp(min=1)
    table: NDArray[np.float64] = torch.stack([mean, count.double()], dim=1).cpu().numpy()
    return table
