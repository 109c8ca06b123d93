"""The arithmetic of what would have to change."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from audit.evidence import OVERALL, Evidence, Member
from audit.report.change import changes, settle
from audit.report.entries import entries
from audit.stats import Census, Proportion
from tests.report import example

if TYPE_CHECKING:
    from audit.judge import Finding


def share(hits: int, n: int, **bound: Any) -> Finding:
    return example.judged(example.ACCURACY, Evidence((Member(OVERALL, Proportion(hits, n)),), "accuracy", n), **bound)


def test_fail_by_hand() -> None:
    """70 of 100 has the Wilson interval [0.604, 0.781]; to reach 0.8 its lower end must rise by 0.196, and the value with it."""
    assert settle(share(70, 100, min=0.8)) == (
        "The interval's lower end must rise from 0.604 to 0.8: at this width, the value from 0.700 to 0.896. "
        "More rows alone would not make it pass: the value itself is on the wrong side."
    )


def test_inconclusive_by_hand() -> None:
    """85 of 100, at least 0.8: the lower end is 0.083 below the value, the bound 0.05: (0.083 / 0.05)^2 = 2.75 times the rows."""
    assert settle(share(85, 100, min=0.8)).endswith("Or about 275 rows in place of 100, were the value to stay.")


def test_ceiling_is_mirrored() -> None:
    """At most 0.1 with 30 of 100: the upper end 0.396 must fall."""
    assert settle(share(30, 100, max=0.1)).startswith(
        "The interval's upper end must fall from 0.396 to 0.1: at this width, the value from 0.300 to 0.004."
    )


def test_no_value_outside_its_range_is_asked_for() -> None:
    """7 of 60, at most 0.1, ends at 0.222: the width above the value is more than the bound, so the share would have to fall below 0."""
    assert settle(share(7, 60, max=0.1)).endswith(
        "the value would have to lie below 0, so the interval must become narrower too, by more rows."
    )
    assert settle(share(57, 60, min=0.95)).endswith(
        "the value would have to lie above 1, so the interval must become narrower too, by more rows."
    )


def test_census() -> None:
    """A count needs no interval: it must become what is asked."""
    finding = example.judged(example.PII, Evidence((Member(OVERALL, Census(17, 6000)),), "rows", 6000), max=0)
    assert settle(finding) == "The count must fall from 17 to at most 0."


def test_without_evidence_the_check_must_run() -> None:
    """Nothing is computed where nothing was measured."""
    assert settle(example.without(example.F1, "error", "broke")) == "Evidence: the check must run to its end and meet its bound."


@given(st.integers(60, 95), st.integers(40, 400))
def test_the_rows_named_settle_it(percent: int, n: int) -> None:
    """With the rows that it names and the same share, the interval reaches the bound within the rounding of hits and Wilson's shift."""
    finding = share(round(n * percent / 100), n, min=0.55)
    found = re.search(r"about ([\d,]+) rows", settle(finding))
    if finding.status == "inconclusive" and found:
        rows = int(found[1].replace(",", ""))
        again = Proportion(round(rows * finding.headline.value), rows) if finding.headline else None
        assert again is not None
        assert again.bounds(0.025, 0.025)[0] > 0.55 - 0.02


def test_blocked_run_says_what_is_left() -> None:
    """The lead counts what must pass, and tells the decision that would follow."""
    run = example.block()
    view = changes(run, entries(run))
    assert (
        view.lead == "Anything but block needs three findings to pass. "
        "The decision would then be promote with conditions (five findings left open)."
    )
    assert [change.check for change in view.changes][:3] == [
        "privacy/pii_in_text",
        "fairness/equal_opportunity_difference",
        "privacy/membership_inference",
    ]


def test_the_decision_it_foretells_is_the_one_that_follows() -> None:
    """Were the blocking findings to pass, the tool itself would decide what section 9 says."""
    from dataclasses import replace

    run = example.block()
    blocking = {entry.finding.id for entry in entries(run).having("block")}
    mended = example.audit_run([replace(one, status="pass") if one.id in blocking else one for one in run.findings])
    assert mended.verdict.decision == "promote-with-conditions"
    assert len(mended.verdict.conditions) == 5


def test_promoted_run_names_what_is_nearest_to_its_bound() -> None:
    """The first line is the pass with the least room, and moving the value by that room ends at the bound."""
    run = example.promote()
    view = changes(run, entries(run))
    assert view.changes == ()
    slack = {
        finding.id: (head.interval[0] - finding.requirement.min) / (head.interval[1] - head.interval[0])
        for finding in run.findings
        if (head := finding.headline) is not None and finding.requirement.min is not None
    }
    assert len(slack) == 3
    assert [change.check for change in view.nearest if change.check in slack] == sorted(slack, key=slack.__getitem__)
