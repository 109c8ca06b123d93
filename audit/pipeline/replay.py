"""A stored run once more: its evidence judged again, its predictions measured again, and its release under another policy."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from audit import catalog
from audit.bundle import reader
from audit.decision import rules
from audit.decision.judge import judge, without_evidence
from audit.errors import InputError, ToolError
from audit.pipeline import decide
from audit.pipeline.compatibility import load_policy
from audit.pipeline.stored_outputs import Difference, StoredOutputs
from audit.policy.schema import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from audit.decision.finding import Finding, Reason, Verdict
    from audit.policy.schema import Policy, Requirement
    from audit.record import AuditRun

NOT_THEN = "not measured then"
"""What is said of a requirement for which an old run has no evidence."""
_BY_RULES = frozenset({"all-required-pass", "incomplete", "nothing-judged", rules.MODEL_UNJUDGED})
"""Reasons that the rules of the decision find again by themselves."""
_BY_POLICY = frozenset({"declared-field-missing", "characteristic-uncovered", "policy-loosened"})
"""Reasons that follow from a run's own policy, and not from its data or candidate."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What became of one finding, or of the decision."""

    id: str
    status: str
    """As stored."""
    differences: tuple[Difference, ...]
    measured_again: int | None = None
    """Members whose values were measured again."""
    why_not: str = ""
    """Why nothing was measured again."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A whole run once more."""

    run: str
    findings: tuple[Replayed, ...]
    decision: Replayed

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not any(one.differences for one in (*self.findings, self.decision))


def replay(folder: Path) -> Replay:
    """Judge and measure a bundle again. ToolError where this release cannot."""
    audit = _stored_run(folder)
    policy = _policy_as_run(folder, audit)
    stored = {one.id: one for one in audit.findings}
    if set(stored) != {one.id for one in policy.require}:
        msg = f"{folder}: its findings are not those that its policy.yaml requires"
        raise ToolError(msg)
    again = {one.id: _judged_again(one, stored[one.id], policy) for one in policy.require}
    outputs = StoredOutputs(folder, audit)
    found = tuple(_compared(before, again[before.id], outputs) for before in audit.findings)
    return Replay(audit.run.id, found, _decided_again(audit, policy, [again[one.id] for one in policy.require]))


def _stored_run(folder: Path) -> AuditRun:
    """The record of a bundle that was not changed. ToolError where this release cannot read it."""
    reader.refuse_changed(folder)
    try:
        return reader.audit_run(folder)
    except InputError as error:
        raise ToolError(*error.args) from error


def _policy_as_run(folder: Path, audit: AuditRun) -> Policy:
    """The policy that lies in the bundle, read anew; it must be the recorded one."""
    path = folder / "policy.yaml"
    if audit.monitor is not None:
        msg = f"{folder}: is of a window of production data, whose outcome rests on the windows before it: replay bundles of `audit run`"
        raise ToolError(msg)
    if hashlib.sha256(path.read_bytes()).hexdigest() != audit.policy_sha256:
        msg = f"{path}: is not the policy that the record names"
        raise ToolError(msg)
    try:
        policy = load_policy(path, allow_outside=True).policy
    except InputError as error:
        msg = f"{path}: this release cannot read the policy as it was run: {error}"
        raise ToolError(msg) from error
    if policy.model_dump() != audit.policy.model_dump():
        msg = f"{path}: reads otherwise than it was recorded: replay it with release {audit.run.version}"
        raise ToolError(msg)
    return policy


def _judged_again(requirement: Requirement, stored: Finding, policy: Policy) -> Finding:
    """The stored evidence held against its requirement; the waiver over it stays."""
    if stored.evidence is None:
        return stored
    info = catalog.info(requirement.check)
    found = judge(requirement, info, stored.evidence, confidence=policy.confidence, owner=stored.owner, spent=stored.spent)
    return replace(found, disposition=stored.disposition, waiver=stored.waiver)


def _compared(then: Finding, now: Finding, outputs: StoredOutputs) -> Replayed:
    before, after = _fields(then), _fields(now)
    differences = [
        Difference(key, _shown(before.get(key)), _shown(after.get(key)))
        for key in dict.fromkeys([*before, *after])
        if before.get(key) != after.get(key)
    ]
    again = outputs.measured_again(then)
    if isinstance(again, str):
        return Replayed(then.id, then.status, tuple(differences), why_not=again)
    return Replayed(then.id, then.status, (*differences, *again), measured_again=len(then.evidence.members) if then.evidence else 0)


def _fields(finding: Finding) -> dict[str, object]:
    """All that the judge says of a finding, by name."""
    found: dict[str, object] = {
        "status": finding.status,
        "failing": tuple(map(str, finding.failing)),
        "unproven": tuple(str(name) for side in finding.sides for name in side.unproven),
        "shortfalls": finding.shortfalls,
        "changes": finding.changes,
    }
    if (head := finding.headline) is not None:
        found |= {"headline.value": head.value, "headline.n": head.n, "headline.interval": head.interval, "headline.levels": head.levels}
        found |= {"headline.member": str(head.member), "headline.unit": head.unit, "headline.bound": head.bound}
    return found | {f"slices.{one.name}": (one.value, one.n, one.interval, one.status, one.reason) for one in finding.slices}


def _shown(value: object) -> str:
    return "nothing" if value is None else str(value)


