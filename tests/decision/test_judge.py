"""The worst-member rule, member by member and as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.catalog import info
from audit.decision.judge import deciding_interval, judge
from audit.evidence import OVERALL, Evidence, Member, Pair, Slice, Unmeasured
from audit.ledger.alpha_spending import Spent
from audit.phrases import message, would_pass
from audit.stats import Census, Difference, Proportion
from tests.findings import INFO, proportions, requirement

if TYPE_CHECKING:
    from audit.decision.finding import Finding, Headline

ALPHA = 0.025


def headline(finding: Finding) -> Headline:
    assert finding.headline is not None
    return finding.headline


def judged(evidence: Evidence, **changed: object) -> Finding:
    return judge(requirement(**changed), INFO, evidence, confidence=0.95, owner="nobody")


@pytest.mark.parametrize(
    ("hits", "status"),
    [(880, "pass"), (800, "inconclusive"), (720, "fail"), (826, "pass"), (823, "inconclusive"), (774, "fail"), (776, "inconclusive")],
)
def test_three_states(hits: int, status: str) -> None:
    """Wilson at n = 1,000: 826 hits have a lower end of .8012, 823 of .7981; 774 an upper end of .7989, 776 of .8008."""
    assert judged(proportions((hits, 1000))).status == status


def test_the_end_on_the_bound_counts_as_good() -> None:
    """Bounds are inclusive and unrounded."""
    low, high = Proportion(826, 1000).bounds(ALPHA, ALPHA)
    assert judged(proportions((826, 1000)), min=low).status == "pass"
    assert judged(proportions((826, 1000)), min=math.nextafter(low, 1)).status == "inconclusive"
    assert judged(proportions((826, 1000)), min=high).status == "inconclusive"
    assert judged(proportions((826, 1000)), min=math.nextafter(high, 1)).status == "fail"


def test_a_ceiling_mirrors_a_floor() -> None:
    """What passes `min` passes the mirrored `max` of the mirrored counts."""
    for hits in (880, 826, 823, 776, 774, 720):
        floor = judged(proportions((hits, 1000)))
        ceiling = judged(proportions((1000 - hits, 1000)), min=None, max=1 - 0.8 + 1e-12)
        assert floor.status == ceiling.status


def test_headline_is_the_worst_member_with_the_deciding_interval() -> None:
    """Uncorrected towards pass, Bonferroni towards fail; the value is that of the worst member."""
    evidence = proportions((450, 500), (430, 500), (440, 500))
    head = headline(judged(evidence))
    assert head.member == Slice((("group", "1"),))
    assert head.value == 0.86
    assert head.interval[0] == Proportion(430, 500).bounds(ALPHA, ALPHA)[0]
    assert head.interval[1] == Proportion(430, 500).bounds(ALPHA, ALPHA / 3)[1]
    assert head.levels == (ALPHA, ALPHA / 3)


def test_an_unmeasured_member_bars_a_pass_and_counts_for_the_correction() -> None:
    """A slice that the policy names is never dropped."""
    whole = proportions((480, 500), (470, 500))
    evidence = Evidence(whole.members, "accuracy", 1000, unmeasured=(Unmeasured(Slice((("group", "2"),)), "no rows"),))
    found = judged(evidence)
    assert found.status == "inconclusive"
    assert "group=2" in message(found)
    assert headline(found).levels == (ALPHA, ALPHA / 3)
    assert found.slices[-1].value is None
    assert judged(whole).status == "pass"


def test_nothing_measured_is_inconclusive_and_has_no_headline() -> None:
    evidence = Evidence((), "accuracy", 10, unmeasured=(Unmeasured(OVERALL, "no positive rows"),))
    found = judged(evidence)
    assert (found.status, found.headline) == ("inconclusive", None)


def test_few_rows_bar_a_pass_but_not_a_fail() -> None:
    """`min_n` bars a pass, never a fail."""
    assert judged(proportions((29, 29)), min=0.5).status == "inconclusive"
    assert judged(proportions((30, 30)), min=0.5).status == "pass"
    assert judged(proportions((0, 29)), min=0.5).status == "fail"
    assert judged(proportions((30, 30)), min=0.5, min_n=31).status == "inconclusive"


def test_a_value_on_its_bound_is_settled_by_no_number_of_rows() -> None:
    """A gap of .4 - .3 is .10000000000000003 to a computer: no reader is sent for that many rows."""
    first, second = Proportion(40, 100), Proportion(30, 100)
    gap = Evidence((Member(Pair(Slice((("g", "a"),)), Slice((("g", "b"),))), Difference(first, second)),), "rate difference", 200)
    change = would_pass(judged(gap, min=None, max=0.1))
    assert "The estimate equals the bound: no number of rows settles it." in change


def test_a_census_is_judged_on_its_count() -> None:
    """There is no sampling error, so no straddling."""
    evidence = Evidence((Member(OVERALL, Census(17, 6000)),), "rows", 6000)
    assert judged(evidence, min=None, max=17).status == "pass"
    assert judged(evidence, min=None, max=16.9).status == "fail"
    assert headline(judged(evidence, min=None, max=17)).interval == (17, 17)


def test_judging_on_the_value_looks_at_the_point_alone() -> None:
    assert judged(proportions((800, 1000)), judge_on="value").status == "pass"
    assert judged(proportions((799, 1000)), judge_on="value").status == "fail"


def test_both_bounds_are_held_and_the_worse_one_tells() -> None:
    assert judged(proportions((500, 1000)), min=0.4, max=0.6).status == "pass"
    assert judged(proportions((700, 1000)), min=0.4, max=0.6).status == "fail"
    assert judged(proportions((300, 1000)), min=0.4, max=0.6).status == "fail"
    assert judged(proportions((590, 1000)), min=0.4, max=0.6).status == "inconclusive"


def test_a_gap_shows_the_groups_rates_and_names_the_pair() -> None:
    women, men = Slice((("gender", "woman"),)), Slice((("gender", "man"),))
    rates = {women: Proportion(140, 200), men: Proportion(186, 200)}
    members = tuple(Member(Pair(a, b), Difference(rates[a], rates[b])) for a, b in ((women, men), (men, women)))
    context = tuple(Member(name, rate) for name, rate in rates.items())
    found = judged(Evidence(members, "rate difference", 400, context), min=None, max=0.1)
    assert found.status == "fail"
    assert headline(found).member == Pair(men, women)
    assert [row.status for row in found.slices] == [None, None]
    assert {row.name for row in found.slices} == {women, men}


def test_a_gap_of_which_no_pair_can_be_measured_still_shows_the_groups_rates() -> None:
    """Nobody is selected: no ratio is defined, and each group's rate is 0 all the same. A pair is no slice."""
    groups = [Slice((("gender", name),)) for name in ("man", "woman")]
    context = tuple(Member(name, Proportion(0, 200)) for name in groups)
    missing = Unmeasured(Pair(*groups), "neither group has a hit")
    found = judge(
        requirement(check="fairness/impact_ratio"),
        info("fairness/impact_ratio"),
        Evidence((), "impact ratio", 400, context, unmeasured=(missing,)),
        confidence=0.95,
        owner="me",
    )
    assert (found.status, found.headline) == ("inconclusive", None)
    assert [(row.name, row.value, row.status) for row in found.slices] == [(name, 0.0, None) for name in groups]
    assert "neither group has a hit" in message(found)
    one_way = judged(Evidence((), "effect size d", 8, unmeasured=(missing,)), min=None, max=1.0)
    assert (one_way.status, one_way.slices) == ("inconclusive", ())


