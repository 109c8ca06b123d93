"""Saved predictions: any model in any language, audited from columns of its data sets."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from audit.candidates.interface import Ability, Outputs
from audit.candidates.saved import KnownRows
from audit.candidates.score_columns import Scores, class_columns, contradiction, listed_classes, read_score, read_scores
from audit.datasets.positive_class import positive_class
from audit.datasets.spellings import one_sided_classes
from audit.errors import CannotMeasure, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from audit.datasets import Dataset

THRESHOLD = 0.5
"""A row is predicted positive from this score on, where no prediction column says otherwise."""
_TWINS = (frozenset({"0", "1"}), frozenset({"false", "true"}))
"""Pairs of classes of which either implies the other."""
_SHOWN = 6


class SavedPredictions(KnownRows):
    """A candidate made of the columns `prediction`, `score` or `scores`."""

    kind = "predictions"
    parameters = None
    training = None
    folder = None

    def __init__(self, datasets: Mapping[str, Dataset], classes: Sequence[str] = ()) -> None:
        served = [data for data in datasets.values() if _columns(data)]
        if not served:
            msg = "no data set has saved predictions: name columns.prediction, columns.score or columns.scores"
            raise InputError(msg)
        found, named = _classes(served), any(data.columns.scores is not None for data in served)
        self.classes = tuple(classes) if not named and set(found) <= set(classes) else found  # those known beforehand may not all occur
        self._scores: dict[str, Scores] = {}
        for data in served:
            _refuse_two_kinds(data)
            self._refuse_more_than_two(data)
            self._refuse_unscored_predictions(data)
            if _has_scores(data):  # at opening, since a score that is none would else be found only by the checks that read it
                self._scores[data.role] = self._read_scores(data.whole or data)
        self.abilities = self._abilities(served)
        self.description = f"saved predictions in {', '.join(data.role for data in served)}"
        digest = hashlib.sha256()
        for data in sorted(served, key=lambda data: data.role):
            digest.update(f"{data.role}:{data.sha256}:{data.columns.model_dump_json()}{data.read_with}".encode())
        self.sha256 = digest.hexdigest()

    def predict(self, dataset: Dataset) -> Outputs:
        """What the columns say."""
        if not _columns(dataset):
            msg = f"{dataset.role}: no saved predictions: name columns.prediction, columns.score or columns.scores for it"
            raise CannotMeasure(msg)
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

    def _abilities(self, served: Sequence[Dataset]) -> frozenset[Ability]:
        found: set[Ability] = set()
        probable = [self._scores[data.role].are_probabilities if data.role in self._scores else None for data in served]
        if all(data.columns.prediction is not None or known for data, known in zip(served, probable, strict=True)):
            found.add("predictions")
        if None not in probable:
            found.add("scores" if all(probable) else "ranking")
        return frozenset(found)

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

    def _read_scores(self, data: Dataset) -> Scores:
        return read_score(data) if data.columns.scores is None else read_scores(data, self.classes)

    def _of_classes(self, data: Dataset) -> NDArray[np.float64] | None:
        """(n, k) scores, a column a class; None where there are none, or where it is not said which class a score is of."""
        if not _has_scores(data):
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
        said = ", ".join(map(repr, self.classes[:_SHOWN])) or "none"
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
        if unknown := _labels(data, data.columns.prediction) - set(self.classes):
            msg = f"datasets.{data.role}: column {data.columns.prediction!r} predicts {', '.join(sorted(unknown)[:_SHOWN])}, "
            msg += f"for which columns.scores has no column (it has {', '.join(self.classes[:_SHOWN])}): give one for every class"
            raise InputError(msg)

    def _positive(self, data: Dataset) -> int:
        """Which of the classes a score is the probability of."""
        positive = positive_class(data, self.classes)
        if positive not in self.classes:
            msg = f"{data.role}: columns.positive is {positive!r}, but the classes are {', '.join(self.classes)}"
            raise CannotMeasure(msg)
        return self.classes.index(positive)


def _columns(data: Dataset) -> bool:
    return any(role is not None for role in (data.columns.prediction, data.columns.score, data.columns.scores))


def _has_scores(data: Dataset) -> bool:
    return data.columns.score is not None or data.columns.scores is not None


def _refuse_two_kinds(data: Dataset) -> None:
    if data.columns.score is not None and data.columns.scores is not None:
        msg = f"datasets.{data.role}: columns.score and columns.scores are both named, and may disagree: keep one of them"
        raise InputError(msg)


def _classes(served: Sequence[Dataset]) -> tuple[str, ...]:
    """Every class that the data sets name, in sorted order; those of `columns.scores` where that is set."""
    named = [scored for data in served if data.columns.scores is not None and (scored := _scored(data, served))]
    if named:
        if any(other != named[0] for other in named):
            msg = "the data sets' columns.scores name different classes: give the same classes everywhere"
            raise InputError(msg)
        return tuple(sorted(named[0]))
    return _written(served)


def _scored(data: Dataset, served: Sequence[Dataset]) -> frozenset[str]:
    """The classes that `columns.scores` of a data set has scores of."""
    return frozenset(class_columns(data) or listed_classes(data, _written(served)))


def _written(served: Sequence[Dataset]) -> tuple[str, ...]:
    """Every class that labels, predictions and `columns.positive` name, in sorted order."""
    found = {name for data in served for column in _named(data) for name in _labels(data, column)}
    declared = {name for data in served if (name := data.class_name(data.columns.positive)) is not None}
    found = found or declared  # scores alone: all that is known of the classes is what the policy says
    for pair in _TWINS:
        if found and found < pair and declared <= frozenset().union(*_TWINS):
            found = set(pair)
    return tuple(sorted(_beside(found, declared)))


def _beside(found: set[str], declared: set[str]) -> set[str]:
    """One class alone, as few rows may hold, with the positive one that the policy names; another spelling of the same is none."""
    if len(found) != 1 or len(declared) != 1 or {name.strip().casefold() for name in found} == {name.casefold() for name in declared}:
        return found
    return found | declared


def _named(data: Dataset) -> tuple[str, ...]:
    """Columns that hold class labels."""
    return tuple(column for column in (data.columns.label, data.columns.prediction) if column is not None)


def _labels(data: Dataset, column: str) -> set[str]:
    """The classes that a column names, in the whole file where the data set was cut."""
    try:
        return set((data.whole or data).labels(column))
    except CannotMeasure as error:
        msg = f"datasets.{error}"
        raise InputError(msg) from error


def refuse_foreign_words(data: Dataset) -> None:
    """Yes against yes, or true against 1: no prediction could be right, and a rate of errors would be that of the spelling."""
    if data.columns.label is None or data.columns.prediction is None:
        return
    true, predicted = _labels(data, data.columns.label), _labels(data, data.columns.prediction)
    if true.isdisjoint(predicted) and not any(true | predicted <= pair for pair in _TWINS):
        said = [", ".join(sorted(names)[:_SHOWN]) for names in (true, predicted)]
        msg = f"datasets.{data.role}: column {data.columns.label!r} has the classes {said[0]}, "
        msg += f"and column {data.columns.prediction!r} has {said[1]}, none of them the same: name them alike"
        raise InputError(msg)
