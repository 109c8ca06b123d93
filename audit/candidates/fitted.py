"""A fitted scikit-learn model as the audit sees it: a few facts, and answers to rows. It runs here, or in a process of its own.

Its encoders turn categories that they have never seen into nothing, without a word; `unknown_categories` says so.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeAlias

import numpy as np

from audit.canonical_text import canonical_values
from audit.datasets import canonical

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

_OFTEN = 5
"""Rows from which on a value is shown: a rarer one may name a person."""
_SHOWN = 3
_INNER = ("best_estimator_", "estimator_", "regressor_", "_preprocessor")
"""Attributes that hold one fitted estimator over the same columns."""
_SEVERAL = ("estimators_", "calibrated_classifiers_")
"""Attributes that hold a list of them."""


@dataclass(frozen=True, slots=True)
class Known:
    """The categories that an encoder knows of one column."""

    column: str
    categories: tuple[object, ...]
    reads_blanks: bool
    """Whether empty cells reach the encoder: nothing fills them before."""


def known_categories(model: Any, columns: Sequence[str]) -> tuple[Known, ...]:
    """What each encoder of a model knows, once for each column: where several read it, what the first one knows."""
    return tuple({one.column: one for one in reversed([*_known(model, columns, blanks=True)])}.values())


def _known(model: Any, columns: Sequence[str], *, blanks: bool) -> Iterator[Known]:
    if isinstance(getattr(model, "categories_", None), list) and len(model.categories_) == len(columns):
        for column, values in zip(columns, model.categories_, strict=True):
            yield Known(column, tuple(np.asarray(values, dtype=object).tolist()), blanks)
    elif hasattr(model, "_transformer_to_input_indices"):
        parts = {name: part for name, part, _ in model.transformers_ if not isinstance(part, str)}
        for name, part in parts.items():
            places = model._transformer_to_input_indices.get(name, [])  # noqa: SLF001  # the columns of a part as they were resolved
            yield from _known(part, [columns[place] for place in places], blanks=blanks)
    elif hasattr(model, "steps"):
        yield from _in_steps([step for _, step in model.steps], columns, blanks=blanks)
    elif hasattr(model, "transformer_list"):
        for _, part in model.transformer_list:
            yield from _known(part, columns, blanks=blanks)
    else:
        for inner in _inside(model):
            yield from _known(inner, columns, blanks=blanks)


def _in_steps(steps: Sequence[Any], columns: Sequence[str], *, blanks: bool) -> Iterator[Known]:
    """Of the first step that does more than fill empty cells: what comes behind no longer reads the data's own values."""
    for step in steps:
        if isinstance(step, str) or step is None:
            continue
        if not type(step).__module__.startswith("sklearn.impute"):
            yield from _known(step, columns, blanks=blanks)
            return
        if getattr(step, "n_features_in_", None) != len(columns):
            return
        blanks = False


def _inside(model: Any) -> Iterator[Any]:
    own = vars(model) if hasattr(model, "__dict__") else {}
    yield from (own[name] for name in _INNER if own.get(name) is not None)
    for name in _SEVERAL:
        held = own.get(name)
        first = held[0] if isinstance(held, list) and held else None  # trained over the same columns as the others
        if first is not None:
            yield getattr(first, "estimator", first) if name == "calibrated_classifiers_" else first


def unknown_categories(known: Sequence[Known], frames: Mapping[str, pd.DataFrame]) -> Iterator[str]:
    """One sentence for each data set and column that holds values which the model does not know."""
    for role, frame in frames.items():
        for one in known:
            if one.column in frame.columns:
                yield from _unknown(role, frame[one.column], one)


def _unknown(role: str, cells: pd.Series, one: Known) -> Iterator[str]:
    values = cells.astype(object)
    blank = values.isna()
    knows_blanks = any(_is_blank(value) for value in one.categories)
    strange = ~values.isin([value for value in one.categories if not _is_blank(value)]) & ~blank
    odd = strange | (blank if one.reads_blanks and not knows_blanks else False)
    if not odd.any():
        return
    counts = values[strange].value_counts()
    shown = [f"{value!r} in {rows:,}" for value, rows in counts.items() if rows >= _OFTEN][:_SHOWN]
    empty = int((odd & blank).sum())
    held = [*shown, *([f"empty cells in {empty:,}"] if empty else [])]
    if len(counts) > len(shown):
        rest = int(strange.sum()) - sum(counts.iloc[: len(shown)])
        held.append(f"{len(counts) - len(shown):,} {'other values' if shown else 'values'} in {rest:,}")
    what = "no value is known to the model" if int(odd.sum()) == len(values) else "the model does not know all values"
    knows = ", ".join(repr(value) for value in [value for value in one.categories if not _is_blank(value)][:_SHOWN])
    more = ", ..." if len(one.categories) > _SHOWN else ""
    fitted = f"it was fitted on {knows}{more}{' and empty cells' if knows_blanks else ''}"
    yield (
        f"datasets.{role}: {one.column}: {what}: {', '.join(held)} of {len(values):,} rows ({fitted}); "
        "if the file is read otherwise than for its training, set `missing` or `types`."
    )


def _is_blank(value: object) -> bool:
    return value is None or value != value  # noqa: PLR0124  # NaN alone differs from itself


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
