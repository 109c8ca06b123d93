from __future__ import annotations

import math
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, ks_2samp, norm

from audit.decision.judge import deciding_interval
from audit.evidence import Member, Slice
from audit.metrics.groups import share
from audit.power.analysis import POWER, Expected, decided, outlook
from audit.power.laws import Asked, assumed, chances, grown, likely
from audit.stats import (
    Auc,
    AverageDifference,
    CalibrationError,
    Census,
    Confusion,
    Difference,
    KolmogorovSmirnov,
    Mean,
    MeanDiscrepancy,
    PairedConfusion,
    PairedDifference,
    Proportion,
    Ratio,
    StabilityIndex,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.metrics.groups import GroupEstimate
    from audit.stats import Estimate


def judged(estimates: list[Estimate], asked: Asked) -> tuple[bool, bool]:
    """Passed, failed: by the judge's own interval."""
    members = [Member(Slice((("part", i),)), one) for i, one in enumerate(estimates)]
    low, high = deciding_interval(members, asked.alpha, floor=asked.floor, count=asked.count)
    if asked.floor:
        return low >= asked.bound, high < asked.bound
    return high <= asked.bound, low > asked.bound


def enumerated(n: int, p: float, asked: Asked) -> tuple[float, float]:
    weight = binom.pmf(np.arange(n + 1), n, p)
    ways = np.array([judged([Proportion(hits, n)], asked) for hits in range(n + 1)])
    return float(weight @ ways[:, 0]), float(weight @ ways[:, 1])


SHARES = st.one_of(st.sampled_from([0.0, 1.0]), st.floats(1e-9, 1 - 1e-9))  # on smaller ones scipy's own enumeration overflows


@settings(deadline=None, max_examples=25)
@given(st.integers(1, 80), SHARES, st.floats(0.01, 0.99), st.booleans(), st.sampled_from([1, 3, 50]))
def test_one_proportion_is_exact(n: int, p: float, bound: float, floor: bool, count: int) -> None:  # noqa: FBT001  # drawn, not typed by a caller
    asked = Asked(bound, floor, 0.025, count)
    found = decided([Expected(Proportion(0, n), p)], 1.0, asked)
    assert found == pytest.approx(enumerated(n, p, asked), abs=1e-9)


@pytest.mark.parametrize("floor", [True, False])
def test_what_is_spent_for_a_pass_spares_no_fail(floor: bool) -> None:  # noqa: FBT001  # a side
    """As the judge has it: under looks the end that faces fail keeps the requirement's own level."""
    members = [Expected(Proportion(400, 500), 0.82)]
    free, spent = (decided(members, 1.0, asked) for asked in (Asked(0.8, floor), Asked(0.8, floor, 0.001, failing=0.025)))
    assert spent[0] < free[0]
    assert spent[1] == free[1] > 0


@pytest.mark.parametrize("floor", [True, False])
@pytest.mark.parametrize("compared", [True, False])
def test_an_end_that_no_draw_reaches_lies_farther_out_and_can_still_decide(floor: bool, compared: bool) -> None:  # noqa: FBT001  # a side, a kind
    """At a look's first level it is beyond the last that is drawn, and no bound near the end of the range is met."""
    true, rows = np.arange(200) % 2, np.arange(200)
    good, bad = true, np.where(rows < 180, 1 - true, true)
    first, second = (bad, good) if floor else (good, bad)
    estimate = PairedConfusion.of(true, first, second, metric="f1") if compared else Confusion.of(true, first, 2, metric="mcc")
    asked = Asked(-0.05 if floor else 0.05, floor, alpha=1e-9, failing=0.025)
    drawn, farther = (estimate.bounds(level, level) for level in (1e-4, 1e-9))
    assert -1.0 <= farther[0] <= drawn[0] <= estimate.value <= drawn[1] <= farther[1] <= 1.0
    assert farther[not floor] != drawn[not floor] or abs(drawn[not floor]) == 1
    low, high = outlook([Expected(estimate, estimate.value)], asked).interval
    assert -1.0 <= low <= high <= 1.0


@pytest.mark.parametrize(("n", "passing"), [(500, 0.09), (2000, 0.31), (10_000, 0.93)])
def test_a_model_a_point_above_its_bound(n: int, passing: float) -> None:
    """A true accuracy of .91 against .90, as simulated elsewhere; on the wrong side of it by as much, .3 % pass at 500 rows."""
    found = outlook([Expected(Proportion(round(0.91 * n), n), 0.91)], Asked(0.90, floor=True))
    assert found.p_pass == pytest.approx(passing, abs=0.01)
    assert found.p_pass + found.p_fail + found.p_inconclusive == pytest.approx(1)
    bad = outlook([Expected(Proportion(445, 500), 0.89)], Asked(0.90, floor=True))
    assert bad.p_pass == pytest.approx(0.003, abs=0.001)


@pytest.mark.parametrize("kind", [Difference, Ratio])
@pytest.mark.parametrize("floor", [True, False])
def test_two_proportions_agree_with_enumeration(kind: type[Difference | Ratio], floor: bool) -> None:  # noqa: FBT001  # drawn, not typed by a caller
    """Rates that differ by .1, or by a ratio of 1.25, of samples of 30 and 80 rows."""
    asked = Asked((0.05 if kind is Difference else 1.1) if floor else (0.3 if kind is Difference else 2.0), floor, 0.2, 2)
    p, q, n, m = 0.5, 0.4, 30, 80
    pilot = kind(Proportion(15, n), Proportion(32, m))
    weight = np.outer(binom.pmf(np.arange(n + 1), n, p), binom.pmf(np.arange(m + 1), m, q))
    ways = np.array([[judged([kind(Proportion(x, n), Proportion(y, m))], asked) for y in range(m + 1)] for x in range(n + 1)])
    expected = (weight[..., None] * ways).sum(axis=(0, 1))
    assert expected.max() > 0.1
    assert decided([Expected(pilot)], 1.0, asked) == pytest.approx(tuple(expected), abs=0.001)


def gaps(kind: type[Difference | Ratio], groups: int, n: int, rate: float) -> list[Expected]:
    share = Proportion(round(rate * n), n)
    return [Expected(kind(share, share), None, pair) for pair in permutations(range(groups), 2)]


@pytest.mark.parametrize(("n", "passing"), [(200, 0.237), (400, 0.929)])
def test_six_equal_groups_and_a_gap_of_a_tenth(n: int, passing: float) -> None:
    """Rates of .1; 20,000 audits of each by the judge's rule."""
    assert outlook(gaps(Difference, 6, n, 0.1), Asked(0.1, floor=False)).p_pass == pytest.approx(passing, abs=0.01)


@pytest.mark.parametrize(("groups", "n", "passing"), [(2, 500, 0.28), (2, 1000, 0.80), (2, 2000, 0.99), (6, 1000, 0.22), (6, 2000, 0.91)])
def test_equal_groups_and_the_four_fifths_rule(groups: int, n: int, passing: float) -> None:
    """The figures were simulated with Katz's interval; ours is Koopman's."""
    assert decided(gaps(Ratio, groups, n, 0.3), 1.0, Asked(0.8, floor=True))[0] == pytest.approx(passing, abs=0.035)


def test_pairs_that_share_groups_agree_with_the_judge() -> None:
    """Three unequal groups: each is drawn once for all its pairs."""
    rng, sizes, rates, asked = np.random.default_rng(1), (120, 300, 200), (0.30, 0.34, 0.40), Asked(0.15, floor=False, count=6)
    pilot = [Proportion(round(p * n), n) for p, n in zip(rates, sizes, strict=True)]
    found = decided([Expected(Difference(pilot[a], pilot[b]), None, (a, b)) for a, b in permutations(range(3), 2)], 1.0, asked)
    trials = 1500
    hits = np.stack([rng.binomial(n, round(p * n) / n, trials) for n, p in zip(sizes, rates, strict=True)], axis=1).tolist()
    drawn = [[Proportion(h, n) for h, n in zip(row, sizes, strict=True)] for row in hits]
    seen = np.mean([judged([Difference(row[a], row[b]) for a, b in permutations(range(3), 2)], asked) for row in drawn], axis=0)
    assert found == pytest.approx(tuple(seen), abs=0.005 + 3 * math.sqrt(0.25 / trials))


def test_the_worst_pair_is_moved_to_the_stated_gap() -> None:
    """Rates of .2, .3 and .4 drawn together to a gap of .05; and equal ones drawn apart to a ratio of .7."""
    pilot = [Proportion(60, 300), Proportion(90, 300), Proportion(120, 300)]
    pairs = list(permutations(range(3), 2))
    near = [Expected(Difference(pilot[a], pilot[b]), 0.05, (a, b)) for a, b in pairs]
    same = [Proportion(round(300 * p), 300) for p in (0.275, 0.3, 0.325)]
    there = [Expected(Difference(same[a], same[b]), 0.05, (a, b)) for a, b in pairs]
    asked = Asked(0.15, floor=False)
    assert decided(near, 1.0, asked)[0] == pytest.approx(decided(there, 1.0, asked)[0], abs=0.02)
    apart = [Expected(one.estimate, 0.5, one.groups) for one in gaps(Ratio, 2, 400, 0.3)]
    assert decided(apart, 1.0, Asked(0.8, floor=True))[1] > 0.95


def spanning(rng: np.random.Generator, people: int, *, against: bool, groups: int = 2) -> list[GroupEstimate[Proportion]]:
    """Everyone has rows in every group, hits by a chance of their own: the same in all, or in every second the rest of the other."""
    person = np.repeat(np.arange(people), rng.integers(2, 9, people))
    group, chance = rng.integers(0, groups, len(person)), rng.beta(1, 1, people)[person]
    hit = rng.random(len(person)) < np.where((group % 2 == 1) & against, 1 - chance, chance)
    return [share(hit[group == one], person[group == one]) for one in range(groups)]


def gap_of(kind: type[Difference | Ratio], sides: list[GroupEstimate[Proportion]], a: int = 0, b: int = 1) -> Difference | Ratio:
    return kind(sides[a].estimate, sides[b].estimate, *sides[a].together(sides[b]))


@pytest.mark.parametrize(("kind", "bound", "floor"), [(Difference, 0.15, False), (Ratio, 0.76, True)])
@pytest.mark.parametrize("against", [False, True])
def test_people_in_both_groups_are_foreseen(kind: type[Difference | Ratio], bound: float, floor: bool, against: bool) -> None:  # noqa: FBT001  # drawn, not typed by a caller
    """From pilots of fewer people, at equal shares: what draws say, and not what two samples would."""
    rng, asked = np.random.default_rng(1), Asked(bound, floor)
    pilots = [gap_of(kind, spanning(rng, 60, against=against)) for _ in range(10)]
    even = 0.0 if kind is Difference else 1.0
    foreseen = np.mean([decided([Expected(one, even)], 2.5, asked) for one in pilots], axis=0)
    drawn = np.mean([judged([gap_of(kind, spanning(rng, 150, against=against))], asked) for _ in range(300)], axis=0)
    assert foreseen == pytest.approx(tuple(drawn), abs=0.07)
    naive = np.mean([decided([Expected(kind(one.first, one.second), even)], 2.5, asked)[0] for one in pilots])
    assert abs(naive - drawn[0]) > 0.08


@pytest.mark.parametrize("kind", [Difference, Ratio])
def test_pairs_of_three_groups_with_the_same_people_are_drawn_together(kind: type[Difference | Ratio]) -> None:
    rng, asked = np.random.default_rng(2), Asked(0.12, False, count=6) if kind is Difference else Asked(0.75, True, count=6)
    names = list(permutations(range(3), 2))

    def pairs(people: int) -> list[Expected]:
        sides = spanning(rng, people, against=False, groups=3)
        return [Expected(gap_of(kind, sides, a, b), 0.0 if kind is Difference else 1.0, (a, b)) for a, b in names]

    foreseen = np.mean([decided(pairs(150), 2.0, asked) for _ in range(8)], axis=0)
    drawn = np.mean([judged([one.estimate for one in pairs(300)], asked) for _ in range(200)], axis=0)
    assert foreseen == pytest.approx(tuple(drawn), abs=0.12)


def test_an_outlook_of_people_in_both_groups() -> None:
    """The whole of what a plan asks, and fewer people needed where what is their own drops out."""
    pilot = gap_of(Difference, spanning(np.random.default_rng(3), 200, against=False))
    asked = Asked(0.1, floor=False)
    seen, apart = (outlook([Expected(one, 0.0, ("phone", "web"))], asked) for one in (pilot, Difference(pilot.first, pilot.second)))
    assert seen.needed is not None
    assert apart.needed is not None
    assert seen.needed < apart.needed
    assert seen.detectable is not None
    assert 0 < seen.p_pass < 1
    average = AverageDifference(Difference(pilot.first, pilot.second, 0.3, 100.0), Difference(pilot.second, pilot.first), -0.2, 80.0)
    assert 0 <= decided([Expected(average, 0.0)], 2.0, asked)[0] <= 1
    assert grown(average, 2.0).shared == 160
    assert grown(average, 2.0).first.shared == 200


def close(found: tuple[float, float], draw: Callable[[], Estimate], asked: Asked, trials: int, within: float) -> None:
    seen = np.mean([judged([draw()], asked) for _ in range(trials)], axis=0)
    assert found == pytest.approx(tuple(seen), abs=within + 3 * math.sqrt(0.25 / trials))


@pytest.mark.parametrize(("bound", "floor"), [(0.81, True), (0.90, True), (0.88, False)])
def test_an_auc_agrees_with_drawn_ones(bound: float, floor: bool) -> None:  # noqa: FBT001  # drawn, not typed by a caller
    rng, positive, shift, asked = np.random.default_rng(2), np.arange(500) < 150, norm.ppf(0.85) * math.sqrt(2), Asked(bound, floor)
    found = outlook([Expected(assumed.auc(0.85, 150, 350), 0.85)], asked)
    close((found.p_pass, found.p_fail), lambda: Auc.of(positive, rng.normal(positive * shift)), asked, 300, 0.05)


@pytest.mark.parametrize(("n", "positives", "area", "passing"), [(300, 45, 0.9, 0.327), (200, 80, 0.921, 0.808)])
def test_an_area_near_its_end_is_skewed(n: int, positives: int, area: float, passing: float) -> None:
    """Among 20,000 drawn samples; were the area normal on the logit scale, two to three points fewer would be foreseen."""
    positive = np.repeat(np.arange(n) < positives, 50)
    pilot = Auc.of(positive, np.random.default_rng(1).normal(positive * norm.ppf(area) * math.sqrt(2)))
    assert chances(pilot, area, 1 / 50, Asked(0.85, floor=True))[0] == pytest.approx(passing, abs=0.015)


@pytest.mark.parametrize(("metric", "bound"), [("f1", 0.80), ("balanced_accuracy", 0.83), ("precision", 0.90)])
def test_a_function_of_the_table_agrees_with_drawn_ones(metric: str, bound: float) -> None:
    rng, asked, trials = np.random.default_rng(3), Asked(bound, floor=True), 150
    table = np.array([[430, 70], [60, 240]])
    pilot = Confusion((tuple(table.ravel().tolist()),), metric)  # type: ignore[arg-type]  # a metric by its name
    drawn = iter([Confusion((tuple(row),), pilot.metric) for row in rng.multinomial(800, table.ravel() / 800, trials).tolist()])
    found = outlook([Expected(pilot)], asked)
    close((found.p_pass, found.p_fail), lambda: next(drawn), asked, trials, 0.04)


def test_a_mean_agrees_with_drawn_ones() -> None:
    """Exponential losses, whose mean of 1 is to stay under 1.2."""
    rng, asked = np.random.default_rng(4), Asked(1.2, floor=False)
    pilot = Mean.of(rng.exponential(size=20_000), low=0.0)
    found = chances(pilot, 1.0, 300 / 20_000, asked)
    close((found[1], found[0]), lambda: Mean.of(rng.exponential(size=300), low=0.0), asked, 500, 0.05)


@pytest.mark.parametrize(("n", "bound"), [(800, 0.1), (2000, 0.065), (2000, 0.07)])
def test_calibration_agrees_with_drawn_ones(n: int, bound: float) -> None:
    """A perfect model."""
    rng, asked = np.random.default_rng(5), Asked(bound, floor=False)

    def draw() -> CalibrationError:
        said = rng.random(n)
        return CalibrationError.of(said, rng.random(n) < said, rng)

    found = outlook([Expected(assumed.calibration(n), 0.0)], asked)
    close((found.p_pass, found.p_fail), draw, asked, 60, 0.02)
    assert found.p_pass > 0.02
    assert np.mean([likely(draw()) for _ in range(20)]) < 0.015


def test_a_calibration_error_of_a_larger_pilot_agrees_with_drawn_ones() -> None:
    """A perfect model whose pilot was off; two hundred rows do not divide evenly into fifteen bins."""
    rng, asked = np.random.default_rng(12), Asked(0.25, floor=False)

    def draw(n: int, off: float) -> CalibrationError:
        said = rng.uniform(0.4, 0.9, n)
        return CalibrationError.of(said, rng.random(n) < said - off, rng)

    p_fail, p_pass = chances(draw(10_000, 0.2), 0.0, 1 / 50, asked)
    assert grown(draw(10_000, 0.2), 1 / 50).n == 200
    close((p_pass, p_fail), lambda: draw(200, 0.0), asked, 2000, 0.012)


@pytest.mark.parametrize(("shift", "bound"), [(0.0, 0.1), (0.2, 0.17), (0.5, 0.12)])
def test_a_distance_agrees_with_drawn_ones(shift: float, bound: float) -> None:
    rng, asked, truth = np.random.default_rng(6), Asked(bound, floor=False), float(2 * norm.cdf(shift / 2) - 1)

    def draw() -> KolmogorovSmirnov:
        return KolmogorovSmirnov(float(ks_2samp(rng.normal(size=700), rng.normal(shift, size=900), method="asymp").statistic), 700, 900)

    found = outlook([Expected(KolmogorovSmirnov(0.05, 700, 900), truth)], asked)
    close((found.p_pass, found.p_fail), draw, asked, 300, 0.05)


@pytest.mark.parametrize(("n", "passing"), [(200, 0.37), (500, 0.92)])
def test_an_undrifted_index_as_simulated(n: int, passing: float) -> None:
    """The noncentral chi-square itself gives .34 and .92."""
    assert outlook([Expected(StabilityIndex(0.0, 10, n, n), 0.0)], Asked(0.1, floor=False)).p_pass == pytest.approx(passing, abs=0.035)


@pytest.mark.parametrize(("bins", "bound"), [(2, 0.02), (2, 0.03), (10, 0.03), (10, 0.06)])
def test_an_undrifted_index_that_cannot_come_low_enough(bins: int, bound: float) -> None:
    """Under the lowest end that so many rows allow nothing passes, however alike the windows; above it, what draws say."""
    rng, asked, n = np.random.default_rng(7), Asked(bound, floor=False), 400
    law = StabilityIndex(0.0, bins, n, n)
    drawn = [StabilityIndex(float(x) * 2 / n, bins, n, n) for x in rng.chisquare(bins - 1, 400)]
    seen = float(np.mean([one.bounds(*asked.levels)[1] <= bound for one in drawn]))
    assert decided([Expected(law, 0.0)], 1.0, asked)[0] == pytest.approx(seen, abs=0.08)
    assert (seen == 0) == (law.bounds(*asked.levels)[1] > bound)


def test_a_discrepancy_agrees_with_drawn_ones() -> None:
    """Two means in twenty dimensions, of which the kernel's space is the plain one."""
    rng, n, dims, asked = np.random.default_rng(7), 200, 20, Asked(1.15, floor=False)
    far = np.zeros(dims)
    far[0] = 0.3

    def draw() -> MeanDiscrepancy:
        gap = rng.normal(far, math.sqrt(2 / n))
        norms = np.sort(np.linalg.norm(rng.normal(0, math.sqrt(2 / n), (1000, dims)), axis=1))
        return MeanDiscrepancy(float(gap @ gap) - dims * 2 / n, float(np.linalg.norm(gap)), tuple(norms.tolist()), n, n)

    found = outlook([Expected(draw(), 0.09)], asked)
    assert found.p_pass > 0.05
    close((found.p_pass, found.p_fail), draw, asked, 300, 0.05)


def test_a_paired_difference_agrees_with_drawn_ones() -> None:
    rng, asked, trials = np.random.default_rng(8), Asked(-0.02, floor=True), 400
    cells = np.array([880, 30, 25, 65])
    drawn = iter([PairedDifference(*row) for row in rng.multinomial(1000, cells / 1000, trials).tolist()])
    found = outlook([Expected(PairedDifference(*cells.tolist()))], asked)
    close((found.p_pass, found.p_fail), lambda: next(drawn), asked, trials, 0.02)


def test_a_census_is_what_it_is() -> None:
    clean = outlook([Expected(Census(0, 500))], Asked(0, floor=False))
    assert (clean.p_pass, clean.p_fail, clean.interval) == (1.0, 0.0, (0.0, 0.0))
    assert outlook([Expected(Census(2, 500))], Asked(0, floor=False)).p_fail == 1.0


def test_slices_are_a_product_and_one_bad_one_fails_all() -> None:
    one = outlook([Expected(Proportion(88, 100))], Asked(0.75, floor=True))
    twelve = outlook([Expected(Proportion(88, 100))] * 12, Asked(0.75, floor=True))
    assert twelve.p_pass == pytest.approx(one.p_pass**12)
    rng, trials = np.random.default_rng(9), 300
    asked = Asked(0.75, floor=True, count=12)
    hits = rng.binomial(100, [0.88] * 11 + [0.55], (trials, 12)).tolist()
    seen = np.mean([judged([Proportion(h, 100) for h in row], asked) for row in hits], axis=0)
    found = decided([Expected(Proportion(88, 100))] * 11 + [Expected(Proportion(55, 100))], 1.0, asked)
    assert found == pytest.approx(tuple(seen), abs=3 * math.sqrt(0.25 / trials))
    assert found[1] > 0.5


def test_entities_count_for_what_they_are_worth() -> None:
    """Twenty-five people of eight rows that are all right or all wrong, three in four."""
    rng, person, asked, trials = np.random.default_rng(10), np.repeat(np.arange(60), 8), Asked(0.6, floor=True), 300

    def draw() -> Proportion:
        return Proportion.of((rng.random(60) < 0.75)[person], person)

    pilot = Proportion(360, 480, 60, 8.0)
    found = outlook([Expected(pilot)], asked)
    close((found.p_pass, found.p_fail), draw, asked, trials, 0.03)
    assert found.p_pass < decided([Expected(Proportion(360, 480))], 1.0, asked)[0] - 0.2


@pytest.mark.parametrize(("truth", "bound"), [(0.91, 0.9), (0.5, 0.45), (0.85, 0.9), (0.99, 0.95)])
def test_from_the_rows_needed_on_the_power_stays(truth: float, bound: float) -> None:
    """At every number of rows of the next hundred it is there, and one tooth of the saw before it is not."""
    asked = Asked(bound, floor=True)
    found = outlook([Expected(Proportion(round(1000 * truth), 1000), truth)], asked)
    side = 0 if truth > bound else 1
    assert found.needed is not None
    assert found.growth == pytest.approx(found.needed / 1000, rel=0.01)

    def power(n: int) -> float:
        return decided([Expected(Proportion(0, n), truth)], 1.0, asked)[side]

    assert min(power(n) for n in range(found.needed, found.needed + 100, 3)) >= POWER - 0.001
    assert min(power(n) for n in range(int(found.needed * 0.97) - 21, found.needed)) < POWER


def test_at_the_detectable_distance_four_of_five_pass() -> None:
    for member, asked in (
        (Expected(Proportion(450, 500)), Asked(0.9, floor=True)),
        (Expected(assumed.auc(0.9, 200, 800)), Asked(0.85, floor=True)),
        (Expected(Difference(Proportion(300, 1000), Proportion(300, 1000))), Asked(0.1, floor=False)),
        (Expected(StabilityIndex(0.0, 10, 800, 800)), Asked(0.1, floor=False)),
    ):
        distance = outlook([member], asked).detectable
        assert distance is not None
        sign = 1 if asked.floor else -1
        there = [Expected(member.estimate, asked.bound + sign * distance, member.groups)]
        nearer = [Expected(member.estimate, asked.bound + sign * distance * 0.97, member.groups)]
        assert decided(there, 1.0, asked)[0] >= POWER > decided(nearer, 1.0, asked)[0]
    assert outlook([Expected(Proportion(9, 10))], Asked(0.9, floor=True)).detectable is None


def test_on_the_bound_nothing_settles_it() -> None:
    found = outlook([Expected(Proportion(450, 500))], Asked(0.9, floor=True))
    assert found.growth is None
    assert found.needed is None
    assert max(found.p_pass, found.p_fail) <= 0.03


def test_too_few_rows_bar_a_pass_and_never_a_fail() -> None:
    few, asked = [Expected(Proportion(20, 20))], Asked(0.5, floor=True, min_n=30)
    assert decided(few, 1.0, asked)[0] == 0
    assert decided(few, 1.5, asked)[0] == 1
    assert outlook(few, asked).needed == 30
    assert decided([Expected(Proportion(0, 20))], 1.0, asked)[1] == 1
    rare = outlook([Expected(assumed.auc(0.95, 20, 400))], Asked(0.6, floor=True))
    assert rare.p_pass == 0
    assert rare.growth == pytest.approx(1.5, rel=0.01)


@settings(deadline=None, max_examples=20)
@given(st.floats(0.02, 0.97), st.floats(0.001, 0.02), st.integers(30, 3000), st.booleans())
def test_better_is_never_less_likely_to_pass(truth: float, more: float, n: int, floor: bool) -> None:  # noqa: FBT001  # drawn, not typed by a caller
    asked = Asked(0.5, floor)
    worse, better = (truth, truth + more) if floor else (truth + more, truth)
    for estimate in (Proportion(n // 2, n), assumed.auc(0.7, n, n), Mean(0.5, 1.0, 0.5, n, n)):
        there, here = (decided([Expected(estimate, one)], 1.0, asked) for one in (worse, better))
        assert here[0] >= there[0] - 1e-3
        assert here[1] <= there[1] + 1e-3


def test_the_interval_is_the_deciding_one() -> None:
    members = [Expected(Proportion(88, 100)), Expected(Proportion(160, 200))]
    seen = [Member(Slice((("part", i),)), one.estimate) for i, one in enumerate(members)]
    for floor in (True, False):
        assert outlook(members, Asked(0.7, floor)).interval == pytest.approx(deciding_interval(seen, 0.025, floor=floor))


def test_stated_figures_become_estimates() -> None:
    assert assumed.confusion(0.85, (500, 300, 200), "f1").value == pytest.approx(0.85, abs=0.005)
    assert assumed.confusion(0.85, (900, 100), "f1", "binary").n == 1000
    calibrated = assumed.calibration(1000)
    assert calibrated.n == 1000
    assert likely(calibrated) == 0
    assert calibrated.noise_floor == pytest.approx(0.056, abs=0.005)
    assert assumed.calibration(3000, error=0.05).value == pytest.approx(0.05, abs=0.005)
    assert assumed.auc(0.8, 50, 70).support == 50


def test_what_makes_no_plan_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one member"):
        outlook([], Asked(0.5, floor=True))
    with pytest.raises(TypeError, match="differences and ratios"):
        outlook([Expected(Proportion(5, 10), None, ("a", "b"))], Asked(0.5, floor=True))
