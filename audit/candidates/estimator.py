"""A fitted scikit-learn estimator and the rows that it takes: what its classifiers and its regressors share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from audit.candidates.categories import known_categories, unknown_categories
from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from audit.datasets import Dataset

BROKEN = (ValueError, KeyError, TypeError, AttributeError, ImportError, OSError, EOFError)
"""What comes of a file that is cut, or was saved under other versions."""
PICKLES = (".pkl", ".pickle", ".joblib")
_SHOWN = 200
"""Characters of a model's own error message."""


class Estimator:
    """A model as it lies in a file, asked with the columns that it was fitted on, or with texts."""

    def __init__(self, path: Path, model: Any, *, reads_text: bool) -> None:
        self.path, self.model = path, model
        self.reads_text = reads_text and not hasattr(model, "feature_names_in_")

    @property
    def goes_by_place(self) -> bool:
        """Whether it knows its features by their order alone."""
        return not self.reads_text and not hasattr(self.model, "feature_names_in_")

    @property
    def parameters(self) -> int | None:
        """Coefficients and intercepts of a linear model; others count in ways that do not compare."""
        last = self.model.steps[-1][1] if hasattr(self.model, "steps") else self.model
        if not (hasattr(last, "coef_") and hasattr(last, "intercept_")):
            return None
        return int(np.size(last.coef_)) + int(np.size(last.intercept_))

    def described(self, what: str) -> str:
        """Its steps, what it tells apart, and its format."""
        return f"{_named(self.model)}, {what}, {'pickle' if self.path.suffix in PICKLES else 'skops'}"

    def refuse_unfit(self, dataset: Dataset) -> None:
        """InputError where a data set lacks features that the model was fitted on."""
        if not self.reads_text:
            self.given(dataset)

    def given(self, dataset: Dataset) -> Any:
        """What the model reads of a data set: texts, or features."""
        return self.texts(dataset.texts()) if self.reads_text else self.features(self._served(dataset))

    def asked(self, method: str, given: Any) -> Any:
        """The model's answer; what it does not take is told as its own words say."""
        try:
            return getattr(self.model, method)(given)
        except Exception as error:  # noqa: BLE001  # whatever a model raises is a matter of that model and its rows
            what = f"{method} refuses these rows ({type(error).__name__}: {' '.join(str(error).split())[:_SHOWN]})"
            refuse(self.path, what, "give it the columns and values that it was fitted on")

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
        """One sentence for each column with categories that the model never saw."""
        if self.reads_text:
            return ()
        served = {role: self._served(data) for role, data in datasets.items()}
        names = getattr(self.model, "feature_names_in_", None)
        columns = [str(name) for name in (names if names is not None else next(iter(served.values())).columns)]
        return tuple(unknown_categories(known_categories(self.model, columns), served))

    def texts(self, texts: Sequence[str]) -> NDArray[np.object_]:
        """Texts as a model of texts takes them."""
        return np.array(texts, dtype=object)

    def features(self, frame: pd.DataFrame) -> Any:
        """The columns that it was fitted on, in their order. Fitted without names, it takes the features as they come."""
        names = getattr(self.model, "feature_names_in_", None)
        if names is None:
            wanted = getattr(self.model, "n_features_in_", frame.shape[1])
            if frame.shape[1] != wanted:
                what = f"fitted on {wanted} features without names, given {frame.shape[1]}"
                refuse(self.path, what, "name them in their order under columns.features")
            return frame.to_numpy()
        missing = [str(name) for name in names if name not in frame.columns]
        if missing:
            what = f"fitted on columns that the data does not offer as features: {', '.join(missing[:5])}"
            refuse(self.path, what, "add them to the file, or list all features under columns.features")
        return frame[list(names)]

    def _served(self, dataset: Dataset) -> pd.DataFrame:
        """Columns that a model may see: the label, say, is none of them, even if it was fitted on it."""
        text = [dataset.columns.text] if dataset.columns.text and hasattr(self.model, "feature_names_in_") else []
        return dataset.frame[list(dict.fromkeys([*dataset.feature_names(), *text]))]


def _named(model: Any) -> str:
    """The classes of its steps, and of the estimator inside one that searches or sets a threshold."""
    from sklearn.ensemble import BaseEnsemble

    if hasattr(model, "steps"):
        return " → ".join(_named(step) for _, step in model.steps)
    inner = None if isinstance(model, BaseEnsemble) else getattr(model, "best_estimator_", getattr(model, "estimator_", None))
    return type(model).__name__ if inner is None else f"{type(model).__name__}({_named(inner)})"


def refuse(path: Path, what: str, remedy: str) -> NoReturn:
    """The model's file cannot be used."""
    msg = f"{path}: {what}: {remedy}"
    raise InputError(msg)
