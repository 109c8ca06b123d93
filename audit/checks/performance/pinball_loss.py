"""Pinball loss: how good a predicted quantile is, errors above and below it weighing as the quantile asks.

Purpose      Judge a model that is meant to be too low, or too high, in a stated share of rows: a delivery time that holds 9 times in 10.
Risk         High: stocks, staff or reserves planned by the quantile run out, or lie idle, more often than planned.
Limitations  In the target's unit and without a natural bound. A low loss does not show that the quantile holds as often as it says
             in each slice.
Reference    As `sklearn.metrics.mean_pinball_loss`; Koenker & Bassett, Econometrica 1978; interval of Hall, JRSS B 1992.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from audit.check import Check, Params
from audit.metrics.regression import compare_losses, mean_losses
from audit.tasks import REGRESSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.evidence import Evidence
    from audit.subject import Subject

UNIT = "pinball loss"


class PinballParams(Params):
    """Which quantile the numbers are meant to be."""

    alpha: float = Field(0.5, gt=0, lt=1, description="share of rows whose true number lies at or below a right prediction")


def measure(subject: Subject, params: PinballParams, _rng: Generator) -> Evidence:
    """Pinball loss of each slice."""
    return mean_losses(subject, _loss(params.alpha), UNIT)


def compare(subject: Subject, params: PinballParams, _rng: Generator) -> Evidence:
    """Difference of the pinball losses in each slice."""
    return compare_losses(subject, _loss(params.alpha), UNIT)


def _loss(alpha: float) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Of true minus predicted: a prediction that is too low costs `alpha`, one too high the rest."""
    return lambda apart: np.maximum(alpha * apart, (alpha - 1) * apart)


CHECK = Check(
    measure=measure,
    compare=compare,
    question="Is the quantile that it gives a good one?",
    remedy="Count how often the true number lies above it in the worst slice; fit the quantile anew on rows like these.",
    rmf=("MEASURE 2.3", "MEASURE 2.5"),
    better="lower",
    unit=UNIT,
    needs=frozenset({"targets", "values"}),
    params=PinballParams,
    by="slices",
    tasks=REGRESSION,
    highest=math.inf,
)
