"""What is said of a finding is true of its numbers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from audit.decision.judge import judge
from audit.evidence import OVERALL, Evidence, Member, Slice, Unmeasured
from audit.formatting import number_beside, rows_in_words
from audit.ledger.alpha_spending import Spent
from audit.phrases import message, would_pass
from audit.stats import Census, Mean, PairedDifference, Proportion
from tests.findings import INFO, proportions, requirement

ON_VALUE: dict[str, Any] = {"judge_on": "value", "severity": "low"}


def said(evidence: Evidence, spent: Spent | None = None, **changed: object) -> tuple[str, str]:
    """The message, and what would turn it."""
    found = judge(requirement(**changed), INFO, evidence, confidence=0.95, owner="nobody", spent=spent)
    return message(found), would_pass(found)


def overall(estimate: object, unit: str = "accuracy") -> Evidence:
    return Evidence((Member(OVERALL, estimate),), unit, 100)  # type: ignore[arg-type]  # any estimate


@pytest.mark.parametrize(
    ("value", "other", "written"),
    [
        (0.7996, 0.8, "0.7996"),
        (0.80004, 0.8, "0.80004"),
        (0.8, 0.8, "0.800"),
        (0.7994, 0.8, "0.799"),
        (-0.07949, -0.079, "−0.0795"),
        (-0.0004, 0.0, "−0.00040"),
        (math.inf, 0.8, "∞"),
        (0.8, math.inf, "0.800"),
        (1 / 3, 0.3333333333333333, "0.333"),
    ],
)
def test_rounding_never_moves_a_number_onto_what_it_is_told_beside(value: float, other: float, written: str) -> None:
    assert number_beside(value, other) == written


def test_rounding_stays_between_two_bounds() -> None:
    assert number_beside(0.7998, 0.7995, 0.8) == "0.7998"
    assert number_beside(0.5, 0.7995, 0.8) == "0.500"


@pytest.mark.parametrize(("rows", "written"), [(1, "1 row"), (1.4, "1 row"), (0.6, "0 rows"), (29.7, "29 rows"), (1200, "1,200 rows")])
def test_effective_rows_are_told_in_whole_ones(rows: float, written: str) -> None:
    assert rows_in_words(rows) == written


def test_rows_that_no_one_knows() -> None:
    assert rows_in_words(math.nan) == "an unknown number of rows"


def test_fewer_effective_rows_than_needed_read_as_fewer() -> None:
    """90 rows of 60 entities that tell as much as 29.7 of equal size."""
    told, _ = said(overall(Proportion(90, 90, 60, 1.0, 29.7)), min=0.5)
    assert "Too few rows for a pass: overall: 29 rows, at least 30 needed." in told


def test_a_value_just_below_its_bound_reads_as_below() -> None:
    told, turned = said(proportions((7997, 10000)), min=0.8, **ON_VALUE)
    assert told.startswith("accuracy 0.7997 [0.792, 0.807]; required: at least 0.8. The bound is not met.")
    assert turned == "Would pass with accuracy of at least 0.8; now 0.7997."


def test_an_end_just_below_its_bound_reads_as_below() -> None:
    low = Proportion(340, 400).bounds(0.025, 0.025)[0]
    told, _ = said(proportions((340, 400)), min=low + 0.0001)
    assert told.startswith(f"accuracy 0.850 [{low:.4f}, 0.882]; required: at least {low + 0.0001:.10g}. The interval contains the bound")


def test_a_small_shift_reads_as_a_shift() -> None:
    estimate = Mean(0.5, 0.1, 0.0, 400.0, 400)
    _, turned = said(overall(estimate, "loss"), min=None, max=estimate.bounds(0.025, 0.025)[1] - 0.0001)
    assert turned.startswith("Would pass with loss of at most 0.4999 at this interval width; now 0.500.")


def test_a_value_reads_the_same_in_both_sentences() -> None:
    told, turned = said(overall(Mean(0.7996, 1.0, 0.0, 400.0, 400), "score"), min=0.8)
    assert told.startswith("score 0.7996 [")
    assert "; now 0.7996." in turned


def test_a_census_judged_on_its_value_is_counted() -> None:
    _, turned = said(overall(Census(17, 400), "rows"), min=None, max=0, **ON_VALUE)
    assert turned == "Would pass without 17 of the 17 rows: at most 0 may remain."


def test_a_share_of_a_census_just_over_its_bound_reads_as_over() -> None:
    told, _ = said(overall(Census(0.2502, 400), "share of rows"), min=None, max=0.25)
    assert told.startswith("share of rows 0.2502; required: at most 0.25. The bound is not met.")


def test_one_row() -> None:
    assert said(proportions((1, 1)), min=0.8)[1].startswith("Would not pass even with 1 of 1 row.")
    _, turned = said(proportions((0, 1)), min=0.01)
    assert turned.startswith("Would pass with accuracy of at least 1.000 on 1 row: 1 of them, 1 more than now.")


def test_only_a_failing_member_has_others_failing_too() -> None:
    """1 of 3 is the lowest share and proves nothing; 500 of 1,000 does."""
    told, _ = said(proportions((1, 3), (500, 1000)), min=0.8)
    assert told.endswith("The bound is not met. Failing (Holm): group=1.")
    told, _ = said(proportions((400, 1000), (500, 1000)), min=0.8)
    assert told.endswith("The bound is not met. Also failing (Holm): group=1.")


def test_the_margin_is_no_matter_where_only_rows_are_lacking() -> None:
    """The interval lies within the margin: more rows are needed, not a narrower interval."""
    told, _ = said(overall(PairedDifference(10, 0, 0, 10)), min=None, against="champion", margin=0.5)
    assert "Too few rows for a pass" in told
    assert "proves nothing" not in told
    told, _ = said(overall(PairedDifference(10, 0, 0, 10)), min=None, against="champion", margin=0.001)
    assert "Seeing no difference from the champion proves nothing: the interval must lie within the margin." in told


def test_a_used_up_set_is_not_judged_on_its_value() -> None:
    told, _ = said(proportions((390, 400)), Spent(6, 5, 0.0, 0.025), min=0.5, **ON_VALUE)
    assert "The interval contains the bound" in told
    assert "Judged on the value alone" not in told


def test_what_could_not_be_measured_ends_its_sentence() -> None:
    missing = Unmeasured(Slice((("group", "a"),)), "no rows: add at least 30")
    told, _ = said(replace(proportions((1, 1)), members=(), unmeasured=(missing,)), Spent(2, 5, 0.001, 0.025), **ON_VALUE)
    assert told == ("Nothing could be measured. group=a: no rows: add at least 30. Look 2 of 5: a pass may err with .001 instead of .025.")


def test_names_with_commas_are_told_apart() -> None:
    names = [Slice((("region", "north"), ("gender", one))) for one in "abcdef"]
    evidence = Evidence(tuple(Member(name, Proportion(5 + i, 100)) for i, name in enumerate(names)), "accuracy", 600)
    assert "region=north, gender=b; region=north, gender=c; region=north, gender=d; and 2 more also fall short." in said(evidence)[1]
    missing = tuple(Unmeasured(name, "no rows") for name in names[:2])
    assert said(replace(evidence, members=(), unmeasured=missing))[1].startswith(
        "Evidence is missing for region=north, gender=a; region=north, gender=b: fix"
    )
