"""The outcome of a window by the states of its findings: missing evidence and standing alarms never end in 0."""

from __future__ import annotations

from datetime import date
from itertools import product
from typing import TYPE_CHECKING

import pytest

from audit.decision.finding import Reason
from audit.monitor.outcome import OUTCOMES, WORST_FIRST, Situation, decide, worst
from audit.policy.schema import SEVERITIES
from audit.record import Signal
from tests.findings import finding

if TYPE_CHECKING:
    from audit.decision.finding import Status
    from audit.record import SignalState

STATUSES: tuple[Status, ...] = ("pass", "fail", "inconclusive", "not_run", "error", "not_applicable")
MISSING: tuple[Status, ...] = ("not_run", "error")
TOLD_LITTLE: tuple[Status, ...] = ("pass", "inconclusive", "not_applicable")
STATES: tuple[SignalState, ...] = ("quiet", "rising", "watch", "alarm")
TODAY = date(2026, 11, 30)


def signal(state: SignalState) -> Signal:
    return Signal("one", None, state, 800.0, 730.0, 10, "2026-11-29")


def situation(*awaiting: str, overdue: bool = False) -> Situation:
    return Situation(awaiting, (Reason("labels-overdue", None, "late"),) if overdue else (), TODAY)


@pytest.mark.parametrize("severity", SEVERITIES)
def test_missing_evidence_never_ends_in_0(severity: str) -> None:
    for status, state in product(MISSING, STATES):
        outcome, verdict = decide([finding(status, severity=severity)], [signal(state)], situation())
        blocks = state == "alarm" and severity in {"critical", "high"}
        assert outcome == ("roll-back" if blocks else "incomplete")
        assert verdict.exit_code == (1 if blocks else 3)
        assert verdict.decision == "block"


def test_a_lone_window_decides_nothing() -> None:
    for status, severity in product(TOLD_LITTLE, SEVERITIES):
        outcome, verdict = decide([finding(status, severity=severity)], [signal("rising")], situation())
        assert (outcome, verdict.exit_code) == ("keep", 0)


def test_labels_that_may_still_come_are_not_missing() -> None:
    assert decide([finding("not_run")], [], situation("one"))[0] == "keep"
    assert decide([finding("not_run")], [], situation("other"))[0] == "incomplete"
    assert decide([finding("not_run")], [signal("alarm")], situation("one"))[0] == "roll-back"
    assert decide([finding("pass")], [], situation(overdue=True))[0] == "incomplete"


def test_a_waived_alarm_is_a_condition_below_critical() -> None:
    outcome, verdict = decide([finding("fail", disposition="waived")], [signal("alarm")], situation())
    assert outcome == "keep-with-conditions"
    assert [one.rule for one in verdict.reasons] == ["high-alarm-waived"]
    assert [one.finding for one in verdict.conditions] == ["one"]
    assert decide([finding("fail", severity="critical", disposition="waived")], [signal("alarm")], situation())[0] == "roll-back"


def test_an_advisory_requirement_changes_no_decision() -> None:
    for status in STATUSES:
        outcome, _ = decide([finding(status, enforce="advisory")], [signal("watch")], situation())
        assert outcome == "watch"


def test_one_more_alarm_or_gap_never_betters_the_outcome() -> None:
    """Over all pairs of two requirements."""
    better_first = [0, *[code for code in reversed(WORST_FIRST) if code]]
    for status, severity, state in product(STATUSES, SEVERITIES, STATES):
        alone = decide([finding(status, severity=severity)], [signal(state)], situation())[1].exit_code
        for other in STATUSES:
            both = decide([finding(status, severity=severity), finding(other, name="two")], [signal(state)], situation())[1].exit_code
            assert better_first.index(both) >= better_first.index(alone)


def test_the_worst_code_of_several_windows() -> None:
    assert worst([0, 4, 3]) == 3
    assert worst([0, 5, 4]) == 4
    assert worst([3, 1]) == 1
    assert worst([0, 0]) == 0
    assert worst([]) == 3, "no window is no evidence"
    assert worst([0, 77]) == 3
    assert {code for _, code in OUTCOMES.values()} <= set(WORST_FIRST)
