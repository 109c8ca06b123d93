"""Columns of saved answers, and the classes that they name.

Scores stand in one column for the positive class, one column a class, or one column of lists: probabilities or raw decision scores.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from audit.datasets.notation import mark_advice
from audit.errors import CannotMeasure, InputError
from audit.stats.ranks import mid_ranks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.datasets import Dataset

SUM_TOLERANCE = 0.02
"""How far the sum of a row's probabilities may be from 1, as rounding to two decimals leaves it."""
_EXACT_SUM = 1e-6
"""Sums nearer to 1 are those of unrounded floats and are left as they are."""
MOST_SHOWN = 6
"""Classes that a message lists."""
_TWINS = (frozenset({"0", "1"}), frozenset({"false", "true"}))
"""Pairs of classes of which either implies the other."""
_BEYOND = 1e-6
"""How far beyond 0 or 1 a probability may lie by rounding."""
_MISTAKES = 0.05
"""Share of rows outside 0 to 1 below which these are mistakes among probabilities, and from which on the scores are raw ones."""
_CONTRADICTED = 0.75
"""Share of pairs of rows in the order that the predictions give them, below which scores and predictions contradict each other."""


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """What the score columns of one data set hold."""

    table: NDArray[np.float64]
    """(n, k) one column a class; (n, 1) of the positive class alone."""
    are_probabilities: bool
    """Whether all lie between 0 and 1; other scores only order the rows."""
    remarks: tuple[str, ...] = ()


def class_columns(data: Dataset) -> dict[str, str]:
    """Class label to column, of `columns.scores`; none where one column holds lists."""
    scores = data.columns.scores
    if list_column(data) is not None:
        return {}
    named = scores.items() if isinstance(scores, dict) else ((column, column) for column in scores or ())
    return {str(data.class_name(name)): column for name, column in named}


def list_column(data: Dataset) -> str | None:
    """The column of lists or objects, where `columns.scores` names one column whose cells are no numbers."""
    scores = data.columns.scores
    if scores is None or isinstance(scores, dict) or len(scores) != 1:
        return None
    first = next((cell for cell in data.cells.column(scores[0]).to_list() if isinstance(cell, str)), "")
    return scores[0] if first.lstrip()[:1] in {"[", "{", "("} else None  # of a tuple, it is told that it is no list


def listed_classes(data: Dataset, known: Sequence[str]) -> tuple[str, ...]:
    """The classes whose scores a list column holds, in the order of the lists: the keys of objects, else the `known` ones in order."""
    column = list_column(data)
    first = _parsed(data, column or "")[0]
    if isinstance(first, dict):
        return tuple(sorted(str(data.class_name(name)) for name in first))
    return in_order(known)


def in_order(classes: Sequence[str]) -> tuple[str, ...]:
    """Classes as a model lists them: numbers by size, else words by their letters."""
    try:
        return tuple(sorted(classes, key=float))
    except ValueError:
        return tuple(sorted(classes))


def read_scores(data: Dataset, classes: Sequence[str]) -> ScoreTable:
    """The scores of every class that `columns.scores` names, in the order of `classes`."""
    column = list_column(data)
    if column is None:
        of_class = class_columns(data)
        return _checked(data, np.column_stack([_numbers(data, of_class[name]) for name in classes]), ())
    listed = listed_classes(data, classes)
    table = _listed(data, column, listed)
    order = f"datasets.{data.role}: column {column!r} lists the scores of {', '.join(listed)}, read in this order."
    return _checked(data, table[:, [listed.index(name) for name in classes]], (order,))


def read_score(data: Dataset) -> ScoreTable:
    """The score of the positive class."""
    assert data.columns.score is not None  # noqa: S101  # asked only where it is named
    values = _numbers(data, data.columns.score)
    outside = (values < -_BEYOND) | (values > 1 + _BEYOND)
    if outside.any():
        return _raw(data, values[:, None], outside, f"column {data.columns.score!r}")
    return ScoreTable(np.clip(values, 0.0, 1.0)[:, None], are_probabilities=True, remarks=_clipped(data, values))


