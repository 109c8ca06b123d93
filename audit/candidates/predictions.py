"""Each prediction computed once: shared by all checks and all processes of a run, and kept on disk by digest."""

from __future__ import annotations

import copy
import io
import threading
from typing import TYPE_CHECKING

import numpy as np

from audit import disk_cache
from audit.candidates import model_calls
from audit.candidates.capabilities import Embeddings, OtherCode, Queries
from audit.candidates.interface import Outputs
from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.candidates import Candidate
    from audit.datasets import Dataset
    from audit.datasets.column_store import Inputs

LIBRARIES = ("numpy", "pandas", "scikit-learn", "scipy", "torch", "transformers", "tokenizers")


class Predictions:
    """The candidate's outputs on every data set that a check has asked for."""

    def __init__(self, candidate: Candidate, store: Path | None = None) -> None:
        self.candidate = candidate
        self._store = None if candidate.get(OtherCode) is not None else store
        self._known: dict[str, Outputs] = {}
        self._announced: set[str] = set()
        self.asked: set[str] = set()
        """Keys of the outputs that were asked for; of a view, those asked of the view alone."""
        self._lock = threading.Lock()

    def of(self, data: Dataset) -> Outputs:
        """The outputs on one data set, in the order of its rows."""
        key = self._key(data)
        self.asked.add(key)
        with self._lock:
            if key not in self._known:
                self._known[key] = self._outputs(key, data)
            if model_calls.current is not None:
                model_calls.current.answered.add(key)
            return self._known[key]

    def known(self, data: Dataset) -> Outputs | None:
        """The outputs on a data set that some check has asked for, if only in the run that kept its evidence; None where none has."""
        key = self._key(data)
        return self.of(data) if key in self._known or key in self._announced else None

    def announce(self, keys: Collection[str], folder: Path | None = None) -> None:
        """Say that these outputs were asked for elsewhere: by processes that share this folder, or by the run that kept the evidence."""
        self._announced |= set(keys)
        self._store = self._store or folder

    def view(self) -> Predictions:
        """The same outputs, with a note of what is asked of the view alone."""
        made = copy.copy(self)
        made.asked = set()
        return made

    def answer(self, inputs: Inputs) -> Outputs:
        """The candidate's answers to inputs that stand in no data set; CannotMeasure where it gives none."""
        queries = self.candidate.get(Queries)
        if queries is None:
            msg = f"{self.candidate.description}: cannot score {len(inputs):,} new inputs: load the model itself (candidate.load.kind)"
            raise CannotMeasure(msg)
        return model_calls.guarded(f"{self.candidate.sha256}-answer", lambda: queries.answer(inputs))

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), d) the candidate's embeddings of texts; CannotMeasure where it has no encoder."""
        embeddings = self.candidate.get(Embeddings)
        if embeddings is None:
            msg = f"{self.candidate.description}: has no encoder to embed {len(texts):,} texts"
            raise CannotMeasure(msg)
        return model_calls.guarded(f"{self.candidate.sha256}-embed", lambda: embeddings.embed(texts))

    def _key(self, data: Dataset) -> str:
        return disk_cache.key(
            {
                "candidate": self.candidate.sha256,
                "kind": self.candidate.kind,
                "classes": self.candidate.classes,
                "data": data.content_key,
                **disk_cache.surroundings(*LIBRARIES),
            }
        )

    def _outputs(self, key: str, data: Dataset) -> Outputs:
        if self.candidate.kind == "predictions":  # they stand in the data set itself
            return self.candidate.predict(data)
        store = self._store or (model_calls.current.folder if model_calls.current else None)
        if store is None:
            return self.candidate.predict(data)
        place = store / "predictions" / f"{key}.npz"
        if (kept := _kept(place)) is not None:
            return kept
        if model_calls.current is None:
            return self._computed(place, data)
        with model_calls.current.exclusive(key, place.with_suffix(".lock")):
            return _kept(place) or self._computed(place, data)

    def _computed(self, place: Path, data: Dataset) -> Outputs:
        outputs = self.candidate.predict(data)
        labels = None if outputs.labels is None else outputs.labels.astype(str)
        arrays = {"labels": labels, "probabilities": outputs.probabilities, "values": outputs.values}
        content = io.BytesIO()
        np.savez(content, **{name: array for name, array in arrays.items() if array is not None})
        disk_cache.write(place, content.getvalue())
        return outputs


def _kept(place: Path) -> Outputs | None:
    content = disk_cache.read(place)
    if content is None:
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as saved:
        labels = saved.get("labels")
        return Outputs(None if labels is None else labels.astype(object), saved.get("probabilities"), saved.get("values"))
