"""Checks of the confusion table: precision, recall, F1, F-beta, balanced accuracy, Matthews correlation and kappa."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from pydantic import Field

from audit.check import NoParams, Params
from audit.checks.performance import skill_check
from audit.evidence import Evidence, Grid
from audit.metrics.comparison import comparator_name, comparison_evidence, models_in_words, shares_right
from audit.metrics.groups import measurable_slices_by_class, part, share_members
from audit.stats import Confusion, PairedConfusion, PairedDifference, Proportion
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.check import Check
    from audit.evidence import Member
    from audit.metrics.groups import Entities, Rows, Slices
    from audit.stats import Estimate
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
        return _measured(subject, Score.of(subject, metric, given, beta(given)))

    def compare(subject: Subject, given: Params, _rng: Generator) -> Evidence:
        return _compared(subject, Score.of(subject, metric, given, beta(given)))

    return skill_check(
        measure=measure,
        compare=compare,
        question=question,
        remedy=remedy,
        unit=UNITS[metric],
        needs=frozenset({"labels", "predictions"}),
        of_one_class=metric == "recall",
        params=params,
        tasks=CLASSIFICATION,
        lowest=lowest,
    )


@dataclass(frozen=True, slots=True)
class Score:
    """A function of the confusion table, as scikit-learn defines it with `zero_division=0`."""

    metric: Metric
    average: Average
    beta: float = 1.0
    """The weight of recall."""

    @classmethod
    def of(cls, subject: Subject, metric: Metric, params: Params, beta: float) -> Score:
        """With the average that the parameters ask for, or that fits the classes."""
        average = params.average if isinstance(params, AverageParams) else "macro"
        return cls(metric, average or ("binary" if subject.binary else "macro"), beta)

    @property
    def is_accuracy(self) -> bool:
        """Whether it is the share of right rows."""
        return self.average == "micro" or (self.average == "weighted" and self.metric == "recall")

    @property
    def of_a_class(self) -> bool:
        """Whether it is of one class against the rest."""
        return self.average in {"binary", "none"}

    @property
    def of_table(self) -> TableAverage:
        """The average by which a confusion table is estimated."""
        return "binary" if self.of_a_class else "weighted" if self.average == "weighted" else "macro"

    def note(self, classes: str) -> str:
        """How the classes are put together."""
        return f"average: {self.average}, {classes}{f'; beta {self.beta:g}' if self.metric == 'fbeta' else ''}"


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """One model's answers by the place of the class."""

    classes: tuple[str, ...]
    """Those that it knows."""
    predicted: NDArray[np.int64]
    """(n,)"""
    name: str
    """In words, where there are two."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """Every class of the candidate and of the rows in order, and what each row truly is and is called by one model or two."""

    classes: list[str]
    true: NDArray[np.int64]
    """(n,)"""
    models: tuple[Model, ...]

    @classmethod
    def of(cls, subject: Subject, sides: Sequence[tuple[Subject, str]]) -> Table:
        """Of these models, each with its name."""
        import pandas as pd

        columns = [np.array(subject.classes, dtype=object), subject.y_true(), *(side.y_pred() for side, _ in sides)]
        codes, classes = pd.factorize(np.concatenate(columns), sort=True)
        _, true, *predicted = np.split(codes, np.cumsum([len(column) for column in columns])[:-1])
        models = tuple(Model(side.classes, answers, name) for (side, name), answers in zip(sides, predicted, strict=True))
        return cls([str(name) for name in classes], true, models)

    def figures(self, score: Score, target: str) -> tuple[Grid, ...]:
        """The first model's table, where it can be read; of one class against the rest where one is looked at."""
        classes, columns = self.classes, [self.true, self.models[0].predicted]
        if score.average == "binary":
            classes, columns = [f"not {target}", target], [(one == classes.index(target)).astype(np.int64) for one in columns]
        if (k := len(classes)) > LARGEST_FIGURE:
            return ()
        table = np.bincount(columns[0] * k + columns[1], minlength=k * k).reshape(k, k)
        return (Grid.confusion(tuple(classes), tuple(tuple(row) for row in table.tolist())),)


def _measured(subject: Subject, score: Score) -> Evidence:
    """The score of each slice; where it would stand for nothing, unmeasured."""
    unit = UNITS[score.metric]
    if score.is_accuracy:
        right = subject.y_true() == subject.y_pred()
        return Evidence(share_members(subject, right), unit, len(right), notes=(score.note("which is accuracy"),))
    table = Table.of(subject, [(subject, "")])
    targets = _targets(subject, score, table)
    members, unmeasured = _slices(subject, score, table, targets)
    if score.of_a_class:
        notes = [score.note(f"of the class {targets[0]}" if score.average == "binary" else "each class against the rest")]
    else:
        notes = [] if score.metric in OF_THE_TABLE else [score.note(f"over {', '.join(table.classes)}")]
        notes += _absent(subject, table, members)
    return Evidence(members, unit, len(table.true), unmeasured=unmeasured, figures=table.figures(score, targets[0]), notes=tuple(notes))


