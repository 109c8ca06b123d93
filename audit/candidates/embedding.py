"""A base model's encoder: texts to mean-pooled last hidden states, safetensors only, nothing fetched."""

from __future__ import annotations

import hashlib
import threading
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from audit import cache
from audit.candidates.loading import LIBRARIES, Loaded, load_encoder, refuse_strange_tokens
from audit.candidates.memory import Memory
from audit.candidates.transformers import CPU_ROWS, batches, forward
from audit.progress import Progress, Silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.candidates.folder import ModelFolder


class Encoder:
    """A folder of a pretrained text model without a head. torch is loaded with the first text that is new."""

    def __init__(self, folder: ModelFolder, *, max_length: int, store: Path | None = None, progress: Progress | None = None) -> None:
        self._folder, self._max_length, self._progress = folder, max_length, progress or Silent()
        self.path, self.parameters = folder.path, folder.parameters
        self._lock = threading.Lock()
        self._held: Loaded | None = None
        key = cache.key({"encoder": self.sha256, **cache.surroundings(*LIBRARIES)})
        self._memory = Memory(store / "texts" / f"{key}.sqlite" if store else None)

    @cached_property
    def sha256(self) -> str:
        """Over all files that determine the embeddings, and the length at which texts are cut."""
        return hashlib.sha256(f"{self._folder.sha256} encoder {self._max_length}".encode()).hexdigest()

    def embed(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), d) mean over the tokens of the last hidden state."""
        return self._memory.recall("embeddings", texts, self._run)

    def _run(self, texts: list[str]) -> NDArray[np.float64]:
        import torch

        task = self._progress.start("embed texts", len(texts))
        try:
            with self._lock, torch.inference_mode():
                self._held = loaded = self._held or load_encoder(self._folder)
                found = np.zeros((len(texts), int(loaded.model.config.hidden_size)))
                tokens = loaded.tokenizer(texts, truncation=True, max_length=self._max_length) if texts else {"input_ids": []}
                refuse_strange_tokens(self._folder, loaded.model, tokens["input_ids"])
                for places, batch in batches(loaded.tokenizer, tokens, self._max_length, CPU_ROWS):
                    found[places] = forward(loaded, batch, "embeddings")[: len(places)]
                    task.advance(len(places))
        finally:
            task.finish()
        if not np.isfinite(found).all():
            self._folder.refuse("gives a number that is none for a text", "its weights are broken: save them again")
        return found