def test_holm_names_further_members() -> None:
    """The step-down's second member is held against alpha / 2, its third against alpha."""
    limits = [Proportion(h, 400).bounds(0.5, a)[1] for h, a in ((280, ALPHA / 3), (288, ALPHA / 2), (290, ALPHA))]
    bound = max(limits) + 1e-9
    assert Proportion(290, 400).bounds(0.5, ALPHA / 3)[1] >= bound
    found = judged(proportions((280, 400), (288, 400), (290, 400)), min=bound)
    assert len(found.failing) == 3
    assert len(judged(proportions((330, 400), (288, 400), (290, 400)), min=bound).failing) in {0, 2}


@given(st.lists(st.tuples(st.integers(30, 400), st.floats(0, 1)), min_size=1, max_size=8), st.floats(0.05, 0.95))
def test_the_interval_holds_the_worst_value(sizes: list[tuple[int, float]], bound: float) -> None:
    """Whatever the members, the headline's interval holds its value, and status follows from the interval alone."""
    evidence = proportions(*((round(n * share), n) for n, share in sizes))
    found = judged(evidence, min=bound)
    low, high = headline(found).interval
    assert low <= headline(found).value <= high
    expected = "pass" if low >= bound else "fail" if high < bound else "inconclusive"
    assert found.status == expected