def _decided_again(audit: AuditRun, policy: Policy, findings: Sequence[Finding]) -> Replayed:
    """The rules over the findings judged again; what blocked apart from findings is taken as it was recorded."""
    then = audit.verdict
    signed = any(one.rule == "conditions-signed" for one in then.reasons)
    now = rules.decide(policy.require, findings, blocking=_whole(then, _BY_RULES), today=date.fromisoformat(audit.run.started[:10]))
    pairs: list[tuple[str, object, object]] = [
        ("decision", then.decision, now.decision),
        ("exit_code", then.exit_code, 0 if signed and now.decision == "promote-with-conditions" else now.exit_code),
        ("reasons", _reasons(then), _reasons(now)),
        ("conditions", [(one.finding, one.owner) for one in then.conditions], [(one.finding, one.owner) for one in now.conditions]),
    ]
    if not signed:  # else the dates are those that were signed
        pairs.append(("conditions.due", [one.due for one in then.conditions], [one.due for one in now.conditions]))
    return Replayed("decision", then.decision, tuple(Difference(name, str(a), str(b)) for name, a, b in pairs if a != b))


def _whole(verdict: Verdict, without: frozenset[str]) -> tuple[Reason, ...]:
    """Reasons that block apart from findings."""
    apart = (one for one in verdict.reasons if not one.remark and one.rule not in without)
    return tuple(one for one in apart if one.rule.partition("-")[0] not in SEVERITIES)


def _reasons(verdict: Verdict) -> list[tuple[str, str | None]]:
    return [(one.rule, one.finding) for one in verdict.reasons if not one.remark]


@dataclass(frozen=True, slots=True)
class Under:
    """An old run under another policy."""

    run: str
    then: str
    now: str
    deciding: tuple[str, ...]
    """Findings and rules behind the decision now, each with what it was then."""

    @property
    def flips(self) -> bool:
        """Whether the decision is another one."""
        return self.then != self.now


def under_policy(path: Path, folders: Sequence[Path], *, allow_outside: bool = False) -> tuple[Under, ...]:
    """What a policy would have decided on the evidence of old runs."""
    policy = load_policy(path, allow_outside=allow_outside).policy
    return tuple(_under(policy, _stored_run(folder)) for folder in folders)


def _under(policy: Policy, audit: AuditRun) -> Under:
    findings = [_found_then(one, policy, audit) for one in policy.require]
    unmeasured = {one.id for one in findings if one.status not in rules.JUDGED and rules.effect(one) != "block"}
    blocking = (*_whole(audit.verdict, _BY_RULES | _BY_POLICY), *decide.blocking_reasons(policy, unmeasured=unmeasured))
    now = rules.decide(policy.require, findings, blocking=blocking, today=date.fromisoformat(audit.run.started[:10]))
    return Under(audit.run.id, audit.verdict.decision, now.decision, tuple(_deciding(now, findings, audit)))


def _found_then(requirement: Requirement, policy: Policy, audit: AuditRun) -> Finding:
    """The evidence of the same measurement judged by this policy; `not_run` where there is none."""
    owner = policy.system.owner.team if policy.system.owner is not None else ""
    info = catalog.info(requirement.check)
    roles = [role for role in (requirement.on, requirement.reference) if role is not None]
    read_alike = all(_reading(audit.policy, role) == _reading(policy, role) for role in roles)
    alike = (one for one in audit.findings if read_alike and _measured_alike(one.requirement, requirement))
    stored = next((one for one in alike if one.evidence is not None), None)
    if stored is None or stored.evidence is None:
        return without_evidence(requirement, info, "not_run", NOT_THEN, owner=owner or "")
    spent = stored.spent if policy.looks is not None else None
    found = judge(requirement, info, stored.evidence, confidence=policy.confidence, owner=stored.owner, spent=spent)
    kept = stored.waiver is not None and (found.bounds, requirement.severity) == (stored.bounds, stored.requirement.severity)
    return replace(found, disposition="waived", waiver=stored.waiver) if kept else found


def _reading(policy: Policy, role: str) -> object:
    """How a policy reads a data set: which columns have which role, what labels mean, and how cells are read, wherever the file lies."""
    spec = policy.datasets.get(role)
    columns = policy.columns if spec is None or spec.columns is None else spec.columns.over(policy.columns)
    options = None if spec is None else spec.model_dump(mode="json", exclude={"path", "source", "licence", "columns"})
    return columns.model_dump(mode="json"), policy.labels.classes(), options


def _measured_alike(then: Requirement, now: Requirement) -> bool:
    """Whether both measure the same: only how it is judged may differ."""
    keys: tuple[Callable[[Requirement], object], ...] = (
        lambda one: (one.check, one.on, one.reference, one.reference_group, one.against),
        lambda one: sorted(tuple(sorted(map(str, family))) for family in one.by),
    )
    if any(key(then) != key(now) for key in keys):
        return False
    params = catalog.discover()[now.check].params
    try:
        return params.model_validate(then.params) == params.model_validate(now.params)
    except ValueError:  # parameters of another release
        return False


def _deciding(now: Verdict, findings: Sequence[Finding], audit: AuditRun) -> Iterator[str]:
    of, before = {one.id: one for one in findings}, {one.id: one.status for one in audit.findings}
    for one in now.reasons:
        if one.finding is None or one.finding not in of:
            yield one.rule
        elif of[one.finding].problem == NOT_THEN:
            yield f"{one.finding}: {NOT_THEN}"
        else:
            yield f"{one.finding}: {before.get(one.finding, 'under another id')} then, {of[one.finding].status} now ({one.rule})"
