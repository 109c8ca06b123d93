"""Saved answers: any model in any language, audited from columns of its data sets; and the candidate of a check without a model."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from audit.candidates.capabilities import Labels, Ranking, Scores, Values, find
from audit.candidates.interface import Outputs
from audit.candidates.kinds import Kind
from audit.candidates.saved_columns import (
    MOST_SHOWN,
    contradiction,
    has_answers,
    has_scores,
    labels_of,
    named_classes,
    read_score,
    read_scores,
    refuse_foreign_words,
    refuse_two_kinds,
)
from audit.datasets.labels import one_sided_classes, positive_class, refuse_two_spellings
from audit.errors import CannotMeasure, InputError
from audit.formatting import comparator_in_words
from audit.policy.schema import comparator_place
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from audit.candidates.capabilities import C, Capability
    from audit.candidates.interface import Candidate
    from audit.candidates.kinds import Opening
    from audit.candidates.saved_columns import ScoreTable
    from audit.datasets import Dataset
    from audit.policy.schema import ComparatorColumns, Load

THRESHOLD = 0.5
"""A row is predicted positive from this score on, where no prediction column says otherwise."""


class SavedPredictions:
    """A candidate made of the columns `prediction`, `score` or `scores`."""

    kind = "predictions"
    parameters = None
    folder = None

    def __init__(self, datasets: Mapping[str, Dataset], classes: Sequence[str] = ()) -> None:
        served = [data for data in datasets.values() if has_answers(data)]
        if not served:
            msg = "no data set has saved predictions: name columns.prediction, columns.score or columns.scores"
            raise InputError(msg)
        found, named = named_classes(served), any(data.columns.scores is not None for data in served)
        self.classes = tuple(classes) if not named and set(found) <= set(classes) else found  # those known beforehand may not all occur
        self._scores: dict[str, ScoreTable] = {}
        for data in served:
            refuse_two_kinds(data)
            self._refuse_more_than_two(data)
            self._refuse_unscored_predictions(data)
            if has_scores(data):  # at opening, since a score that is none would else be found only by the checks that read it
                self._scores[data.role] = self._read_scores(data.whole or data)
        self._offers = self._offered(served)
        self.description = f"saved predictions in {', '.join(data.role for data in served)}"
        digest = hashlib.sha256()
        for data in sorted(served, key=lambda data: data.role):
            digest.update(f"{data.role}:{data.sha256}:{data.columns.model_dump_json()}{data.read_with}".encode())
        self.sha256 = digest.hexdigest()

    def predict(self, dataset: Dataset) -> Outputs:
        """What the columns say."""
        if not has_answers(dataset):
            msg = f"{dataset.role}: no saved predictions: name columns.prediction, columns.score or columns.scores for it"
            raise CannotMeasure(msg)
        if dataset.cells.profile is not None and dataset.columns.prediction is None:
            raise dataset.cells.needs_rows()
        scores = self._of_classes(dataset)
        ranks = dataset.role in self._scores and not self._scores[dataset.role].are_probabilities
        found = Outputs(None, ranking=scores) if ranks else Outputs(None, scores)
        if dataset.columns.prediction is not None:
            return replace(found, labels=dataset.labels(dataset.columns.prediction))
        if found.probabilities is None:
            return found
        names = np.array(self.classes, dtype=object)
        if dataset.columns.score is not None:
            positive = self._positive(dataset)
            called = np.where(found.probabilities[:, positive] >= THRESHOLD, positive, 1 - positive)
            return replace(found, labels=names[called])
        return replace(found, labels=names[found.probabilities.argmax(axis=1)])

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
        """How scores were read, and where they contradict the predictions."""
        seen = {data.role: data for data in datasets.values() if data.role in self._scores}
        read = (text for role, data in seen.items() for text in (*self._scores[role].remarks, *self._contradictions(data)))
        return (*read, *(text for role, data in datasets.items() if role == data.role for text in one_sided_classes(data)))

    def get(self, capability: type[C]) -> C | None:
        """Its labels and its scores, as far as every data set with answers has them."""
        return find(self._offers, capability)

    def _offered(self, served: Sequence[Dataset]) -> tuple[Capability, ...]:
        of_rows = [data for data in served if data.cells.profile is None]
        probable = [self._scores[data.role].are_probabilities if data.role in self._scores else None for data in of_rows]
        labelled = all(data.columns.prediction is not None or known for data, known in zip(of_rows, probable, strict=True))
        scored: tuple[Capability, ...] = () if None in probable or not probable else (Scores(),) if all(probable) else (Ranking(),)
        return (Labels(), *scored) if labelled else scored

    def _contradictions(self, data: Dataset) -> Iterator[str]:
        """Of a score for the positive class, or of the scores of each class."""
        if data.columns.prediction is None or (scores := self._of_classes(data)) is None:
            return
        predicted = data.labels(data.columns.prediction)
        looked_at = range(len(self.classes)) if data.columns.score is None else [self._positive(data)]
        for code in looked_at:
            name = self.classes[code]
            words = f"column {data.columns.score!r}" if data.columns.score is not None else f"the score of {name!r}"
            yield from contradiction(data, scores[:, code], predicted == name, words)

    def _read_scores(self, data: Dataset) -> ScoreTable:
        return read_score(data) if data.columns.scores is None else read_scores(data, self.classes)

    def _of_classes(self, data: Dataset) -> NDArray[np.float64] | None:
        """(n, k) scores, a column a class; None where there are none, or where it is not said which class a score is of."""
        if not has_scores(data):
            return None
        table = self._read_scores(data).table
        if data.columns.scores is not None:
            return table
        try:
            positive = self._positive(data)
        except CannotMeasure:
            if data.columns.prediction is None:
                raise
            return None
        score, raw = table[:, 0], not self._scores[data.role].are_probabilities
        other = -score if raw else 1.0 - score
        return np.column_stack([score if code == positive else other for code in range(len(self.classes))])

    def _refuse_more_than_two(self, data: Dataset) -> None:
        if data.columns.score is None or len(self.classes) == 2:  # noqa: PLR2004  # one score column tells two classes apart
            return
        refuse_foreign_words(data)
        said = ", ".join(map(repr, self.classes[:MOST_SHOWN])) or "none"
        if len(self.classes) < 2:  # noqa: PLR2004  # classes are told apart
            remedy = "none is named beside it: use columns.scores, which names both, or set columns.positive where that is the other one"
        else:
            remedy = "mend the rows that name another by mistake, or use columns.scores, one column a class"
        msg = f"datasets.{data.role}: columns.score tells two classes apart, and labels and predictions name {said}: {remedy}"
        raise InputError(msg)

    def _refuse_unscored_predictions(self, data: Dataset) -> None:
        """A class that is predicted and has no probability is unknown to every rate over the classes."""
        if data.columns.prediction is None or data.columns.scores is None:
            return
        if unknown := labels_of(data, data.columns.prediction) - set(self.classes):
            msg = f"datasets.{data.role}: column {data.columns.prediction!r} predicts {', '.join(sorted(unknown)[:MOST_SHOWN])}, "
            msg += f"for which columns.scores has no column (it has {', '.join(self.classes[:MOST_SHOWN])}): give one for every class"
            raise InputError(msg)

    def _positive(self, data: Dataset) -> int:
        """Which of the classes a score is the probability of."""
        positive = positive_class(data, self.classes)
        if positive not in self.classes:
            msg = f"{data.role}: columns.positive is {positive!r}, but the classes are {', '.join(self.classes)}"
            raise CannotMeasure(msg)
        return self.classes.index(positive)


class SavedComparator(SavedPredictions):
    """A model to compare with, made of columns of its own beside the candidate's."""

    def __init__(
        self, datasets: Mapping[str, Dataset], columns: ComparatorColumns, classes: Sequence[str], *, name: str = "champion"
    ) -> None:
        """`name` is what `against` calls it."""
        self._own, self._called = columns, comparator_in_words(name)
        served = {role: self._seen(data) for role, data in datasets.items() if self.answers(data)}
        if not served:
            msg = f"{'.'.join(comparator_place(name))}.columns: no data set has the columns {', '.join(columns.named())}: mend their names"
            raise InputError(msg)
        refuse_two_spellings(served, {"a class of the candidate": classes})
        super().__init__(served, classes)
        for data in served.values():
            refuse_foreign_words(data)
        self.description = f"saved answers of {self._called} in {', '.join(served)}"

    def answers(self, data: Dataset) -> bool:
        """Whether a data set has every one of its columns."""
        return set(self._own.named()) <= set(data.cells.names)

    def predict(self, dataset: Dataset) -> Outputs:
        """What its own columns say."""
        if not self.answers(dataset):
            msg = f"{dataset.role}: has no columns {', '.join(self._own.named())}, which hold {self._called}'s answers: add them"
            raise CannotMeasure(msg)
        return super().predict(self._seen(dataset))

    def _seen(self, data: Dataset) -> Dataset:
        """The data set with its own columns in the candidate's place."""
        whole = None if data.whole is None else self._seen(data.whole)
        return replace(data, columns=data.columns.model_copy(update=dict(self._own)), whole=whole)