@given(st.lists(st.integers(0, 300), min_size=2, max_size=6), st.integers(0, 5), st.integers(1, 50))
def test_a_better_member_never_worsens_the_status(hits: list[int], which: int, gain: int) -> None:
    rank = {"fail": 0, "inconclusive": 1, "pass": 2}
    which %= len(hits)
    better = [min(300, h + gain) if i == which else h for i, h in enumerate(hits)]
    before, after = (judged(proportions(*((h, 300) for h in table))) for table in (hits, better))
    assert rank[after.status] >= rank[before.status]


@given(st.permutations(range(5)))
def test_order_of_members_never_matters(order: list[int]) -> None:
    table = [(250, 300), (240, 300), (200, 220), (90, 120), (60, 80)]
    one, other = judged(proportions(*table)), judged(proportions(*(table[i] for i in order)))
    assert (one.status, headline(one).value, headline(one).interval) == (other.status, headline(other).value, headline(other).interval)


def test_an_upside_down_or_nan_interval_is_refused() -> None:
    """An estimate that breaks must not be judged."""

    class Broken(Census):
        def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
            return math.nan, lower_alpha + upper_alpha

    with pytest.raises(ValueError, match="is not one"):
        judged(Evidence((Member(OVERALL, Broken(1, 1)),), "rows", 1))
    with pytest.raises(ValueError, match="the value is nan"):
        Member(OVERALL, Census(math.nan, 1))


@pytest.mark.parametrize("ends", [(math.nan, 1.0), (0.9, math.nan), (math.nan, math.nan), (0.9, 0.8), (math.inf, math.inf)])
@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("bound", [{"min": 0.8}, {"min": None, "max": 0.99}])
def test_no_member_hides_a_broken_interval_behind_a_sound_one(ends: tuple[float, float], place: int, bound: dict[str, float]) -> None:
    """`min` and `max` pass over a NaN that does not come first."""

    class Broken(Proportion):
        def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
            del lower_alpha, upper_alpha
            return ends

    members = [Member(Slice((("group", "sound"),)), Proportion(950, 1000))]
    members.insert(place, Member(Slice((("group", "broken"),)), Broken(940, 1000)))
    with pytest.raises(ValueError, match=r"group=broken: the interval .* is not one"):
        judged(Evidence(tuple(members), "accuracy", 2000), **bound)


def test_a_support_that_is_no_number_bars_a_pass() -> None:
    class Unknown(Proportion):
        @property
        def support(self) -> float:
            return math.nan

    assert judged(Evidence((Member(OVERALL, Unknown(990, 1000)),), "accuracy", 1000)).status == "inconclusive"


def test_one_slice_on_its_bound_passes_at_most_nominally() -> None:
    """One of twelve slices exactly on the bound, the rest good: passed in about 2.5 % of runs, at most 3 Monte-Carlo errors above."""
    rng = np.random.default_rng(7)
    n, trials = 300, 4000
    on_bound = rng.binomial(n, 0.8, size=trials)
    lows = {int(h): Proportion(int(h), n).bounds(ALPHA, ALPHA)[0] for h in set(on_bound)}
    passed = np.mean([lows[int(h)] >= 0.8 for h in on_bound])
    assert passed <= 0.03 + 3 * math.sqrt(0.03 * 0.97 / trials)
    assert passed > 0.005  # the rule can pass at all


