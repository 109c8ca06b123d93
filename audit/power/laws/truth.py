"""Which true value an estimate makes likely, and how good one can be."""

from __future__ import annotations

import math
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.power.laws.end_probabilities import ONE_SIGMA, drawn_errors, typical
from audit.stats.amplification import Amplification, GapChange
from audit.stats.auc import Auc
from audit.stats.average_precision import AveragePrecision
from audit.stats.brier import SquaredDistance
from audit.stats.calibration import CalibrationError
from audit.stats.census import Census
from audit.stats.class_mean import ClassMean
from audit.stats.confusion import Confusion
from audit.stats.distance import KolmogorovSmirnov, MeanDiscrepancy, StabilityIndex
from audit.stats.mean import Mean
from audit.stats.mean_ratio import Explained
from audit.stats.mover import AverageDifference
from audit.stats.probability_loss import ProbabilityLoss
from audit.stats.proportion import Difference, Proportion, Ratio
from audit.stats.recalibration import Departure
from audit.stats.root_mean_square import RootMeanSquare
from audit.stats.scores import least
from audit.stats.smooth_calibration import SmoothCalibrationError

if TYPE_CHECKING:
    from audit.power.laws.decision_rule import Asked

MEAN_SUPREMUM = 0.8687
"""Mean of Kolmogorov's law: what chance alone makes of the distance of two samples, over the root of 1/n + 1/m."""
FAR = 100
"""Standard errors, where a value has no best."""


@singledispatch
def likely(estimate: Any) -> float:
    """The value; of a distance, which chance alone makes larger than it is, less what chance adds."""
    return float(estimate.value)


@likely.register
def _(estimate: CalibrationError) -> float:
    return without(estimate.value, float(np.mean(drawn_errors(estimate, 0.0))))


@likely.register
def _(estimate: KolmogorovSmirnov) -> float:
    return without(estimate.statistic, MEAN_SUPREMUM * math.sqrt(1 / estimate.reference + 1 / estimate.current))


@likely.register
def _(estimate: StabilityIndex) -> float:
    return max(0.0, estimate.index - (estimate.bins - 1) * (1 / estimate.reference + 1 / estimate.current))


@likely.register
def _(estimate: Departure) -> float:
    return without(estimate.value, estimate.coefficient.error)


def without(seen: float, chance: float) -> float:
    """Distance and chance add up like the sides of a right triangle, nearly."""
    return math.sqrt(max(0.0, seen**2 - chance**2))


def best(estimate: Any, asked: Asked, *, gap: bool) -> float:
    """The value farthest on the bound's good side: none for a distance or a gap between groups, 1 for a share or their ratio."""
    if isinstance(estimate, Ratio) and not gap and asked.floor:
        return 1 / max(1e-9, (estimate.first.hits + estimate.second.hits) / estimate.n)
    if gap or isinstance(estimate, AverageDifference):
        return 1.0 if asked.floor else 0.0
    lowest, highest = _range(estimate)
    edge = highest if asked.floor else lowest
    if edge is not None:
        return edge
    low, high = typical(estimate, asked.bound, 1.0, (ONE_SIGMA, ONE_SIGMA))
    spread = FAR * (high - low) if math.isfinite(high - low) else abs(asked.bound) + 1.0
    return asked.bound + (spread if asked.floor else -spread)


def _range(estimate: Any) -> tuple[float | None, float | None]:
    """Least and greatest value of the estimate's kind; None where there is none."""
    if isinstance(estimate, (Mean, ProbabilityLoss)):
        mean = estimate if isinstance(estimate, Mean) else estimate.mean
        return mean.low, mean.high
    if isinstance(estimate, (StabilityIndex, MeanDiscrepancy, Ratio, RootMeanSquare, Census, Departure)):
        return 0.0, None
    if isinstance(estimate, ClassMean):
        return _range(estimate.parts[0])
    if isinstance(
        estimate, (Proportion, Auc, AveragePrecision, CalibrationError, KolmogorovSmirnov, SquaredDistance, SmoothCalibrationError)
    ):
        return 0.0, 1.0
    if isinstance(estimate, Confusion):
        return least(estimate.metric), 1.0
    return _signed_range(estimate)


def _signed_range(estimate: Any) -> tuple[float | None, float | None]:
    """Of a difference."""
    if isinstance(estimate, (Amplification, GapChange)):
        return -2.0, 1.0 if isinstance(estimate, Amplification) else 2.0
    signed = isinstance(estimate, Difference) or type(estimate).__name__ in SIGNED
    return (-1.0, 1.0) if signed else (None, 1.0 if isinstance(estimate, Explained) else None)


SIGNED = {"PairedDifference", "PairedAuc", "PairedConfusion", "PairedPrecision", "AucDifference"}
"""Differences of two values between 0 and 1."""
