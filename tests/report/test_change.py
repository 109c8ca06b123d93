"""The arithmetic of what would have to change."""

from __future__ import annotations

from dataclasses import replace

from audit.phrases import would_pass
from audit.report.entries import entries
from audit.report.findings import changes, settle
from audit.report.phrases import in_words
from audit.report.text import sentence
from tests.report import example


def test_to_pass_is_what_turns_the_finding() -> None:
    """Reason, condition and report say the same; what does not apply needs nothing."""
    (short,) = [one for one in example.conditions().findings if one.id == "performance/accuracy"]
    assert settle(short) == sentence(in_words(would_pass(short), short.evidence))
    assert settle(short).startswith("Region: islands: would pass with accuracy of at least 0.878")
    assert settle(replace(short, status="not_applicable")).startswith("Nothing, as long as it does not apply")


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