def _compared(subject: Subject, score: Score) -> Evidence:
    """Difference of the two models' scores in each slice, averaged as one model's is."""
    unit = UNITS[score.metric]
    if score.is_accuracy:
        return shares_right(subject, unit, (score.note("which is accuracy"),))
    table = Table.of(subject, [(subject, "the candidate"), (subject.for_comparator, comparator_name(subject))])
    targets = _targets(subject, score, table)
    members, unmeasured = _slices(subject, score, table, targets)
    if score.average == "none":
        notes = [score.note("each class against the rest")]
    else:
        classes = f"of the class {targets[0]}" if score.of_a_class else f"over {', '.join(subject.classes)}"
        notes = [] if score.metric in OF_THE_TABLE else [score.note(classes)]
        whole = _estimate(score, table, targets[0], np.ones(len(table.true), dtype=bool), subject.clusters())
        if isinstance(whole, (PairedConfusion, PairedDifference)):
            notes.append(models_in_words(subject, unit, *_of_models(whole)))
    return comparison_evidence(subject, members, unit, unmeasured=unmeasured, notes=notes)


def _targets(subject: Subject, score: Score, table: Table) -> Sequence[str]:
    """The classes that are measured against the rest, one after the other; an empty name where all are measured together."""
    if score.average == "none":
        return table.classes
    return (subject.positive,) if score.average == "binary" else ("",)


def _slices(subject: Subject, score: Score, table: Table, targets: Sequence[str]) -> Slices:
    """Every slice of every class that is measured; under `average: none` its name says which."""
    return measurable_slices_by_class(subject, targets, partial(_estimate, score, table), named=score.average == "none")


def _estimate(score: Score, table: Table, target: str, rows: Rows, entities: Entities) -> Estimate | str:
    """Of the rows that a mask marks; a sentence where a model's number would stand for nothing."""
    metric, true = score.metric, table.true[rows]
    answers = [model.predicted[rows] for model in table.models]
    for model, predicted in zip(table.models, answers, strict=True):
        if reason := _lacking(score, table, target, model, (true, predicted)):
            of_truth = metric in {"recall", *OF_THE_TABLE}  # so it is the same for either model
            return f"{model.name}: {reason}" if model.name and not of_truth else reason
    place = table.classes.index(target) if score.of_a_class else 1
    if len(answers) > 1:
        if score.of_a_class and metric == "recall":
            truly, first, second = (column == place for column in (true, *answers))
            return PairedDifference.of(first[truly], second[truly], part(entities, truly))
        found = PairedConfusion.of(true, *answers, metric=metric, average=score.of_table, positive=place, clusters=entities)
        return replace(found, beta=score.beta)
    predicted, k = answers[0], len(table.classes)
    if score.of_a_class:
        truly, called = true == place, predicted == place
        if metric in {"precision", "recall"}:
            counted = called if metric == "precision" else truly
            return Proportion.of((truly & called)[counted], part(entities, counted))
        true, predicted, k = truly.astype(np.int64), called.astype(np.int64), 2
    return replace(Confusion.of(true, predicted, k, metric=metric, average=score.of_table, clusters=entities), beta=score.beta)


def _lacking(score: Score, table: Table, target: str, model: Model, columns: tuple[NDArray[np.int64], NDArray[np.int64]]) -> str | None:
    """What keeps a number from standing for anything, from what some rows truly are and are called by a model.

    Of one class, that no row counts. A macro average needs every class that the model knows, and two at least: balanced accuracy
    leaves out a class that no row truly is, and agreement beyond chance has none to agree on where it is the only other one. The
    others count one that is only predicted, which leaves them without support.
    """
    if score.of_a_class:
        truly, called = (column == table.classes.index(target) for column in columns)
        if {"precision": called, "recall": truly}.get(score.metric, truly | called).any():
            return None
        how = {"precision": "predicted", "recall": "truly"}.get(score.metric, "truly or by prediction")
        return f"no row is {how} {target}: add rows to this slice"
    if score.average != "macro":
        return None
    of_truth = score.metric in OF_THE_TABLE
    rows = sum(np.bincount(column, minlength=len(table.classes)) for column in columns[: 1 if of_truth else 2])
    seen = [table.classes[code] for code in np.flatnonzero(rows)]
    how = "truly" if of_truth else "truly or by prediction"
    if absent := [name for name in model.classes if name not in seen]:
        return f"no row is {how} {_any_of(absent)}: add rows to this slice"
    return None if len(seen) > 1 else f"every row is {how} {_any_of(seen)}: add rows of another class"


def _absent(subject: Subject, table: Table, members: Sequence[Member]) -> Iterator[str]:
    """The classes that no row of a measured slice truly is."""
    measured = {member.name for member in members}
    for name, rows in subject.slices():
        missing = np.setdiff1d(np.arange(len(table.classes)), table.true[rows])
        if name in measured and len(missing):
            yield f"{name}: no row is truly {_any_of([table.classes[code] for code in missing])}"


def _any_of(classes: Sequence[str], most: int = 4) -> str:
    """The first few, and how many more there are."""
    return " or ".join([*classes[:most], *([f"one of {len(classes) - most} others"] if len(classes) > most else [])])


def _of_models(estimate: PairedConfusion | PairedDifference) -> tuple[float, float]:
    if isinstance(estimate, PairedConfusion):
        return estimate.of_models()
    return (estimate.both + estimate.only_first) / estimate.n, (estimate.both + estimate.only_second) / estimate.n
