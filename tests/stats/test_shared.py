"""Entities with rows behind two estimates."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.metrics.groups import share
from audit.stats import AverageDifference, Difference, PairedDifference, Proportion, Ratio
from audit.stats.clustering import Influence, cluster_correlation, frechet_minimum, shrink_correlation
from tests.misses import misses, most

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

ALPHA = 0.025


def pair(kind: type[Difference | Ratio], hit: NDArray[np.bool_], person: NDArray[np.int64], first: NDArray[np.bool_]) -> Difference | Ratio:
    a, b = share(hit[first], person[first]), share(hit[~first], person[~first])
    return kind(a.estimate, b.estimate, *a.correlation_with(b))


def flags(text: str) -> NDArray[np.bool_]:
    return np.array([one == "1" for one in text])


def test_a_correlation_by_hand() -> None:
    """Four people with a row in each group: 1, 1, 0, 0 and 1, 0, 0, 0.

    Deviations .5 .5 -.5 -.5 and .75 -.25 -.25 -.25 go together by .5, their squares are 1 and .75: .5 / √.75.
    """
    person, first = np.tile(np.arange(4), 2), np.repeat([True, False], 4)
    found = pair(Difference, flags("11001000"), person, first)
    assert found.correlation == pytest.approx(0.5 / math.sqrt(0.75))
    assert found.shared == 4
    assert found.value == 0.25
    assert "correlation 0.58 by 4 entities in both" in found.method


def test_ends_by_hand() -> None:
    """The lower end of the one and the upper end of the other, with the correlation as 30 people and t = 2.045 hold it."""
    a, b = Proportion(15, 30, 30, 1.0), Proportion(10, 30, 30, 1.0)
    found = Difference(a, b, 0.6, 30.0)
    kept = 0.6 * 30 / (30 + 2 * 2.045**2)
    down, up = a.value - a.score_bounds(ALPHA, ALPHA)[0], b.score_bounds(ALPHA, ALPHA)[1] - b.value
    assert found.bounds(ALPHA, ALPHA)[0] == pytest.approx(5 / 30 - math.sqrt(down**2 + up**2 - 2 * kept * down * up), abs=1e-4)
    against = Difference(a, b, -0.6, 30.0)
    assert against.bounds(ALPHA, ALPHA)[0] == pytest.approx(5 / 30 - math.sqrt(down**2 + up**2 + 1.2 * down * up), abs=1e-12)


def test_entities_in_one_group_each_leave_two_samples_as_they_are() -> None:
    """To the last bit: Newcombe's hybrid, and Koopman's score."""
    rng = np.random.default_rng(0)
    person = np.repeat(np.arange(60), 5)
    hit, first = rng.random(300) < 0.4, person < 25
    for kind in (Difference, Ratio):
        found = pair(kind, hit, person, first)
        assert (found.correlation, found.shared) == (0.0, 0.0)
        assert found.bounds(0.03, 0.01) == kind(found.first, found.second).bounds(0.03, 0.01)
    one, other = Proportion(56, 70), Proportion(48, 80)
    (l1, u1), (l2, u2) = one.score_bounds(ALPHA, ALPHA), other.score_bounds(ALPHA, ALPHA)
    gap = one.value - other.value
    assert Difference(one, other).bounds(ALPHA, ALPHA) == (
        gap - math.hypot(one.value - l1, u2 - other.value),
        gap + math.hypot(u1 - one.value, other.value - l2),
    )


@pytest.mark.parametrize("hits", [1, 20, 100, 180, 199])
def test_people_who_agree_throughout_leave_as_much_open_as_tangos_score(hits: int) -> None:
    """Two hundred with a row in each group, alike in both: the difference is 0, and that is no proof that it is 0."""
    hit = np.tile(np.arange(200) < hits, 2)
    found = pair(Difference, hit, np.tile(np.arange(200), 2), np.arange(400) < 200)
    assert found.correlation == pytest.approx(1.0)
    assert found.value == 0
    tango = PairedDifference(hits, 0, 0, 200 - hits).bounds(ALPHA, ALPHA)
    assert found.bounds(ALPHA, ALPHA) == pytest.approx(tango, rel=0.15)
    ratio = pair(Ratio, hit, np.tile(np.arange(200), 2), np.arange(400) < 200).bounds(ALPHA, ALPHA)
    assert ratio[0] < 1 < ratio[1]
    if hits >= 20:
        assert ratio[0] == pytest.approx(1 + tango[0] / (hits / 200), abs=0.06)


@pytest.mark.parametrize("level", [0.1, 0.025, 0.0025, 0.00025])
def test_shares_of_none_and_all_leave_room(level: float) -> None:
    """A person's rows of the one group all miss, those of the other all hit: how they go together was not seen, so the worst counts."""
    hit, person, first = np.arange(80) >= 40, np.tile(np.arange(40), 2), np.arange(80) < 40
    low, high = pair(Difference, hit, person, first).bounds(level, level)
    rise = Proportion(0, 40, 40, 1.0).score_bounds(level, level)[1]
    assert low == -1.0
    assert high == pytest.approx(-1 + 2 * rise, abs=1e-9)
    none = pair(Difference, np.zeros(80, dtype=bool), person, first)
    assert none.bounds(level, level) == pytest.approx((-rise, rise), rel=0.02), "only one of the two can rise"
    assert pair(Ratio, hit, person, first).bounds(level, level)[0] == 0
    assert pair(Ratio, ~hit, person, first).bounds(level, level)[1] == math.inf


