"""What is said to turn a finding does turn it: held against the judge itself."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audit.decision.judge import judge, without_evidence
from audit.decision.rules import decide
from audit.evidence import OVERALL, Evidence, Member, Pair, Slice, Unmeasured
from audit.ledger.alpha_spending import Spent
from audit.phrases import closes_with, message, would_pass
from audit.phrases import reason as phrase_reason
from audit.stats import Auc, Census, Difference, Mean, Proportion
from tests.findings import INFO, proportions, requirement

if TYPE_CHECKING:
    from audit.decision.finding import Finding

A, B = Slice((("group", "a"),)), Slice((("group", "b"),))


def judged(evidence: Evidence, **changed: object) -> Finding:
    return judge(requirement(**changed), INFO, evidence, confidence=0.95, owner="nobody")


def share(hits: int, n: int, **changed: object) -> Finding:
    return judged(proportions((hits, n)), **changed)


def one(estimate: object, unit: str, **changed: object) -> Finding:
    return judged(Evidence((Member(OVERALL, estimate),), unit, 100), **changed)  # type: ignore[arg-type]  # any estimate


def test_a_share_by_hand() -> None:
    """Wilson's lower end of 340 of 400 is 0.8117 and of 339 is 0.8090: 13 more hits than 327 are needed for 0.81."""
    assert [round(Proportion(hits, 400).bounds(0.025, 0.025)[0], 4) for hits in (339, 340)] == [0.809, 0.8117]
    assert would_pass(share(327, 400, min=0.81)) == (
        "Would pass with accuracy of at least 0.850 on these 400 rows: 340 of them, 13 more than now. "
        "Or with about 11,000 rows instead of 400, if the estimate holds."
    )


def test_a_value_on_the_wrong_side_is_not_mended_by_rows() -> None:
    assert would_pass(share(300, 400, min=0.81)).endswith(
        "340 of them, 40 more than now. More rows alone would not help: the estimate itself misses the bound."
    )


def test_rows_that_cannot_pass_at_all() -> None:
    """The exact lower end of n of n is 0.025 to the power of 1 / n: at least 17.5 rows for 0.81, and 71.9 for 0.95."""
    few = would_pass(share(9, 10, min=0.81))
    assert few.startswith("Would not pass even with 10 of these 10 rows. A pass needs about 18 rows, even at a value of 1.")
    assert would_pass(share(40, 40, min=0.95)) == (
        "Would not pass even with 40 of these 40 rows. It needs about 72 rows instead of 40, if the estimate holds."
    )


def test_a_bound_that_no_sample_proves() -> None:
    """At least 1 is asked for: no number of rows is made up."""
    assert would_pass(share(40, 40, min=1.0)) == (
        "Would not pass even with 40 of these 40 rows. The estimate equals the bound: no number of rows settles it."
    )


def test_a_ceiling_is_mirrored() -> None:
    """30 of 100, at most 0.1: 4 of 100 ends at 0.098, 5 of 100 at 0.112."""
    assert would_pass(share(30, 100, min=None, max=0.1)).startswith(
        "Would pass with accuracy of at most 0.040 on these 100 rows: 4 of them, 26 fewer"
    )


def test_a_value_is_moved_only_where_it_can_be() -> None:
    """A score without a known range may exceed 1, one between 0 and 1 cannot, and a gap is best where the groups do not differ."""
    wide = Mean(0.9, 1.0, 0.0, 60.0, 60)
    assert would_pass(one(wide, "score", min=0.8)).startswith("Would pass with score of at least 1.058 at this interval width; now 0.900.")
    assert would_pass(one(replace(wide, low=0.0, high=1.0), "score", min=0.8)).startswith("Cannot pass at this interval width")
    gap = Difference(Proportion(52, 100), Proportion(48, 100))
    both = Evidence((Member(Pair(A, B), gap), Member(Pair(B, A), Difference(gap.second, gap.first))), "rate difference", 200)
    assert would_pass(judged(both, min=-0.1)).startswith("group=b against group=a: cannot pass at this interval width; collect more rows.")
    assert would_pass(judged(both, min=None, max=0.1)).startswith("group=a against group=b: cannot pass at this interval width")


