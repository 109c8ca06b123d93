"""Slices judged by the mean of their rows' losses: what the checks of probabilities share."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member
from audit.measures import comparison
from audit.measures.confusion import part
from audit.stats import Mean, PairedMean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.subject import Subject

SMALLEST = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1, as in scikit-learn."""
LARGEST = -math.log(SMALLEST)
"""Log loss of a row."""


def mean_losses(subject: Subject, loss: NDArray[np.float64], unit: str, *, high: float) -> Evidence:
    """Mean of the (n,) losses in each slice; a loss lies between 0 and `high`."""
    clusters = subject.clusters()
    members = tuple(Member(name, Mean.of(loss[rows], part(clusters, rows), low=0.0, high=high)) for name, rows in subject.slices())
    return Evidence(members=members, unit=unit, rows=len(loss))


def losses_apart(subject: Subject, losses: tuple[NDArray[np.float64], NDArray[np.float64]], unit: str, *, high: float) -> Evidence:
    """Difference of the mean losses of candidate and rival in each slice."""
    (first, second), clusters = losses, subject.clusters()
    members = [
        Member(name, PairedMean.of(first[rows], second[rows], part(clusters, rows), low=0.0, high=high)) for name, rows in subject.slices()
    ]
    said = comparison.both(subject, unit, float(first.mean()), float(second.mean()))
    return comparison.evidence(subject, members, unit, notes=(said,))


def log_losses(subject: Subject, data: Dataset | None = None) -> NDArray[np.float64]:
    """(n,) minus the logarithm of the probability given to the true class, in nats."""
    columns = true_columns(subject, data)
    given = subject.probabilities(data)[np.arange(len(columns)), columns]
    loss: NDArray[np.float64] = -np.log(np.clip(given, SMALLEST, 1 - SMALLEST))
    return loss


def true_columns(subject: Subject, data: Dataset | None = None) -> NDArray[np.int64]:
    """(n,) column of the probabilities that belongs to each row's true class; a class without a column is refused."""
    y_true = subject.y_true(data)
    column = {name: index for index, name in enumerate(subject.classes)}
    unknown = sorted(set(y_true) - set(column))
    if unknown:
        msg = f"the model gives no probability for {', '.join(unknown)}, a true class: it knows {', '.join(column)}"
        raise CannotMeasure(msg)
    return np.array([column[one] for one in y_true], dtype=np.int64)
