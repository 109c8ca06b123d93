"""Counts in a sample: exact bounds for all rows, or none where nothing bounds them."""

from __future__ import annotations

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from audit.stats import SampledCount
from audit.stats.stored import from_json, to_json


def test_by_hand() -> None:
    """2 of 6 rows, one of which counts: with 6 of 6 rows counting both would; with 5, P(X <= 1) = 1/3; with 1, P(X >= 1) = 1/3."""
    estimate = SampledCount(1, 2, 6, most=5, per_row=True)
    assert estimate.value == 3
    assert estimate.bounds(0.3, 0.3) == (1, 5)
    assert estimate.bounds(1 / 3, 1 / 3) == (2, 4)
    assert SampledCount(0, 2, 6, most=4, per_row=True).bounds(0.025, 0.025) == (0, 4)


def test_nothing_found_in_a_tenth() -> None:
    """The rule of three, less what sampling without replacement saves: 3 / 1,000 of 10,000 rows."""
    low, high = SampledCount(0, 1000, 10_000, most=9000, per_row=True).bounds(0.05, 0.05)
    assert low == 0
    assert hypergeom.cdf(0, 10_000, high, 1000) > 0.05 >= hypergeom.cdf(0, 10_000, high + 1, 1000)
    assert high == 28


def test_a_sample_of_all_rows_is_a_census() -> None:
    assert SampledCount(3, 10, 10, most=3, per_row=True).bounds(0.025, 0.025) == (3, 3)


def test_what_rows_alone_do_not_bound() -> None:
    """A count that is no sum over random rows is at least what was found, and at most what is left."""
    assert SampledCount(3, 10, 100, most=93).bounds(0.025, 0.025) == (3, 93)
    assert SampledCount(3, 10, 100).bounds(0.025, 0.025) == (3, math.inf)
    assert SampledCount(3, 10, 100).value == 3


@given(st.integers(1, 9), st.data())
def test_each_end_misses_with_at_most_its_level(rows: int, data: st.DataObject) -> None:
    """Over every sample of a population, counted out."""
    population = data.draw(st.integers(rows, 10))
    true = data.draw(st.integers(0, population))
    alpha = data.draw(st.sampled_from([0.025, 0.1, 0.3]))
    drawn = [sum(one < true for one in sample) for sample in combinations(range(population), rows)]
    ends = [SampledCount(count, rows, population, most=population - rows + count, per_row=True).bounds(alpha, alpha) for count in drawn]
    assert sum(low > true for low, _ in ends) <= alpha * len(ends)
    assert sum(high < true for _, high in ends) <= alpha * len(ends)
    assert all(count <= low <= high <= population - rows + count for count, (low, high) in zip(drawn, ends, strict=True))


@pytest.mark.parametrize("estimate", [SampledCount(1, 2, 6, 5, per_row=True), SampledCount(3, 10, 100)])
def test_it_is_stored_and_read_again(estimate: SampledCount) -> None:
    assert from_json(to_json(estimate)) == estimate