def contradiction(data: Dataset, score: NDArray[np.float64], called: NDArray[np.bool_], words: str) -> tuple[str, ...]:
    """A remark where rows that are predicted to be of a class do not score higher for it than the others."""
    hits, misses = int(called.sum()), int((~called).sum())
    if not hits or not misses:
        return ()
    agreeing = (mid_ranks(score)[called].sum() - hits * (hits + 1) / 2) / (hits * misses)
    if agreeing >= _CONTRADICTED:
        return ()
    text = f"datasets.{data.role}: {words} contradicts column {data.columns.prediction!r}: rows predicted to be of the class have"
    return (f"{text} the higher score in {100 * agreeing:.0f} % of pairs. Is it the score of the other class, or of other rows?",)


def _checked(data: Dataset, table: NDArray[np.float64], remarks: tuple[str, ...]) -> ScoreTable:
    """Probabilities divided by their sum where rounding took it from 1; raw scores as they are."""
    outside = ((table < -_BEYOND) | (table > 1 + _BEYOND)).any(axis=1)
    if outside.any():
        raw = _raw(data, table, outside, "columns.scores")
        return ScoreTable(raw.table, are_probabilities=False, remarks=(*remarks, *raw.remarks))
    clipped = np.clip(table, 0.0, 1.0)
    sums = clipped.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > SUM_TOLERANCE + 1e-9)
    if wrong.size:
        row = int(wrong[0])
        msg = f"datasets.{data.role}: row {data.shown(row)}: the probabilities of columns.scores sum to {sums[row]:.4g}, and 1 within "
        msg += f"{SUM_TOLERANCE:g} is needed ({wrong.size:,} of {len(sums):,} rows are off): give probabilities, one column a class"
        raise InputError(msg)
    rounded = np.abs(sums - 1) > _EXACT_SUM
    if not rounded.any():
        return ScoreTable(clipped, are_probabilities=True, remarks=remarks)
    divided = clipped / np.where(rounded, sums, 1.0)[:, None]
    text = f"datasets.{data.role}: the probabilities of {int(rounded.sum()):,} of {len(sums):,} rows sum to {sums.min():.4g} to "
    text += f"{sums.max():.4g}, as rounding leaves them: each of these rows is divided by its sum."
    return ScoreTable(divided, are_probabilities=True, remarks=(*remarks, text))


def _clipped(data: Dataset, values: NDArray[np.float64]) -> tuple[str, ...]:
    count = int(((values < 0) | (values > 1)).sum())
    if not count:
        return ()
    text = f"datasets.{data.role}: column {data.columns.score!r} lies beyond 0 or 1 by rounding in {count:,} of {len(values):,} rows: "
    return (f"{text}read as 0 or 1.",)


def _raw(data: Dataset, table: NDArray[np.float64], outside: NDArray[np.bool_], column: str) -> ScoreTable:
    """Decision scores, where many rows lie outside 0 to 1; a few are taken for mistakes among probabilities."""
    first = int(np.flatnonzero(outside)[0])
    where = f"{int(outside.sum()):,} rows (first: row {data.shown(first)})"
    if outside.mean() < _MISTAKES:
        msg = f"datasets.{data.role}: {column} is not a number from 0 to 1 in {where}: "
        msg += "give the probability in every row, or leave these rows out of the file"
        raise InputError(msg)
    text = f"datasets.{data.role}: {column} is outside 0 to 1 in {where}: these are raw decision scores, which order the rows and are"
    return ScoreTable(table, are_probabilities=False, remarks=(f"{text} no probabilities.",))


