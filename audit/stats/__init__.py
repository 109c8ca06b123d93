"""Estimates: one number each, with the sufficient statistic behind it and bounds at any level."""

from audit.stats.auc import Auc
from audit.stats.calibration import CalibrationError
from audit.stats.census import Census
from audit.stats.confusion import Confusion
from audit.stats.distance import KolmogorovSmirnov, MeanDiscrepancy, StabilityIndex
from audit.stats.interface import Estimate
from audit.stats.mean import Mean
from audit.stats.paired import PairedDifference
from audit.stats.proportion import Difference, Proportion, Ratio

__all__ = [
    "Auc",
    "CalibrationError",
    "Census",
    "Confusion",
    "Difference",
    "Estimate",
    "KolmogorovSmirnov",
    "Mean",
    "MeanDiscrepancy",
    "PairedDifference",
    "Proportion",
    "Ratio",
    "StabilityIndex",
]
