"""A fitted scikit-learn estimator and the rows that it takes: what its classifiers and its regressors share."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from audit.candidates.categories import unknown_categories
from audit.candidates.fitted import ModelError
from audit.errors import CandidateError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from audit.candidates.fitted import FittedModel, Method
    from audit.datasets import Dataset

BROKEN = (ValueError, KeyError, TypeError, AttributeError, ImportError, OSError, EOFError)
"""What comes of a file that is cut, or was saved under other versions."""
PICKLES = (".pkl", ".pickle", ".joblib")
_SHOWN = 200
"""Characters of a model's own error message."""


class Estimator:
    """A model as it lies in a file, asked with the columns that it was fitted on, or with texts."""

    def __init__(self, path: Path, model: FittedModel, *, reads_text: bool) -> None:
        self.path, self.facts, self._model = path, model.facts, model
        self.reads_text = reads_text and self.facts.columns is None

    @property
    def goes_by_place(self) -> bool:
        """Whether it knows its features by their order alone."""
        return not self.reads_text and self.facts.columns is None

    def described(self, what: str) -> str:
        """Its steps, what it tells apart, and its format."""
        return f"{self.facts.name}, {what}, {'pickle' if self.path.suffix in PICKLES else 'skops'}"

    def refuse_unfit(self, dataset: Dataset) -> None:
        """CandidateError where a data set lacks features that the model was fitted on."""
        if not self.reads_text:
            self.given(dataset)

    def given(self, dataset: Dataset) -> Any:
        """What the model reads of a data set: texts, or features."""
        return self.texts(dataset.texts()) if self.reads_text else self.features(self._served(dataset))

    def answers(self, method: Method, given: Any) -> NDArray[Any]:
        """The model's answer; what it does not take is told as its own words say."""
        try:
            found = self._model.ask(method, given)
        except ModelError as error:
            verb = "predict" if method == "values" else method
            refuse(self.path, f"{verb} refuses these rows ({str(error)[:_SHOWN]})", "give it the columns and values that it was fitted on")
        if method != "values" and len(found) != len(given):
            refuse(self.path, f"{method} gives {len(found):,} answers for {len(given):,} rows", "fit and save the model anew")
        return found

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
        """One sentence for each column with categories that the model never saw."""
        if self.reads_text:
            return ()
        served = {role: self._served(data) for role, data in datasets.items()}
        known = self.facts.categories
        if self.facts.columns is None:
            columns = [str(name) for name in next(iter(served.values())).columns]
            known = tuple(replace(one, column=columns[int(one.column)]) for one in known if int(one.column) < len(columns))
        return tuple(unknown_categories(known, served))

    def texts(self, texts: Sequence[str]) -> NDArray[np.object_]:
        """Texts as a model of texts takes them."""
        return np.array(texts, dtype=object)

    def features(self, frame: pd.DataFrame) -> Any:
        """The columns that it was fitted on, in their order. Fitted without names, it takes the features as they come."""
        names = self.facts.columns
        if names is None:
            wanted = frame.shape[1] if self.facts.features is None else self.facts.features
            if frame.shape[1] != wanted:
                what = f"fitted on {wanted} features without names, given {frame.shape[1]}"
                refuse(self.path, what, "name them in their order under columns.features")
            return frame.to_numpy()
        missing = [name for name in names if name not in frame.columns]
        if missing:
            what = f"fitted on columns that the data does not offer as features: {', '.join(missing[:5])}"
            refuse(self.path, what, "add them to the file, or list all features under columns.features")
        return frame[list(names)]

    def _served(self, dataset: Dataset) -> pd.DataFrame:
        """Columns that a model may see: the label, say, is none of them, even if it was fitted on it."""
        text = [dataset.columns.text] if dataset.columns.text and self.facts.columns is not None else []
        return dataset.frame[list(dict.fromkeys([*dataset.feature_names(), *text]))]


def refuse(path: Path, what: str, remedy: str) -> NoReturn:
    """The model's file cannot be used."""
    msg = f"{path}: {what}: {remedy}"
    raise CandidateError(msg)
