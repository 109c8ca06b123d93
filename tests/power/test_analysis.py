"""The power of one bound, against enumeration and against samples that the judge decides."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from audit.decision.judge import deciding_interval
from audit.evidence import Member, Slice
from audit.metrics.groups import share
from audit.power.analysis import DETAILED, POWER, end_probabilities, power_analysis
from audit.power.member import DecisionRule, PlannedMember, best_attainable
from audit.stats import (
    Auc,
    AverageDifference,
    Census,
    Confusion,
    Difference,
    Mean,
    MeanDifference,
    PairedConfusion,
    Proportion,
    Ratio,
    StabilityIndex,
)
from benchmarks.power import Case, cases, predicted, simulated

if TYPE_CHECKING:
    from audit.metrics.groups import GroupEstimate
    from audit.stats import Estimate

SHARES = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(1e-9, 1 - 1e-9))  # on smaller ones scipy's own enumeration overflows


def enumerated(n: int, p: float, rule: DecisionRule) -> tuple[float, float]:
    """Pass and fail of one proportion, by the judge's own interval of every number of hits."""
    weight, passed, failed = binom.pmf(np.arange(n + 1), n, p), [], []
    for hits in range(n + 1):
        low, high = deciding_interval([Member(Slice(()), Proportion(hits, n))], rule.alpha, floor=rule.floor, count=rule.count)
        passed.append(low >= rule.bound if rule.floor else high <= rule.bound)
        failed.append(high < rule.bound if rule.floor else low > rule.bound)
    return float(weight @ passed), float(weight @ failed)


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 80), SHARES, st.floats(0.01, 0.99), st.booleans(), st.sampled_from([1, 3, 50]))
def test_one_proportion_is_exact(n: int, p: float, bound: float, floor: bool, count: int) -> None:  # noqa: FBT001  # drawn, not typed by a caller
    rule = DecisionRule(bound, floor, 0.025, count)
    assert end_probabilities([PlannedMember(Proportion(0, n), p)], rule) == pytest.approx(enumerated(n, p, rule), abs=1e-9)


@pytest.mark.parametrize("floor", [True, False])
def test_what_is_spent_for_a_pass_spares_no_fail(floor: bool) -> None:  # noqa: FBT001  # a side
    """As the judge has it: under looks the end that faces fail keeps the requirement's own level."""
    members = [PlannedMember(Proportion(400, 500), 0.82)]
    free, spent = (end_probabilities(members, rule) for rule in (DecisionRule(0.8, floor), DecisionRule(0.8, floor, 0.001, failing=0.025)))
    assert spent[0] < free[0]
    assert spent[1] == free[1] > 0


@pytest.mark.parametrize(("n", "passing"), [(500, 0.09), (2000, 0.31), (10_000, 0.93)])
def test_a_model_a_point_above_its_bound(n: int, passing: float) -> None:
    """A true accuracy of .91 against .90, as simulated elsewhere; on the wrong side of it by as much, .3 % pass at 500 rows."""
    found = power_analysis([PlannedMember(Proportion(round(0.91 * n), n), 0.91)], DecisionRule(0.90, floor=True))
    assert found.p_pass == pytest.approx(passing, abs=0.01)
    assert found.p_pass + found.p_fail <= 1
    bad = power_analysis([PlannedMember(Proportion(445, 500), 0.89)], DecisionRule(0.90, floor=True))
    assert bad.p_pass == pytest.approx(0.003, abs=0.001)


CASES = {case.name: case for case in cases()}
CHECKED = {
    "12 slices at .88, min .75, 100 rows each": 0.05,
    "12 slices, one at .55, min .75, 100 rows each": 0.05,
    "parity of 2 groups, max .10, 450 rows each": 0.06,
    "parity of 6 groups, max .10, 200 rows each": 0.14,
    "parity of 2 groups, gap .2, max .10, 500 rows each": 0.05,
    "ratio of 2 groups, min .80, 1,000 rows each": 0.06,
    "mean error of 3 groups, max .18, 200 to 400 rows": 0.08,
    "AUC .921, min .85, 200 rows": 0.1,
    "AUC .872, min .85, 2,000 rows": 0.05,
    "F1, min .80, 800 rows": 0.06,
    "mean loss 1, max 1.2, 300 rows": 0.06,
    "ECE 0, max .15, 200 rows": 0.15,
    "ECE .13, max .08, 2,000 rows": 0.08,
    "KS .08, max .17, 700 and 900 rows": 0.06,
    "KS .20, max .12, 700 and 900 rows": 0.06,
    "PSI 0, max .10, 200 rows each": 0.08,
    "PSI .06, max .15, 600 rows each": 0.06,
    "MMD .09, max .35, 200 rows each": 0.06,
    "accuracy against the champion's, margin .02, 1,000 rows": 0.05,
    "average precision .93, min .88, 400 rows": 0.14,
}


