"""Root mean squared error: how far the predicted number is from the true one, large errors weighing more.

Purpose      Show in the target's own unit how far off the model is, as its own fit by least squares measured it.
Risk         High: now and then it is far off, or always somewhat; read it next to the mean absolute error to tell which.
Limitations  A few rows may carry it; where 1 % of the rows make up most of it the report says so, for then the interval errs more
             often than it should: of errors like Student's t with 5 degrees of freedom, 500 rows, its upper end in 5 % of audits.
Reference    As `sklearn.metrics.root_mean_squared_error`; Chai & Draxler, Geoscientific Model Development 2014; interval of Hall,
             JRSS B 1992; of a difference, Zou, Psychological Methods 2007.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from audit.checks.performance import skill_check
from audit.checks.performance._losses import compared, error_evidence
from audit.metrics.comparison import models_in_words
from audit.metrics.groups import slice_members
from audit.metrics.losses import carried_by_few, residuals
from audit.stats import MeanDifference, RootMeanSquare
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.check import NoParams
    from audit.evidence import Evidence
    from audit.subject import Subject

UNIT = "root mean squared error"


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Root mean squared error of each slice."""
    apart = residuals(subject)
    members = slice_members(subject, lambda rows, entities: RootMeanSquare.of(apart[rows], entities))
    return error_evidence(subject, members, UNIT, notes=carried_by_few(apart))


def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Difference of the root mean squared errors in each slice."""
    first, second = residuals(subject), residuals(subject.for_comparator)
    members = slice_members(subject, lambda rows, entities: MeanDifference.of_roots(first[rows], second[rows], entities))
    said = models_in_words(subject, UNIT, *(math.sqrt(float(np.mean(np.square(one)))) for one in (first, second)))
    return compared(subject, members, UNIT, notes=(said, *carried_by_few(first)))


CHECK = skill_check(
    measure=measure,
    compare=compare,
    question="How far off are its numbers, with large errors weighted more?",
    remedy="Look at the rows that are farthest off: mend their values where they are wrong, add rows like them where they are right.",
    better="lower",
    unit=UNIT,
    needs=frozenset({"targets", "values"}),
    tasks=REGRESSION,
    highest=math.inf,
)