rows = st.lists(st.tuples(st.booleans(), st.integers(0, 8), st.booleans()), min_size=4, max_size=50).filter(
    lambda some: len({first for _, _, first in some}) == 2
)
levels = st.sampled_from([0.0001, 0.0025, 0.025, 0.1, 0.5])


@given(rows, levels, levels)
def test_ends_are_in_order_turn_with_the_sides_and_widen_with_the_level(
    some: list[tuple[bool, int, bool]], low: float, high: float
) -> None:
    hit, person, first = (np.array([one[i] for one in some]) for i in range(3))
    for kind in (Difference, Ratio):
        here, there = pair(kind, hit, person, first), pair(kind, hit, person, ~first)
        if kind is Ratio and not hit.any():
            continue
        ends, back = here.bounds(low, high), there.bounds(high, low)
        assert ends[0] <= ends[1] or ends[0] == pytest.approx(ends[1], rel=1e-12)
        if here.second.hits:  # half a hit is added to a ratio without one, but not to its ends
            assert ends[0] <= here.value + 1e-12 <= ends[1] + 2e-12
        turned = (-back[1], -back[0]) if kind is Difference else tuple(1 / x if x else math.inf for x in back[::-1])
        assert ends == pytest.approx(turned, rel=1e-9, abs=1e-12)
        wider = here.bounds(low / 2, high / 2)
        assert wider[0] <= ends[0] + 1e-9
        assert wider[1] >= ends[1] - 1e-9
        if low < 0.5 and kind is Difference and here.first.hits + here.second.hits:
            assert ends[0] < here.value or here.value == -1 or (here.first.hits == 0 and here.second.hits == here.second.n)


@given(rows)
def test_names_of_entities_and_order_of_rows_are_nothing_to_it(some: list[tuple[bool, int, bool]]) -> None:
    hit, person, first = (np.array([one[i] for one in some]) for i in range(3))
    here, there = pair(Difference, hit, person, first), pair(Difference, hit[::-1], 100 - person[::-1], first[::-1])
    assert there.correlation == pytest.approx(here.correlation, abs=1e-9)
    assert there.shared == pytest.approx(here.shared)


@given(st.integers(2, 29), st.integers(2, 29), st.floats(-0.9, 0.9))
def test_an_end_of_the_ratio_is_where_the_differences_end_is_zero(x: int, y: int, correlation: float) -> None:
    """MOVER-R: at the lower end r, p - r q less its margin is 0."""
    a, b = Proportion(x, 30, 30, 1.0), Proportion(y, 30, 30, 1.0)
    r = Ratio(a, b, correlation, 30.0).bounds(ALPHA, ALPHA)[0]
    down, up = a.value - a.score_bounds(ALPHA, ALPHA)[0], r * (b.score_bounds(ALPHA, ALPHA)[1] - b.value)
    kept = shrink_correlation(correlation, 30.0, ALPHA)
    assert a.value - r * b.value == pytest.approx(math.sqrt(down**2 + up**2 - 2 * kept * down * up), abs=1e-9)


