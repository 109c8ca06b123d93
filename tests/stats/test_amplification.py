"""The change of a gap, and how much wider a gap became."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.stats import Amplification, GapChange, PairedDifference
from benchmarks.populations.widening import amplifications, change, gap_changes, total

if TYPE_CHECKING:
    from benchmarks.populations.case import Case

cells = st.tuples(*[st.integers(0, 60)] * 4).filter(any).map(list)
levels = st.floats(0.001, 0.2)


def amplified(first: list[int], second: list[int]) -> Amplification:
    return Amplification(GapChange(change(first), change(second)), GapChange(total(first), total(second)))


def test_a_worked_example() -> None:
    """Group a: .60 after, .50 before; group b: .30 after, .35 before. The ends by hand from Tango's for each group."""
    made = GapChange(PairedDifference(45, 15, 5, 35), PairedDifference(25, 5, 10, 60))
    assert made.value == pytest.approx(0.15)
    (low, high), (low_2, high_2) = made.first.bounds(0.025, 0.025), made.second.bounds(0.025, 0.025)
    expected = (0.15 - math.hypot(0.10 - low, high_2 + 0.05), 0.15 + math.hypot(high - 0.10, -0.05 - low_2))
    assert made.bounds(0.025, 0.025) == pytest.approx(expected, abs=1e-12)
    assert expected == pytest.approx((0.027, 0.277), abs=0.005)


def test_a_gap_that_turns_round_counts_by_its_size() -> None:
    """Before +.2, after -.1: it shrank by .1 whichever group one asks for."""
    first, second = [20, 5, 20, 55], [22, 13, 0, 65]
    assert amplified(first, second).value == pytest.approx(-0.10 - 0.18)
    assert amplified(second, first).value == pytest.approx(0.10 - 0.18)


@given(cells, cells)
def test_the_value_is_the_later_gap_less_the_size_of_the_earlier(first: list[int], second: list[int]) -> None:
    def share(row: list[int], other: int) -> float:
        return (row[0] + row[other]) / sum(row)

    later, earlier = share(first, 1) - share(second, 1), share(first, 2) - share(second, 2)
    assert amplified(first, second).value == pytest.approx(later - abs(earlier), abs=1e-12)
    assert GapChange(change(first), change(second)).value == pytest.approx(later - earlier, abs=1e-12)


@given(cells, cells, levels, levels)
def test_ends_hold_the_value_and_mirror(first: list[int], second: list[int], low: float, high: float) -> None:
    made = amplified(first, second)
    ends = made.bounds(low, high)
    assert ends[0] <= made.value + 1e-12
    assert ends[1] >= made.value - 1e-12
    forth, back = GapChange(change(first), change(second)), GapChange(change(second), change(first))
    assert forth.bounds(low, high) == pytest.approx([-end for end in back.bounds(high, low)][::-1], abs=1e-9)


def test_entities_in_both_groups_add_up() -> None:
    """Distances are summed where rows are clustered, since an entity may have rows in both groups."""
    people = np.arange(100) // 2
    flags = np.random.default_rng(0).random((2, 100)) < 0.5
    one = PairedDifference.of(flags[0], flags[1], people)
    made = GapChange(one, one)
    low, high = one.bounds(0.025, 0.025)
    assert made.bounds(0.025, 0.025) == pytest.approx((-(high - low), high - low))
    assert made.support == 50


@pytest.mark.parametrize(
    "case", [one for one in (*gap_changes(), *amplifications()) if "n=100" in one.name], ids=lambda case: f"{case.name}, {case.truth}"
)
def test_coverage(case: Case) -> None:
    """400 trials of the cases that the benchmark draws 2,000 times."""
    rng = np.random.default_rng(1)
    drawn = list(case.draw(rng, 400))
    ends = [(estimate.bounds(0.025, 0.025), truth) for estimate, truth in drawn]
    most = 0.03 + 3 * math.sqrt(0.03 * 0.97 / 400)
    assert sum(low > truth for (low, _), truth in ends) / 400 <= most
    assert sum(high < truth for (_, high), truth in ends) / 400 <= most
