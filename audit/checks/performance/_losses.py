"""Checks of the mean loss of each row: the loss of probabilities, and the error of predicted numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.check import NoParams
from audit.checks.performance import skill_check
from audit.evidence import Curve, Evidence, Example, Lines, Part, points
from audit.formatting import number
from audit.metrics.comparison import comparator_name, comparison_evidence, models_in_words, sameness
from audit.metrics.groups import TAIL, part, slice_members
from audit.metrics.losses import residuals, true_columns
from audit.redaction.masking import beginning
from audit.stats import Mean, PairedMean, PairedProbabilityLoss, ProbabilityLoss
from audit.stats.probability_loss import RowLosses
from audit.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.check import Check, Params
    from audit.evidence import Member, Unmeasured
    from audit.subject import Subject

    Loss: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]

BINS, LEAST = 12, 25
"""Bins of the residual figure at most, and rows in each at least."""
FARTHEST = 5
"""Rows that the report shows."""


def probability_loss_check(
    unit: str,
    losses: Callable[[Subject], NDArray[np.float64]],
    highest: Callable[[Subject], float],
    *,
    largest: float,
    question: str,
    remedy: str,
    range_on: Callable[[Subject, NoParams], tuple[float, float]] | None = None,
) -> Check:
    """A check of the mean loss in each slice; `losses` are (n, k), were each class the true one, and lie between 0 and `highest`.

    `largest` is the end of the mean loss on any subject: a bound beyond is refused.
    """

    def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
        found, high = row_losses(subject, losses(subject)), highest(subject)
        members = slice_members(subject, lambda rows, entities: ProbabilityLoss.of(found.of(rows), entities, high=high))
        return Evidence(members=members, unit=unit, rows=len(found.loss))

    def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
        first, second = (row_losses(side, losses(side)) for side in (subject, subject.for_comparator))
        high = highest(subject)
        members = slice_members(subject, lambda rows, ids: PairedProbabilityLoss.of(first.of(rows), second.of(rows), ids, high=high))
        return comparison_evidence(subject, members, unit, notes=(_of_models(subject, unit, first.loss, second.loss),))

    return skill_check(
        measure=measure,
        compare=compare,
        question=question,
        remedy=remedy,
        better="lower",
        unit=unit,
        needs=frozenset({"labels", "scores"}),
        tasks=CLASSIFICATION,
        highest=largest,
        range_on=range_on,
    )


def row_losses(subject: Subject, table: NDArray[np.float64]) -> RowLosses:
    """From (n, k) losses, were each class the true one. A row that is right is, if wrong, taken to lose what its probabilities expect."""
    true, probabilities = true_columns(subject), subject.probabilities()
    every, top = np.arange(len(true)), probabilities.argmax(axis=1)
    others = probabilities.copy()
    others[every, top] = 0.0
    rest, loss = others.sum(axis=1), table[every, true]
    even = (np.arange(table.shape[1]) != top[:, None]) / max(1, table.shape[1] - 1)
    weights = np.where(rest[:, None] > 0, others / np.where(rest > 0, rest, 1.0)[:, None], even)
    expected = (weights * table).sum(axis=1)
    right = table[every, top]
    return RowLosses(loss, right, np.where(true == top, np.maximum(expected, right), loss), probabilities[every, top], true != top)


def mean_loss_check(unit: str, loss: Callable[[Any], Loss], *, question: str, remedy: str, params: type[Params] = NoParams) -> Check:
    """A check of the mean loss of the residuals in each slice; `loss` gives it under the parameters, and is 0 at least."""

    def measure(subject: Subject, given: Params, _rng: Generator) -> Evidence:
        values = loss(given)(residuals(subject))
        return error_evidence(subject, slice_members(subject, lambda rows, entities: Mean.of(values[rows], entities, low=0.0)), unit)

    def compare(subject: Subject, given: Params, _rng: Generator) -> Evidence:
        first, second = (loss(given)(residuals(side)) for side in (subject, subject.for_comparator))
        members = slice_members(subject, lambda rows, entities: PairedMean.of(first[rows], second[rows], entities, low=0.0))
        return compared(subject, members, unit, notes=(_of_models(subject, unit, first, second),))

    return skill_check(
        measure=measure,
        compare=compare,
        question=question,
        remedy=remedy,
        better="lower",
        unit=unit,
        needs=frozenset({"targets", "values"}),
        params=params,
        tasks=REGRESSION,
        highest=math.inf,
    )


def _of_models(subject: Subject, unit: str, first: NDArray[np.float64], second: NDArray[np.float64]) -> str:
    return models_in_words(subject, unit, float(first.mean()), float(second.mean()))


def error_evidence(
    subject: Subject, members: Sequence[Member], unit: str, *, unmeasured: Sequence[Unmeasured] = (), notes: Sequence[str] = ()
) -> Evidence:
    """The members with the residuals' figure and the rows that are farthest off."""
    apart = residuals(subject)
    figure = _figure(subject.predicted_values(), apart, subject.clusters())
    return Evidence(
        members=tuple(members),
        unit=unit,
        rows=len(apart),
        unmeasured=tuple(unmeasured),
        figures=() if figure is None else (figure,),
        examples=_farthest(subject, apart),
        notes=tuple(notes),
    )