@pytest.mark.parametrize("name", CHECKED)
def test_agrees_with_samples_that_the_judge_decides(name: str) -> None:
    """Within the stated distance and three Monte Carlo errors; of `benchmarks.power`, which prints all cases.

    Pairs of groups, areas near 1, calibration errors and average precisions are normal only nearly: there the tolerance is wider, and
    what is wrong is on the safe side (the next test).
    """
    case, trials = CASES[name], 150
    for said, seen in zip(predicted(case), simulated(case, trials, 7), strict=True):
        assert said == pytest.approx(seen, abs=CHECKED[name] + 3 * math.sqrt(max(seen * (1 - seen), 1 / trials) / trials))


@pytest.mark.parametrize(
    "name", ["smooth ECE 0, max .06, 1,000 rows", "average precision .93, min .88, 400 rows", "AUC .98, min .95, 300 rows"]
)
def test_no_more_power_is_claimed_than_there_is(name: str) -> None:
    """Where the normal approximation is off, it is too low."""
    case: Case = CASES[name]
    passed, failed = simulated(case, 100, 3)
    assert predicted(case)[0] <= passed + 0.03
    assert predicted(case)[1] <= failed + 0.03


def test_the_worst_pair_is_moved_to_the_stated_gap() -> None:
    """Rates of .2, .3 and .4 moved together to a gap of .05; and equal ones moved apart to a ratio of .5."""
    pairs, rule = list(permutations(range(3), 2)), DecisionRule(0.15, floor=False)

    def members(hits: tuple[int, ...]) -> list[PlannedMember]:
        sides = [Proportion(one, 300) for one in hits]
        return [PlannedMember(Difference(sides[a], sides[b]), 0.05, (a, b)) for a, b in pairs]

    near, there = (end_probabilities(members(hits), rule)[0] for hits in ((60, 90, 120), (82, 90, 98)))
    assert near == pytest.approx(there, abs=0.03)
    even = Ratio(Proportion(120, 400), Proportion(120, 400))
    apart = [PlannedMember(even, 0.5, pair) for pair in permutations(range(2), 2)]
    assert end_probabilities(apart, DecisionRule(0.8, floor=True))[1] > 0.95


def spanning(rng: np.random.Generator, people: int, *, against: bool, groups: int = 2) -> list[GroupEstimate[Proportion]]:
    """Everyone has rows in every group, hits by a chance of their own: the same in all, or in every second the rest of the other."""
    person = np.repeat(np.arange(people), rng.integers(2, 9, people))
    group, chance = rng.integers(0, groups, len(person)), rng.beta(1, 1, people)[person]
    hit = rng.random(len(person)) < np.where((group % 2 == 1) & against, 1 - chance, chance)
    return [share(hit[group == one], person[group == one]) for one in range(groups)]


@pytest.mark.parametrize(("kind", "bound", "floor"), [(Difference, 0.15, False), (Ratio, 0.76, True)])
@pytest.mark.parametrize("against", [False, True])
def test_people_in_both_groups_are_planned(kind: type[Difference | Ratio], bound: float, floor: bool, against: bool) -> None:  # noqa: FBT001  # drawn, not typed by a caller
    """From pilots of fewer people, at equal shares: what samples give, and not what two samples of strangers would.

    The tolerance was .07 when the hits were drawn; a normal number for each group comes within .1.
    """
    rng, rule = np.random.default_rng(1), DecisionRule(bound, floor)

    def gap(people: int) -> Difference | Ratio:
        sides = spanning(rng, people, against=against)
        return kind(sides[0].estimate, sides[1].estimate, *sides[0].correlation_with(sides[1]))

    pilots, even = [gap(60) for _ in range(10)], 0.0 if kind is Difference else 1.0
    planned = np.mean([end_probabilities([PlannedMember(one, even)], rule, 2.5)[0] for one in pilots])
    ends = np.array([gap(150).bounds(*rule.levels) for _ in range(300)])
    passed = float(np.mean(ends[:, 0] >= bound if floor else ends[:, 1] <= bound))
    assert planned == pytest.approx(passed, abs=0.1)
    naive = np.mean([end_probabilities([PlannedMember(kind(one.first, one.second), even)], rule, 2.5)[0] for one in pilots])
    assert abs(naive - passed) > 0.08