def refuse_other_classes(model: Candidate, candidate: Candidate, name: str = "champion") -> None:
    """Of two models that tell different classes apart, neither is better at the same task."""
    if set(model.classes) != set(candidate.classes):
        said = [", ".join(sorted(one.classes)[:6]) for one in (model, candidate)]
        place = ".".join(comparator_place(name))
        msg = f"{place}: tells the classes {said[0]}, the candidate {said[1]}: only models of the same classes are compared"
        raise InputError(msg)


class SavedValues:
    """A candidate, or a model to compare with, made of one column of predicted numbers."""

    kind = "predictions"
    parameters = None
    folder = None
    classes: tuple[str, ...] = ()

    def __init__(self, datasets: Mapping[str, Dataset], column: str | None = None, *, name: str = "champion") -> None:
        """`column` holds the numbers of the model that `against` calls `name`; a candidate's is `columns.prediction`."""
        self._own = column
        served = sorted((data for data in datasets.values() if self._column(data) is not None), key=lambda data: data.role)
        if not served:
            if column is not None:
                msg = f"{'.'.join(comparator_place(name))}.columns: no data set has the column {column}: mend its name"
                raise InputError(msg)
            msg = "no data set has saved predictions: name the column of the predicted numbers under columns.prediction"
            raise InputError(msg)
        digest = hashlib.sha256()
        for data in served:
            self._refuse_bad_numbers(data)
            digest.update(f"{data.role}:{data.sha256}:{self._column(data)}{data.read_with}".encode())
        self.sha256 = digest.hexdigest()
        said = "saved numbers" if column is None else f"saved numbers of {comparator_in_words(name)}"
        self.description = f"{said} in {', '.join(data.role for data in served)}"

    def predict(self, dataset: Dataset) -> Outputs:
        """What the column says."""
        column = self._column(dataset)
        if column is None:
            remedy = "name columns.prediction for it" if self._own is None else f"add the column {self._own}"
            msg = f"{dataset.role}: holds none of the predicted numbers: {remedy}"
            raise CannotMeasure(msg)
        return Outputs(None, values=dataset.numbers(column))

    def get(self, capability: type[C]) -> C | None:
        """Its numbers."""
        return find((Values(),), capability)

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:  # noqa: ARG002  # another candidate reads them
        """None: nothing is changed or cut on the way to the answers."""
        return ()

    def _column(self, data: Dataset) -> str | None:
        if self._own is None:
            return data.columns.prediction
        return self._own if self._own in data.cells.names else None

    def _refuse_bad_numbers(self, data: Dataset) -> None:
        """At opening, since a prediction that is no number would else be found only by the checks that read it."""
        if data.cells.profile is not None:
            return
        try:
            self.predict(data.whole or data)
        except CannotMeasure as error:
            msg = f"datasets.{error}"
            raise InputError(msg) from error


