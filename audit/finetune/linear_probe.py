"""The base model as it stands before fine-tuning, made to answer by a linear probe.

Logistic regression on the mean-pooled, frozen embeddings of the very rows that the candidate learned from (Alain & Bengio,
ICLR workshop 2017). Each dimension is put on one scale first, so that the penalty weighs them alike. Fitted with the first
answer that is asked for, and kept under the digests of all that determines it.
"""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audit import disk_cache
from audit.candidates.capabilities import Embeddings, Labels, Queries, Scores, find
from audit.candidates.interface import Outputs
from audit.datasets.column_store import Texts
from audit.errors import CannotMeasure, MissingExtra

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.candidates.capabilities import C
    from audit.candidates.encoder import Encoder
    from audit.datasets import Dataset
    from audit.datasets.column_store import Inputs
    from audit.finetune.examples import Examples

_LIBRARIES = ("scikit-learn", "scipy", "numpy", "torch", "transformers", "tokenizers")
_STEPS = 5000


@dataclass(frozen=True, slots=True)
class _Weights:
    """What the fit found: logits are ((x - centre) / scale) @ slope + intercept."""

    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    slope: NDArray[np.float64]
    """(d, k)"""
    intercept: NDArray[np.float64]

    def probabilities(self, embeddings: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n, k) softmax of the logits."""
        logits = (embeddings - self.centre) / self.scale @ self.slope + self.intercept
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
        return found


class Probe:
    """A base model with a linear probe, as a candidate."""

    kind = "probe"

    def __init__(self, encoder: Encoder, rows: Examples, *, learned: str, store: Path | None = None) -> None:
        self._encoder, self._rows, self._store = encoder, rows, store
        self.classes = tuple(sorted(set(rows.labels)))
        self.sha256 = disk_cache.key({"encoder": encoder.sha256, "rows": learned, "classes": self.classes, "steps": _STEPS, "probe": 1})
        self.folder = str(encoder.path)
        self.description = f"{encoder.path.name} as it was, with a linear probe on {len(rows.texts):,} training rows"
        self._lock = threading.Lock()
        self._held: _Weights | None = None

    @property
    def parameters(self) -> int:
        """Number of weights of the base model, the probe left out."""
        return self._encoder.parameters

    def predict(self, dataset: Dataset) -> Outputs:
        """The likeliest class of each row's text."""
        return self._likeliest(self.score_texts(dataset.texts()))

    def score_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), k) class probabilities."""
        return self._weights().probabilities(self.embed_texts(texts))

    def get(self, capability: type[C]) -> C | None:
        """Labels, scores and embeddings, of new texts too."""
        return find((Labels(), Scores(), Queries(Texts, self._answer), Embeddings(self.embed_texts)), capability)

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), d) mean over the tokens of the base model's last hidden state."""
        return self._encoder.embed(texts)

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:  # noqa: ARG002  # another candidate reads them
        """None: nothing is changed or cut on the way to the answers."""
        return ()

    def _answer(self, inputs: Inputs) -> Outputs:
        if not isinstance(inputs, Texts):
            msg = f"the base model reads texts: {len(inputs)} tabular rows cannot be scored"
            raise CannotMeasure(msg)
        return self._likeliest(self.score_texts(inputs.texts))

    def _likeliest(self, probabilities: NDArray[np.float64]) -> Outputs:
        return Outputs(np.array(self.classes, dtype=object)[probabilities.argmax(axis=1)], probabilities)

    def _weights(self) -> _Weights:
        with self._lock:
            if self._held is None:
                self._held = self._kept() or self._fitted()
            return self._held

    def _kept(self) -> _Weights | None:
        content = None if self._store is None else disk_cache.read(self._path(self._store))
        if content is None:
            return None
        with np.load(io.BytesIO(content), allow_pickle=False) as saved:
            return _Weights(saved["centre"], saved["scale"], saved["slope"], saved["intercept"])

    def _fitted(self) -> _Weights:
        embeddings = self.embed_texts(self._rows.texts)
        centre, spread = embeddings.mean(axis=0), embeddings.std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        model = _logistic().fit((embeddings - centre) / scale, np.array(self._rows.labels))
        slope, intercept = np.asarray(model.coef_.T), np.asarray(model.intercept_)
        if len(self.classes) == 2:  # noqa: PLR2004  # one logit tells two classes apart
            slope, intercept = np.column_stack([np.zeros_like(slope), slope]), np.array([0.0, intercept[0]])
        found = _Weights(centre, scale, slope, intercept)
        if self._store is not None:
            content = io.BytesIO()
            np.savez(content, centre=centre, scale=scale, slope=slope, intercept=intercept)
            disk_cache.write(self._path(self._store), content.getvalue())
        return found

    def _path(self, store: Path) -> Path:
        return store / "probes" / f"{disk_cache.key({'probe': self.sha256, **disk_cache.surroundings(*_LIBRARIES)})}.npz"


def _logistic() -> Any:
    try:
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        part = "scikit-learn"
        raise MissingExtra(part, "sklearn") from error
    return LogisticRegression(max_iter=_STEPS)