def test_entities_count_for_what_they_are_worth() -> None:
    """Sixty people of eight rows that are all right or all wrong, three in four; a normal end is up to ten points from the exact one."""
    rng, person, rule = np.random.default_rng(10), np.repeat(np.arange(60), 8), DecisionRule(0.6, floor=True)
    seen = [Proportion.of((rng.random(60) < 0.75)[person], person).bounds(*rule.levels)[0] >= 0.6 for _ in range(300)]
    found = end_probabilities([PlannedMember(Proportion(360, 480, 60, 8.0))], rule)[0]
    assert found == pytest.approx(np.mean(seen), abs=0.1)
    assert found < end_probabilities([PlannedMember(Proportion(360, 480))], rule)[0] - 0.2


def test_a_census_is_what_it_is() -> None:
    clean = power_analysis([PlannedMember(Census(0, 500))], DecisionRule(0, floor=False))
    assert (clean.p_pass, clean.p_fail, clean.interval) == (1.0, 0.0, (0.0, 0.0))
    assert end_probabilities([PlannedMember(Census(2, 500))], DecisionRule(0, floor=False)) == (0.0, 1.0)


def test_slices_are_a_product() -> None:
    one, twelve = (
        end_probabilities([PlannedMember(Proportion(88, 100))] * k, DecisionRule(0.75, floor=True, count=12))[0] for k in (1, 12)
    )
    assert twelve == pytest.approx(one**12)


def test_members_beyond_the_tenth_are_bounded_by_the_ten_worst() -> None:
    """Thirty means, all alike: the twenty that are not planned in detail count as the others do; better ones hardly matter."""
    rule, mean = DecisionRule(1.0, floor=False, count=30), Mean(0.85, 0.8, 1.0, 200, 200, 0.0)
    one = end_probabilities([PlannedMember(mean)], rule)[0]
    assert end_probabilities([PlannedMember(mean)] * 30, rule)[0] == pytest.approx(one**30, rel=1e-6)
    mixed = [PlannedMember(mean)] * DETAILED + [PlannedMember(mean, 0.3)] * 20
    assert end_probabilities(mixed, rule)[0] == pytest.approx(one**DETAILED, rel=1e-3)


@pytest.mark.parametrize(("truth", "bound"), [(0.91, 0.9), (0.5, 0.45), (0.85, 0.9), (0.99, 0.95)])
def test_from_the_rows_needed_on_the_power_stays(truth: float, bound: float) -> None:
    """At every number of rows of the next hundred it is there, and one tooth of the saw before it is not."""
    rule = DecisionRule(bound, floor=True)
    found = power_analysis([PlannedMember(Proportion(round(1000 * truth), 1000), truth)], rule)
    side = 0 if truth > bound else 1
    assert found.needed is not None
    assert found.sample_size_factor == pytest.approx(found.needed / 1000, rel=0.01)

    def power(n: int) -> float:
        return end_probabilities([PlannedMember(Proportion(0, n), truth)], rule)[side]

    assert min(power(n) for n in range(found.needed, found.needed + 100, 3)) >= POWER - 0.001
    assert min(power(n) for n in range(int(found.needed * 0.97) - 21, found.needed)) < POWER


@pytest.mark.parametrize("truth", [0.78, 0.9])
def test_the_rows_needed_have_the_power(truth: float) -> None:
    """Of an area, found by the root law and again from the estimate as it would look there."""
    rng, rule = np.random.default_rng(4), DecisionRule(0.85, floor=True)
    positive = rng.random(3000) < 0.3
    pilot = Auc.of(positive, rng.normal(positive * 1.3)).with_value(truth)
    found = power_analysis([PlannedMember(pilot)], rule)
    assert found.sample_size_factor is not None
    side = 0 if truth > 0.85 else 1
    assert end_probabilities([PlannedMember(pilot)], rule, found.sample_size_factor)[side] == pytest.approx(POWER, abs=0.01)


def test_at_the_detectable_distance_four_of_five_pass() -> None:
    rng = np.random.default_rng(5)
    positive = np.arange(1000) < 200
    for member, rule in (
        (PlannedMember(Proportion(450, 500)), DecisionRule(0.9, floor=True)),
        (PlannedMember(Auc.of(positive, rng.normal(positive * 1.8))), DecisionRule(0.85, floor=True)),
        (PlannedMember(Difference(Proportion(300, 1000), Proportion(300, 1000))), DecisionRule(0.1, floor=False)),
        (PlannedMember(StabilityIndex(0.0, 10, 800, 800)), DecisionRule(0.1, floor=False)),
    ):
        distance = power_analysis([member], rule).detectable
        assert distance is not None
        sign = 1 if rule.floor else -1
        there, nearer = (replace(member, truth=rule.bound + sign * distance * part) for part in (1.0, 0.97))
        assert end_probabilities([there], rule)[0] >= POWER > end_probabilities([nearer], rule)[0]
    assert power_analysis([PlannedMember(Proportion(9, 10))], DecisionRule(0.9, floor=True)).detectable is None


