"""The decision table, cell by cell, and its properties over every pair of finding states."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from audit.decision.finding import Finding, Reason, Verdict
from audit.decision.rules import decide, effect
from audit.phrases import closes_with, reason
from tests.findings import finding

if TYPE_CHECKING:
    from audit.decision.finding import Status

SEVERITIES = ("critical", "high", "medium", "low")
STATUSES: tuple[Status, ...] = ("pass", "fail", "inconclusive", "not_run", "error", "not_applicable")
MISSING: tuple[Status, ...] = ("not_run", "error")
TABLE = {  # fail, inconclusive, waived fail or inconclusive, not_run or error
    "critical": ("block", "block", "block", "block"),
    "high": ("block", "block", "condition", "block"),
    "medium": ("condition", "condition", "condition", "block"),
    "low": ("condition", "condition", "condition", "condition"),
}
BETTER = {
    "error": ("fail", "inconclusive", "pass"),
    "not_run": ("fail", "inconclusive", "pass"),
    "fail": ("inconclusive", "pass"),
    "inconclusive": ("pass",),
    "pass": (),
    "not_applicable": (),
}
RANK = {"block": 0, "promote-with-conditions": 1, "promote": 2}
TODAY = date(2026, 11, 20)


def verdict(*findings: Finding) -> Verdict:
    return decide([one.requirement for one in findings], findings, today=TODAY)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_every_cell(severity: str) -> None:
    fail, inconclusive, waived, missing = TABLE[severity]
    assert effect(finding("fail", severity=severity)) == fail
    assert effect(finding("inconclusive", severity=severity)) == inconclusive
    assert effect(finding("fail", severity=severity, disposition="waived")) == waived
    assert effect(finding("inconclusive", severity=severity, disposition="waived")) == waived
    assert {effect(finding(status, severity=severity)) for status in MISSING} == {missing}
    assert effect(finding("pass", severity=severity)) == "ok"
    assert {effect(finding(status, severity=severity, enforce="advisory")) for status in STATUSES} == {"ok"}


def test_properties_over_every_pair_of_states() -> None:
    """Improving, waiving, adding: the decision moves the right way, and nothing but promote exits 0."""
    base = finding("pass", name="base")
    states = list(itertools.product(SEVERITIES, ("required", "advisory"), STATUSES, ("none", "waived")))

    def made(state: tuple[str, str, str, str], name: str) -> Finding:
        return finding(state[2], severity=state[0], enforce=state[1], disposition=state[3], name=name)  # type: ignore[arg-type]  # a product of literals

    seen: dict[tuple[tuple[str, str, str, str], ...], int] = {}

    def rank(*given: tuple[str, str, str, str]) -> int:
        if given not in seen:
            found = verdict(base, *(made(state, f"f{i}") for i, state in enumerate(given)))
            assert (found.exit_code == 0) == (found.decision == "promote")
            seen[given] = RANK[found.decision]
        return seen[given]

    for c, d in itertools.product(states, states[:: len(STATUSES) - 1]):
        now = rank(c, d)
        assert all(rank((c[0], c[1], better, c[3]), d) >= now for better in BETTER[c[2]])
        assert rank((*c[:3], "waived"), d) >= now
        assert now <= rank(d)
        if c[1] == "required" and c[2] not in ("pass", "not_applicable"):
            assert rank((*c[:3], "waived"), d) < RANK["promote"]


def test_nothing_required_blocks() -> None:
    assert verdict().decision == "block"
    assert verdict(finding("pass", enforce="advisory")).decision == "block"
    assert verdict(finding("not_applicable")).decision == "block"


def test_a_dropped_or_surplus_finding_blocks() -> None:
    """Every requirement is answered, in order, and nothing else is."""
    one, two = finding("pass", name="one"), finding("pass", name="two")
    both = [one.requirement, two.requirement]
    assert decide(both, [one, two], today=TODAY).exit_code == 0
    for wrong in ([one], [two], [two, one], [one, two, two], []):
        found = decide(both, wrong, today=TODAY)
        assert (found.decision, found.exit_code) == ("block", 3)
        assert found.reasons[0].rule == "incomplete"
    assert decide(both, [finding("fail", name="one")], today=TODAY).exit_code == 1


def test_a_finding_hides_no_other_of_its_id() -> None:
    """Ids are the policy's to keep apart; the decision does not lean on it."""
    twins = [finding("fail", name="one"), finding("pass", name="one")]
    assert decide([one.requirement for one in twins], twins, today=TODAY).decision == "block"


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        (("pass",), 0),
        (("fail",), 1),
        (("inconclusive",), 1),
        (("error",), 3),
        (("not_run",), 3),
        (("error", "fail"), 1),
        (("error", "inconclusive"), 1),
        (("pass", "not_run"), 3),
    ],
)
def test_exit_codes(statuses: tuple[str, ...], code: int) -> None:
    """3 only when what blocks is missing evidence alone."""
    assert verdict(*(finding(s, name=str(i)) for i, s in enumerate(statuses))).exit_code == code  # type: ignore[arg-type]  # literals above


def test_conditions_have_owner_due_date_and_what_closes_them() -> None:
    findings = [finding("pass", name="good"), finding("fail", severity="medium", name="open")]
    found = verdict(*findings)
    assert (found.decision, found.exit_code) == ("promote-with-conditions", 4)
    assert [(one.finding, one.owner, one.due) for one in found.conditions] == [("open", "nobody", "2027-05-19")]
    assert closes_with(found.conditions[0], findings).startswith("open passes in a new audit under this policy.")


def test_what_is_barred_blocks_whatever_passes() -> None:
    """A partial run is incomplete, 3; a missing declared fact is a block, 1."""
    good = finding("pass")
    partial = decide([good.requirement], [good], blocking=[Reason("partial-run", None, "--select")], today=TODAY)
    assert (partial.decision, partial.exit_code) == ("block", 3)
    undeclared = decide([good.requirement], [good], blocking=[Reason("declared-field-missing", None, "system.owner")], today=TODAY)
    assert (undeclared.decision, undeclared.exit_code) == ("block", 1)


def test_reasons_name_the_rule_and_the_finding() -> None:
    found = verdict(finding("fail", severity="low", name="small"), finding("inconclusive", name="big"))
    assert [(one.rule, one.finding) for one in found.reasons] == [("high-inconclusive", "big"), ("low-fail", "small")]
    assert verdict(finding("pass")).reasons[0].rule == "all-required-pass"


def test_a_reason_is_made_of_sentences() -> None:
    """What is missing and what would settle it stand apart, though a message may end without a full stop."""
    missing = replace(finding("not_run"), problem="no scores: add columns.score")
    (found,) = verdict(missing).reasons
    told = "no scores: add columns.score. Evidence is missing: supply what the message names and run the audit again."
    assert reason(found, [missing]) == told
