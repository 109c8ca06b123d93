"""Answers that were saved or drawn: a candidate that knows the rows of its data sets and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from audit.candidates.interface import Outputs
    from audit.datasets import Dataset


class KnownRows:
    """Whatever is asked of new rows or texts is refused."""

    who = "saved predictions"
    """As the refusal names the candidate."""
    remedy = ": load the model itself (candidate.load.kind)"

    def score_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Refused: nothing is known of new texts."""
        self._refuse(f"{len(texts)} new texts")

    def answer_texts(self, texts: Sequence[str]) -> Outputs:
        """Refused: nothing is known of new texts."""
        self._refuse(f"{len(texts)} new texts")

    def answer_frame(self, frame: pd.DataFrame) -> Outputs:
        """Refused: nothing is known of new rows."""
        self._refuse(f"{len(frame)} new rows")

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Refused: there is no encoder."""
        self._refuse(f"{len(texts)} texts to embed")

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:  # noqa: ARG002  # another candidate reads them
        """None: nothing is changed or cut on the way to the answers."""
        return ()

    def _refuse(self, what: str) -> NoReturn:
        msg = f"{self.who} cannot serve {what}{self.remedy}"
        raise CannotMeasure(msg)
