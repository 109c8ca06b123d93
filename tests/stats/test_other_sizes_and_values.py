"""Estimates on more rows and at other values: what each kind says of itself."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.stats import ks_2samp

from audit.stats import (
    Amplification,
    Auc,
    AverageDifference,
    AveragePrecision,
    BinnedDistance,
    CalibrationError,
    Census,
    ClassMean,
    Departure,
    Difference,
    Explained,
    GapChange,
    GroupJackknife,
    KolmogorovSmirnov,
    Mean,
    MeanDifference,
    PairedAuc,
    PairedDifference,
    PairedMean,
    PairedProbabilityLoss,
    ProbabilityLoss,
    Proportion,
    Ratio,
    RootMeanSquare,
    SmoothCalibrationError,
    StabilityIndex,
    WeightedMean,
    WeightedShare,
)
from audit.stats.brier import decompose
from audit.stats.distribution_distance import cramer_von_mises
from audit.stats.interface import bias_corrected, expected_value, subtract_noise, value_range, with_sample_size, with_value
from audit.stats.probability_loss import RowLosses
from audit.stats.recalibration import line

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.stats import Estimate

ROWS = 800


def losses(said: NDArray[np.float64], hit: NDArray[np.bool_]) -> RowLosses:
    """Log losses of two classes, the second stated with the chances `said`."""
    likelier = np.where(hit, said, 1 - said)
    confidence = np.maximum(said, 1 - said)
    return RowLosses(-np.log(likelier), -np.log(confidence), -np.log1p(-confidence), confidence, likelier < 1 / 2)


@cache
def estimates() -> dict[str, Estimate]:
    rng = np.random.default_rng(1)
    said = rng.beta(2, 2, ROWS)
    hit = rng.random(ROWS) < said**0.7 / (said**0.7 + (1 - said) ** 0.7)
    values, weights = rng.exponential(size=ROWS), rng.uniform(0.5, 2, ROWS)
    target = rng.normal(size=ROWS)
    gap = Difference(Proportion(200, 400), Proportion(160, 400))
    paired = PairedDifference(300, 60, 40, 200), PairedDifference(320, 50, 40, 190)
    found: list[Any] = [
        Proportion(600, ROWS),
        gap,
        Ratio(gap.first, gap.second),
        AverageDifference(gap, Difference(Proportion(100, 400), Proportion(120, 400))),
        Mean.of(values, low=0.0),
        MeanDifference(Mean.of(values[:400]), Mean.of(values[400:])),
        RootMeanSquare.of(target),
        Explained.of(target, target + rng.normal(scale=0.4, size=ROWS)),
        WeightedShare.of(hit, weights),
        WeightedMean.of(values, weights),
        PairedMean.of(values, values[::-1]),
        KolmogorovSmirnov(0.2, 400, 400),
        StabilityIndex(0.2, 10, 400, 400),
        BinnedDistance("hellinger", 0.04, 0.08, 10, 400, 400),
        cramer_von_mises(target[:400], target[400:] + 0.5, (400, 400)),
        Auc.of(hit, said),
        AveragePrecision.of(hit, said),
        ClassMean((Auc.of(hit, said), Auc.of(hit, said + rng.normal(scale=0.2, size=ROWS))), ((1.0, 0.4), (0.4, 1.0))),
        GroupJackknife.of(lambda rows: float(values[rows].mean()), ROWS, rng),
        decompose(said, hit).reliability,
        Departure(line(said, hit).slope, 1.0),
        CalibrationError.of(said, hit, rng),
        SmoothCalibrationError.of(said, hit),
        *paired,
        GapChange(*paired),
        Amplification(GapChange(*paired), GapChange(paired[0], paired[1])),
        ProbabilityLoss.of(losses(said, hit), high=20.0),
        PairedProbabilityLoss.of(losses(said, hit), losses(said**2, hit), high=20.0),
        Census(3, ROWS),
    ]
    return {f"{type(one).__name__}{i}": one for i, one in enumerate(found)}


OTHERWISE = {"Census", "PairedProbabilityLoss"}
"""A count has no sampling error; ends of unseen errors keep their distance where stated chances of being wrong are off."""
NAMES = list(estimates())


def width(estimate: Estimate) -> float:
    low, high = estimate.bounds(0.16, 0.16)
    return high - low


@pytest.mark.parametrize("name", [name for name in NAMES if name.rstrip("0123456789") not in OTHERWISE])
def test_four_times_the_rows_halve_the_interval(name: str) -> None:
    estimate = estimates()[name]
    more = with_sample_size(estimate, 4.0)
    assert (more.n, type(more)) == (4 * estimate.n, type(estimate))
    if bias_corrected(estimate) == estimate.value:  # else chance makes less of it
        assert more.value == pytest.approx(estimate.value, abs=0.002)
    assert width(more) == pytest.approx(width(estimate) / 2, rel=0.2)
    same = with_sample_size(estimate, 1.0)
    assert same.bounds(0.025, 0.025) == pytest.approx(estimate.bounds(0.025, 0.025), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_at_another_value_the_rows_stay(name: str) -> None:
    estimate = estimates()[name]
    low, high = value_range(estimate)
    assert low <= estimate.value <= high
    value = estimate.value + 0.04 * (1 if high > 1 or estimate.value < 0.5 else -1)
    moved = with_value(estimate, value)
    if moved is None:
        return  # which kinds these are is pinned below
    assert (moved.n, moved.support, type(moved)) == (estimate.n, estimate.support, type(estimate))
    assert moved.value == pytest.approx(value, abs=0.004)
    ends = moved.bounds(0.16, 0.16)
    assert ends[0] <= moved.value <= ends[1]


def test_which_kinds_know_themselves_at_another_value() -> None:
    unknown = {name.rstrip("0123456789") for name in NAMES if with_value(estimates()[name], 0.3) is None}
    assert unknown == {
        "Amplification",
        "Explained",
        "GapChange",
        "MeanDifference",
        "PairedDifference",
        "PairedProbabilityLoss",
        "WeightedMean",
        "WeightedShare",
    }


@pytest.mark.parametrize("name", NAMES)
def test_the_value_expected_at_a_truth_makes_that_truth_likely(name: str) -> None:
    estimate = estimates()[name]
    assert expected_value(estimate, 0.3) >= 0.3
    moved = with_value(estimate, expected_value(estimate, 0.3))
    if moved is not None:
        assert bias_corrected(moved) == pytest.approx(0.3, abs=0.015)


def test_chance_alone_makes_a_distance_of_samples_of_one_law() -> None:
    """The mean over drawn samples, and what is left of it: nearly nothing."""
    rng = np.random.default_rng(2)
    seen = [float(ks_2samp(rng.normal(size=300), rng.normal(size=300), method="asymp").statistic) for _ in range(300)]
    assert expected_value(KolmogorovSmirnov(0.1, 300, 300), 0.0) == pytest.approx(np.mean(seen), rel=0.06)
    made = []
    for _ in range(100):
        said = rng.random(500)
        made.append(CalibrationError.of(said, rng.random(500) < said, rng))
    assert expected_value(made[0], 0.0) == pytest.approx(np.mean([one.value for one in made]), rel=0.06)
    assert np.median([one.bias_corrected for one in made]) < 0.02
    assert subtract_noise(0.05, 0.03) == pytest.approx(0.04)
    assert subtract_noise(0.03, 0.05) == 0


def test_rounding_one_count_keeps_at_least_one_row() -> None:
    assert with_sample_size(Proportion(1, 3), 0.1).n == 1
    assert with_sample_size(PairedDifference(0, 1, 0, 0), 0.1).n == 1
    clustered = PairedDifference(10, 5, 3, 2, entities=5, design_effect=2.0)
    assert with_sample_size(clustered, 2.0) == PairedDifference(20, 10, 6, 4, entities=10, design_effect=2.0)
    assert with_sample_size(replace(clustered, effective_entities=4.5), 2.0).support == 9.0


def test_a_mean_of_classes_that_compares_two_models_cannot_tell() -> None:
    rng = np.random.default_rng(3)
    hit, said = rng.random(200) < 0.5, rng.random((2, 200))
    compared = PairedAuc.of(hit, said[0], said[1])
    mean = ClassMean((compared, compared), ((1.0, 0.0), (0.0, 1.0)))
    assert with_value(mean, 0.1) is None
    assert with_sample_size(mean, 2.0) is mean
    assert value_range(mean) == (-1.0, 1.0)


def test_the_range_of_a_mean_is_that_of_its_values() -> None:
    assert value_range(Mean(0.5, 1.0, 0.0, 50, 50)) == (-math.inf, math.inf)
    assert value_range(Mean(0.5, 1.0, 0.0, 50, 50, 0.0, 2.0)) == (0.0, 2.0)


def test_independent_rows_stay_independent() -> None:
    """Three quarters of 285 rows are 214: as many units as rows, or the interval would be that of entities."""
    skewed = Mean(0.1, 0.46, 7.15, 285.0, 285, 0.0, 36.0)
    fewer = with_sample_size(skewed, 0.75)
    assert fewer.support == fewer.n == 214
    assert fewer.bounds(0.025, 0.025)[1] == pytest.approx(Mean(0.1, 0.46, 7.15, 214, 214, 0.0, 36.0).bounds(0.025, 0.025)[1])
    assert with_sample_size(Mean(0.1, 0.46, 0.0, 100.0, 285, 0.0, 36.0), 0.5).support == 50.0


@pytest.mark.parametrize("name", sorted(estimates()))
def test_a_tenth_of_the_rows(name: str) -> None:
    """Fewer rows than hits were seen among are no contradiction on the way; a census stays what it is."""
    estimate = estimates()[name]
    fewer = with_sample_size(estimate, 0.1)
    assert fewer.n == (estimate.n if fewer is estimate else pytest.approx(estimate.n / 10, abs=2))
