"""Data on which nothing shows whether a candidate tells cases apart: one true class alone; and candidates that answer every row alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Unmeasured

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from audit.candidates.predictions import Predictions
    from audit.check import Check
    from audit.datasets import Dataset
    from audit.subject import Subject

    Values = NDArray[np.object_] | NDArray[np.float64]

_ELSEWHERE = frozenset({"reference", "base"})
"""Needs of checks that compare the candidate's answers with other answers, not with the truth."""


def unproven(subject: Subject, check: Check) -> tuple[Unmeasured, ...]:
    """What bars a pass of a check of the candidate, where the labels or its answers hold one value alone."""
    if not check.asks_the_model or not check.needs.isdisjoint(_ELSEWHERE):
        return ()
    true = _single(subject.y_true if subject.classes else subject.target) if not check.needs.isdisjoint({"labels", "targets"}) else None
    answered = None
    if not check.needs.isdisjoint({"predictions", "values"}):
        answered = _single(subject.y_pred if subject.classes else subject.predicted_values)
    what = "class" if subject.classes else "value"
    if true is not None and answered is not None:
        reason = f"every row is truly {true} and predicted {answered}: add rows of another {what}, which the candidate has to tell apart"
    elif true is not None and not check.of_one_class:
        reason = f"every row is truly {true}: add rows of another {what}, which the candidate has to tell apart"
    else:
        return ()
    return (Unmeasured(OVERALL, reason),)


def remarks(predicted: Predictions, datasets: Mapping[str, Dataset]) -> tuple[str, ...]:
    """Data sets of which the candidate was asked, and in which it gives the same answer to every row."""
    told = []
    for role, data in datasets.items():
        outputs = predicted.known(data) if role == data.role else None
        if outputs is not None and outputs.labels is not None and data.rows > 1:
            labels = outputs.labels
            answer = _single(lambda: labels)  # noqa: B023  # called at once
            if answer is not None:
                told.append(f"datasets.{role}: the candidate answers {answer!r} in every row: it tells no classes apart.")
    return tuple(told)


def label_remark(data: Dataset) -> tuple[str, ...]:
    """That every row has the same label, where it does: no check of these rows shows whether a candidate tells cases apart."""
    counts = {} if data.columns.label is None else data.class_counts(data.columns.label)
    if len(counts) != 1 or data.rows < 2:  # noqa: PLR2004  # one row has one label
        return ()
    return (f"every label in column {data.columns.label!r} is {next(iter(counts))!r}: whether the candidate tells it apart is not shown.",)


def _single(values: Callable[[], Values]) -> str | None:
    """The one value of all rows; None where there are several, or none can be read."""
    import pandas as pd

    try:
        found = pd.unique(values())
    except CannotMeasure:
        return None
    return str(found[0]) if len(found) == 1 else None
