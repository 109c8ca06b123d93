"""Coefficient of determination (R²): share of the true numbers' variance that the predictions explain.

Purpose      Show without a unit how much better the model is than always giving the mean of the very rows at hand.
Risk         Low: the numbers say little that their mean does not; below 0 the mean alone would be nearer.
Limitations  Depends on how widely the true numbers spread: the same errors give a lower value in a slice of alike rows. Read it
             next to an error in the target's unit. Its interval errs more often where few rows carry the squared error, as the
             report then says.
Reference    As `sklearn.metrics.r2_score`; Wright, Journal of Agricultural Research 1921; interval of Fieller, JRSS B 1954, with
             the skewness taken out as in Hall, JRSS B 1992.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from audit.checks.performance import skill_check
from audit.checks.performance._losses import compared, error_evidence
from audit.metrics.comparison import models_in_words
from audit.metrics.groups import measurable_slices
from audit.metrics.losses import carried_by_few, residuals
from audit.stats import Explained, MeanRatio
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

    from audit.check import NoParams
    from audit.evidence import Evidence, Member, Unmeasured
    from audit.metrics.groups import Entities, Rows
    from audit.stats import Estimate
    from audit.subject import Subject

UNIT = "R²"


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """R² of each slice."""
    target, predicted = subject.target(), subject.predicted_values()
    members, unmeasured = _members(subject, lambda rows, entities: Explained.of(target[rows], predicted[rows], entities))
    found = error_evidence(subject, members, UNIT, unmeasured=unmeasured, notes=carried_by_few(target - predicted))
    return replace(found, examples=())  # the rows that are farthest off stand beside the errors


def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Difference of the R² in each slice: less squared error than the comparator's, over the variance."""
    target = subject.target()
    first, second = (np.square(residuals(side)) for side in (subject, subject.for_comparator))

    def estimate(rows: Rows, entities: Entities) -> MeanRatio:
        spread = np.square(target[rows] - target[rows].mean())
        return MeanRatio.of(second[rows] - first[rows], spread, entities)

    members, unmeasured = _members(subject, estimate)
    variance = float(target.var())
    said = [models_in_words(subject, UNIT, *(1 - float(one.mean()) / variance for one in (first, second)))] if variance > 0 else []
    return compared(subject, members, UNIT, unmeasured=unmeasured, notes=(*said, *carried_by_few(residuals(subject))))


def _members(subject: Subject, estimate: Callable[[Rows, Entities], Estimate]) -> tuple[tuple[Member, ...], tuple[Unmeasured, ...]]:
    """Each slice's estimate; one whose true numbers are all alike has nothing to explain."""
    target, alike = subject.target(), "its true numbers are all alike, so there is nothing to explain: add rows to this slice"
    return measurable_slices(
        subject, lambda rows, entities: alike if target[rows].min() == target[rows].max() else estimate(rows, entities)
    )


CHECK = skill_check(
    measure=measure,
    compare=compare,
    question="How much of the variation of the true values does it explain?",
    remedy="Look for what its features do not tell of the rows that are farthest off; add features or rows, and fit the model anew.",
    unit=UNIT,
    needs=frozenset({"targets", "values"}),
    tasks=REGRESSION,
    lowest=-math.inf,
)
