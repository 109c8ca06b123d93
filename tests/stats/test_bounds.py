"""Bounds of many estimates at once are those of each."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.stats import Census, Difference, Mean, Proportion, Ratio
from audit.stats.bounds import SINGLY, bounds_many
from audit.stats.weighted import WeightedShare

if TYPE_CHECKING:
    from audit.stats import Estimate

LEVELS = st.one_of(st.sampled_from([0.5, 0.025, 0.02, 0.0199, 0.025 / 39_800, 1e-9, 0.3]), st.floats(1e-8, 0.49))


@st.composite
def proportions(draw: st.DrawFn) -> Proportion:
    """Few and many rows, none and all of them hits, rows of entities too."""
    n = draw(st.one_of(st.integers(1, 30), st.integers(1, 100_000)))
    hits = draw(st.one_of(st.just(0), st.just(n), st.integers(0, n)))
    if draw(st.booleans()):
        return Proportion(hits, n)
    entities = draw(st.integers(1, n))
    effective = draw(st.one_of(st.none(), st.floats(1, entities)))
    return Proportion(hits, n, entities, draw(st.floats(1, max(1.0, n / entities))), effective)


def _pair(kind: type[Difference | Ratio]) -> st.SearchStrategy[Difference | Ratio]:
    correlated = st.tuples(st.floats(-1, 1), st.floats(0.5, 1e4))
    return st.builds(lambda one, other, both: kind(one, other, *both), proportions(), proportions(), st.just((0.0, 0.0)) | correlated)


@st.composite
def weighted(draw: st.DrawFn) -> WeightedShare:
    rows = draw(st.integers(1, 10_000))
    share = draw(st.one_of(st.just(0.0), st.just(1.0), st.floats(0, 1)))
    units = draw(st.one_of(st.none(), st.floats(1, rows)))
    return WeightedShare(share, rows, draw(st.floats(0.5, rows)), draw(st.one_of(st.none(), st.integers(1, rows))), units)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.one_of(proportions(), weighted(), _pair(Difference)), min_size=SINGLY, max_size=3 * SINGLY), LEVELS, LEVELS)
def test_shares_and_differences(estimates: list[Estimate], lower: float, upper: float) -> None:
    """To the last digits: the formulas are the same."""
    _agrees(estimates, lower, upper, rel=1e-12)


@settings(deadline=None, max_examples=100)
@given(st.lists(_pair(Ratio), min_size=SINGLY, max_size=2 * SINGLY), LEVELS, LEVELS)
def test_ratios(estimates: list[Estimate], lower: float, upper: float) -> None:
    """As far as both root searches agree."""
    _agrees(estimates, lower, upper, rel=1e-9)


def _agrees(estimates: list[Estimate], lower: float, upper: float, *, rel: float) -> None:
    of_kind = {type(one) for one in estimates}
    for kind in of_kind:  # so many of each that all go through the arrays
        some = [one for one in estimates if isinstance(one, kind)]
        some *= math.ceil(SINGLY / len(some))
        low, high = bounds_many(some, lower, upper)
        each = [one.bounds(lower, upper) for one in some]
        assert low.tolist() == pytest.approx([ends[0] for ends in each], rel=rel, abs=1e-12)
        assert high.tolist() == pytest.approx([ends[1] for ends in each], rel=rel, abs=1e-12)


@pytest.mark.parametrize("kind", [Difference, Ratio])
@pytest.mark.parametrize("alpha", [0.25, 0.025, 0.025 / 39_800])
def test_every_pair_of_extreme_groups(kind: type[Difference | Ratio], alpha: float) -> None:
    """No hit, one, half of them, all but one, all, on one row and on a million, against each other."""
    groups = [Proportion(hits, n) for n in (1, 2, 30, 1_000_000) for hits in sorted({0, 1, n // 2, n - 1, n})]
    estimates = [kind(one, other) for one in groups for other in groups]
    _agrees(list(estimates), alpha, alpha, rel=1e-9)


def test_kinds_may_be_mixed_and_keep_their_places() -> None:
    """Few of a kind, and kinds without arrays, are asked one by one."""
    estimates: list[Estimate] = [Proportion(3, 10), Census(4, 10), Difference(Proportion(3, 10), Proportion(5, 10))]
    estimates += [Mean.of(np.arange(60.0)), *(Proportion(hits, 100) for hits in range(40))]
    low, high = bounds_many(estimates, 0.025, 0.01)
    assert list(zip(low.tolist(), high.tolist(), strict=True)) == [one.bounds(0.025, 0.01) for one in estimates]


@pytest.mark.parametrize("count", [1, 50])
def test_a_level_of_0_leaves_its_end_open(count: int) -> None:
    share = Proportion(30, 100)
    low, high = bounds_many([share] * count, 0.0, 0.025)
    assert low.tolist() == [-math.inf] * count
    assert high.tolist() == [share.bounds(0.5, 0.025)[1]] * count
    assert bounds_many([share] * count, 0.025, 0.0)[1].tolist() == [math.inf] * count


def test_of_nothing() -> None:
    low, high = bounds_many([], 0.025, 0.025)
    assert (len(low), len(high)) == (0, 0)
