"""What a window comes to: keep, watch, keep with conditions, roll back, or incomplete."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit.decision import rules
from audit.decision.finding import Condition, Reason, Verdict
from audit.monitor import detection

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from audit.decision.finding import Decision, Finding
    from audit.record import MonitorOutcome, Signal

INCOMPLETE, RETRAIN = 3, 5
"""Exit codes: evidence is missing; a new training is due, and nothing is worse."""
WORST_FIRST = (1, INCOMPLETE, 4, RETRAIN, 0)
"""Exit codes of several windows."""
OUTCOMES: Mapping[MonitorOutcome, tuple[Decision, int]] = {
    "keep": ("promote", 0),
    "watch": ("promote", 0),
    "keep-with-conditions": ("promote-with-conditions", 4),
    "roll-back": ("block", 1),
    "incomplete": ("block", INCOMPLETE),
}
"""The decision in `results.json` and the exit code of each outcome."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What a window's outcome rests on besides its findings."""

    awaiting: Collection[str]
    """Requirements whose labels may still come."""
    overdue: Sequence[Reason]
    """Labels that should have come."""
    today: date


def decide(findings: Sequence[Finding], signals: Sequence[Signal], situation: Situation) -> tuple[MonitorOutcome, Verdict]:
    """The outcome, and the verdict that stands for it in the bundle.

    An alarm that stands counts whether or not this window measures its requirement. A lone window decides nothing, so that
    `inconclusive` is no reason against the model; evidence that is missing is one, unless it may still come.
    """
    raised = {one.requirement for one in signals if one.state == "alarm"}
    watching = {one.requirement for one in signals if one.state == "watch"}
    effects = {one.id: _effect(one, one.id in raised) for one in findings}
    missing = [one for one in findings if _missing(one, situation) and effects[one.id] != "block"]
    blocking = [one for one in findings if effects[one.id] == "block"]
    conditional = [one for one in findings if effects[one.id] == "condition"]
    reasons = [
        *(Reason(_rule(one), one.id, detection.reason(one.id, signals)) for one in (*blocking, *conditional)),
        *(Reason(f"{one.requirement.severity}-{one.status}", one.id) for one in missing),
        *situation.overdue,
        *(Reason("watch", one.id, detection.reason(one.id, signals)) for one in findings if one.id in watching),
    ]
    outcome: MonitorOutcome = (
        "roll-back"
        if blocking
        else "incomplete"
        if missing or situation.overdue
        else "keep-with-conditions"
        if conditional
        else "watch"
        if watching
        else "keep"
    )
    conditions = tuple(rules.condition(one, situation.today) for one in conditional)
    return outcome, _verdict(outcome, reasons or [Reason("keep", None, _keep(findings))], conditions)


def _verdict(outcome: MonitorOutcome, reasons: Sequence[Reason], conditions: tuple[Condition, ...]) -> Verdict:
    decision, code = OUTCOMES[outcome]
    return Verdict(decision, code, tuple(reasons), conditions)


def _effect(finding: Finding, raised: bool) -> rules.Effect:  # noqa: FBT001  # this one fact decides
    """What a requirement with an alarm does, by its severity and waiver; nothing without one."""
    return rules.effect(replace(finding, status="fail")) if raised else "ok"


def _missing(finding: Finding, situation: Situation) -> bool:
    """Whether a requirement lacks evidence that the policy asks for. Drift that is only watched is asked for as well."""
    lacks = finding.status in rules.EVIDENCE_MISSING or detection.measures_nothing(finding)
    return finding.requirement.enforce == "required" and lacks and finding.id not in situation.awaiting


def _rule(finding: Finding) -> str:
    return f"{finding.requirement.severity}-alarm" + ("-waived" if finding.disposition == "waived" else "")


def _keep(findings: Sequence[Finding]) -> str:
    measured = sum(one.status in rules.JUDGED for one in findings)
    return f"No alarm stands; this window measures {measured:,} of {len(findings):,} requirements."


def worst(codes: Sequence[int]) -> int:
    """The exit code of several windows; one that no window ends with counts as incomplete."""
    known = {code if code in WORST_FIRST else INCOMPLETE for code in codes}
    return next((code for code in WORST_FIRST if code in known), INCOMPLETE)
