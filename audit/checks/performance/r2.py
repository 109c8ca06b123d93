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

from audit.check import Check, NoParams
from audit.checks.performance._regression import compared, error_evidence
from audit.evidence import Evidence, Member, Unmeasured
from audit.metrics.comparison import models_in_words
from audit.metrics.groups import part
from audit.metrics.losses import carried_by_few, residuals
from audit.stats import Explained, MeanRatio
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.stats import Estimate
    from audit.subject import Subject

UNIT = "R²"


def measure(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """R² of each slice."""
    target, predicted, clusters = subject.target(), subject.predicted_values(), subject.clusters()
    members, unmeasured = _members(subject, lambda rows: Explained.of(target[rows], predicted[rows], part(clusters, rows)))
    found = error_evidence(subject, members, UNIT, unmeasured=unmeasured, notes=carried_by_few(target - predicted))
    return replace(found, examples=())  # the rows that are farthest off stand beside the errors


def compare(subject: Subject, _params: NoParams, _rng: Generator) -> Evidence:
    """Difference of the R² in each slice: less squared error than the comparator's, over the variance."""
    target, clusters = subject.target(), subject.clusters()
    first, second = (np.square(residuals(side)) for side in (subject, subject.for_comparator))

    def estimate(rows: NDArray[np.bool_]) -> MeanRatio:
        spread = np.square(target[rows] - target[rows].mean())
        return MeanRatio.of(second[rows] - first[rows], spread, part(clusters, rows))

    members, unmeasured = _members(subject, estimate)
    variance = float(target.var())
    said = [models_in_words(subject, UNIT, *(1 - float(one.mean()) / variance for one in (first, second)))] if variance > 0 else []
    return compared(subject, members, UNIT, unmeasured=unmeasured, notes=(*said, *carried_by_few(residuals(subject))))


def _members(subject: Subject, estimate: Callable[[NDArray[np.bool_]], Estimate]) -> tuple[list[Member], list[Unmeasured]]:
    """Each slice's estimate; one whose true numbers are all alike has nothing to explain."""
    target = subject.target()
    members, unmeasured = [], []
    for name, rows in subject.slices():
        if target[rows].min() == target[rows].max():
            unmeasured.append(Unmeasured(name, "its true numbers are all alike, so there is nothing to explain: add rows to this slice"))
        else:
            members.append(Member(name, estimate(rows)))
    return members, unmeasured


CHECK = Check(
    measure=measure,
    compare=compare,
    question="How much of the variation of the true values does it explain?",
    remedy="Look for what its features do not tell of the rows that are farthest off; add features or rows, and fit the model anew.",
    measures="skill",
    characteristics=("valid_reliable",),
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="higher",
    unit=UNIT,
    needs=frozenset({"targets", "values"}),
    by="slices",
    tasks=REGRESSION,
    lowest=-math.inf,
)
