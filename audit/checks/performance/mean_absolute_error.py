"""Mean absolute error: how far the predicted number is from the true one, on average.

Purpose      Show in the target's own unit how far off the model usually is.
Risk         High: whoever plans by the number plans by a wrong one.
Limitations  Weighs an error of ten as ten errors of one; where large errors hurt more, read the root mean squared error. Has no
             natural bound: compare it with the error of always giving the mean, which `audit validate` does.
Reference    As `sklearn.metrics.mean_absolute_error`; Willmott & Matsuura, Climate Research 2005; interval of Hall, JRSS B 1992.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from audit.check import Check, NoParams
from audit.metrics.regression import compare_losses, mean_losses
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence
    from audit.subject import Subject

UNIT = "mean absolute error"


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Mean absolute error of each slice."""
    return mean_losses(subject, np.abs, UNIT)


def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Difference of the mean absolute errors in each slice."""
    return compare_losses(subject, np.abs, UNIT)


CHECK = Check(
    measure=measure,
    compare=compare,
    question="How far off are its numbers, on average?",
    remedy="Look at the rows that are farthest off in the worst slice; mend their values or add rows like them, and fit the model anew.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="lower",
    unit=UNIT,
    needs=frozenset({"targets", "values"}),
    by="slices",
    tasks=REGRESSION,
    highest=math.inf,
)
