"""Error difference: how much farther off a regression model is for one group than for another.

Purpose      Show whether numbers are as good for every group of people, in the target's own unit.
Risk         Well above 0: prices, limits or times of some group are set by worse numbers; a difference of the mean error, which has a
             sign, shows that one group is put too high or too low against another.
Limitations  A group whose true numbers spread more is harder to predict, and shows larger errors without any fault of the model: read
             R² by group beside it. Says nothing of who gets the higher numbers; fairness/mean_difference does.
Reference    Agarwal, Dudík & Wu, Fair regression, ICML 2019; Calders et al., ICDM 2013 (mean error); named as fairlearn names
             differences; interval of Zou & Donner, Statistics in Medicine 2008, on the ends of Hall, JRSS B 1992.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.checks.fairness import gap_check
from audit.checks.fairness._groups import compare_groups, context_members, gaps, widenings
from audit.checks.fairness._means import PairedAverage, difference, mean, paired_mean
from audit.errors import CannotMeasure
from audit.metrics.losses import carried_by_few, residuals
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Evidence
    from audit.subject import Subject


class ErrorParams(Params):
    """Which error is compared."""

    metric: Literal["mean_absolute_error", "root_mean_squared_error", "mean_error"] = Field(
        "mean_absolute_error",
        description="mean_absolute_error; root_mean_squared_error, in which large errors weigh more; mean_error: predicted minus true, with"
        " its sign",
    )


def measure(subject: Subject, params: ErrorParams, _rng: Generator) -> Evidence:
    """Difference of the groups' errors, on every ordered pair of groups."""
    root, unit = params.metric == "root_mean_squared_error", params.metric.replace("_", " ")
    apart = -residuals(subject)
    error = mean(np.abs(apart), low=0.0) if params.metric == "mean_absolute_error" else mean(apart, root=root)
    found = gaps(subject, compare_groups(subject, [error]), difference, context_members, f"{unit} difference")
    return replace(found, context_unit=unit, notes=(*found.notes, *(carried_by_few(apart) if root else ())))


def compare(subject: Subject, params: ErrorParams, _rng: Generator) -> Evidence:
    """By how much the gap between the errors of each two groups is wider than the comparator's."""
    if params.metric == "root_mean_squared_error":
        msg = "the root mean squared errors of two models in two groups have no paired interval here: compare mean_absolute_error"
        raise CannotMeasure(msg)
    now, then = (-residuals(one) for one in (subject, subject.for_comparator))
    if params.metric == "mean_absolute_error":
        now, then = np.abs(now), np.abs(then)
    return widenings(subject, [paired_mean(now, then)], PairedAverage.widening)


CHECK = gap_check(
    measure=measure,
    compare=compare,
    question="Are its errors equally large for every group?",
    remedy="Look at the group's rows that are farthest off; add rows or features that tell them apart, and fit the model anew.",
    unit="error difference",
    needs=frozenset({"targets", "values"}),
    params=ErrorParams,
    tasks=REGRESSION,
    highest=math.inf,
)
