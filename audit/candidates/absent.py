"""No model at all: for checks of data alone, run from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from audit.candidates.interface import Ability, Outputs
    from audit.datasets import Dataset


class Absent:
    """A candidate that serves nothing and says so."""

    kind = "none"
    sha256 = ""
    parameters = None
    description = "no model"
    training = None
    folder = None
    abilities: frozenset[Ability] = frozenset()

    def __init__(self, classes: Sequence[str] = ()) -> None:
        self.classes = tuple(classes)

    def predict(self, dataset: Dataset) -> Outputs:
        """Refused."""
        self._refuse(f"predictions for {dataset.role}")

    def score_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Refused."""
        self._refuse(f"scores of {len(texts)} texts")

    def answer_texts(self, texts: Sequence[str]) -> Outputs:
        """Refused."""
        self._refuse(f"answers to {len(texts)} texts")

    def answer_frame(self, frame: pd.DataFrame) -> Outputs:
        """Refused."""
        self._refuse(f"answers to {len(frame)} rows")

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Refused."""
        self._refuse(f"embeddings of {len(texts)} texts")

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:  # noqa: ARG002  # another candidate reads them
        """None: nothing is changed or cut on the way to the answers."""
        return ()

    def _refuse(self, what: str) -> NoReturn:
        msg = f"there is no model to give {what}: name the columns prediction or score, or write a policy with a candidate"
        raise CannotMeasure(msg)
