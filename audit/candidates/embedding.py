"""A base model's encoder: texts to mean-pooled last hidden states, safetensors only, nothing fetched."""

from __future__ import annotations

import hashlib
import threading
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from audit import disk_cache
from audit.candidates.loading import LIBRARIES, load_encoder
from audit.candidates.memory import Memory
from audit.candidates.running import Runner, embeddings
from audit.progress import Progress, Silent

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.candidates.folder import ModelFolder


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