class Absent:
    """No model at all, for checks of data alone that are run from the command line: it serves nothing and says so."""

    kind = "none"
    sha256 = ""
    parameters = None
    description = "no model"
    folder = None

    def __init__(self, classes: Sequence[str] = ()) -> None:
        self.classes = tuple(classes)

    def predict(self, dataset: Dataset) -> Outputs:
        """Refused."""
        msg = f"there is no model to give predictions for {dataset.role}: "
        msg += "name the columns prediction or score, or write a policy with a candidate"
        raise CannotMeasure(msg)

    def get(self, capability: type[C]) -> C | None:  # noqa: ARG002  # another candidate looks
        """Nothing."""
        return None

    def remarks(self, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:  # noqa: ARG002  # another candidate reads them
        """None: there are no answers."""
        return ()


def _open(opening: Opening, _load: Load) -> SavedPredictions | SavedValues:
    if opening.task in REGRESSION:
        return SavedValues(opening.datasets)
    candidate = SavedPredictions(opening.datasets)
    for data in opening.datasets.values():
        refuse_foreign_words(data)
    return candidate


KIND = Kind(
    name="predictions",
    title="saved predictions",
    tasks=("text-classification", "tabular-classification", "tabular-regression"),
    offers=frozenset({Labels, Scores, Ranking, Values}),
    open=_open,
    has_file=False,
)
