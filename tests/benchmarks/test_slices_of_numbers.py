"""The scenes of predicted numbers in the benchmark of discovered slices: their truth, and what the check makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks import discovered_slices

if TYPE_CHECKING:
    from benchmarks.discovered_slices import Noise


@pytest.mark.parametrize("noise", [discovered_slices.normal, discovered_slices.heavy])
def test_errors_are_of_size_one_on_average(noise: Noise) -> None:
    sizes = np.abs(noise(np.random.default_rng(0), 400_000))
    assert sizes.mean() == pytest.approx(1, abs=0.01)


def test_without_a_weak_slice_hardly_any_is_named() -> None:
    scene = discovered_slices.Scene("null", discovered_slices.numbers(discovered_slices.clean(1000, 0.1), discovered_slices.heavy), 0)
    assert sum(one.named > 0 for one in discovered_slices.simulated(scene, 40, seed=1)) <= 6


def test_planted_slices_are_found_and_their_gaps_hold() -> None:
    scene = discovered_slices.Scene("planted", discovered_slices.numbers(discovered_slices.weak_columns(4000), discovered_slices.normal), 0)
    found = discovered_slices.simulated(scene, 10, seed=2)
    _, holds = discovered_slices.planted_line(scene, found, 1.0)
    assert holds
    assert np.mean([one.recall[1] for one in found]) > 0.7
    assert np.mean([one.precision[1] for one in found]) > 0.7


def test_rows_of_one_entity_are_as_far_off() -> None:
    draw = discovered_slices.numbers(discovered_slices.copies, discovered_slices.normal)
    rng = np.random.default_rng(3)
    drawn = draw(rng)
    found = discovered_slices.measured(drawn, rng)
    error = np.asarray(found.table["absolute_error"], dtype=float)
    who = drawn.frame["who"].to_numpy()
    assert all(np.ptp(error[who == one]) < 1e-9 for one in range(0, 800, 50))
