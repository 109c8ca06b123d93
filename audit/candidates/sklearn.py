"""A scikit-learn model: skops by default, a pickle only where the policy trusts that very file."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.candidates.capabilities import Features, Labels, OtherCode, Queries, Scores, Values, find
from audit.candidates.fitted import ModelError, unknown_categories
from audit.candidates.interface import Outputs
from audit.candidates.kinds import Kind
from audit.candidates.model_file import PICKLES, opened, refuse
from audit.datasets.column_store import Table, Texts
from audit.errors import CannotMeasure, InputError
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from audit.candidates.capabilities import C, Capability
    from audit.candidates.fitted import Method
    from audit.candidates.kinds import Opening
    from audit.candidates.model_file import OpenedFile
    from audit.datasets import Dataset
    from audit.datasets.column_store import Inputs
    from audit.policy.schema import Load

ROWS = 1 << 18
"""Rows of a data set that a model is given at once."""
_SHOWN = 200
"""Characters of a model's own error message."""
_OTHER_CODE = "The model runs code that is not in its file: its digest does not cover that code, and no later run reuses its answers."


class Estimator:
    """A model as it lies in a file, asked with the columns that it was fitted on, or with texts."""

    def __init__(self, path: Path, file: OpenedFile, *, reads_text: bool) -> None:
        self.path, self.facts, self._model = path, file.model.facts, file.model
        self.offers: tuple[Capability, ...] = (Features(self.refuse_unfit), *((OtherCode(),) if file.has_other_code else ()))
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
            self._wanted(_served(dataset, self.facts.columns))

    def given(self, dataset: Dataset) -> Iterator[Any]:
        """What the model reads of a data set: texts, or features, of which no more than `ROWS` rows are in memory at once."""
        if self.reads_text:
            yield self._texts(dataset.texts())
            return
        names = self._wanted(_served(dataset, self.facts.columns))
        parts = [dataset.cells.frame(names)] if dataset.rows <= ROWS else dataset.cells.batches(names, ROWS)
        for part in parts:
            yield part.to_numpy() if self.facts.columns is None else part

    @property
    def reads(self) -> type[Inputs]:
        """What it reads: texts, or a table."""
        return Texts if self.reads_text else Table

    def taken(self, inputs: Inputs) -> Any:
        """What the model reads of inputs that stand in no data set; columns that it was not fitted on are left aside."""
        if isinstance(inputs, Texts) and self.reads_text:
            return self._texts(inputs.texts)
        if isinstance(inputs, Table) and not self.reads_text:
            return self._features(inputs.frame)
        msg = f"this model reads {'texts' if self.reads_text else 'features, not texts'}: {len(inputs)} other inputs cannot be scored"
        raise CannotMeasure(msg)

    def answers(self, method: Method, given: Any) -> NDArray[Any]:
        """The model's answer; an input that it rejects is reported in its own words."""
        try:
            found = self._model.ask(method, given)
        except ModelError as error:
            verb = "predict" if method == "values" else method
            refuse(self.path, f"{verb} refuses these rows ({str(error)[:_SHOWN]})", "give it the columns and values that it was fitted on")
        if method != "values" and len(found) != len(given):
            refuse(self.path, f"{method} gives {len(found):,} answers for {len(given):,} rows", "fit and save the model anew")
        return found

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
        """That it runs code of its own, and one sentence for each column with categories that it never saw."""
        return (*((_OTHER_CODE,) if find(self.offers, OtherCode) else ()), *self._unknown_categories(datasets))

    def _unknown_categories(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
        if self.reads_text:
            return ()
        served = {role: _served(data, self.facts.columns) for role, data in datasets.items()}
        known = self.facts.categories
        if self.facts.columns is None:
            columns = next(iter(served.values()))
            known = tuple(replace(one, column=columns[int(one.column)]) for one in known if int(one.column) < len(columns))
        read = {one.column for one in known}
        frames = {role: datasets[role].cells.frame([name for name in names if name in read]) for role, names in served.items()}
        return tuple(unknown_categories(known, frames))

    def _texts(self, texts: Sequence[str]) -> NDArray[np.object_]:
        """Texts as a model of texts takes them."""
        return np.array(texts, dtype=object)

    def _features(self, frame: pd.DataFrame) -> Any:
        """The features of rows at hand, as the model takes them."""
        names = self._wanted([str(name) for name in frame.columns])
        return frame.to_numpy() if self.facts.columns is None else frame[names]

    def _wanted(self, offered: Sequence[str]) -> list[str]:
        """The columns that it was fitted on, in their order. Fitted without names, it takes the features as they come."""
        names = self.facts.columns
        if names is None:
            wanted = len(offered) if self.facts.features is None else self.facts.features
            if len(offered) != wanted:
                what = f"fitted on {wanted} features without names, given {len(offered)}"
                refuse(self.path, what, "name them in their order under columns.features")
            return list(offered)
        missing = [name for name in names if name not in offered]
        if missing:
            what = f"fitted on columns that the data does not offer as features: {', '.join(missing[:5])}"
            refuse(self.path, what, "add them to the file, or list all features under columns.features")
        return list(names)


def _served(dataset: Dataset, fitted_on: Sequence[str] | None) -> list[str]:
    """Columns that a model may see: the label, say, is none of them, even if it was fitted on it."""
    text = [dataset.columns.text] if dataset.columns.text and fitted_on is not None else []
    return list(dict.fromkeys([*dataset.feature_names(), *text]))


class SklearnModel:
    """A fitted classifier over feature columns or, where it reads texts, over `columns.text`."""

    kind = "sklearn"

    def __init__(self, path: Path, file: OpenedFile, *, reads_text: bool) -> None:
        if not file.model.facts.is_classifier:
            refuse(path, f"{file.model.facts.name} is no fitted classifier of one label", "give one with classes_")
        self._estimator = Estimator(path, file, reads_text=reads_text)
        self.sha256, self.folder = file.sha256, str(path)
        self.classes = file.model.facts.classes
        self._names = {name: name for name in self.classes}
        self._scores = file.model.facts.has_scores
        asked = Queries(self._estimator.reads, self._answer)
        self._offers = (Labels(), asked, *self._estimator.offers, *((Scores(),) if self._scores else ()))
        self.parameters = file.model.facts.parameters
        self.description = self._estimator.described(f"{len(self.classes)} classes")

    @property
    def goes_by_place(self) -> bool:
        """Whether it knows its features by their order alone."""
        return self._estimator.goes_by_place

    def rename(self, classes: Sequence[str]) -> None:
        """Call the classes by these names, in the same order."""
        self._names = dict(zip(self.classes, classes, strict=True))
        self.classes = tuple(classes)

    def predict(self, dataset: Dataset) -> Outputs:
        """The model's own labels, and its probabilities where it has them."""
        parts = [self._answered(given) for given in self._estimator.given(dataset)]
        if len(parts) == 1:
            return parts[0]
        scores = [part.probabilities for part in parts if part.probabilities is not None]
        return Outputs(
            np.concatenate([part.labels for part in parts if part.labels is not None]), np.concatenate(scores) if scores else None
        )

    def get(self, capability: type[C]) -> C | None:
        """Its labels, its probabilities where it has them, and answers to new texts or rows."""
        return find(self._offers, capability)

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
        """That it runs code of its own, and one sentence for each column with categories that it never saw."""
        return self._estimator.remarks(datasets)

    def _answer(self, inputs: Inputs) -> Outputs:
        """The model's own labels of new texts or rows, and its probabilities where it has them."""
        return self._answered(self._estimator.taken(inputs))

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


class SklearnRegressor:
    """A fitted regressor of one target over feature columns or, where it reads texts, over `columns.text`."""

    kind = "sklearn"
    classes: tuple[str, ...] = ()

    def __init__(self, path: Path, file: OpenedFile, *, reads_text: bool) -> None:
        if not file.model.facts.is_regressor:
            what = f"{file.model.facts.name} is no regressor, and candidate.task is tabular-regression"
            refuse(path, what, "give one that predicts numbers, or declare a task of classification")
        self._estimator = Estimator(path, file, reads_text=reads_text)
        self.sha256, self.folder = file.sha256, str(path)
        self.parameters = file.model.facts.parameters
        self.description = self._estimator.described("one number a row")

    @property
    def goes_by_place(self) -> bool:
        """Whether it knows its features by their order alone."""
        return self._estimator.goes_by_place

    def predict(self, dataset: Dataset) -> Outputs:
        """The model's own numbers."""
        return Outputs(None, values=np.concatenate([self._numbers(given) for given in self._estimator.given(dataset)]))

    def _numbers(self, given: Any) -> NDArray[np.float64]:
        found = self._estimator.answers("values", given)
        if found.size != len(given):
            what = f"gives numbers of shape {found.shape} for {len(given):,} rows"
            refuse(self._estimator.path, what, "fit one model for each target")
        if not np.isfinite(found).all():
            refuse(self._estimator.path, "predicts what is no number", "look at the rows with missing values; fit the model anew")
        return found.reshape(len(given))

    def get(self, capability: type[C]) -> C | None:
        """Its numbers."""
        return find((Values(), *self._estimator.offers), capability)

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
        """That it runs code of its own, and one sentence for each column with categories that it never saw."""
        return self._estimator.remarks(datasets)


def load(path: Path, *, sha256: str | None, trust_pickle: bool, reads_text: bool) -> SklearnModel:
    """The classifier in a file."""
    return SklearnModel(path, opened(path, sha256, trust_pickle=trust_pickle), reads_text=reads_text)


def load_regressor(path: Path, *, sha256: str | None, trust_pickle: bool, reads_text: bool) -> SklearnRegressor:
    """The regressor in a file."""
    return SklearnRegressor(path, opened(path, sha256, trust_pickle=trust_pickle), reads_text=reads_text)


def _open(opening: Opening, spec: Load) -> SklearnModel | SklearnRegressor:
    reads_text = all(isinstance(data.inputs(), Texts) for data in opening.datasets.values())
    read = load_regressor if opening.task in REGRESSION else load
    model = read(opening.path(spec), sha256=spec.sha256, trust_pickle=opening.trust_pickle, reads_text=reads_text)
    if model.goes_by_place:
        _refuse_other_orders(opening.datasets)
    if isinstance(model, SklearnModel):
        model.rename(opening.mapped(model.classes))
    return model


def _refuse_other_orders(datasets: Mapping[str, Dataset]) -> None:
    """A model that knows its features by their place alone would read one in the place of another."""
    (first, expected), *others = [(role, data.feature_names()) for role, data in datasets.items()]
    for role, names in others:
        if names != expected and sorted(names) == sorted(expected):
            msg = f"candidate: was fitted without names of features, and datasets.{first} and datasets.{role} have them in another order: "
            msg += "list them in the order of its training under columns.features"
            raise InputError(msg)


def _find(files: Sequence[Path]) -> Path | None:
    return next((path for path in files if path.name.lower().endswith(".skops")), None)


KIND = Kind(
    name="sklearn",
    title="a scikit-learn model",
    tasks=("text-classification", "tabular-classification", "tabular-regression"),
    offers=frozenset({Labels, Scores, Values, Queries, Features}),
    open=_open,
    brings=("sklearn", "scikit-learn candidates, stored with skops"),
    find=_find,
    starter="load: {kind: sklearn, path: models/model.skops}  # no model was found: name yours",
)