def test_on_the_bound_nothing_settles_it() -> None:
    found = power_analysis([PlannedMember(Proportion(450, 500))], DecisionRule(0.9, floor=True))
    assert (found.sample_size_factor, found.needed) == (None, None)
    assert max(found.p_pass, found.p_fail) <= 0.03


def test_too_few_rows_bar_a_pass_and_never_a_fail() -> None:
    few, rule = [PlannedMember(Proportion(20, 20))], DecisionRule(0.5, floor=True, min_n=30)
    assert end_probabilities(few, rule)[0] == 0
    assert end_probabilities(few, rule, 1.5)[0] == 1
    assert power_analysis(few, rule).needed == 30
    assert end_probabilities([PlannedMember(Proportion(0, 20))], rule)[1] == 1
    rare = Auc(0.95, 0.001, 20, 400, 20)  # `least` is 30 of the rarer class
    assert end_probabilities([PlannedMember(rare)], DecisionRule(0.6, floor=True))[0] == 0
    assert power_analysis([PlannedMember(rare)], DecisionRule(0.6, floor=True)).sample_size_factor == pytest.approx(1.5, rel=0.01)


@settings(deadline=None, max_examples=20)
@given(st.floats(0.02, 0.97), st.floats(0.001, 0.02), st.integers(30, 3000), st.booleans())
def test_better_is_never_less_likely_to_pass(truth: float, more: float, n: int, floor: bool) -> None:  # noqa: FBT001  # drawn, not typed by a caller
    rule = DecisionRule(0.5, floor)
    worse, better = (truth, truth + more) if floor else (truth + more, truth)
    estimates: tuple[Estimate, ...] = (Proportion(n // 2, n), Auc(0.7, 0.1 / n, n, n, n), Mean(0.5, 1.0, 0.5, n, n))
    for estimate in estimates:
        there, here = (end_probabilities([PlannedMember(estimate, one)], rule) for one in (worse, better))
        assert here[0] >= there[0] - 1e-3


def test_the_interval_is_the_deciding_one() -> None:
    """Of all members, although only the ten worst are planned in detail."""
    members = [PlannedMember(Proportion(round(n * p), n)) for n, p in zip(range(100, 340, 20), np.linspace(0.7, 0.9, 12), strict=True)]
    seen = [Member(Slice((("part", i),)), one.estimate) for i, one in enumerate(members)]
    for floor in (True, False):
        assert power_analysis(members, DecisionRule(0.7, floor)).interval == pytest.approx(deciding_interval(seen, 0.025, floor=floor))


@pytest.mark.parametrize("floor", [True, False])
@pytest.mark.parametrize("compared", [True, False])
def test_an_end_that_no_draw_reaches_lies_farther_out_and_can_still_decide(floor: bool, compared: bool) -> None:  # noqa: FBT001  # a side, a kind
    """At a look's first level it is beyond the last that is drawn, and no bound near the end of the range is met."""
    true, rows = np.arange(200) % 2, np.arange(200)
    good, bad = true, np.where(rows < 180, 1 - true, true)
    first, second = (bad, good) if floor else (good, bad)
    estimate = PairedConfusion.of(true, first, second, metric="f1") if compared else Confusion.of(true, first, 2, metric="mcc")
    rule = DecisionRule(-0.05 if floor else 0.05, floor, alpha=1e-9, failing=0.025)
    low, high = power_analysis([PlannedMember(estimate, estimate.value)], rule).interval
    assert -1.0 <= low <= high <= 1.0


def test_how_good_a_model_can_be() -> None:
    """A share is 1 at best, a gap 0, its ratio 1; an error without a least value is a hundred standard errors away."""
    half = Proportion(50, 100)
    floor, ceiling = DecisionRule(0.5, floor=True), DecisionRule(0.5, floor=False)
    assert best_attainable(PlannedMember(half), floor) == 1.0
    assert best_attainable(PlannedMember(Difference(half, half), is_gap=True), ceiling) == 0.0
    assert best_attainable(PlannedMember(Ratio(half, half), is_gap=True), floor) == 1.0
    gap = Difference(half, half)
    assert best_attainable(PlannedMember(AverageDifference(gap, gap), is_gap=True), ceiling) == 0.0
    assert best_attainable(PlannedMember(Difference(half, half)), ceiling) == -1.0
    mean = Mean(2.0, 1.0, 0.0, 100, 100)
    assert best_attainable(PlannedMember(MeanDifference(mean, mean)), ceiling) == pytest.approx(0.5 - 100 * math.sqrt(2) / 10, rel=0.02)


def test_no_member_makes_no_plan() -> None:
    with pytest.raises(ValueError, match="at least one member"):
        power_analysis([], DecisionRule(0.5, floor=True))
