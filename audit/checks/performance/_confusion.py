"""Checks of the confusion table: precision, recall, F1, F-beta, balanced accuracy, Matthews correlation and kappa."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from pydantic import Field

from audit.check import Check, NoParams, Params
from audit.evidence import Confusion as Figure
from audit.evidence import Evidence, Member, Unmeasured
from audit.metrics.comparison import Answers, comparator_name, comparison_evidence, models_in_words, shares_right
from audit.metrics.groups import part
from audit.stats import Confusion, PairedConfusion, PairedDifference, Proportion
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.stats.class_scores import Average as TableAverage
    from audit.stats.class_scores import Metric
    from audit.subject import Subject

Average: TypeAlias = Literal["binary", "macro", "micro", "weighted", "none"]
UNITS: dict[Metric, str] = {"precision": "precision", "recall": "recall", "f1": "F1", "fbeta": "F-beta"}
UNITS |= {"balanced_accuracy": "balanced accuracy", "mcc": "Matthews correlation", "kappa": "kappa"}
OF_THE_TABLE: tuple[Metric, ...] = ("balanced_accuracy", "mcc", "kappa")
"""Metrics that take no average."""
LARGEST_FIGURE = 20
"""Classes beyond which a drawn confusion table cannot be read."""


class AverageParams(Params):
    """How the classes are put together, as in scikit-learn."""

    average: Average | None = Field(
        None,
        description="binary: the positive class against the rest; macro: every class counts alike; weighted: by its rows; micro: every row"
        " counts alike, which is accuracy; none: no average, every class against the rest is a member. Absent: binary where there are two"
        " classes and one is positive, else macro",
    )


def confusion_check(
    metric: Metric,
    *,
    question: str,
    remedy: str,
    params: type[Params] = NoParams,
    beta: Callable[[Any], float] = lambda _: 1.0,
    lowest: float = 0.0,
) -> Check:
    """A check of one function of the confusion table in each slice; without an `average` parameter every class counts alike."""

    def measure(subject: Subject, given: Params, _rng: Generator) -> Evidence:
        return _measured(subject, metric, _average(given), beta=beta(given))

    def compare(subject: Subject, given: Params, _rng: Generator) -> Evidence:
        return _compared(subject, metric, _average(given), beta=beta(given))

    return Check(
        measure=measure,
        compare=compare,
        question=question,
        remedy=remedy,
        measures="skill",
        characteristics=("valid_reliable",),
        rmf=("MEASURE 2.3", "MEASURE 2.5"),
        better="higher",
        unit=UNITS[metric],
        needs=frozenset({"labels", "predictions"}),
        of_one_class=metric == "recall",
        params=params,
        by="slices",
        tasks=CLASSIFICATION,
        lowest=lowest,
    )


def _average(params: Params) -> Average | None:
    return params.average if isinstance(params, AverageParams) else "macro"


def _measured(subject: Subject, metric: Metric, average: Average | None, *, beta: float = 1.0) -> Evidence:
    """The metric of each slice, as scikit-learn defines it with `zero_division=0`; where that would stand for nothing, unmeasured."""
    average = average or ("binary" if subject.binary else "macro")
    if average in {"binary", "none"}:
        return _one_vs_rest(subject, metric, (subject.positive,) if average == "binary" else None, beta=beta)
    y_true, y_pred, clusters = subject.y_true(), subject.y_pred(), subject.clusters()
    if is_accuracy(metric, average):
        right = y_true == y_pred
        members = tuple(Member(name, Proportion.of(right[rows], part(clusters, rows))) for name, rows in subject.slices())
        return Evidence(members=members, unit=UNITS[metric], rows=len(right), notes=(f"average: {average}, which is accuracy",))
    return of_classes(subject, metric, "weighted" if average == "weighted" else "macro", beta=beta)


def is_accuracy(metric: Metric, average: Average) -> bool:
    """Whether the average is the share of right rows."""
    return average == "micro" or (average == "weighted" and metric == "recall")


def of_classes(subject: Subject, metric: Metric, average: Literal["macro", "weighted"] = "macro", *, beta: float = 1.0) -> Evidence:
    """The metric of each slice over all of its classes; a macro average that would leave out a class of the candidate is unmeasured."""
    y_true, clusters = subject.y_true(), subject.clusters()
    classes, true, predicted = _coded(subject)
    members, unmeasured = [], []
    notes = [] if metric in OF_THE_TABLE else [f"average: {average}, over {', '.join(classes)}{_beta(metric, beta)}"]
    for name, rows in subject.slices():
        missing = missing_class(subject, metric, rows) if average == "macro" else None
        if missing:
            unmeasured.append(Unmeasured(name, missing))
            continue
        estimate = Confusion.of(true[rows], predicted[rows], len(classes), metric=metric, average=average, clusters=part(clusters, rows))
        members.append(Member(name, replace(estimate, beta=beta)))
        absent = [str(one) for code, one in enumerate(classes) if not np.any(true[rows] == code)]
        if absent:
            notes.append(f"{name}: no row is truly {_any_of(absent)}")
    figures = _figures(classes, true, predicted)
    return Evidence(tuple(members), UNITS[metric], len(y_true), unmeasured=tuple(unmeasured), figures=figures, notes=tuple(notes))


def _coded(subject: Subject) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Every class of the candidate and of the rows in order, and the (n,) true and predicted ones by their place in it."""
    import pandas as pd

    y_true, y_pred = subject.y_true(), subject.y_pred()
    codes, classes = pd.factorize(np.concatenate([np.array(subject.classes, dtype=object), y_true, y_pred]), sort=True)
    true, predicted = np.split(codes[len(subject.classes) :], [len(y_true)])
    return [str(one) for one in classes], true, predicted


