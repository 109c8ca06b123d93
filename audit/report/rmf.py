"""Section 5: NIST AI RMF, all 72 lines and what each stands on. Section 6: the seven characteristics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.frameworks import nist_ai_rmf
from audit.report import text as prose
from audit.report.entries import Chip, Link
from audit.report.evidence_table import rmf_anchor
from audit.report.facts import declared_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.frameworks import Subcategory
    from audit.record import AuditRun
    from audit.report.entries import Entries, Entry

STATES = ("measured", "declared", "signed", "absent")
WITH_EVIDENCE = {"pass", "fail", "inconclusive"}
_SOURCES = {
    "ledger.sign_off.accountable_executive": "the accountable executive's signature",
    "ledger.sign_off.independent_reviewer": "the independent reviewer's signature",
    "meta.audit_history": "the history of audits in the ledger",
    "meta.decision": "the decision of section 1",
    "meta.power": "the rows that each gate needs (audit plan)",
    "meta.residual_risk": "the register of section 10",
    "meta.self_test": "a test of the policy with planted faults (audit selftest)",
}
"""What the framework's file names beside checks and fields of the policy, in words."""
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


def rmf(run: AuditRun, found: Entries) -> Rmf:
    """Each line is measured only if a finding of this run with evidence names it."""
    framework, declared = nist_ai_rmf(), declared_fields(run)
    lines = {line.id: _line(line, found, declared) for line in framework.subcategories}
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


def _line(line: Subcategory, found: Entries, declared: frozenset[str]) -> RmfLine:
    naming = [entry for entry in found.worst if line.id in entry.finding.check.rmf]
    measured = [entry for entry in naming if _speaks(entry, line)]
    fields = [name for name in line.by if "." in name and not name.startswith(("meta.", "ledger."))]
    there = [name for name in fields if name in declared]
    state = "measured" if measured else "declared" if there else "absent"
    return RmfLine(
        id=line.id,
        number=line.id.split()[1],
        anchor=rmf_anchor(line.id),
        summary=line.summary,
        state=state,
        in_part=state == "declared" and len(there) < len(fields),
        troubled=any(entry.finding.status in _OPEN for entry in naming),
        checks=tuple(map(_check, naming)),
        basis=_basis(line, fields, there, state),
    )


def _speaks(entry: Entry, line: Subcategory) -> bool:
    """Whether a finding measures a line. A check of declarations measures that they are there, never what they say."""
    finding = entry.finding
    counted = finding.status in WITH_EVIDENCE and finding.evidence is not None and bool(finding.evidence.members)
    return counted and (line.evidence == "measured" or not finding.check.id.startswith("governance/"))


def _check(entry: Entry) -> tuple[Chip, Link, str]:
    return Chip(entry.finding.status, prose.STATUSES[entry.finding.status]), entry.link, entry.finding.id


def _basis(line: Subcategory, fields: list[str], there: list[str], state: str) -> str:
    """What it stands on, or would."""
    missing = [name for name in fields if name not in there]
    if state == "declared":
        return f"Declared: {prose.listed(there)}." + (f" Not declared: {prose.listed(missing)}." if missing else "")
    if state == "measured":
        return ""
    if line.evidence == "organisational":
        return "Only a named person's signed statement can stand for it; there is none yet."
    if line.evidence == "measured":
        return f"No finding of this run names it. {_could(line.by)}"
    if not missing:
        return f"Stands on {prose.listed(_SOURCES.get(name, name) for name in line.by)}; there is none yet."
    return f"Not declared: {prose.listed(missing)}."


def _could(by: tuple[str, ...]) -> str:
    """What would speak to a line that nothing measured."""
    families_ = [name.replace("_", " ") for name in by if "." not in name]
    others = [_SOURCES.get(name, name) for name in by if "." in name]
    said = [f"Families of checks that could: {prose.listed(families_)}."] if families_ else []
    return " ".join(said + ([f"Bears on it, without counting as a finding: {prose.listed(others)}."] if others else []))


def traits(run: AuditRun, found: Entries) -> tuple[TraitLine, ...]:
    """Per characteristic its checks, their worst status, and why there are none."""
    order = list(prose.STATUSES)
    lines = []
    for trait in nist_ai_rmf().characteristics:
        own = [entry for entry in found.worst if entry.finding.check.id.split("/")[0] in trait.families]
        worst = min((entry.finding.status for entry in own), key=order.index, default=None)
        given = run.policy.not_measured.get(trait.id)
        fact = f"Declared: {trait.declared}." if trait.declared in declared_fields(run) else "No check and no reason given."
        reason = f"Not measured; reason in the policy: {given}" if given else "" if own else fact
        lines.append(TraitLine(trait.name, None if worst is None else Chip(worst, prose.STATUSES[worst]), tuple(map(_check, own)), reason))
    return tuple(lines)
