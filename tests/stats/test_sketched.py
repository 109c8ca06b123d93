"""Estimates that sketches leave open: their ends, the least and the most of a divergence, and the distance of weighted values."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.stats import BinnedDistance, KolmogorovSmirnov, Proportion, StabilityIndex, stored
from audit.stats.distance import largest_distance as of_rows
from audit.stats.distribution_distance import Divergence
from audit.stats.sketched import Sketched, binned_distance, kolmogorov_smirnov, largest_distance, stability_index

SHARES = st.lists(st.integers(1, 500), min_size=3, max_size=3)


def test_a_worked_example() -> None:
    """0.10 with an error of 0.02 is 0.08 to 0.12: the interval reaches from the lower end of the one to the upper end of the other."""
    found = kolmogorov_smirnov(0.10, 0.02, (2000, 1000))
    assert isinstance(found, Sketched)
    assert [found.least.value, found.value, found.most.value] == pytest.approx([0.08, 0.10, 0.12])
    assert found.bounds(0.01, 0.05) == (found.least.bounds(0.01, 0.05)[0], found.most.bounds(0.01, 0.05)[1])
    assert (found.n, found.support) == (3000, 1000)
    assert stored.from_json(stored.to_json(found)) == found


def test_without_error_it_is_the_plain_estimate() -> None:
    assert kolmogorov_smirnov(0.1, 0.0, (20, 10)) == KolmogorovSmirnov(0.1, 20, 10)
    assert Sketched.of(*[Proportion(3, 10)] * 3) == Proportion(3, 10)


def test_moving_and_resizing_keep_the_error() -> None:
    found = kolmogorov_smirnov(0.10, 0.02, (2000, 1000))
    assert isinstance(found, Sketched)
    moved = found.with_value(0.01)
    assert [moved.least.value, moved.value, moved.most.value] == pytest.approx([0.0, 0.01, 0.03])
    larger = found.with_sample_size(4)
    assert (larger.least.value, larger.n) == (found.least.value, 12_000)
    assert larger.bounds(0.025, 0.025)[0] > found.bounds(0.025, 0.025)[0]


@settings(deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=40), st.lists(st.integers(-5, 5), min_size=1, max_size=40))
def test_the_distance_of_weighted_values_is_that_of_rows(one: list[int], two: list[int]) -> None:
    sides = [np.unique(np.array(side, dtype=float), return_counts=True) for side in (one, two)]
    assert largest_distance(sides[0], sides[1]) == pytest.approx(of_rows(np.array(one, dtype=float), np.array(two, dtype=float)))


@settings(deadline=None, max_examples=40)
@given(SHARES, SHARES, st.integers(0, 2**32 - 1))
def test_no_shares_within_the_ranges_lie_beyond_the_ends(one: list[int], two: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    p, q = (np.array(side) / sum(side) for side in (one, two))
    ranges = tuple((np.maximum(side - 0.02, 0.0), np.minimum(side + 0.02, 1.0)) for side in (p, q))
    sizes = (sum(one), sum(two))
    index = stability_index(float(((q - p) * np.log(q / p)).sum()), (ranges[0], ranges[1]), sizes)
    assert isinstance(index, Sketched)
    for kind in get_args(Divergence):
        found = binned_distance(BinnedDistance.of(kind, np.array(one), np.array(two), sizes), (ranges[0], ranges[1]))
        assert isinstance(found, Sketched)
        for _ in range(10):
            a, b = (np.clip(side + rng.uniform(-0.02, 0.02, 3), 0.5 / size, 1.0) for side, size in zip((p, q), sizes, strict=True))
            inside = BinnedDistance.of(kind, (a * 1e9).astype(np.int64), (b * 1e9).astype(np.int64), sizes).value
            tolerance = 0.03  # shares of the draw are scaled to sum to one
            assert found.least.value - tolerance <= inside <= found.most.value + tolerance
            moved = StabilityIndex(float(((b - a) * np.log(b / a)).sum()), 3, *sizes).value
            assert index.least.value - 1e-9 <= moved <= index.most.value + 1e-9
