"""Ranks and what is made of them agree with `scipy.stats`."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom, rankdata

from audit.checks.calibration._stated_probabilities import _binomial_quantile
from audit.stats.auc import components
from audit.stats.ranks import mid_ranks


@pytest.mark.parametrize("different", [1, 3, 40, 10_000])
def test_equal_values_share_the_mean_of_their_ranks(different: int) -> None:
    values = np.random.default_rng(different).integers(0, different, 500) / 7
    assert mid_ranks(values).tolist() == rankdata(values).tolist()


def test_without_values_there_are_no_ranks() -> None:
    assert mid_ranks(np.array([])).tolist() == []


def test_a_value_that_is_no_number_leaves_no_ranks() -> None:
    assert np.isnan(mid_ranks(np.array([0.3, np.nan, 0.1]))).all()


@pytest.mark.parametrize("different", [2, 9, 10_000])
def test_components_are_those_of_three_rankings(different: int) -> None:
    """Ranks among all rows less ranks within the class (Sun & Xu 2014)."""
    rng = np.random.default_rng(different)
    score, positive = rng.integers(0, different, 700) / 3, rng.random(700) < 0.3
    m, n, together = positive.sum(), (~positive).sum(), rankdata(score)
    expected = np.empty(700)
    expected[positive] = (together[positive] - rankdata(score[positive])) / n
    expected[~positive] = 1 - (together[~positive] - rankdata(score[~positive])) / m
    area, found = components(positive, score)
    assert area == (together[positive].sum() - m * (m + 1) / 2) / (m * n)
    assert found.tolist() == expected.tolist()


@pytest.mark.parametrize("rows", [1, 2, 37, 5000, 66_667, 66_666_667])
@pytest.mark.parametrize("share", [0.0, 1e-9, 0.01, 0.5, 0.97, 1 - 1e-9, 1.0])
@pytest.mark.parametrize("level", [0.025, 0.975])
def test_the_band_of_a_calibrated_model_is_the_quantile_of_a_binomial(rows: int, share: float, level: float) -> None:
    assert _binomial_quantile(level, rows, share) == binom.ppf(level, rows, share)
