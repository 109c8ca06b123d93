"""Slices judged by the mean of their rows' losses: what the checks of probabilities share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member
from audit.metrics import comparison
from audit.metrics.groups import part
from audit.stats import PairedProbabilityLoss, ProbabilityLoss
from audit.stats.probability_loss import RowLosses

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.subject import Subject

SMALLEST = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1, as in scikit-learn."""
LARGEST = -math.log(SMALLEST)
"""Log loss of a row."""


def mean_losses(subject: Subject, losses: RowLosses, unit: str, *, high: float) -> Evidence:
    """Mean of the losses in each slice; a loss lies between 0 and `high`."""
    clusters = subject.clusters()
    members = tuple(Member(name, ProbabilityLoss.of(losses.of(rows), part(clusters, rows), high=high)) for name, rows in subject.slices())
    return Evidence(members=members, unit=unit, rows=len(losses.loss))


def losses_apart(subject: Subject, losses: tuple[RowLosses, RowLosses], unit: str, *, high: float) -> Evidence:
    """Difference of the mean losses of candidate and comparator in each slice."""
    (first, second), clusters = losses, subject.clusters()
    members = [
        Member(name, PairedProbabilityLoss.of(first.of(rows), second.of(rows), part(clusters, rows), high=high))
        for name, rows in subject.slices()
    ]
    said = comparison.both(subject, unit, float(first.loss.mean()), float(second.loss.mean()))
    return comparison.evidence(subject, members, unit, notes=(said,))


def log_losses(subject: Subject, data: Dataset | None = None) -> NDArray[np.float64]:
    """(n,) minus the logarithm of the probability given to the true class, in nats."""
    columns = true_columns(subject, data)
    given = subject.probabilities(data)[np.arange(len(columns)), columns]
    loss: NDArray[np.float64] = -np.log(np.clip(given, SMALLEST, 1 - SMALLEST))
    return loss


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


def true_columns(subject: Subject, data: Dataset | None = None) -> NDArray[np.int64]:
    """(n,) column of the probabilities that belongs to each row's true class; a class without a column is refused."""
    y_true = subject.y_true(data)
    column = {name: index for index, name in enumerate(subject.classes)}
    unknown = sorted(set(y_true) - set(column))
    if unknown:
        msg = f"the model gives no probability for {', '.join(unknown)}, a true class: it knows {', '.join(column)}"
        raise CannotMeasure(msg)
    return np.array([column[one] for one in y_true], dtype=np.int64)
