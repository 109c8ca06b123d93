"""The work order of a run: what would close each blocker and each condition, one entry an act, for tools that file tickets."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from audit import phrases
from audit.decision.finding import TooFewRows
from audit.evidence import OVERALL
from audit.governance import sign_off

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from audit.decision.finding import Condition, Finding, Reason, SmallestChange
    from audit.evidence import Name
    from audit.record import AuditRun

    Json: TypeAlias = "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None"

Action: TypeAlias = Literal["collect_rows", "meet_bound", "sign", "fix_data", "install", "declare", "rerun"]
_POLICY, _BUNDLE, _APPROVALS = "policy.yaml", "bundle.json", "policy.approvals.yaml"
_OF_RULES: Mapping[str, tuple[Action, str | None]] = {
    "declared-field-missing": ("declare", _POLICY),
    "characteristic-uncovered": ("declare", _POLICY),
    "model-unjudged": ("declare", _POLICY),
    "nothing-judged": ("declare", _POLICY),
    "policy-loosened": ("sign", _APPROVALS),
    "trained-on": ("fix_data", None),
    "test-set-exhausted": ("collect_rows", None),
}
"""What closes a reason that is about no one finding; any other is closed by running the audit again."""
_EXTRA = "pip install '"
"""With which a message names the optional part that is missing."""
_NOT_ASKED = ("left out by --select", "smoke run")
"""With which a message says that an option left a requirement unmeasured."""


@dataclass(frozen=True, slots=True)
class Work:
    """One act."""

    rule: str
    """Of the reason that it closes; `conditions` of a signature over all of them."""
    action: Action
    text: str
    finding: str | None = None
    member: Name | None = None
    """The slice, group or pair that it is about; None for all rows."""
    rows: int | None = None
    """How many more are needed."""
    bound: Mapping[str, float | None] | None = None
    """The limit to meet, the value that was measured and the value that would pass on these rows."""
    file: str | None = None
    """Where it is done."""
    owner: str | None = None
    due: str | None = None
    """ISO date."""

    def to_json(self) -> dict[str, Json]:
        """As `results.json` writes it."""
        member = None if self.member is None or self.member == OVERALL else self.member.to_json()
        return {
            "finding": self.finding,
            "rule": self.rule,
            "action": self.action,
            "member": member,
            "rows": self.rows,
            "bound": self.bound,
            "file": self.file,
            "owner": self.owner,
            "due": self.due,
            "text": self.text,
        }


def work_order(audit: AuditRun) -> tuple[Work, ...]:
    """Every act, in the order of the reasons; none where nothing stands against a promotion."""
    findings = {one.id: one for one in audit.findings}
    due = {one.finding: one for one in audit.verdict.conditions}
    found: list[Work] = []
    for reason in audit.verdict.reasons:
        if reason.remark or reason.rule == "all-required-pass":
            continue
        finding = findings.get(reason.finding or "")
        found += [_of_rule(reason, audit)] if finding is None else _of_finding(reason, finding, due.get(finding.id), audit)
    return (*found, *_signatures(audit))


def _of_rule(reason: Reason, audit: AuditRun) -> Work:
    action, file = _OF_RULES.get(reason.rule, ("rerun", None))
    return Work(reason.rule, action, phrases.reason(reason, audit.findings), file=file, owner=_owner(audit))


def _of_finding(reason: Reason, finding: Finding, condition: Condition | None, audit: AuditRun) -> Iterator[Work]:
    due = None if condition is None else condition.due
    for one in _acts(reason.rule, finding, audit):
        yield replace(one, finding=finding.id, owner=finding.owner, due=due)


def _acts(rule: str, finding: Finding, audit: AuditRun) -> Iterator[Work]:
    """What would turn a finding into a pass. Each shortfall is an act of its own; of a missed bound the member farthest from it."""
    data = next((one.path for one in audit.datasets if one.role == finding.requirement.on), None)
    if finding.evidence is None:
        yield _without_evidence(rule, finding, data)
        return
    if finding.spent is not None and finding.spent.level <= 0:
        yield Work(rule, "collect_rows", phrases.would_pass(finding), file=data)
        return
    for change in finding.changes:
        yield _of_change(rule, finding, change, data)
    for short in finding.shortfalls:
        if isinstance(short, TooFewRows):
            needed = _whole(short.needed - short.support)
            yield Work(rule, "collect_rows", phrases.shortfall(short), member=short.name, rows=needed, file=data)
        else:
            yield Work(rule, "fix_data", phrases.shortfall(short), member=short.name, file=data)
    for missing in finding.evidence.unmeasured:
        yield Work(rule, "fix_data", f"{missing.name}: {missing.reason}", member=missing.name, file=data)
    if not (finding.changes or finding.shortfalls or finding.evidence.unmeasured):
        yield Work(rule, "meet_bound", phrases.would_pass(finding) or phrases.message(finding), file=data)


def _without_evidence(rule: str, finding: Finding, data: str | None) -> Work:
    if finding.status == "error" or finding.problem.startswith(_NOT_ASKED):
        return Work(rule, "rerun", finding.problem)
    if _EXTRA in finding.problem:
        return Work(rule, "install", finding.problem)
    return Work(rule, "fix_data", finding.problem, file=data)


def _of_change(rule: str, finding: Finding, change: SmallestChange, data: str | None) -> Work:
    unit = finding.check.unit if finding.evidence is None else finding.evidence.unit
    text = " ".join(phrases.change(change, unit))
    ends = (change.bound.limit, None) if change.bound.floor else (None, change.bound.limit)
    bound = {"min": ends[0], "max": ends[1], "value": change.value, "target": change.target}
    needed = change.rows_at_best if change.rows is None else change.rows
    if finding.check.measures == "data" and change.kind == "census":
        action: Action = "fix_data"
    else:
        action = "collect_rows" if needed is not None or change.kind in {"open_end", "sample"} else "meet_bound"
    return Work(
        rule, action, text, member=change.member, rows=None if needed is None else max(0, needed - change.n), bound=bound, file=data
    )


def _signatures(audit: AuditRun) -> Iterator[Work]:
    """The signatures that the conditions of a promotion wait for."""
    if audit.verdict.decision != "promote-with-conditions" or audit.verdict.exit_code == 0:
        return
    first = min((one.due for one in audit.verdict.conditions), default=None)
    declared = audit.policy.tier if "tier" in audit.policy.model_fields_set else None
    for role in sign_off.roles(sign_off.tier_of(declared)):
        text = f"Sign the conditions as {role}: audit sign BUNDLE --key KEY --role {role}"
        owner = _owner(audit) if role == sign_off.OWNER else None
        yield Work("conditions", "sign", text, file=_BUNDLE, owner=owner, due=first)


def _owner(audit: AuditRun) -> str | None:
    """Who answers for the system, as the policy declares it."""
    person = audit.policy.system.owner
    return None if person is None else person.name or person.team or person.contact


def _whole(rows: float) -> int | None:
    return max(0, math.ceil(rows)) if math.isfinite(rows) else None