def _numbers(data: Dataset, column: str) -> NDArray[np.float64]:
    """(n,) finite numbers."""
    import pandas as pd

    values = pd.to_numeric(data.cells.column(column), errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    bad = np.flatnonzero(~np.isfinite(values))
    if bad.size:
        row = int(bad[0])
        where = f"{bad.size} rows (first: row {data.shown(row)}{data.written(column, row)})"
        msg = f"datasets.{data.role}: column {column!r} is not a number from 0 to 1 in {where}: "
        msg += f"give the probability in every row, or leave these rows out of the file{mark_advice(data.cells.column(column).iloc[row])}"
        raise InputError(msg)
    return values


def _parsed(data: Dataset, column: str) -> list[object]:
    """Every cell as JSON."""
    cells = data.cells.column(column).to_list()
    for row, cell in enumerate(cells):
        try:
            cells[row] = json.loads(cell)
        except (TypeError, ValueError):
            _refuse_cell(data, column, row, "holds no list of numbers")
    return cells


def _listed(data: Dataset, column: str, classes: Sequence[str]) -> NDArray[np.float64]:
    """(n, k) numbers of a column of lists, or of objects with the classes as keys."""
    rows = []
    for row, cell in enumerate(_parsed(data, column)):
        if isinstance(cell, dict):
            of_class = {str(data.class_name(name)): value for name, value in cell.items()}
            if set(of_class) != set(classes):
                _refuse_cell(data, column, row, f"names the classes {', '.join(of_class)}, and not {', '.join(classes)}")
            cell = [of_class[name] for name in classes]  # noqa: PLW2901  # the same cell as a list
        if not isinstance(cell, list) or len(cell) != len(classes):
            count = f"{len(cell)} numbers" if isinstance(cell, list) else "no list"
            _refuse_cell(data, column, row, f"holds {count}, and there are {len(classes)} classes ({', '.join(classes[:6])})")
        if not all(isinstance(one, (int, float)) and not isinstance(one, bool) and np.isfinite(one) for one in cell):
            _refuse_cell(data, column, row, "holds something that is no number")
        rows.append(cell)
    return np.array(rows, dtype=np.float64)


def _refuse_cell(data: Dataset, column: str, row: int, what: str) -> NoReturn:
    remedy = "list one number a class, write objects such as {class: probability}, or give one column a class"
    msg = f"datasets.{data.role}: row {data.shown(row)} of column {column!r} {what}: {remedy}"
    raise InputError(msg)


def has_answers(data: Dataset) -> bool:
    """Whether it has saved predictions or scores."""
    return any(role is not None for role in (data.columns.prediction, data.columns.score, data.columns.scores))


def has_scores(data: Dataset) -> bool:
    """Whether it has saved scores, row by row."""
    return data.cells.profile is None and (data.columns.score is not None or data.columns.scores is not None)


def refuse_two_kinds(data: Dataset) -> None:
    """Scores of the positive class and of each class, which may disagree."""
    if data.columns.score is not None and data.columns.scores is not None:
        msg = f"datasets.{data.role}: columns.score and columns.scores are both named, and may disagree: keep one of them"
        raise InputError(msg)


def named_classes(served: Sequence[Dataset]) -> tuple[str, ...]:
    """Every class that the data sets name, in sorted order; those of `columns.scores` where that is set."""
    named = [scored for data in served if data.columns.scores is not None and has_scores(data) and (scored := _scored(data, served))]
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
    found = {name for data in served for column in _named(data) for name in labels_of(data, column)}
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


def labels_of(data: Dataset, column: str) -> set[str]:
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
    true, predicted = labels_of(data, data.columns.label), labels_of(data, data.columns.prediction)
    if true.isdisjoint(predicted) and not any(true | predicted <= pair for pair in _TWINS):
        said = [", ".join(sorted(names)[:MOST_SHOWN]) for names in (true, predicted)]
        msg = f"datasets.{data.role}: column {data.columns.label!r} has the classes {said[0]}, "
        msg += f"and column {data.columns.prediction!r} has {said[1]}, none of them the same: name them alike"
        raise InputError(msg)
