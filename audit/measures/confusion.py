"""Slices judged by their confusion tables: what precision, recall, F1 and balanced accuracy share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.evidence import Confusion as Figure
from audit.evidence import Evidence, Member, Unmeasured
from audit.stats import Confusion, Proportion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.stats.scores import Metric
    from audit.subject import Subject

Average: TypeAlias = Literal["binary", "macro", "micro", "weighted"]
UNITS: dict[Metric, str] = {"precision": "precision", "recall": "recall", "f1": "F1", "balanced_accuracy": "balanced accuracy"}
LARGEST_FIGURE = 20
"""Classes beyond which a drawn confusion table cannot be read."""


class Averaged(Params):
    """How the classes are put together, as in scikit-learn."""

    average: Average | None = Field(
        None,
        description="binary: the positive class against the rest; macro: every class counts alike; weighted: by its rows; micro: every row"
        " counts alike, which is accuracy. Absent: binary where there are two classes and one is positive, else macro",
    )


def averaged(subject: Subject, metric: Metric, average: Average | None) -> Evidence:
    """The metric of each slice, as scikit-learn defines it with `zero_division=0`; where that would stand for nothing, unmeasured."""
    average = average or ("binary" if subject.binary else "macro")
    if average == "binary":
        return _binary(subject, metric)
    y_true, y_pred, clusters = subject.y_true(), subject.y_pred(), subject.clusters()
    if average == "micro" or (average == "weighted" and metric == "recall"):
        right = y_true == y_pred
        members = tuple(Member(name, Proportion.of(right[rows], part(clusters, rows))) for name, rows in subject.slices())
        return Evidence(members=members, unit=UNITS[metric], rows=len(right), notes=(f"average: {average}, which is accuracy",))
    return of_classes(subject, metric, average)


def of_classes(subject: Subject, metric: Metric, average: Literal["macro", "weighted"] = "macro") -> Evidence:
    """The metric of each slice, averaged over its classes; a macro average that would leave out a class of the candidate is unmeasured."""
    y_true, y_pred, clusters = subject.y_true(), subject.y_pred(), subject.clusters()
    classes, codes = np.unique(np.concatenate([np.array(subject.classes, dtype=object), y_true, y_pred]), return_inverse=True)
    true, predicted = np.split(codes[len(subject.classes) :], [len(y_true)])
    members, unmeasured, notes = [], [], [] if metric == "balanced_accuracy" else [f"average: {average}, over {', '.join(classes)}"]
    for name, rows in subject.slices():
        missing = lacking(subject, metric, rows) if average == "macro" else None
        if missing:
            unmeasured.append(Unmeasured(name, missing))
            continue
        estimate = Confusion.of(true[rows], predicted[rows], len(classes), metric=metric, average=average, clusters=part(clusters, rows))
        members.append(Member(name, estimate))
        absent = [str(one) for code, one in enumerate(classes) if not np.any(true[rows] == code)]
        if absent:
            notes.append(f"{name}: no row is truly {_any_of(absent)}")
    figure = () if len(classes) > LARGEST_FIGURE else (_figure(classes, true, predicted),)
    return Evidence(tuple(members), UNITS[metric], len(y_true), unmeasured=tuple(unmeasured), figures=figure, notes=tuple(notes))


def lacking(subject: Subject, metric: Metric, rows: NDArray[np.bool_]) -> str | None:
    """What keeps a macro average from running over every class of the candidate, and over two at least.

    Balanced accuracy leaves out a class that no row truly is. The others count one that is only predicted, which leaves them
    without support.
    """
    seen = set(subject.y_true()[rows])
    how = "truly" if metric == "balanced_accuracy" else "truly or by prediction"
    if metric != "balanced_accuracy":
        seen |= set(subject.y_pred()[rows])
    absent = [one for one in subject.classes if one not in seen]
    if absent:
        return f"no row is {how} {_any_of(absent)}: add rows to this slice"
    return None if len(seen) > 1 else f"every row is {how} {_any_of(sorted(seen))}: add rows of another class"


def _any_of(classes: Sequence[str], most: int = 4) -> str:
    """The first few, and how many more there are."""
    return " or ".join([*classes[:most], *([f"one of {len(classes) - most} others"] if len(classes) > most else [])])


def _binary(subject: Subject, metric: Metric) -> Evidence:
    """The metric of the positive class against all others."""
    positive = subject.positive
    true, predicted = subject.y_true() == positive, subject.y_pred() == positive  # (n,) bool
    clusters = subject.clusters()
    members: list[Member] = []
    unmeasured: list[Unmeasured] = []
    for name, rows in subject.slices():
        missing = lacking_positive(true[rows], predicted[rows], metric, positive)
        if missing:
            unmeasured.append(Unmeasured(name, missing))
        else:
            members.append(Member(name, _of_positive(true[rows], predicted[rows], metric, part(clusters, rows))))
    figure = _figure(np.array([f"not {positive}", positive]), true.astype(np.int64), predicted.astype(np.int64))
    notes = (f"average: binary, of the class {positive}",)
    return Evidence(
        members=tuple(members), unmeasured=tuple(unmeasured), unit=UNITS[metric], rows=len(true), figures=(figure,), notes=notes
    )


def _of_positive(
    true: NDArray[np.bool_], predicted: NDArray[np.bool_], metric: Metric, clusters: NDArray[np.int64] | None
) -> Proportion | Confusion:
    """The estimate, where rows of the class are there."""
    if metric == "f1":
        return Confusion.of(true.astype(np.int64), predicted.astype(np.int64), 2, metric="f1", average="binary", clusters=clusters)
    counted = predicted if metric == "precision" else true
    return Proportion.of((true & predicted)[counted], part(clusters, counted))


def lacking_positive(true: NDArray[np.bool_], predicted: NDArray[np.bool_], metric: Metric, positive: str) -> str | None:
    """What keeps a metric of the positive class from standing for anything."""
    if {"precision": predicted, "recall": true}.get(metric, true | predicted).any():
        return None
    how = {"precision": "predicted", "recall": "truly"}.get(metric, "truly or by prediction")
    return f"no row is {how} {positive}: add rows to this slice"


def part(clusters: NDArray[np.int64] | None, rows: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """The entities of some rows."""
    return None if clusters is None else clusters[rows]


def _figure(classes: NDArray[np.object_] | NDArray[np.str_], true: NDArray[np.int64], predicted: NDArray[np.int64]) -> Figure:
    k = len(classes)
    table = np.bincount(true * k + predicted, minlength=k * k).reshape(k, k)
    return Figure(tuple(str(one) for one in classes), tuple(tuple(row) for row in table.tolist()))
