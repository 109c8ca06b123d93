"""From findings to a decision: the table, the reasons, the conditions, the exit code."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from audit.decision.finding import Condition, Decision, Reason, Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.decision.finding import Finding, Status
    from audit.policy.schema import Requirement, Severity

Effect: TypeAlias = Literal["ok", "condition", "block"]
EVIDENCE_MISSING: frozenset[Status] = frozenset({"not_run", "error"})
EVIDENCE_AGAINST: frozenset[Status] = frozenset({"fail", "inconclusive"})
JUDGED: frozenset[Status] = frozenset({"pass", "fail", "inconclusive"})
MODEL_UNJUDGED = "model-unjudged"
"""The rule that blocks where no required check judged the model's own answers."""
DUE_DAYS: dict[Severity, int] = {"critical": 0, "high": 90, "medium": 180, "low": 365}
"""Days until a condition falls due; for high and medium as long as a waiver may last."""


def effect(finding: Finding) -> Effect:
    """What one finding does to the decision: one cell of the table."""
    severity, status = finding.requirement.severity, finding.status
    if finding.requirement.enforce == "advisory" or status in {"pass", "not_applicable"}:
        return "ok"
    if severity == "critical":
        return "block"
    if severity == "high":
        return "condition" if status in EVIDENCE_AGAINST and finding.disposition == "waived" else "block"
    if severity == "medium" and status in EVIDENCE_MISSING:
        return "block"
    return "condition"


def decide(required: Sequence[Requirement], findings: Sequence[Finding], *, blocking: Sequence[Reason] = (), today: date) -> Verdict:
    """Promote only on proof: every requirement answered, the model's own answers judged, and nothing in the way.

    `blocking` holds what blocks apart from findings: a partial run, a declared field that is missing, a characteristic that
    nobody looked at, a broken digest.
    """
    of_all = (*blocking, *_incomplete(required, findings))
    conditions = tuple(condition(finding, today) for finding in findings if effect(finding) == "condition")
    blocked = bool(of_all) or any(effect(finding) == "block" for finding in findings)
    decision: Decision = "block" if blocked else "promote-with-conditions" if conditions else "promote"
    reasons = (*of_all, *(_reason(finding) for finding in sorted(findings, key=_rank) if effect(finding) != "ok"))
    return Verdict(decision, exit_code(decision, findings, of_all), reasons or (Reason("all-required-pass", None),), conditions)


def exit_code(decision: Decision, findings: Sequence[Finding], blocking: Sequence[Reason] = ()) -> int:
    """0 promote, 4 conditions awaiting signature, 1 block, 3 blocked only because evidence is missing."""
    if decision == "promote":
        return 0
    if decision == "promote-with-conditions":
        return 4
    statuses = {finding.status for finding in findings if finding.requirement.enforce == "required"}
    incomplete = bool(statuses & EVIDENCE_MISSING) or any(reason.rule in {"partial-run", "incomplete"} for reason in blocking)
    return 3 if incomplete and not statuses & EVIDENCE_AGAINST else 1


def _incomplete(required: Sequence[Requirement], findings: Sequence[Finding]) -> list[Reason]:
    """What is wrong with the findings as a whole."""
    found: list[Reason] = []
    if [finding.requirement for finding in findings] != list(required):
        answered = [finding.requirement for finding in findings]
        found.append(Reason("incomplete", None, names=tuple(one.id for one in required if one not in answered)))
    if not any(one.requirement.enforce == "required" and one.status != "not_applicable" for one in findings):
        found.append(Reason("nothing-judged", None))
    elif not any(_judges_the_model(one) for one in findings):
        found.append(Reason(MODEL_UNJUDGED, None))
    return found


def _judges_the_model(finding: Finding) -> bool:
    """Whether a required finding says something of the model's own answers, or blocks by itself because it cannot."""
    required = finding.requirement.enforce == "required" and finding.check.asks_the_model
    return required and (finding.status in JUDGED or effect(finding) == "block")


_SEVERITY_RANK = {"critical": 0, "high": 1, "medium": 2, "low": 3}
_STATUS_RANK = {"fail": 0, "error": 1, "not_run": 2, "inconclusive": 3, "not_applicable": 4, "pass": 5}


def _rank(finding: Finding) -> tuple[int, int, int]:
    order = {"block": 0, "condition": 1, "ok": 2}
    return order[effect(finding)], _SEVERITY_RANK[finding.requirement.severity], _STATUS_RANK[finding.status]


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Findings in the order in which a reader wants them: what blocks, what leaves a condition, the rest."""
    return sorted(findings, key=lambda finding: (*_rank(finding), finding.id))


def _reason(finding: Finding) -> Reason:
    rule = f"{finding.requirement.severity}-{finding.status}" + ("-waived" if finding.disposition == "waived" else "")
    return Reason(rule, finding.id)


def condition(finding: Finding, today: date) -> Condition:
    """By when it must be closed: within the days of its severity, or as its waiver says."""
    due = today + timedelta(days=DUE_DAYS[finding.requirement.severity]) if finding.waiver is None else finding.waiver.due
    return Condition(finding.id, finding.owner, due.isoformat())


def with_remarks(verdict: Verdict, remarks: Sequence[Reason]) -> Verdict:
    """The verdict with what its reader must know, though it changes nothing."""
    return replace(verdict, reasons=(*verdict.reasons, *(replace(one, remark=True) for one in remarks)))
