"""Gaps and ratios between groups where one person has rows in both: by device, by season, by channel."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.evidence import RateTable
from audit.stats import AverageDifference, Difference, MeanDifference, Ratio
from tests.grouped import by_name
from tests.judged import status
from tests.misses import misses, most
from tests.support import measure, subject
from tests.unplugged import unplugged

if TYPE_CHECKING:
    from audit.evidence import Evidence

PARITY, RATIO = "fairness/demographic_parity_difference", "fairness/demographic_parity_ratio"
BY = (("device",),)


def table(calls: list[tuple[int, int, str]]) -> pd.DataFrame:
    """A person, an answer, a device."""
    return pd.DataFrame(calls, columns=["person", "prediction", "device"]).assign(label=1)


def seen(frame: pd.DataFrame, check: str = PARITY, *, weight: str | None = None) -> Evidence:
    return measure(check, subject(frame, by=BY, group="person", weight=weight))


def drawn(seed: int, *, against: bool, people: int = 150) -> pd.DataFrame:
    """Everyone has one to six rows by phone and by web; a chance is the same in both, or in the one the rest of the other."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), rng.integers(2, 13, people))
    phone, chance = rng.random(len(person)) < 0.5, rng.beta(1, 1, people)[person]
    chance = np.where(phone | (not against), chance, 1 - chance)
    return pd.DataFrame(
        {
            "person": person,
            "device": np.where(phone, "phone", "web"),
            "label": 1,
            "prediction": (rng.random(len(person)) < chance).astype(int),
        }
    )


def test_a_worked_example() -> None:
    """Four people, once by phone and once by web: 1 1 0 0 and 1 0 0 0; their deviations go together by .5 / √.75."""
    found = seen(table([*((i, int(i < 2), "phone") for i in range(4)), *((i, int(i < 1), "web") for i in range(4))]))
    for member in found.members:
        assert isinstance(member.estimate, Difference)
        assert member.estimate.correlation == pytest.approx(0.5 / 0.75**0.5)
        assert member.estimate.shared == 4
    assert by_name(found) == {"device=phone against device=web": 0.25, "device=web against device=phone": -0.25}


@pytest.mark.parametrize("check", [PARITY, RATIO])
def test_a_person_with_one_device_leaves_the_interval_as_it_was(check: str) -> None:
    frame = drawn(0, against=False).assign(device=lambda f: np.where(f.person % 3 == 0, "phone", "web"))
    for member in seen(frame, check).members:
        estimate = member.estimate
        assert isinstance(estimate, (Difference, Ratio))
        assert (estimate.correlation, estimate.shared) == (0.0, 0.0)
        assert estimate.bounds(0.025, 0.01) == type(estimate)(estimate.first, estimate.second).bounds(0.025, 0.01)


def test_what_is_the_persons_own_drops_out_of_a_gap_and_what_pulls_apart_adds() -> None:
    def ends(check: str, *, against: bool) -> tuple[float, float]:
        estimate = seen(drawn(1, against=against), check).members[0].estimate
        assert isinstance(estimate, (Difference, Ratio))
        widths = [np.ptp(one.bounds(0.025, 0.025)) for one in (type(estimate)(estimate.first, estimate.second), estimate)]
        return float(widths[0]), float(widths[1])

    for check in (PARITY, RATIO):
        before, now = ends(check, against=False)
        assert now < 0.9 * before
        before, now = ends(check, against=True)
        assert now > 1.1 * before


def test_the_interval_decides() -> None:
    """People who are called by the one device or by the other: two samples would have proved a gap that is none."""
    found = seen(drawn(5, against=True))
    members = {str(one.name): one.estimate for one in found.members}
    estimate = max(members.values(), key=lambda one: one.value)
    assert isinstance(estimate, Difference)
    high = estimate.bounds(0.025, 0.025)[1]
    apart = Difference(estimate.first, estimate.second).bounds(0.025, 0.025)[1]
    between = (high + apart) / 2
    assert apart < high
    assert status(PARITY, found, max=between) == "inconclusive"
    assert status(PARITY, unplugged(found), max=between) == "pass"
    assert status(PARITY, found, max=high + 0.001) == "pass"


