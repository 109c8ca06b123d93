"""Each prediction computed once: shared by all checks, and kept on disk by digest."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from audit.candidates import Candidate, Outputs
    from audit.datasets import Dataset


class Predictions:
    """The candidate's outputs on every data set that a check has asked for."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self._known: dict[str, Outputs] = {}
        self._lock = threading.Lock()

    def of(self, data: Dataset) -> Outputs:
        """The outputs on one data set, in the order of its rows."""
        with self._lock:
            if data.role not in self._known:
                self._known[data.role] = self.candidate.predict(data)
            return self._known[data.role]

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), d) the candidate's embeddings of texts; CannotMeasure where it has no encoder."""
        return self.candidate.embed_texts(texts)