def _beta(metric: Metric, beta: float) -> str:
    """The weight of recall, where the metric has one."""
    return f"; beta {beta:g}" if metric == "fbeta" else ""


def missing_class(subject: Subject, metric: Metric, rows: NDArray[np.bool_]) -> str | None:
    """What keeps a macro average from running over every class of the candidate, and over two at least.

    Balanced accuracy leaves out a class that no row truly is, and agreement beyond chance has none to agree on where it is the
    only other one. The others count one that is only predicted, which leaves them without support.
    """
    import pandas as pd

    seen = set(pd.unique(subject.y_true()[rows]))
    how = "truly" if metric in OF_THE_TABLE else "truly or by prediction"
    if metric not in OF_THE_TABLE:
        seen |= set(pd.unique(subject.y_pred()[rows]))
    absent = [one for one in subject.classes if one not in seen]
    if absent:
        return f"no row is {how} {_any_of(absent)}: add rows to this slice"
    return None if len(seen) > 1 else f"every row is {how} {_any_of(sorted(seen))}: add rows of another class"


def _any_of(classes: Sequence[str], most: int = 4) -> str:
    """The first few, and how many more there are."""
    return " or ".join([*classes[:most], *([f"one of {len(classes) - most} others"] if len(classes) > most else [])])


def _one_vs_rest(subject: Subject, metric: Metric, classes: tuple[str, ...] | None, *, beta: float) -> Evidence:
    """The metric of one class against all others, or of every class in turn where none is given."""
    names, *codes = _coded(subject)
    y_true, y_pred, clusters = subject.y_true(), subject.y_pred(), subject.clusters()
    members: list[Member] = []
    unmeasured: list[Unmeasured] = []
    for one in classes or names:
        true, predicted = y_true == one, y_pred == one  # (n,) bool
        for group, rows in subject.slices():
            name = group if classes else group.further("class", one)
            missing = missing_positive(true[rows], predicted[rows], metric, one)
            if missing:
                unmeasured.append(Unmeasured(name, missing))
            else:
                members.append(Member(name, _of_positive((true[rows], predicted[rows]), metric, part(clusters, rows), beta)))
    if classes:
        figures = _figures([f"not {classes[0]}", classes[0]], *((column == classes[0]).astype(np.int64) for column in (y_true, y_pred)))
    else:
        figures = _figures(names, *codes)
    said = f"average: binary, of the class {classes[0]}" if classes else "average: none, each class against the rest"
    said += _beta(metric, beta)
    return Evidence(tuple(members), UNITS[metric], len(y_true), unmeasured=tuple(unmeasured), figures=figures, notes=(said,))


def _of_positive(
    pair: tuple[NDArray[np.bool_], NDArray[np.bool_]], metric: Metric, clusters: NDArray[np.int64] | None, beta: float
) -> Proportion | Confusion:
    """The estimate from truth and prediction, where rows of the class are there."""
    true, predicted = pair
    if metric in {"precision", "recall"}:
        counted = predicted if metric == "precision" else true
        return Proportion.of((true & predicted)[counted], part(clusters, counted))
    codes = (true.astype(np.int64), predicted.astype(np.int64))
    return replace(Confusion.of(*codes, 2, metric=metric, average="binary", clusters=clusters), beta=beta)


def missing_positive(true: NDArray[np.bool_], predicted: NDArray[np.bool_], metric: Metric, positive: str) -> str | None:
    """What keeps a metric of the positive class from standing for anything."""
    if {"precision": predicted, "recall": true}.get(metric, true | predicted).any():
        return None
    how = {"precision": "predicted", "recall": "truly"}.get(metric, "truly or by prediction")
    return f"no row is {how} {positive}: add rows to this slice"


def _figures(classes: Sequence[str], true: NDArray[np.int64], predicted: NDArray[np.int64]) -> tuple[Figure, ...]:
    """The confusion table, where it can be read."""
    k = len(classes)
    if k > LARGEST_FIGURE:
        return ()
    table = np.bincount(true * k + predicted, minlength=k * k).reshape(k, k)
    return (Figure(tuple(classes), tuple(tuple(row) for row in table.tolist())),)


