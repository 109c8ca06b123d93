"""Sketches of quantiles: within their stated error of the values, in whatever order they are merged, and the same for the same values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.datasets.profiles.quantiles import Quantiles

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 600


def _largest_error(sketch: Quantiles, values: NDArray[np.float64]) -> float:
    """Between the sketch's distribution function and that of the values, anywhere."""
    items, weights = sketch.items()
    below = np.concatenate([[0], np.cumsum(weights)]) / weights.sum()
    rising = np.sort(values)
    sides = [
        np.abs(below[np.searchsorted(items, rising, side=side)] - np.searchsorted(rising, rising, side=side) / len(rising))
        for side in ("left", "right")
    ]
    return float(max(side.max() for side in sides))


def _of(values: NDArray[np.float64], parts: int = 1) -> Quantiles:
    found = Quantiles()
    for part in np.array_split(values, parts):
        found = found.added(part)
    return found


def test_few_values_are_kept_as_they_are() -> None:
    values = np.array([3.0, -0.0, 1.0, 1.0, np.inf, -np.inf])
    sketch = _of(values)
    assert sketch.items()[0].tolist() == [-np.inf, 0.0, 1.0, 1.0, 3.0, np.inf]
    assert sketch.items()[1].tolist() == [1] * 6
    assert (sketch.rank_error, sketch.share_error) == (0.0, 0.0)


@pytest.mark.parametrize("law", ["normal", "ties", "rising"])
def test_the_error_is_never_passed(law: str) -> None:
    """Forty sketches of each law, at a chance of one in ten thousand each."""
    rng = np.random.default_rng(7)
    for _ in range(40):
        values = {"normal": rng.normal(size=30_000), "ties": rng.poisson(300, 30_000) * 1.0, "rising": np.arange(30_000.0)}[law]
        sketch = _of(values, parts=6).fitted(SIZE)
        assert sketch.rows == 30_000
        assert 0 < _largest_error(sketch, values) <= sketch.rank_error < 0.008


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 9_000), min_size=2, max_size=5), st.integers(0, 2**32 - 1))
def test_parts_merge_into_the_whole_within_the_error(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    parts = [rng.normal(place, 1, size) for place, size in enumerate(sizes)]
    merged = Quantiles()
    for part in parts:
        merged = merged.merged(_of(part).fitted(SIZE))
    assert merged.rows == sum(sizes)
    assert _largest_error(merged, np.concatenate(parts)) <= merged.rank_error + 1e-12


def test_the_order_of_two_sketches_makes_no_difference_and_that_of_three_only_within_the_error() -> None:
    rng = np.random.default_rng(5)
    values = [rng.normal(size=20_000) for _ in range(3)]
    one, two, three = (_of(part).fitted(SIZE) for part in values)
    assert one.merged(two).to_json(SIZE) == two.merged(one).to_json(SIZE)
    for sketch in (one.merged(two).merged(three), one.merged(two.merged(three))):
        assert _largest_error(sketch, np.concatenate(values)) <= sketch.rank_error


def test_a_chain_of_merges_keeps_its_error() -> None:
    """As of one window a day, merged into one file each day."""
    rng = np.random.default_rng(2)
    values = [rng.normal(size=5_000) for _ in range(60)]
    merged = Quantiles()
    for part in values:
        merged = Quantiles.from_json(json.loads(json.dumps(merged.merged(_of(part)).to_json(SIZE))))
    assert _largest_error(merged, np.concatenate(values)) <= merged.rank_error < 0.01


def test_the_same_values_give_the_same_sketch_and_copies_of_a_batch_do_not_err_alike() -> None:
    values = np.random.default_rng(3).normal(size=9_000)
    assert _of(values).to_json(SIZE) == _of(values).to_json(SIZE)
    copies = Quantiles()
    for _ in range(30):
        copies = copies.added(values)
    assert _largest_error(copies.fitted(SIZE), values) <= copies.fitted(SIZE).rank_error


def test_counts_make_a_sketch_without_error() -> None:
    sketch = Quantiles.of_counts({2.0: 13, -1.0: 1_000_000})
    items, weights = sketch.items()
    assert (sketch.rows, sketch.rank_error) == (1_000_013, 0.0)
    assert (int(weights[items == 2.0].sum()), int(weights[items == -1.0].sum())) == (13, 1_000_000)


def test_as_exact_as_the_sketch_of_datasketches() -> None:
    datasketches = pytest.importorskip("datasketches")
    rng = np.random.default_rng(11)
    ours, theirs = [], []
    for _ in range(20):
        values = rng.normal(size=50_000)
        peer = datasketches.kll_doubles_sketch(SIZE)
        peer.update(values)
        rising = np.sort(values)
        seen = np.array(peer.get_cdf(rising[::50].tolist())[:-1])
        theirs.append(float(np.abs(seen - np.arange(0, 50_000, 50) / 50_000).max()))
        ours.append(_largest_error(_of(values).fitted(SIZE), values))
    assert np.mean(ours) <= np.mean(theirs)
    assert max(ours) <= datasketches.kll_doubles_sketch(SIZE).normalized_rank_error(False)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("noise", -1),
        ("noise", 1.5),
        ("levels", "abc"),
        ("levels", ["\u00e9"]),
        ("levels", ["abc"]),
        ("levels", [7]),
        ("levels", [""] * 61),
        ("levels", ["~" * 5]),
    ],
)
def test_a_damaged_sketch_is_refused(key: str, value: object) -> None:
    stored = {"noise": 0, "levels": []} | {key: value}
    with pytest.raises(ValueError, match=r"\w"):
        Quantiles.from_json(stored)
