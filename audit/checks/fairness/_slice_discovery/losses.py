"""How badly each row is served."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure
from audit.metrics.regression import residuals

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.subject import Subject

BROKEN = 1e150
"""Errors beyond have a square that is no number."""


def of(subject: Subject) -> NDArray[np.bool_] | NDArray[np.float64]:
    """(n,) whether a row is answered wrong; of predicted numbers the absolute error."""
    if "values" not in subject.candidate.abilities:
        return np.asarray(subject.y_true() != subject.y_pred(), dtype=bool)
    found: NDArray[np.float64] = np.abs(residuals(subject))
    if found.max(initial=0) > BROKEN:
        where = f"row {subject.data.shown(int(np.argmax(found)))} is off by {found.max():.0e}"
        msg = f"{subject.data.role}: {where}, which no interval can hold: mend it or leave it out of the file"
        raise CannotMeasure(msg)
    return found
