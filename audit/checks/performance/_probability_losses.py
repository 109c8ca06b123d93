"""Checks of the mean loss of probabilities: the Brier score and the log loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.check import Check, NoParams
from audit.evidence import Evidence, Member
from audit.metrics.comparison import comparison_evidence, models_in_words
from audit.metrics.groups import part
from audit.metrics.losses import true_columns
from audit.stats import PairedProbabilityLoss, ProbabilityLoss
from audit.stats.probability_loss import RowLosses
from audit.tasks import CLASSIFICATION

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.subject import Subject


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
        return _mean_losses(subject, row_losses(subject, losses(subject)), unit, high=highest(subject))

    def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
        sides = (row_losses(side, losses(side)) for side in (subject, subject.for_comparator))
        return _compare_losses(subject, tuple(sides), unit, high=highest(subject))

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
        needs=frozenset({"labels", "scores"}),
        by="slices",
        tasks=CLASSIFICATION,
        highest=largest,
        range_on=range_on,
    )


def _mean_losses(subject: Subject, losses: RowLosses, unit: str, *, high: float) -> Evidence:
    """Mean of the losses in each slice; a loss lies between 0 and `high`."""
    clusters = subject.clusters()
    members = tuple(Member(name, ProbabilityLoss.of(losses.of(rows), part(clusters, rows), high=high)) for name, rows in subject.slices())
    return Evidence(members=members, unit=unit, rows=len(losses.loss))


def _compare_losses(subject: Subject, losses: tuple[RowLosses, ...], unit: str, *, high: float) -> Evidence:
    """Difference of the mean losses of candidate and comparator in each slice."""
    (first, second), clusters = losses, subject.clusters()
    members = [
        Member(name, PairedProbabilityLoss.of(first.of(rows), second.of(rows), part(clusters, rows), high=high))
        for name, rows in subject.slices()
    ]
    said = models_in_words(subject, unit, float(first.loss.mean()), float(second.loss.mean()))
    return comparison_evidence(subject, members, unit, notes=(said,))


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
