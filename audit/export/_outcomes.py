"""What a finding means to a tool that knows little more than pass and fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from audit import phrases
from audit.decision import rules
from audit.evidence import OVERALL
from audit.formatting import neutral
from audit.report.text import asked_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.decision.finding import Finding
    from audit.evidence import Name
    from audit.record import AuditRun

Meaning: TypeAlias = Literal["good", "waived", "advisory", "unproven", "bad", "broken", "not_applicable"]
"""`unproven`: required, and inconclusive or not run. `advisory`: not passed, and without effect on the decision."""

DECISION = "audit/decision"
"""In the place of a check's id, where the decision stands among findings."""


def meaning(finding: Finding) -> Meaning:
    """What follows from a finding."""
    if finding.status in {"pass", "not_applicable"}:
        return "good" if finding.status == "pass" else "not_applicable"
    if finding.disposition == "waived":
        return "waived"
    if finding.requirement.enforce == "advisory":
        return "advisory"
    return {"fail": "bad", "error": "broken"}.get(finding.status, "unproven")  # type: ignore[return-value]  # a dict of literals


def parts(finding: Finding) -> tuple[Name, ...]:
    """The members that an alert is about: the failing ones, or all of the finding."""
    return finding.failing if finding.status == "fail" and finding.failing else (OVERALL,)


def sentence(finding: Finding, name: Name = OVERALL) -> str:
    """One finding, or one member of it, in words: what is required, and what was found."""
    if name == OVERALL:
        return " ".join(filter(None, [f"{asked_in_words(finding.requirement)}:", phrases.message(finding), phrases.would_pass(finding)]))
    value = next((row for row in finding.slices if row.name == name), None)
    found = "" if value is None or value.value is None else f" {value.value:.4g} of {value.n:,} rows"
    return f"{asked_in_words(finding.requirement)}: {name} fails{found}. {phrases.message(finding)}"


def visible(value: Any) -> Any:
    """JSON values in which every text is one line that can be seen; keys stay."""
    if isinstance(value, str):
        return neutral(value)
    if isinstance(value, dict):
        return {key: visible(one) for key, one in value.items()}
    return [visible(one) for one in value] if isinstance(value, list) else value


def blocking(audit: AuditRun) -> Iterator[str]:
    """Why the exit code is not 0 where no finding blocks, in words: a format that shows problems alone has one error at least then."""
    verdict = audit.verdict
    if verdict.exit_code == 0:
        return
    apart = [one for one in verdict.reasons if not one.remark and one.finding is None]
    for reason in apart:
        yield f"{reason.rule}: {phrases.reason(reason, audit.findings)}"
    if not apart and not any(rules.effect(one) == "block" for one in audit.findings):
        owed = ", ".join(dict.fromkeys(one.finding for one in verdict.conditions))
        yield f"{verdict.decision}: exit code {verdict.exit_code}" + (f", conditions await signature: {owed}" if owed else "")
