"""Section 5: NIST AI RMF, all 72 lines and what each stands on. Section 6: the seven characteristics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit import catalog
from audit.frameworks import nist_ai_rmf
from audit.policy.schema import CandidateSpec, DatasetSpec, Policy, System
from audit.report import text as prose
from audit.report.entries import Chip, Link
from audit.report.since import drill_in_words

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pydantic import BaseModel

    from audit.decision.finding import Finding
    from audit.frameworks import Subcategory
    from audit.governance.sign_off import Role
    from audit.record import AuditRun, Drill
    from audit.report.entries import Entries, Entry

STATES = ("measured", "declared", "signed", "absent")
WITH_EVIDENCE = {"pass", "fail", "inconclusive"}
_SOURCES = {
    "ledger.sign_off": "a named person's signed statement",
    "ledger.sign_off.accountable_executive": "the accountable executive's signature",
    "ledger.sign_off.independent_reviewer": "the independent reviewer's signature",
    "meta.audit_history": "the history of audits in the ledger (`audit history`)",
    "meta.decision": "the decision of section 1",
    "meta.power": "the rows that each bound needs (`audit plan`)",
    "meta.residual_risk": "the register of section 9",
    "meta.self_test": "a test of the policy with planted faults",
    "policy.sha256": "the policy's digest",
    "policy.decision_rules": "the rule of section 3",
    "policy.require": "the requirements",
    "policy.require.bounds": "the requirements' bounds",
    "policy.require.reason": "the reasons for the requirements",
    "policy.require.severity": "the requirements' severities",
}
"""What the framework's file names beside checks and keys of the policy, in words."""
_DRILL = "meta.rollback_drill"
_OPEN = {"fail", "inconclusive", "error", "not_run"}


@dataclass(frozen=True, slots=True)
class RmfLine:
    """One subcategory."""

    id: str
    number: str
    anchor: str
    summary: str
    state: str
    in_part: bool
    """Declared, but not all of the fields behind it."""
    troubled: bool
    """A check behind it failed, broke, did not run or settled nothing."""
    checks: tuple[tuple[Chip, Link, str], ...]
    basis: str


@dataclass(frozen=True, slots=True)
class RmfCategory:
    """A group of lines."""

    id: str
    summary: str
    lines: tuple[RmfLine, ...]


@dataclass(frozen=True, slots=True)
class RmfFunction:
    """One of the four functions."""

    id: str
    anchor: str
    summary: str
    counts: str
    title: str
    categories: tuple[RmfCategory, ...]


@dataclass(frozen=True, slots=True)
class Rmf:
    """All four functions."""

    lead: str
    counts: dict[str, str]
    in_part: str
    troubled: str
    functions: tuple[RmfFunction, ...]


@dataclass(frozen=True, slots=True)
class TraitLine:
    """One characteristic of trustworthy AI."""

    name: str
    chip: Chip | None
    checks: tuple[tuple[Chip, Link, str], ...]
    reason: str


def rmf_anchor(line_id: str) -> str:
    """`measure-2-11`."""
    return line_id.lower().replace(" ", "-").replace(".", "-")


def declared_fields(run: AuditRun) -> frozenset[str]:
    """Names of the facts that the policy declares."""
    policy = run.policy
    found = {f"system.{name}" for name in type(policy.system).model_fields if getattr(policy.system, name)}
    found |= {f"policy.{name}" for name in ("tier", "version") if name in policy.model_fields_set}
    found |= {"policy.sha256", "policy.decision_rules", "policy.require", "policy.require.severity", "candidate.task"}
    found |= {"candidate.kind"} if policy.candidate.load or policy.candidate.fine_tune else set()
    found |= {f"policy.{name}" for name in ("waivers", "not_measured") if getattr(policy, name)}
    found |= {"datasets.licence"} if run.datasets and all(data.licence for data in run.datasets) else set()
    return frozenset(found)


def rmf(run: AuditRun, found: Entries, signed: Collection[Role] = ()) -> Rmf:
    """Each line is measured only if a finding of this run with evidence names it, and signed only by the role that it asks for."""
    framework, declared = nist_ai_rmf(), declared_fields(run)
    drill = None if run.last_promotion is None else run.last_promotion.drill
    lines = {line.id: _with_drill(line, _line(line, found, declared, signed), drill) for line in framework.subcategories}
    functions = []
    for function in framework.functions:
        categories = tuple(
            RmfCategory(
                category.id, category.summary, tuple(lines[line.id] for line in framework.subcategories if line.category == category.id)
            )
            for category in framework.categories
            if category.function == function.id
        )
        own = [line for category in categories for line in category.lines]
        said = f"{len(own)} lines: {_tally(own)}"
        functions.append(
            RmfFunction(function.id, function.id.lower(), function.summary, said, f"{function.id}: all {len(own)} lines", categories)
        )
    everything = list(lines.values())
    there = sum(line.state != "absent" for line in everything)
    counts = {state: str(sum(line.state == state for line in everything)) for state in STATES}
    return Rmf(
        lead=f"Evidence for {there} of {len(everything)} NIST AI RMF 1.0 subcategories: {_lead(counts)}.",
        counts=counts,
        in_part=str(sum(line.in_part for line in everything)),
        troubled=str(sum(line.troubled for line in everything)),
        functions=tuple(functions),
    )


def _lead(counts: dict[str, str]) -> str:
    return f"{counts['measured']} measured, {counts['declared']} declared, {counts['signed']} signed statements, {counts['absent']} absent"


