"""A fitted scikit-learn model as the audit sees it: a few facts, and answers to rows. It runs here, or in a process of its own."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeAlias

import numpy as np

from audit.candidates.categories import Known, known_categories
from audit.canonical_text import canonical_values
from audit.datasets import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Method: TypeAlias = Literal["predict", "predict_proba", "values"]
"""`predict`: labels as text. `values`: the numbers of a regressor."""


class ModelError(Exception):
    """What a model raised, in its own words."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """All that is known of a model before it is asked."""

    name: str
    """The classes of its steps."""
    is_classifier: bool
    """Whether it tells the classes of one label."""
    is_regressor: bool
    has_scores: bool
    classes: tuple[str, ...]
    """As text, in the order of its probabilities."""
    columns: tuple[str, ...] | None
    """Features that it was fitted on; None where it knows them by their place alone."""
    features: int | None
    """How many there are."""
    parameters: int | None
    categories: tuple[Known, ...]
    """What its encoders know; the columns of a model without names are called by their places."""

    @classmethod
    def of(cls, model: Any) -> Self:
        """The facts of a model at hand."""
        from sklearn.base import is_regressor

        classes: Any = getattr(model, "classes_", None)
        one_label = isinstance(classes, np.ndarray) and classes.ndim == 1  # several labels have a list of arrays
        columns, features = getattr(model, "feature_names_in_", None), getattr(model, "n_features_in_", None)
        named = [str(name) for name in columns] if columns is not None else [str(place) for place in range(features or 0)]
        return cls(
            name=_named(model),
            is_classifier=one_label,
            is_regressor=hasattr(model, "predict") and is_regressor(model),
            has_scores=hasattr(model, "predict_proba"),
            classes=tuple(str(canonical(name)) for name in classes) if one_label else (),
            columns=None if columns is None else tuple(named),
            features=None if features is None else int(features),
            parameters=_parameters(model),
            categories=known_categories(model, named),
        )

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, told: Mapping[str, Any]) -> Self:
        """From plain data."""
        known = tuple(Known(one["column"], tuple(one["categories"]), bool(one["reads_blanks"])) for one in told["categories"])
        columns = None if told["columns"] is None else tuple(told["columns"])
        return cls(**{**told, "classes": tuple(told["classes"]), "columns": columns, "categories": known})


class FittedModel(Protocol):
    """A model that can be asked."""

    @property
    def facts(self) -> ModelFacts:
        """What is known of it."""

    def ask(self, method: Method, given: Any) -> NDArray[Any]:
        """(n,) labels, (n, k) probabilities or numbers of rows; ModelError where it raises anything."""


class LocalModel:
    """A model in this process."""

    def __init__(self, model: Any) -> None:
        self._model, self.facts = model, ModelFacts.of(model)

    def ask(self, method: Method, given: Any) -> NDArray[Any]:
        """What it answers."""
        return answer(self._model, method, given)


def answer(model: Any, method: Method, given: Any) -> NDArray[Any]:
    """A model's answer in plain types; ModelError where it raises anything."""
    try:
        found = model.predict_proba(given) if method == "predict_proba" else model.predict(given)
        if method == "predict":
            return np.array([str(text) for text in canonical_values(found)], dtype=object)
        return np.asarray(found, dtype=np.float64)
    except Exception as error:  # whatever a model raises is a matter of that model and its rows
        msg = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise ModelError(msg) from error


def _parameters(model: Any) -> int | None:
    """Coefficients and intercepts of a linear model; others count in ways that do not compare."""
    last = model.steps[-1][1] if hasattr(model, "steps") else model
    if not (hasattr(last, "coef_") and hasattr(last, "intercept_")):
        return None
    return int(np.size(last.coef_)) + int(np.size(last.intercept_))


def _named(model: Any) -> str:
    """The classes of its steps, and of the estimator inside one that searches or sets a threshold."""
    from sklearn.ensemble import BaseEnsemble

    if hasattr(model, "steps"):
        return " → ".join(_named(step) for _, step in model.steps)
    inner = None if isinstance(model, BaseEnsemble) else getattr(model, "best_estimator_", getattr(model, "estimator_", None))
    return type(model).__name__ if inner is None else f"{type(model).__name__}({_named(inner)})"
