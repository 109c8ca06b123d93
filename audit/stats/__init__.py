"""Estimates: one number each, with the sufficient statistic behind it and bounds at any level."""

from audit.stats.auc import Auc
from audit.stats.average_precision import AveragePrecision
from audit.stats.betting import BettingMean
from audit.stats.brier import SquaredDistance
from audit.stats.calibration import CalibrationError
from audit.stats.change_points import ChosenDifference
from audit.stats.confusion import Confusion, PairedConfusion
from audit.stats.distance import KolmogorovSmirnov, MeanDiscrepancy, StabilityIndex
from audit.stats.distribution_distance import BinnedDistance, NormDistance
from audit.stats.expected_score import ExpectedLoss, ExpectedScore
from audit.stats.interface import Census, Estimate
from audit.stats.mean import Mean, RootMeanSquare
from audit.stats.mean_comparisons import Explained, MeanDifference, MeanRatio, PairedMean
from audit.stats.nonparametric import GroupJackknife, Quantile
from audit.stats.paired import Amplification, AverageDifference, AverageGapChange, GapChange, PairedDifference
from audit.stats.probability_loss import PairedProbabilityLoss, ProbabilityLoss, UnseenErrors
from audit.stats.proportion import Difference, Proportion, Ratio
from audit.stats.ranking_differences import AucDifference, ClassMean, PairedAuc, PairedPrecision
from audit.stats.recalibration import Coefficient, Departure
from audit.stats.sampled_count import SampledCount
from audit.stats.sketched import Sketched
from audit.stats.smooth_calibration import SmoothCalibrationError
from audit.stats.weighted import WeightedMean, WeightedShare

__all__ = [
    "Amplification",
    "Auc",
    "AucDifference",
    "AverageDifference",
    "AverageGapChange",
    "AveragePrecision",
    "BettingMean",
    "BinnedDistance",
    "CalibrationError",
    "Census",
    "ChosenDifference",
    "ClassMean",
    "Coefficient",
    "Confusion",
    "Departure",
    "Difference",
    "Estimate",
    "ExpectedLoss",
    "ExpectedScore",
    "Explained",
    "GapChange",
    "GroupJackknife",
    "KolmogorovSmirnov",
    "Mean",
    "MeanDifference",
    "MeanDiscrepancy",
    "MeanRatio",
    "NormDistance",
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
    "SampledCount",
    "Sketched",
    "SmoothCalibrationError",
    "SquaredDistance",
    "StabilityIndex",
    "UnseenErrors",
    "WeightedMean",
    "WeightedShare",
]