def _tally(lines: Sequence[RmfLine]) -> str:
    counts = [(state, sum(line.state == state for line in lines)) for state in STATES]
    return ", ".join(f"{n} {state}" for state, n in counts if n)


_SIGNED_BY: dict[str, Role] = {
    "ledger.sign_off.accountable_executive": "executive",
    "ledger.sign_off.independent_reviewer": "independent-reviewer",
}
"""Roles whose signature under the bundle is what a line asks for; a sign-off says nothing of any other line."""


def _line(line: Subcategory, found: Entries, declared: frozenset[str], signed: Collection[Role]) -> RmfLine:
    naming = [entry for entry in found.worst if line.id in entry.finding.check.rmf]
    measured = [entry for entry in naming if _speaks(entry, line)]
    fields = [name for name in line.by if "." in name and not name.startswith(("meta.", "ledger."))]
    there = [name for name in fields if name in declared]
    by = [_SOURCES[name] for name in line.by if _SIGNED_BY.get(name) in signed]
    state = "measured" if measured else "signed" if by else "declared" if there else "absent"
    return RmfLine(
        id=line.id,
        number=line.id.split()[1],
        anchor=rmf_anchor(line.id),
        summary=line.summary,
        state=state,
        in_part=state == "declared" and len(there) < len(fields),
        troubled=any(entry.finding.status in _OPEN for entry in naming),
        checks=tuple(map(_check, naming)),
        basis=f"Signed: {prose.listed(by)}, section 12." if state == "signed" else _basis(line, fields, there, state),
    )


def _with_drill(line: Subcategory, view: RmfLine, drill: Drill | None) -> RmfLine:
    """A rehearsed rollback supports a line that asks for one, and one that failed is trouble; it stands for no declaration."""
    if _DRILL not in line.supporting or drill is None:
        return view
    basis = f"{view.basis} Last rollback drill: {drill_in_words(drill)}.".strip()
    return replace(view, troubled=view.troubled or not drill.passed, basis=basis)


def _speaks(entry: Entry, line: Subcategory) -> bool:
    """Whether a finding measures a line. A check of declarations measures that they are there, never what they say."""
    own = grade(entry.finding)
    return own == "measured" or (own == "declared" and line.evidence == "measured")


def grade(finding: Finding) -> str:
    """What a finding stands on: `measured`, `declared`, or `absent` where there is no evidence."""
    if finding.status not in WITH_EVIDENCE or finding.evidence is None or not finding.evidence.members:
        return "absent"
    return "declared" if finding.check.measures == "declarations" else "measured"


def _check(entry: Entry) -> tuple[Chip, Link, str]:
    return Chip(entry.finding.status, prose.STATUSES[entry.finding.status]), entry.link, entry.finding.id


def _basis(line: Subcategory, fields: list[str], there: list[str], state: str) -> str:
    """What it stands on, or would."""
    if state == "measured":
        return ""
    if line.evidence == "organisational":
        return "Needs a named person's signed statement; there is none."
    if line.evidence == "measured":
        return _could(line.by)
    missing = [name for name in fields if name not in there]
    keys = [_in_words(name) for name in missing if _is_key(name)]
    said = [f"Declared: {prose.listed(map(_in_words, there))}."] if there else []
    said += [f"Not declared: {prose.listed(keys)}."] if keys else []
    unserved = [_in_words(name) for name in missing if not _is_key(name)]
    said += [f"The policy has no key for {prose.listed(unserved)}."] if unserved else []
    return " ".join(said) or f"Needs {prose.listed(map(_in_words, line.by))}; there is none."


def _is_key(name: str) -> bool:
    """Whether a dotted name is a key of the policy file."""
    first, _, rest = name.partition(".")
    shapes: dict[str, type[BaseModel]] = {"system": System, "candidate": CandidateSpec, "datasets": DatasetSpec, "policy": Policy}
    shape = shapes.get(first)
    return shape is not None and rest in shape.model_fields


def _in_words(name: str) -> str:
    """A key as the policy writes it, in backticks; anything else in words."""
    if name in _SOURCES:
        return _SOURCES[name]
    key = name.removeprefix("policy.")
    return f"`{key}`" if _is_key(name) else key.rpartition(".")[2].removesuffix("_ref").replace("_", " ")


def _could(by: tuple[str, ...]) -> str:
    """What could measure a line that nothing measured."""
    there = {check_id.split("/")[0] for check_id in catalog.discover()}
    families = [name.replace("_", " ") for name in by if name in there]
    others = [_in_words(name) for name in by if "." in name]
    said = f"No finding. Checks that could measure it: {prose.listed(families)}." if families else "No check of this release measures it."
    return said + (f" Related: {prose.listed(others)}." if others else "")


def traits(run: AuditRun, found: Entries) -> tuple[TraitLine, ...]:
    """Per characteristic its checks, their worst status, and why there are none."""
    order = list(prose.STATUSES)
    lines = []
    for trait in nist_ai_rmf().characteristics:
        own = [entry for entry in found.worst if trait.id in entry.finding.check.characteristics]
        worst = min((entry.finding.status for entry in own), key=order.index, default=None)
        given = run.policy.not_measured.get(trait.id)
        fact = f"Declared: `{trait.declared}`." if trait.declared in declared_fields(run) else "No check and no reason given."
        reason = f"Not measured; reason in the policy: {given}" if given else "" if own else fact
        lines.append(TraitLine(trait.name, None if worst is None else Chip(worst, prose.STATUSES[worst]), tuple(map(_check, own)), reason))
    return tuple(lines)