def compared(
    subject: Subject, members: Sequence[Member], unit: str, *, unmeasured: Sequence[Unmeasured] = (), notes: Sequence[str] = ()
) -> Evidence:
    """The members with both models' numbers, row by row."""
    comparator = subject.for_comparator
    first, second = subject.predicted_values(), comparator.predicted_values()
    return Evidence(
        members=tuple(members),
        unit=f"{unit} difference from {comparator_name(subject)}",
        rows=len(first),
        unmeasured=tuple(unmeasured),
        notes=(*notes, *sameness(subject, "number", alike=np.array_equal(first, second))),
        table={"id": subject.data.ids, "label": subject.target(), "prediction": first, "rival_prediction": second},
    )


def _figure(predicted: NDArray[np.float64], apart: NDArray[np.float64], clusters: NDArray[np.int64] | None) -> Lines | None:
    """True minus predicted in bins of equal mass; None where there are too few rows, or one prediction for all."""
    bins = min(BINS, len(apart) // LEAST)
    if bins < 2 or predicted.min() == predicted.max():  # noqa: PLR2004  # a line needs two points
        return None
    found = np.array_split(np.argsort(predicted, kind="stable"), bins)
    ends = [Mean.of(apart[rows], part(clusters, rows)).bounds(TAIL, TAIL) for rows in found]
    spread = np.transpose([np.quantile(apart[rows], (0.1, 0.5, 0.9)) for rows in found]).tolist()
    low, middle, high = (tuple(row) for row in spread)
    at = tuple(float(predicted[rows].mean()) for rows in found)
    mean = [float(apart[rows].mean()) for rows in found]
    off = [lower > 0 or upper < 0 for lower, upper in ends]
    return Lines(
        _farthest_off([(one, error) for one, error, is_off in zip(at, mean, off, strict=True) if is_off]),
        "predicted value",
        "true minus predicted",
        (
            Curve("no error", (at[0], at[-1]), (0.0, 0.0), style="expected"),
            Curve("median, shaded: 8 rows in 10", at, middle, low, high),
            *points(("mean, 95\u00a0% interval", "mean that is off beyond chance"), at, mean, ends, off),
        ),
        foot=f"{sum(off)} of {bins} bins of {min(map(len, found)):,} rows or more are off beyond their 95\u00a0% interval.",
    )


def _farthest_off(off: Sequence[tuple[float, float]]) -> str:
    """Where predictions are farthest off beyond chance, from (mean prediction, mean error) of such bins."""
    if not off:
        return "no stretch of predictions is off by more than chance"
    at, error = max(off, key=lambda one: abs(one[1]))
    return f"predictions near {number(at)} are too {'low' if error > 0 else 'high'} by {number(abs(error))} on average"


def _farthest(subject: Subject, apart: NDArray[np.float64]) -> tuple[Example, ...]:
    """The rows that are farthest off, the worst first."""
    true, predicted = subject.target(), subject.predicted_values()
    texts = None if subject.data.columns.text is None else subject.data.texts()
    found = []
    for row in (int(one) for one in np.argsort(-np.abs(apart), kind="stable")[:FARTHEST] if apart[one] != 0):
        said = f"truly {number(true[row])}, predicted {number(predicted[row])}"
        off = f"too {'low' if apart[row] > 0 else 'high'} by {number(abs(apart[row]))}"
        if texts is None:
            found.append(Example(subject.data.shown(row), (Part(said),), off))
        else:
            found.append(Example(subject.data.shown(row), beginning(texts[row], subject.data.common_words), f"{said}: {off}"))
    return tuple(found)