@pytest.mark.parametrize(("check", "truth"), [(PARITY, 0.0), (RATIO, 1.0)])
def test_coverage_where_groups_pull_apart(check: str, truth: float) -> None:
    seeds = iter(range(1000))
    trials = 250
    assert max(misses(lambda: seen(drawn(next(seeds), against=True, people=60), check).members[0].estimate, truth, trials)) <= most(
        0.03, trials
    )


def test_an_average_of_odds_takes_all_four_rates_together() -> None:
    """Both classes of a person are called alike: the mean's interval is no wider than the sum, and wider than of independent rows."""
    rng = np.random.default_rng(2)
    frame = pd.concat([drawn(3, against=True).assign(label=label) for label in (0, 1)])
    estimate = seen(frame, "fairness/average_odds_difference").members[0].estimate
    assert isinstance(estimate, AverageDifference)
    assert estimate.correlation is not None
    assert estimate.correlation > 0.9
    ends = estimate.bounds(0.025, 0.025)
    assert np.ptp(ends) <= np.ptp(AverageDifference(estimate.first, estimate.second).bounds(0.025, 0.025)) + 1e-12
    assert np.ptp(ends) > 1.3 * np.ptp(AverageDifference(estimate.first, estimate.second, 0.0).bounds(0.025, 0.025))
    mixed = frame.assign(label=rng.permutation(frame.label.to_numpy()), prediction=(rng.random(len(frame)) < 0.4).astype(int))
    free = seen(mixed, "fairness/average_odds_difference").members[0].estimate
    assert isinstance(free, AverageDifference)
    assert free.correlation == pytest.approx(0, abs=0.25)


def test_weighted_shares_go_together_too() -> None:
    """With weights that are all 1 the correlation is that of the shares; and the same people alike in both never prove a gap of 0."""
    frame = drawn(4, against=False)
    plain = seen(frame, "fairness/mean_difference").members[0].estimate
    weighted = seen(frame.assign(weight=1.0), "fairness/mean_difference", weight="weight").members[0].estimate
    assert isinstance(plain, Difference)
    assert isinstance(weighted, MeanDifference)
    assert weighted.correlation == pytest.approx(plain.correlation, rel=0.02)
    assert weighted.shared == plain.shared
    same = table([(i, int(i < 40), device) for i in range(100) for device in ("phone", "web")]).assign(weight=2.0)
    low, high = seen(same, "fairness/mean_difference", weight="weight").members[0].estimate.bounds(0.025, 0.025)
    assert low < -0.01 < 0.01 < high


def test_the_law_144_table_uses_the_same_ratio() -> None:
    frame = drawn(1, against=True)
    found = seen(frame, "fairness/impact_ratio")
    ends = next(one.estimate.bounds(0.025, 0.025) for one in found.members if one.estimate.value < 1)
    (table_,) = found.figures
    assert isinstance(table_, RateTable)
    assert [one for one in zip(table_.lower, table_.upper, strict=True) if one[0] is not None] == [ends]
    assert set(table_.exact_p) == {None}, "Fisher's test knows of no entities"


rows = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1), st.sampled_from(["phone", "web", "shop"])), min_size=4, max_size=40)


@given(rows)
def test_names_and_order_are_nothing_to_it(some: list[tuple[int, int, str]]) -> None:
    frame = table([*some, (0, 1, "phone"), (1, 0, "web")])
    other = frame.iloc[::-1].assign(person=lambda f: 50 - f.person, device=lambda f: f.device.map({"phone": "x", "web": "a", "shop": "m"}))

    def ends(evidence: Evidence) -> list[float]:
        return sorted(end for one in evidence.members for end in one.estimate.bounds(0.025, 0.025))

    assert ends(seen(frame)) == pytest.approx(ends(seen(other)), abs=1e-9)


def test_each_pair_and_the_pooled_rest_have_correlations_of_their_own() -> None:
    frame = drawn(1, against=False).assign(device=lambda f: np.where(np.arange(len(f)) % 3 == 0, "shop", f.device))
    found = seen(frame)
    assert len({round(one.estimate.correlation, 9) for one in found.members if isinstance(one.estimate, Difference)}) == 3
    assert len(found.members) == len(list(permutations(range(3), 2)))
    rest = measure(PARITY, subject(frame, by=BY, group="person", reference_group="pooled_rest"))
    assert all(isinstance(one.estimate, Difference) and one.estimate.shared > 10 for one in rest.members)
