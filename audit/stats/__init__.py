"""Estimates: one number each, with the sufficient statistic behind it and bounds at any level."""

from audit.stats.auc import Auc
from audit.stats.average_precision import AveragePrecision
from audit.stats.brier import SquaredDistance
from audit.stats.calibration import CalibrationError
from audit.stats.census import Census
from audit.stats.class_mean import ClassMean
from audit.stats.compound_differences import Amplification, AverageDifference, GapChange
from audit.stats.confusion import Confusion
from audit.stats.distance import KolmogorovSmirnov, MeanDiscrepancy, StabilityIndex
from audit.stats.interface import Estimate
from audit.stats.jackknife import GroupJackknife
from audit.stats.mean import Mean, RootMeanSquare
from audit.stats.mean_differences import MeanDifference, PairedMean
from audit.stats.mean_ratio import Explained, MeanRatio
from audit.stats.paired import PairedDifference
from audit.stats.paired_confusion import PairedConfusion
from audit.stats.probability_loss import PairedProbabilityLoss, ProbabilityLoss, UnseenErrors
from audit.stats.proportion import Difference, Proportion, Ratio
from audit.stats.quantile import Quantile
from audit.stats.ranking_differences import AucDifference, PairedAuc, PairedPrecision
from audit.stats.recalibration import Coefficient, Departure
from audit.stats.smooth_calibration import SmoothCalibrationError
from audit.stats.weighted import WeightedMean, WeightedShare

__all__ = [
    "Amplification",
    "Auc",
    "AucDifference",
    "AverageDifference",
    "AveragePrecision",
    "CalibrationError",
    "Census",
    "ClassMean",
    "Coefficient",
    "Confusion",
    "Departure",
    "Difference",
    "Estimate",
    "Explained",
    "GapChange",
    "GroupJackknife",
    "KolmogorovSmirnov",
    "Mean",
    "MeanDifference",
    "MeanDiscrepancy",
    "MeanRatio",
    "PairedAuc",
    "PairedConfusion",
    "PairedDifference",
    "PairedMean",
    "PairedPrecision",
    "PairedProbabilityLoss",
    "ProbabilityLoss",
    "Proportion",
    "Quantile",
    "Ratio",
    "RootMeanSquare",
    "SmoothCalibrationError",
    "SquaredDistance",
    "StabilityIndex",
    "UnseenErrors",
    "WeightedMean",
    "WeightedShare",
]
