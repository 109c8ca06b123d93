"""Pinball loss: how good a predicted quantile is, errors above and below it weighing as the quantile asks.

Purpose      Judge a model that is meant to be too low, or too high, in a stated share of rows: a delivery time that holds 9 times in 10.
Risk         High: stocks, staff or reserves planned by the quantile run out, or lie idle, more often than planned.
Limitations  In the target's unit and without a natural bound. A low loss does not show that the quantile holds as often as it says
             in each slice.
Reference    As `sklearn.metrics.mean_pinball_loss`; Koenker & Bassett, Econometrica 1978; interval of Hall, JRSS B 1992.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.checks.performance._losses import mean_loss_check

if TYPE_CHECKING:
    from audit.checks.performance._losses import Loss


class PinballParams(Params):
    """Which quantile the numbers are meant to be."""

    alpha: float = Field(0.5, gt=0, lt=1, description="share of rows whose true number lies at or below a right prediction")


def _loss(params: PinballParams) -> Loss:
    """Of true minus predicted: a prediction that is too low costs `alpha`, one too high the rest."""
    return lambda apart: np.maximum(params.alpha * apart, (params.alpha - 1) * apart)


CHECK = mean_loss_check(
    "pinball loss",
    _loss,
    question="Is its predicted quantile accurate?",
    remedy="Count how often the true number lies above it in the worst slice; fit the quantile anew on rows like these.",
    params=PinballParams,
)
