"""A scikit-learn regressor: it gives one number a row, and no classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np

from audit.candidates.estimator import Estimator, refuse
from audit.candidates.interface import Ability, Outputs
from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from audit.candidates.fitted import FittedModel
    from audit.datasets import Dataset


class SklearnRegressor:
    """A fitted regressor of one target over feature columns or, where it reads texts, over `columns.text`."""

    kind = "sklearn"
    training = None
    classes: tuple[str, ...] = ()
    abilities: frozenset[Ability] = frozenset({"values"})

    def __init__(self, path: Path, model: FittedModel, sha256: str, *, reads_text: bool) -> None:
        if not model.facts.is_regressor:
            what = f"{model.facts.name} is no regressor, and candidate.task is tabular-regression"
            refuse(path, what, "give one that predicts numbers, or declare a task of classification")
        self._estimator = Estimator(path, model, reads_text=reads_text)
        self.sha256, self.folder = sha256, str(path)
        self.parameters = model.facts.parameters
        self.description = self._estimator.described("one number a row")

    @property
    def goes_by_place(self) -> bool:
        """Whether it knows its features by their order alone."""
        return self._estimator.goes_by_place

    def refuse_unfit(self, dataset: Dataset) -> None:
        """InputError where a data set lacks features that the model was fitted on."""
        self._estimator.refuse_unfit(dataset)

    def predict(self, dataset: Dataset) -> Outputs:
        """The model's own numbers."""
        found = self._estimator.answers("values", self._estimator.given(dataset))
        if found.size != dataset.rows:
            what = f"gives numbers of shape {found.shape} for {dataset.rows:,} rows"
            refuse(self._estimator.path, what, "fit one model for each target")
        if not np.isfinite(found).all():
            refuse(self._estimator.path, "predicts what is no number", "look at the rows with missing values; fit the model anew")
        return Outputs(None, values=found.reshape(dataset.rows))

    def score_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Refused: it has no classes."""
        self._refuse(f"{len(texts)} texts")

    def answer_texts(self, texts: Sequence[str]) -> Outputs:
        """Refused: it has no classes."""
        self._refuse(f"{len(texts)} texts")

    def answer_frame(self, frame: pd.DataFrame) -> Outputs:
        """Refused: it has no classes."""
        self._refuse(f"{len(frame)} rows")

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Refused: it has no encoder."""
        msg = f"a scikit-learn model has no encoder for {len(texts)} texts"
        raise CannotMeasure(msg)

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
        """One sentence for each column with categories that the model never saw."""
        return self._estimator.remarks(datasets)

    def _refuse(self, what: str) -> NoReturn:
        msg = f"a regressor gives numbers, not probabilities of classes: {what} cannot be scored"
        raise CannotMeasure(msg)