def test_fifty_slices_on_their_bound_fail_at_most_nominally() -> None:
    """All fifty on the bound: called failed in at most 2.5 % of runs."""
    rng = np.random.default_rng(8)
    n, m, trials = 100, 50, 2000
    hits = rng.binomial(n, 0.9, size=(trials, m)).min(axis=1)
    highs = {int(h): Proportion(int(h), n).bounds(ALPHA, ALPHA / m)[1] for h in set(hits)}
    failed = np.mean([highs[int(h)] < 0.9 for h in hits])
    assert failed <= 0.025 + 3 * math.sqrt(0.025 * 0.975 / trials)


def test_deciding_interval_of_one_member_is_its_own() -> None:
    member = Member(OVERALL, Proportion(81, 263))
    assert deciding_interval([member], ALPHA, floor=True) == pytest.approx((0.2553, 0.3662), abs=5e-5)


@given(
    st.lists(st.tuples(st.integers(1, 200), st.floats(0, 1)), min_size=1, max_size=8),
    st.booleans(),
    st.sampled_from([0.0005, 0.005, ALPHA, 0.25]),
)
def test_the_ends_are_the_worst_over_all_members(sizes: list[tuple[int, float]], floor: bool, alpha: float) -> None:  # noqa: FBT001  # drawn, not typed by a caller
    """Whichever members are not asked at the level that all of them share, no end moves."""
    shares = [Proportion(round(n * share), n) for n, share in sizes]
    each = alpha / len(shares)
    ends = [one.bounds(*((alpha, each) if floor else (each, alpha))) for one in shares]
    worst = min if floor else max
    members = [Member(Slice((("group", str(i)),)), one) for i, one in enumerate(shares)]
    assert deciding_interval(members, alpha, floor=floor) == (worst(low for low, _ in ends), worst(high for _, high in ends))


@dataclass(frozen=True, slots=True)
class Asked:
    """A share that writes down at which levels it was asked for its ends."""

    share: Proportion
    levels: list[float] = field(default_factory=list)
    min_support: ClassVar[int] = 1
    method: ClassVar[str] = "Wilson"

    @property
    def value(self) -> float:
        return self.share.value

    @property
    def n(self) -> int:
        return self.share.n

    @property
    def support(self) -> float:
        return self.share.support

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        self.levels.extend((lower_alpha, upper_alpha))
        return self.share.bounds(lower_alpha, upper_alpha)


def test_members_far_from_the_worst_are_not_asked_for_their_far_ends() -> None:
    """At the level that 200 members share, a resampled end takes half a second: only the worst one's is needed here, failing or not."""
    shares = [Asked(Proportion(hits, 1000)) for hits in (500, *[900] * 199)]
    evidence = Evidence(tuple(Member(Slice((("group", str(i)),)), one) for i, one in enumerate(shares)), "accuracy", 200_000)
    assert judged(evidence, min=0.8).status == "fail"
    far = [min(one.levels) < ALPHA for one in shares]
    assert far == [True, *[False] * 199]


@given(
    hits=st.lists(st.integers(0, 100), min_size=1, max_size=5),
    bound=st.floats(0.05, 0.95),
    floor=st.booleans(),
    judge_on=st.sampled_from(["interval", "value"]),
    min_n=st.sampled_from([1, 101]),
)
def test_a_finding_passes_where_no_member_is_unproven(hits: list[int], bound: float, floor: bool, judge_on: str, min_n: int) -> None:  # noqa: FBT001  # drawn
    """Who keeps it from a pass, said member by member, is what the worst member decides."""
    asked = {"min": bound if floor else None, "max": None if floor else bound, "judge_on": judge_on, "min_n": min_n}
    found = judged(proportions(*((one, 100) for one in hits)), **asked)
    (side,) = found.sides
    assert side.bound.floor == floor
    assert side.interval == headline(found).interval
    assert (found.status == "pass") == (not side.unproven)
    assert set(found.failing) <= set(side.unproven) or judge_on == "value"