def test_a_census_is_what_must_go() -> None:
    assert would_pass(one(Census(17, 400), "rows", min=None, max=0)) == "Would pass without 17 of the 17 rows: at most 0 may remain."
    assert would_pass(one(Census(17, 400), "rows", min=None, max=3.5)) == "Would pass without 14 of the 17 rows: at most 3.5 may remain."
    assert would_pass(one(Census(1, 400), "entities", min=None, max=0)) == "Would pass without the 1 entity: at most 0 may remain."
    assert would_pass(one(Census(100, 400), "faults", min=None, max=0)) == "Would pass without 100 of the 100 faults: at most 0 may remain."
    assert would_pass(one(Census(0.118, 400), "share of rows", min=0.25)) == "Would pass with share of rows of at least 0.25; now 0.118."


def test_a_value_that_is_judged_alone() -> None:
    found = share(310, 400, min=0.8, judge_on="value", severity="low")
    assert would_pass(found) == "Would pass with accuracy of at least 0.8; now 0.775."


def test_the_farthest_member_is_named_and_the_others_too() -> None:
    found = would_pass(judged(proportions((5, 400), (330, 400), (25, 29)), min=0.8))
    assert found.startswith("group=0: would pass with accuracy of at least 0.840 on these 400 rows: 336 of them, 331 more than now.")
    assert "group=2, group=1 also fall short." in found
    assert found.endswith("A pass needs more rows: at least 1 for group=2.")


def test_members_that_could_not_be_measured() -> None:
    whole = proportions((480, 500))
    found = judged(replace(whole, unmeasured=(Unmeasured(A, "no rows: add at least 30"),)), min=0.5)
    assert would_pass(found) == "Not measured but required: group=a (no rows: add at least 30)."


@pytest.mark.parametrize(("status", "said"), [("error", "fix what broke"), ("not_run", "supply what the message names")])
def test_without_evidence(status: str, said: str) -> None:
    found = without_evidence(requirement(), INFO, status, "told", owner="nobody")  # type: ignore[arg-type]  # literals above
    assert said in would_pass(found)


def test_an_exhausted_test_set_is_passed_by_nothing() -> None:
    """No error is left for the end that faces pass, so no value and no number of rows is made up."""
    found = judge(requirement(min=0.5), INFO, proportions((390, 400)), confidence=0.95, owner="nobody", spent=Spent(6, 5, 0.0, 0.025))
    assert (
        would_pass(found) == "No value can pass on this test set: its planned looks are used up. Audit on data that nobody has looked at."
    )


def test_a_later_look_needs_more() -> None:
    """At a level of 0.005 the exact end counts, which more hits are needed for."""
    found = judge(requirement(min=0.81), INFO, proportions((327, 400)), confidence=0.95, owner="nobody", spent=Spent(2, 5, 0.005, 0.025))
    needed = int(re.search(r": (\d+) of them", would_pass(found))[1])  # type: ignore[index]  # else the test fails
    assert Proportion(needed - 1, 400).bounds(0.005, 0.005)[0] < 0.81 <= Proportion(needed, 400).bounds(0.005, 0.005)[0]
    assert needed > 340


def test_what_passes_needs_nothing() -> None:
    assert would_pass(share(390, 400, min=0.8)) == ""


def test_reasons_and_conditions_say_it() -> None:
    found = share(327, 400, min=0.81, severity="medium")
    verdict = decide([found.requirement], [found], today=date(2026, 11, 21))
    (reason,), (condition,) = verdict.reasons, verdict.conditions
    assert (reason.rule, reason.finding) == ("medium-inconclusive", "performance/accuracy")
    assert phrase_reason(reason, [found]) == f"{message(found)} {would_pass(found)}"
    assert closes_with(condition, [found]) == f"performance/accuracy passes in a new audit under this policy. {would_pass(found)}"