def _against(rng: Generator, *, honest: bool) -> Difference | Ratio:
    """A person is a hit by as much in the one group as a miss in the other: truly .7 and .3."""
    person = np.repeat(np.arange(80), rng.integers(1, 8, 80))
    first, chance = rng.random(len(person)) < 0.5, rng.beta(1.4, 0.6, 80)[person]
    found = pair(Difference, rng.random(len(person)) < np.where(first, chance, 1 - chance), person, first)
    return found if honest else Difference(found.first, found.second)


def test_groups_that_pull_apart_are_covered_and_were_not() -> None:
    rng, trials = np.random.default_rng(3), 500
    assert max(misses(lambda: _against(rng, honest=True), 0.4, trials)) <= most(0.03, trials)
    assert max(misses(lambda: _against(rng, honest=False), 0.4, trials)) > most(0.03, trials)


def test_a_single_entity_tells_nothing_of_how_two_go_together() -> None:
    one = Influence.of(np.array([0.1, -0.1]), np.zeros(2, dtype=np.int64), 0.2)
    assert cluster_correlation(one, Influence.of(np.array([0.2, -0.2]), np.arange(2), 0.1)) == (-1.0, 1.0)
    assert cluster_correlation(one, None) == (0.0, 0.0)


def test_what_is_held_of_a_correlation() -> None:
    """What widens an interval is taken whole; what narrows it is less certain the fewer entities and the smaller the level."""
    assert shrink_correlation(-0.5, 10, ALPHA) == -0.5
    assert shrink_correlation(0.5, 10, 0.5) == 0.5
    assert shrink_correlation(0.5, 0, ALPHA) == 0.5
    assert 0 < shrink_correlation(0.5, 3, ALPHA) < shrink_correlation(0.5, 30, 0.001) < shrink_correlation(0.5, 30, ALPHA) < 0.5
    assert frechet_minimum((0.1, 0.4), (0.4, 0.7)) == frechet_minimum((0.9, 1.0), (0.0, 0.1)) == -1, "one may be the rest of the other"
    assert frechet_minimum((0.05, 0.1), (0.0, 0.1)) == pytest.approx(-1 / 9), "both are rare"
    assert frechet_minimum((0.9, 1.0), (0.9, 0.95)) == pytest.approx(-1 / 9), "both are near 1"


def test_an_average_of_differences_by_their_correlation() -> None:
    """By hand: two differences of the same margin; a correlation of 1 is their sum, of -1 leaves what 2 t² of 100 people do."""
    one = Difference(Proportion(50, 100, 100, 1.0), Proportion(50, 100, 100, 1.0))
    far = one.bounds(ALPHA, ALPHA)[1]
    found = {c: AverageDifference(one, one, c, 100.0).bounds(ALPHA, ALPHA)[1] for c in (1.0, 0.0, -1.0)}
    assert found[1.0] == pytest.approx(far)
    assert found[1.0] == pytest.approx(AverageDifference(one, one).bounds(ALPHA, ALPHA)[1]), "unknown: the sum"
    assert found[0.0] == pytest.approx(far / math.sqrt(2))
    assert 0.1 * far < found[-1.0] < 0.4 * far


def test_refused() -> None:
    share_ = Proportion(1, 2)
    for correlation, shared in ((1.5, 3.0), (0.5, -1.0), (0.5, 0.0)):
        for kind in (Difference, Ratio):
            with pytest.raises(ValueError, match="correlation from -1 to 1"):
                kind(share_, share_, correlation, shared)
    with pytest.raises(ValueError, match="from -1 to 1"):
        AverageDifference(Difference(share_, share_), Difference(share_, share_), 2.0)