def test_small_and_unmeasured_members_are_unproven() -> None:
    """They too keep a finding from a pass."""
    whole = proportions((480, 500), (29, 29))
    missing = Slice((("group", "2"),))
    (side,) = judged(Evidence(whole.members, "accuracy", 529, unmeasured=(Unmeasured(missing, "no rows"),)), min=0.5).sides
    assert side.unproven == (whole.members[1].name, missing)


def spent(number: int, level: float, evidence: Evidence, **changed: object) -> Finding:
    """The evidence held against a requirement as one of five looks."""
    return judge(requirement(**changed), INFO, evidence, confidence=0.95, owner="nobody", spent=Spent(number, 5, level, ALPHA))


def test_a_look_uses_its_level_towards_pass_alone() -> None:
    """With .0042 to spend the lower end moves out, the upper one stays where it was, and the headline says both levels."""
    evidence = proportions((450, 500), (430, 500))
    plain, look = judged(evidence), spent(3, 0.0042, evidence)
    assert headline(look).interval == (Proportion(430, 500).bounds(0.0042, ALPHA)[0], headline(plain).interval[1])
    assert headline(look).levels == (0.0042, ALPHA / 2)
    assert message(look).endswith("Look 3 of 5: a pass may err with .0042 instead of .025.")
    assert [row.interval for row in look.slices] == [row.interval for row in plain.slices]


def test_a_look_may_take_a_pass_and_never_a_fail() -> None:
    """Of 828 hits in 1,000 the lower end is .8034 at .025 and below .79 at .0005; what fails, fails at every look."""
    for hits, before, after in ((828, "pass", "inconclusive"), (720, "fail", "fail")):
        assert judged(proportions((hits, 1000))).status == before
        assert spent(1, 0.0005, proportions((hits, 1000))).status == after
    assert [row.status for row in spent(1, 0.0005, proportions((828, 1000), (990, 1000))).slices] == ["inconclusive", "pass"]


@pytest.mark.parametrize("changed", [{}, {"min": None, "max": 0.9999}, {"judge_on": "value"}])
def test_nothing_passes_where_nothing_is_left(changed: dict[str, object]) -> None:
    """Not a perfect candidate, and not on its point."""
    perfect = proportions((0, 9000) if "max" in changed else (9000, 9000))
    assert judged(perfect, **changed).status == "pass"
    found = spent(6, 0.0, perfect, **changed)
    assert found.status == "inconclusive"
    assert "Look 6 of 5: it has no error left to spend, so nothing passes." in message(found)


def test_a_census_passes_nothing_either_where_nothing_is_left() -> None:
    evidence = Evidence((Member(OVERALL, Census(0, 6000)),), "rows", 6000)
    assert judged(evidence, min=None, max=17).status == "pass"
    assert spent(6, 0.0, evidence, min=None, max=17).status == "inconclusive"


def test_a_look_never_gives_more_than_the_requirement_has() -> None:
    evidence = proportions((450, 500))
    assert headline(spent(1, 0.4, evidence)).interval == headline(judged(evidence)).interval


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [
        (1, "rows", "1 row; "),
        (17, "rows", "17 rows; "),
        (1, "entities", "1 entity; "),
        (0, "faults", "0 faults; "),
        (0.793, "effect size d", "effect size d 0.793; "),
    ],
)
def test_a_census_is_told_in_grammar(value: float, unit: str, said: str) -> None:
    """One is no plural, and what is no count stands behind its name."""
    found = judge(
        requirement(min=None, max=0), INFO, Evidence((Member(OVERALL, Census(value, 400)),), unit, 400), confidence=0.95, owner="x"
    )
    assert message(found).startswith(said)
