"""Predicted and true numbers: what the checks of regression share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.check import Check, NoParams, Params
from audit.evidence import Evidence, Example, Member, Part, Residuals
from audit.formatting import number
from audit.metrics.comparison import comparator_name, models_in_words
from audit.metrics.groups import part
from audit.metrics.losses import residuals
from audit.redaction.masking import beginning
from audit.stats import Mean, PairedMean
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.evidence import Unmeasured
    from audit.subject import Subject

    Loss: TypeAlias = Callable[[NDArray[np.float64]], NDArray[np.float64]]

BINS, LEAST = 12, 25
"""Bins of the residual figure at most, and rows in each at least."""
FARTHEST = 5
"""Rows that the report shows."""
TAIL = 0.025


def mean_loss_check(unit: str, loss: Callable[[Any], Loss], *, question: str, remedy: str, params: type[Params] = NoParams) -> Check:
    """A check of the mean loss of the residuals in each slice; `loss` gives it under the parameters, and is 0 at least."""

    def measure(subject: Subject, given: Params, _rng: Generator) -> Evidence:
        return _mean_losses(subject, loss(given), unit)

    def compare(subject: Subject, given: Params, _rng: Generator) -> Evidence:
        return _compare_losses(subject, loss(given), unit)

    return Check(
        measure=measure,
        compare=compare,
        question=question,
        remedy=remedy,
        measures="skill",
        characteristics=("valid_reliable",),
        rmf=("MEASURE 2.3", "MEASURE 2.5"),
        better="lower",
        unit=unit,
        needs=frozenset({"targets", "values"}),
        params=params,
        by="slices",
        tasks=REGRESSION,
        highest=math.inf,
    )


def _mean_losses(subject: Subject, loss: Loss, unit: str) -> Evidence:
    """Mean of a loss of the residuals, which is 0 at least, in each slice."""
    values, clusters = loss(residuals(subject)), subject.clusters()
    members = [Member(name, Mean.of(values[rows], part(clusters, rows), low=0.0)) for name, rows in subject.slices()]
    return error_evidence(subject, members, unit)


def _compare_losses(subject: Subject, loss: Loss, unit: str) -> Evidence:
    """Candidate's mean loss less the comparator's on the same rows, in each slice."""
    first, second = (loss(residuals(side)) for side in (subject, subject.for_comparator))
    clusters = subject.clusters()
    members = [Member(name, PairedMean.of(first[rows], second[rows], part(clusters, rows), low=0.0)) for name, rows in subject.slices()]
    return compared(subject, members, unit, notes=(models_in_words(subject, unit, float(first.mean()), float(second.mean())),))


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
    if comparator.candidate.sha256 == subject.candidate.sha256:
        notes = (
            *notes,
            f"The candidate and {comparator_name(subject)} are the same model, byte for byte: there is no difference to be found.",
        )
    elif np.array_equal(first, second):
        notes = (*notes, f"The candidate and {comparator_name(subject)} give the same number in every row.")
    return Evidence(
        members=tuple(members),
        unit=f"{unit} difference from {comparator_name(subject)}",
        rows=len(first),
        unmeasured=tuple(unmeasured),
        notes=tuple(notes),
        table={"id": subject.data.ids, "label": subject.target(), "prediction": first, "rival_prediction": second},
    )


def _figure(predicted: NDArray[np.float64], apart: NDArray[np.float64], clusters: NDArray[np.int64] | None) -> Residuals | None:
    """Residuals in bins of equal mass of the predicted numbers; None where there are too few rows, or one prediction for all."""
    bins = min(BINS, len(apart) // LEAST)
    if bins < 2 or predicted.min() == predicted.max():  # noqa: PLR2004  # a line needs two points
        return None
    found = np.array_split(np.argsort(predicted, kind="stable"), bins)
    ends = [Mean.of(apart[rows], None if clusters is None else clusters[rows]).bounds(TAIL, TAIL) for rows in found]
    low, high = np.transpose([np.quantile(apart[rows], (0.1, 0.9)) for rows in found]).tolist()
    return Residuals(
        predicted=tuple(float(predicted[rows].mean()) for rows in found),
        mean=tuple(float(apart[rows].mean()) for rows in found),
        lower=tuple(one for one, _ in ends),
        upper=tuple(one for _, one in ends),
        low=tuple(low),
        high=tuple(high),
        counts=tuple(map(len, found)),
    )


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
