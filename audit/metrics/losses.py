"""What each row costs: the log loss of probabilities and the residual of predicted numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.subject import Subject

SMALLEST = float(np.finfo(np.float64).eps)
"""Probabilities are kept this far from 0 and 1, as in scikit-learn."""
LARGEST = -math.log(SMALLEST)
"""Log loss of a row."""
FEW, MOST = 0.01, 0.5
"""The share of rows that may not carry more than this share of the squared error without a word."""
_ENOUGH = 25
"""Rows below which nothing is said of a few of them."""


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


def residuals(subject: Subject) -> NDArray[np.float64]:
    """(n,) true minus predicted numbers: above 0 where the prediction is too low."""
    return subject.target() - subject.predicted_values()


def carried_by_few(apart: NDArray[np.float64]) -> tuple[str, ...]:
    """A word where few rows make up most of the squared error: a mean of such squares is hardly known, whatever its interval."""
    squares = np.sort(np.square(apart))[::-1]
    few = max(1, round(FEW * len(squares)))
    total = float(squares.sum())
    if len(squares) < _ENOUGH or total == 0 or float(squares[:few].sum()) <= MOST * total:
        return ()
    share = float(squares[:few].sum()) / total
    rows = "1 row makes" if few == 1 else f"{few:,} of {len(squares):,} rows make"
    return (f"{rows} up {share:.0%} of the squared error: another sample may say something else than the interval does.",)
