"""A scikit-learn model: skops by default, a pickle only where the policy trusts that very file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from audit.candidates.estimator import Estimator, refuse
from audit.candidates.interface import Ability, Outputs, why_no_scores
from audit.candidates.model_file import opened
from audit.candidates.regressor import SklearnRegressor
from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from audit.candidates.fitted import FittedModel
    from audit.datasets import Dataset


class SklearnModel:
    """A fitted classifier over feature columns or, where it reads texts, over `columns.text`."""

    kind = "sklearn"
    training = None

    def __init__(self, path: Path, model: FittedModel, sha256: str, *, reads_text: bool) -> None:
        if not model.facts.is_classifier:
            refuse(path, f"{model.facts.name} is no fitted classifier of one label", "give one with classes_")
        self._estimator = Estimator(path, model, reads_text=reads_text)
        self.sha256, self.folder = sha256, str(path)
        self.classes = model.facts.classes
        self._names = {name: name for name in self.classes}
        self._scores = model.facts.has_scores
        self.abilities = _abilities(text=self._estimator.reads_text, scores=self._scores)
        self.parameters = model.facts.parameters
        self.description = self._estimator.described(f"{len(self.classes)} classes")

    @property
    def goes_by_place(self) -> bool:
        """Whether it knows its features by their order alone."""
        return self._estimator.goes_by_place

    def rename(self, classes: Sequence[str]) -> None:
        """Call the classes by these names, in the same order."""
        self._names = dict(zip(self.classes, classes, strict=True))
        self.classes = tuple(classes)

    def refuse_unfit(self, dataset: Dataset) -> None:
        """InputError where a data set lacks features that the model was fitted on."""
        self._estimator.refuse_unfit(dataset)

    def predict(self, dataset: Dataset) -> Outputs:
        """The model's own labels, and its probabilities where it has them."""
        return self._answered(self._estimator.given(dataset))

    def score_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """(len(texts), k) class probabilities of new texts."""
        probabilities = self.answer_texts(texts).probabilities
        if probabilities is None:
            raise CannotMeasure(why_no_scores(self))
        return probabilities

    def answer_texts(self, texts: Sequence[str]) -> Outputs:
        """The model's own labels of new texts, and its probabilities where it has them."""
        if not self._estimator.reads_text:
            msg = f"this model reads features, not texts: {len(texts)} texts cannot be scored"
            raise CannotMeasure(msg)
        return self._answered(self._estimator.texts(texts))

    def answer_frame(self, frame: pd.DataFrame) -> Outputs:
        """The same of new rows; columns that it was not fitted on are left aside."""
        if self._estimator.reads_text:
            msg = f"this model reads texts: {len(frame)} tabular rows cannot be scored"
            raise CannotMeasure(msg)
        return self._answered(self._estimator.features(frame))

    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Refused: it has no encoder."""
        msg = f"a scikit-learn model has no encoder for {len(texts)} texts"
        raise CannotMeasure(msg)

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
        """One sentence for each column with categories that the model never saw."""
        return self._estimator.remarks(datasets)

    def _answered(self, given: Any) -> Outputs:
        """By the model's own `predict`: a tuned threshold or a support vector machine does not go by the largest probability."""
        if not len(given):
            return Outputs(np.array([], dtype=object), np.zeros((0, len(self.classes))) if self._scores else None)
        names = self._estimator.answers("predict", given).tolist()
        labels = np.array([self._names.get(name, name) for name in names], dtype=object)
        return Outputs(labels, self._probabilities(given) if self._scores else None)

    def _probabilities(self, given: Any) -> NDArray[np.float64]:
        found = np.asarray(self._estimator.answers("predict_proba", given), dtype=np.float64)
        if not np.isfinite(found).all():
            what = "gives a probability that is no number"
            refuse(self._estimator.path, what, "look at the rows with missing values; fit the model anew")
        return found


def load(path: Path, *, sha256: str | None, trust_pickle: bool, reads_text: bool) -> SklearnModel:
    """The classifier in a file."""
    model, found = opened(path, sha256, trust_pickle=trust_pickle)
    return SklearnModel(path, model, found, reads_text=reads_text)


def load_regressor(path: Path, *, sha256: str | None, trust_pickle: bool, reads_text: bool) -> SklearnRegressor:
    """The regressor in a file."""
    model, found = opened(path, sha256, trust_pickle=trust_pickle)
    return SklearnRegressor(path, model, found, reads_text=reads_text)


def _abilities(*, text: bool, scores: bool) -> frozenset[Ability]:
    found: set[Ability] = {"predictions", "text" if text else "frame"}
    return frozenset(found | {"scores"} if scores else found)
