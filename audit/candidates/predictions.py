"""Saved predictions: any model in any language, audited from columns of its data sets."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from audit.candidates.interface import Ability, Outputs
from audit.candidates.saved import KnownRows
from audit.errors import CannotMeasure, InputError
from audit.subject import positive_class

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
        for data in served:
            _refuse_two_kinds(data)
            self._refuse_bad_scores(data)
            self._refuse_unscored_predictions(data)
        self.abilities: frozenset[Ability] = frozenset({"predictions", "scores"} if all(map(_has_scores, served)) else {"predictions"})
        self.description = f"saved predictions in {', '.join(data.role for data in served)}"
        digest = hashlib.sha256()
        for data in sorted(served, key=lambda data: data.role):
            digest.update(f"{data.role}:{data.sha256}:{data.columns.model_dump_json()}".encode())
        self.sha256 = digest.hexdigest()

    def predict(self, dataset: Dataset) -> Outputs:
        """What the columns say."""
        if not _columns(dataset):
            msg = f"{dataset.role}: no saved predictions: name columns.prediction, columns.score or columns.scores for it"
            raise CannotMeasure(msg)
        probabilities = self._probabilities(dataset)
        if dataset.columns.prediction is not None:
            return Outputs(dataset.labels(dataset.columns.prediction), probabilities)
        if probabilities is None:
            msg = f"{dataset.role}: neither predictions nor scores"
            raise CannotMeasure(msg)
        names = np.array(self.classes, dtype=object)
        if dataset.columns.score is not None:
            positive = self._positive(dataset)
            return Outputs(names[np.where(probabilities[:, positive] >= THRESHOLD, positive, 1 - positive)], probabilities)
        return Outputs(names[probabilities.argmax(axis=1)], probabilities)

    def _refuse_bad_scores(self, data: Dataset) -> None:
        """At opening, since a score that is none would else be found only by the checks that read it."""
        if data.columns.scores is not None:
            self._probabilities(data)
        elif data.columns.score is not None:
            self._refuse_more_than_two(data)
            _shares(data, data.columns.score)

    def _refuse_more_than_two(self, data: Dataset) -> None:
        if len(self.classes) == 2:  # noqa: PLR2004  # one score column tells two classes apart
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

    def _probabilities(self, data: Dataset) -> NDArray[np.float64] | None:
        columns = data.columns
        if columns.scores is not None:
            of_class = _score_columns(data)
            table = np.column_stack([_shares(data, of_class[name]) for name in self.classes])
            if not np.allclose(table.sum(axis=1), 1.0, atol=1e-3):
                msg = f"datasets.{data.role}: columns.scores do not sum to 1 in every row: give probabilities, one column a class"
                raise InputError(msg)
            return table
        if columns.score is None:
            return None
        score = _shares(data, columns.score)
        positive = self._positive(data)
        return np.column_stack([score if code == positive else 1.0 - score for code in range(len(self.classes))])


def _columns(data: Dataset) -> bool:
    return any(role is not None for role in (data.columns.prediction, data.columns.score, data.columns.scores))


def _has_scores(data: Dataset) -> bool:
    return data.columns.score is not None or data.columns.scores is not None


def _refuse_two_kinds(data: Dataset) -> None:
    if data.columns.score is not None and data.columns.scores is not None:
        msg = f"datasets.{data.role}: columns.score and columns.scores are both named, and may disagree: keep one of them"
        raise InputError(msg)


def _score_columns(data: Dataset) -> dict[str, str]:
    """Class label to probability column."""
    scores = data.columns.scores
    if isinstance(scores, dict):
        return {str(data.class_name(name)): column for name, column in scores.items()}
    return {str(data.class_name(column)): column for column in scores or ()}


def _shares(data: Dataset, column: str) -> NDArray[np.float64]:
    """A column of numbers from 0 to 1."""
    import pandas as pd

    values = pd.to_numeric(data.frame[column], errors="coerce").to_numpy(dtype=float)
    bad = np.flatnonzero(~((values >= 0) & (values <= 1)))
    if bad.size:
        first = data.shown(int(bad[0]))
        msg = f"datasets.{data.role}: column {column!r} is not a number from 0 to 1 in {bad.size} rows (first: row {first}): "
        msg += "give the probability in every row, or leave these rows out of the file"
        raise InputError(msg)
    return values


def _classes(served: Sequence[Dataset]) -> tuple[str, ...]:
    """Every class that the data sets name, in sorted order; those of `columns.scores` where that is set."""
    named = [_score_columns(data) for data in served if data.columns.scores is not None]
    if named:
        if any(set(other) != set(named[0]) for other in named):
            msg = "the data sets' columns.scores name different classes: give the same classes everywhere"
            raise InputError(msg)
        return tuple(sorted(named[0]))
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
