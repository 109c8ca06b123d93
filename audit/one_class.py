"""Data on which nothing shows whether a candidate tells cases apart: one true class alone, or one answer to every row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Unmeasured

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from audit.check import Check
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
    elif answered is not None:
        reason = f"the candidate answers {answered} in every row, so that it tells nothing apart: look at what it reads"
    else:
        return ()
    return (Unmeasured(OVERALL, reason),)


def _single(values: Callable[[], Values]) -> str | None:
    """The one value of all rows; None where there are several, or none can be read."""
    import pandas as pd

    try:
        found = pd.unique(values())
    except CannotMeasure:
        return None
    return str(found[0]) if len(found) == 1 else None
