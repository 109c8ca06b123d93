"""Known populations from which `coverage` draws: for every kind of estimate a grid of sizes and true values."""

from __future__ import annotations

from functools import cache

from audit.stats import Census
from benchmarks.populations import hard, spanning
from benchmarks.populations.areas import area_differences, areas, paired_areas
from benchmarks.populations.case import Case
from benchmarks.populations.combined import average_differences, weighted_means, weighted_shares
from benchmarks.populations.distances import calibrations, discrepancies, distances, indices
from benchmarks.populations.jackknives import jackknives
from benchmarks.populations.lines import coefficients, departures
from benchmarks.populations.losses import means, paired_means, quantiles
from benchmarks.populations.numbers import explained, mean_differences, mean_ratios, roots
from benchmarks.populations.over_time import betting_means, chosen_differences
from benchmarks.populations.precisions import average_precisions, class_means, paired_precisions
from benchmarks.populations.shares import differences, paired, proportions, ratios
from benchmarks.populations.smooth import smooth_errors
from benchmarks.populations.squares import squared_distances
from benchmarks.populations.tables import paired_tables, tables
from benchmarks.populations.widening import amplifications, gap_changes
from benchmarks.trials import Limit

__all__ = ["Case", "by_kind"]


@cache
def by_kind() -> dict[str, list[Case]]:
    """Every case by the kind of its estimate."""
    return {
        "Proportion": [*proportions(), *hard.uneven_shares()],
        "Difference": [*differences(), *spanning.differences()],
        "Ratio": [*ratios(), *spanning.ratios()],
        "AverageDifference": [*average_differences(), *spanning.average_differences()],
        "WeightedShare": [*weighted_shares(), *hard.informative_shares()],
        "WeightedMean": [*weighted_means(), *hard.informative_means()],
        "BettingMean": betting_means(),
        "ChosenDifference": chosen_differences(),
        "PairedDifference": paired(),
        "GapChange": gap_changes(),
        "Amplification": amplifications(),
        "Auc": [*areas(), *hard.uneven_areas()],
        "AucDifference": area_differences(),
        "PairedAuc": paired_areas(),
        "AveragePrecision": [*average_precisions(), *hard.uneven_precisions()],
        "PairedPrecision": paired_precisions(),
        "ClassMean": class_means(),
        "GroupJackknife": jackknives(),
        "Confusion": [*tables(), *hard.rare_classes()],
        "PairedConfusion": [*paired_tables(), *hard.rare_pairs()],
        "Mean": [*means(), *hard.skewed_means(), *hard.uneven_means()],
        "ProbabilityLoss": hard.catastrophic_losses(),
        "PairedProbabilityLoss": hard.catastrophic_pairs(),
        "PairedMean": paired_means(),
        "MeanDifference": [*mean_differences(), *spanning.weighted()],
        "MeanRatio": mean_ratios(),
        "Explained": explained(),
        "RootMeanSquare": [*roots(), *hard.heavy_roots()],
        "Quantile": quantiles(),
        "CalibrationError": calibrations(),
        "Coefficient": coefficients(),
        "Departure": departures(),
        "SquaredDistance": squared_distances(),
        "SmoothCalibrationError": smooth_errors(),
        "KolmogorovSmirnov": distances(),
        "StabilityIndex": indices(),
        "MeanDiscrepancy": discrepancies(),
        "Census": [Case("Census, 500 rows", "3", lambda _, trials: ((Census(3, 500), 3.0) for _ in range(trials)), Limit(0), Limit(0), 50)],
    }