@given(st.integers(1, 400), st.data(), st.sampled_from([0.1, 0.5, 0.8, 0.95]), st.booleans(), st.sampled_from([None, 25]))
@settings(deadline=None, max_examples=150)
def test_the_hits_said_are_the_first_that_pass(n: int, data: st.DataObject, limit: float, floor: bool, entities: int | None) -> None:  # noqa: FBT001  # drawn, not typed by a caller
    """The judge passes that many and not one less, with entities too."""
    hits = data.draw(st.integers(0, n))
    estimate = Proportion(hits, n, entities, 1.0 if entities is None else 1.7)
    bound = {"min": limit} if floor else {"min": None, "max": limit}
    found = one(estimate, "accuracy", min_n=1, **bound)
    said = re.search(r": ([\d,]+) of them", would_pass(found))
    assume(said is not None)
    assert said is not None
    needed = int(said[1].replace(",", ""))
    short = needed - 1 if floor else needed + 1
    assert one(replace(estimate, hits=needed), "accuracy", min_n=1, **bound).status == "pass"
    assert one(replace(estimate, hits=short), "accuracy", min_n=1, **bound).status != "pass"


@given(st.integers(58, 65), st.integers(40, 100))
@settings(deadline=None, max_examples=60)
def test_the_rows_said_settle_it(percent: int, n: int) -> None:
    """With ten times as many as are said it passes, and with a fifth fewer it does not."""
    found = share(round(n * percent / 100), n, min=0.55)
    said = re.search(r"about ([\d,]+) rows instead", would_pass(found))
    assume(said is not None and found.headline is not None)
    assert said is not None
    assert found.headline is not None
    rows, value = int(said[1].replace(",", "")), found.headline.value
    assert share(round(10 * rows * value), 10 * rows, min=0.55).status == "pass"
    assert share(int(0.8 * rows * value), int(0.8 * rows), min=0.55, min_n=1).status != "pass"


def test_rows_of_a_gap_and_of_an_area() -> None:
    """The rows that are said pass, by the estimates' own ends; half as many do not."""
    gap = Difference(Proportion(60, 100), Proportion(55, 100))
    found = judged(Evidence((Member(Pair(A, B), gap),), "rate difference", 200), min=None, max=0.1)
    rows = int(re.search(r"about ([\d,]+) rows", would_pass(found))[1].replace(",", ""))  # type: ignore[index]  # else the test fails
    sizes = (rows, rows // 2)
    ends = [Difference(Proportion(round(0.3 * n), n // 2), Proportion(round(0.275 * n), n // 2)).bounds(0.025, 0.025)[1] for n in sizes]
    assert ends[0] <= 0.1 + 1e-3
    assert ends[1] > 0.1
    rng = np.random.default_rng(0)
    truth = np.arange(200) % 2 == 0
    area = Auc.of(truth, rng.normal(size=200) + truth)
    assert "instead of 200, if the estimate holds" in would_pass(one(area, "ROC AUC", min=area.value - 0.01))


def test_a_value_is_moved_with_its_interval() -> None:
    """A mean of losses: its upper end must fall by what it is too high."""
    rng = np.random.default_rng(1)
    mean = Mean.of(rng.exponential(0.5, 100))
    end = mean.bounds(0.025, 0.025)[1]
    said = would_pass(one(mean, "log loss", min=None, max=end - 0.05))
    assert said.startswith(f"Would pass with log loss of at most {mean.value - 0.05:.3f} at this interval width; now {mean.value:.3f}.")


def test_no_value_outside_its_range_is_asked_for() -> None:
    gap = Evidence((Member(Pair(A, B), Difference(Proportion(60, 100), Proportion(55, 100))),), "rate difference", 200)
    assert would_pass(judged(gap, min=None, max=0.1)).startswith(
        "group=a against group=b: cannot pass at this interval width; collect more rows. It needs about"
    )
