"""Foreseen chances of a widened gap against drawn ones."""

from __future__ import annotations

import numpy as np
import pytest

from audit.power.analysis import Expected, decided, outlook
from audit.power.laws import Asked, best, chances, grown, likely
from audit.stats import Amplification, GapChange, PairedDifference
from benchmarks.populations.widening import WORLDS, Cells, change, total

TRIALS = 250


def amplified(first: list[int], second: list[int]) -> Amplification:
    return Amplification(GapChange(change(first), change(second)), GapChange(total(first), total(second)))


def as_is(cells: tuple[Cells, Cells], n: int) -> Amplification:
    """A pilot on which every share is the true one."""
    return amplified(*([round(n * chance) for chance in each] for each in cells))


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("bound", [0.0, 0.1, 0.25])
def test_agrees_with_drawn_ones(name: str, bound: float) -> None:
    """Two groups of 200 rows; the pilot had twenty times as many."""
    rng, cells, asked = np.random.default_rng(1), WORLDS[name], Asked(bound, floor=False)
    drawn = zip(*(rng.multinomial(200, each, TRIALS).tolist() for each in cells), strict=True)
    ends = [amplified(*pair).bounds(*asked.levels) for pair in drawn]
    seen = float(np.mean([low > bound for low, _ in ends])), float(np.mean([high <= bound for _, high in ends]))
    pilot = as_is(cells, 4000)
    assert chances(pilot, pilot.value, 200 / 4000, asked) == pytest.approx(seen, abs=0.08)
    assert outlook([Expected(as_is(cells, 200))], asked).p_pass == pytest.approx(seen[1], abs=0.08)


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("bound", [0.0, 0.1, 0.25])
def test_a_change_of_a_gap_agrees_with_drawn_ones(name: str, bound: float) -> None:
    rng, cells, asked = np.random.default_rng(2), WORLDS[name], Asked(bound, floor=False)
    drawn = zip(*(rng.multinomial(200, each, TRIALS).tolist() for each in cells), strict=True)
    ends = [amplified(*pair).kept.bounds(*asked.levels) for pair in drawn]
    seen = float(np.mean([low > bound for low, _ in ends])), float(np.mean([high <= bound for _, high in ends]))
    pilot = as_is(cells, 4000).kept
    assert chances(pilot, pilot.value, 200 / 4000, asked) == pytest.approx(seen, abs=0.08)


def test_the_gap_that_is_stated_is_the_one_that_is_drawn() -> None:
    """Told of another widening than the pilot's, the later gap moves, whichever way the earlier one went."""
    asked = Asked(0.1, floor=False)
    for name in ("a wider gap", "turned round"):
        pilot = as_is(WORLDS[name], 2000)
        narrow, middle, wide = (chances(pilot, truth, 1.0, asked)[1] for truth in (-0.1, 0.1, 0.3))
        assert narrow > 0.99
        assert middle < 0.05
        assert wide < 0.001
        assert chances(pilot, 0.3, 1.0, asked)[0] > 0.95


def test_more_rows_settle_it() -> None:
    pilot, asked = as_is(WORLDS["the same gap"], 100), Asked(0.1, floor=False)
    passes = [decided([Expected(pilot)], growth, asked)[0] for growth in (1, 4, 16)]
    assert passes[0] < passes[1] - 0.2 < passes[2]
    needed = outlook([Expected(pilot)], asked).needed
    assert needed is not None
    assert decided([Expected(pilot)], needed / pilot.n, asked)[0] == pytest.approx(0.8, abs=0.03)


def test_what_grows_keeps_its_shares() -> None:
    pilot = as_is(WORLDS["a wider gap"], 100)
    more = grown(pilot, 3.0)
    assert more.n == 3 * pilot.n
    assert more.value == pytest.approx(pilot.value)
    assert (more.turned.value, more.kept.value) == pytest.approx((pilot.turned.value, pilot.kept.value))
    clustered = PairedDifference(10, 5, 3, 2, entities=5, design_effect=2.0)
    assert grown(clustered, 2.0) == PairedDifference(20, 10, 6, 4, entities=10, design_effect=2.0)
    assert grown(PairedDifference(0, 1, 0, 0), 0.1).n == 1


def test_where_the_value_can_lie() -> None:
    """A gap is between -1 and 1, and so a later one is at most 1 wider, and 2 narrower where it turned round."""
    asked = Asked(0.1, floor=False)
    pilot = as_is(WORLDS["turned round"], 100)
    assert best(pilot, asked, gap=False) == -2.0
    assert best(pilot.kept, asked, gap=False) == -2.0
    assert best(pilot.kept, Asked(0.1, floor=True), gap=False) == 2.0
    assert likely(pilot) == pilot.value