def _compared(subject: Subject, metric: Metric, average: Average | None, *, beta: float = 1.0) -> Evidence:
    """Difference of a function of the confusion table in each slice, averaged as the check averages one model's."""
    average = average or ("binary" if subject.binary else "macro")
    if is_accuracy(metric, average):
        return shares_right(subject, UNITS[metric], (f"average: {average}, which is accuracy",))
    if average == "none":
        return _each_class_compared(subject, Score(metric, "binary", beta))
    score = Score(metric, "binary" if average == "binary" else "weighted" if average == "weighted" else "macro", beta)
    one = subject.positive if average == "binary" else ""
    members, unmeasured = _compared_members(subject, score, one)
    classes = f"of the class {one}" if one else f"over {', '.join(subject.classes)}"
    notes = [] if metric in OF_THE_TABLE else [f"average: {average}, {classes}{_beta(metric, beta)}"]
    everything = np.ones(subject.data.rows, dtype=bool)
    if not _missing(subject, score, one, everything):
        notes.append(models_in_words(subject, UNITS[metric], *_of_models(_estimator(subject, score, one)(everything))))
    return comparison_evidence(subject, members, UNITS[metric], unmeasured=unmeasured, notes=notes)


@dataclass(frozen=True, slots=True)
class Score:
    """A function of the confusion table."""

    metric: Metric
    average: TableAverage
    beta: float = 1.0


def _each_class_compared(subject: Subject, score: Score) -> Evidence:
    """Every class against the rest, one after the other."""
    answers = Answers.of(subject)
    members: list[Member] = []
    unmeasured: list[Unmeasured] = []
    for one in sorted({*subject.classes, *answers.true, *answers.candidate, *answers.comparator}):
        found, missing = _compared_members(subject, score, one, among=True)
        members += found
        unmeasured += missing
    notes = (f"average: none, each class against the rest{_beta(score.metric, score.beta)}",)
    return comparison_evidence(subject, members, UNITS[score.metric], unmeasured=unmeasured, notes=notes)


def _compared_members(subject: Subject, score: Score, one: str, *, among: bool = False) -> tuple[list[Member], list[Unmeasured]]:
    """The slices' differences, of one class where the average is binary; its name tells it from the others it is among."""
    estimate = _estimator(subject, score, one)
    members, unmeasured = [], []
    for group, rows in subject.slices():
        name = group.further("class", one) if among else group
        if missing := _missing(subject, score, one, rows):
            unmeasured.append(Unmeasured(name, missing))
        else:
            members.append(Member(name, estimate(rows)))
    return members, unmeasured


def _estimator(subject: Subject, score: Score, one: str) -> Callable[[NDArray[np.bool_]], PairedConfusion | PairedDifference]:
    """The estimate of the rows that a mask marks; `one` is the class of a binary average."""
    answers, clusters, metric = Answers.of(subject), subject.clusters(), score.metric
    columns = (answers.true, answers.candidate, answers.comparator)
    if score.average == "binary" and metric == "recall":
        true, first, second = (column == one for column in columns)
        return lambda rows: PairedDifference.of(first[rows & true], second[rows & true], part(clusters, rows & true))
    names, codes = np.unique(np.concatenate([np.array(subject.classes, dtype=object), *columns]), return_inverse=True)
    told = np.split(codes[len(subject.classes) :], 3)
    positive = names.tolist().index(one) if score.average == "binary" else 1

    def estimate(rows: NDArray[np.bool_]) -> PairedConfusion:
        true, first, second = (column[rows] for column in told)
        entities, average = part(clusters, rows), score.average
        found = PairedConfusion.of(true, first, second, metric=metric, average=average, positive=positive, clusters=entities)
        return replace(found, beta=score.beta)

    return estimate


def _of_models(estimate: PairedConfusion | PairedDifference) -> tuple[float, float]:
    if isinstance(estimate, PairedConfusion):
        return estimate.of_models()
    return (estimate.both + estimate.only_first) / estimate.n, (estimate.both + estimate.only_second) / estimate.n


def _missing(subject: Subject, score: Score, one: str, rows: NDArray[np.bool_]) -> str | None:
    """What either model lacks for its number to stand for something, as where it is measured alone."""
    metric = score.metric
    for side, whose in ((subject, "the candidate"), (subject.for_comparator, comparator_name(subject))):
        reason = None
        if score.average == "binary":
            reason = missing_positive(side.y_true()[rows] == one, side.y_pred()[rows] == one, metric, one)
        elif score.average == "macro":
            reason = missing_class(side, metric, rows)
        if reason:
            return reason if metric in {"recall", *OF_THE_TABLE} else f"{whose}: {reason}"  # of the truth alone for these
    return None
