from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from audit.stats import GroupJackknife
from benchmarks import coverage
from benchmarks.populations.jackknives import jackknife, jackknives

if TYPE_CHECKING:
    from benchmarks.populations.case import Case

ALPHA = 0.025


def of_mean(values: list[float], seed: int = 0) -> GroupJackknife:
    column = np.array(values)
    return jackknife(column, lambda kept: float(kept.mean()), np.random.default_rng(seed))


def test_of_a_mean_of_twenty_rows_by_hand() -> None:
    """One row a group: the pseudo-values are the rows, their symmetric mean has the ends of Student's t."""
    values = [float(i) for i in range(20)]
    found = of_mean(values)
    half = float(t.ppf(1 - ALPHA, 19)) * np.std(values, ddof=1) / math.sqrt(20)
    assert found.value == 9.5
    assert found.bounds(ALPHA, ALPHA) == pytest.approx((9.5 - half, 9.5 + half))
    assert (found.n, found.support, found.pseudo.units) == (20, 20, 20)


@pytest.mark.parametrize(("rows", "groups"), [(20, 20), (100, 25), (2500, 50), (40_000, 100)])
def test_groups_grow_with_the_rows(rows: int, groups: int) -> None:
    assert of_mean(list(np.random.default_rng(0).normal(size=rows))).pseudo.units == groups


@given(st.lists(st.floats(-100, 100).map(lambda x: round(x, 3)), min_size=3, max_size=60), st.floats(-5, 5))
def test_moving_and_turning_the_sample_moves_and_turns_the_ends(values: list[float], shift: float) -> None:
    found, other = of_mean(values), of_mean([shift - one for one in values])
    low, high = found.bounds(0.025, 0.01)
    assert low <= found.value <= high
    assert other.bounds(0.01, 0.025) == pytest.approx((shift - high, shift - low), abs=1e-6)


@pytest.mark.parametrize("case", jackknives(), ids=lambda case: case.name)
def test_each_end_errs_no_more_than_promised(case: Case) -> None:
    assert coverage.simulated(case, fast=True).holds


def test_entities_are_left_out_whole() -> None:
    column = np.random.default_rng(1).normal(size=300)
    alone, four = (
        jackknife(part, lambda kept: float(kept.mean()), np.random.default_rng(0), person)
        for part, person in ((column, None), (np.tile(column, 4), np.tile(np.arange(300), 4)))
    )
    assert four.support == alone.support
    assert four.bounds(ALPHA, ALPHA) == pytest.approx(alone.bounds(ALPHA, ALPHA))
    assert four.method.endswith("300 effective entities")


def test_a_function_that_never_moves_proves_nothing() -> None:
    found = GroupJackknife.of(lambda _: 0.9, 500, np.random.default_rng(0))
    assert found.value == 0.9
    assert found.bounds(ALPHA, ALPHA) == (-math.inf, math.inf)


def test_too_few_rows_are_refused_or_bar_a_pass() -> None:
    with pytest.raises(ValueError, match="at least two"):
        of_mean([1.0])
    assert of_mean([float(i) for i in range(50)]).min_support == 200
