"""CycloneDX 1.6 (ECMA-424): a bill of materials with the model's card, its data sets and what it was made from."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, TypeAlias

from audit import phrases
from audit.evidence import OVERALL
from audit.export import Export
from audit.export._outcomes import meaning, visible

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.decision.finding import Finding, Judged
    from audit.record import AuditRun

_Json: TypeAlias = "dict[str, Any]"
_HEX = 64
_APPROACH = {"text-generation": "self-supervised"}
"""How a model of a task learns; the others learn from labels."""


def text(audit: AuditRun) -> str:
    """The document. Whatever the policy does not declare is left out, never guessed."""
    model = _model(audit)
    data = [_data(audit, place) for place in range(len(audit.datasets))]
    others = list(_others(audit))
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, f'urn:model-audit-gate:bom:{audit.run.id}')}",
        "version": 1,
        "metadata": {
            "timestamp": audit.run.started.replace("+00:00", "Z"),
            "tools": {"components": [{"type": "application", "name": "audit", "version": audit.run.version}]},
            "component": model,
        },
        "components": [*data, *others],
        "dependencies": [{"ref": "candidate", "dependsOn": [one["bom-ref"] for one in (*data, *others)]}],
        "properties": [
            _property("decision", audit.verdict.decision),
            _property("exit-code", str(audit.verdict.exit_code)),
            _property("run", audit.run.id),
            _property("policy-sha256", audit.policy_sha256),
        ],
    }
    return json.dumps(visible(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _model(audit: AuditRun) -> _Json:
    candidate, spec = audit.candidate, audit.policy.candidate
    parameters: _Json = {
        "approach": {"type": _APPROACH.get(spec.task, "supervised")},
        "task": spec.task,
        "modelArchitecture": candidate.description or candidate.kind,
        "datasets": [{"ref": f"data:{one.role}"} for one in audit.datasets],
    }
    card = {"bom-ref": "model-card", "modelParameters": parameters, "quantitativeAnalysis": {"performanceMetrics": list(_metrics(audit))}}
    if considerations := _considerations(audit):
        card["considerations"] = considerations
    found: _Json = {"type": "machine-learning-model", "bom-ref": "candidate", "name": audit.policy.policy, "modelCard": card}
    found |= {"version": spec.version} if spec.version else {}
    found |= {"description": audit.policy.system.purpose} if audit.policy.system.purpose else {}
    return found | _hashes(candidate.sha256)


def _metrics(audit: AuditRun) -> Iterator[_Json]:
    """Every measured requirement and its slices; all values are text, as the schema has them."""
    for finding in audit.findings:
        head = finding.headline
        if head is None:
            continue
        own = {} if head.member == OVERALL else {"slice": str(head.member)}
        yield {"type": finding.id, "value": _number(head.value)} | own | _interval(head.interval)
        yield from ({"type": finding.id} | _slice(row) for row in finding.slices if row.value is not None and row.name != head.member)


def _slice(row: Judged) -> _Json:
    value = {"value": _number(row.value or 0.0), "slice": str(row.name)}
    return value if row.interval is None else value | _interval(row.interval)


def _interval(ends: tuple[float, float]) -> _Json:
    return {"confidenceInterval": {"lowerBound": _number(ends[0]), "upperBound": _number(ends[1])}}


def _number(value: float) -> str:
    return repr(float(value))


def _considerations(audit: AuditRun) -> _Json:
    system = audit.policy.system
    limits = [*(f"out of scope: {one}" for one in system.out_of_scope), *([system.limits] if system.limits else [])]
    open_findings = [one for one in audit.findings if meaning(one) not in {"good", "not_applicable"}]
    found: _Json = {
        "users": list(system.affected),
        "useCases": [system.purpose] if system.purpose else [],
        "technicalLimitations": limits,
        "ethicalConsiderations": [
            {"name": f"{one.id}: {phrases.message(one)}", "mitigationStrategy": phrases.remedy(one)} for one in open_findings
        ],
        "fairnessAssessments": [one for finding in open_findings if finding.check.groups for one in _at_risk(finding)],
    }
    return {key: value for key, value in found.items() if value}


def _at_risk(finding: Finding) -> Iterator[_Json]:
    names = finding.failing or tuple(name for side in finding.sides for name in side.unproven)
    for name in dict.fromkeys(names):
        yield {
            "groupAtRisk": str(name),
            "harms": finding.check.risk or finding.check.question,
            "mitigationStrategy": phrases.remedy(finding),
        }


def _data(audit: AuditRun, place: int) -> _Json:
    one = audit.datasets[place]
    found: _Json = {
        "type": "data",
        "bom-ref": f"data:{one.role}",
        "name": one.role,
        "description": f"{one.rows} rows, {one.columns} columns" + (f"; source: {one.source}" if one.source else ""),
        "data": [{"type": "dataset", "name": one.path}],
    }
    if one.licence:
        found["licenses"] = [{"license": {"name": one.licence}}]
    return found | _hashes(one.sha256)


def _others(audit: AuditRun) -> Iterator[_Json]:
    """The base model, and what the candidate was compared with."""
    if audit.training is not None:
        yield {"type": "machine-learning-model", "bom-ref": "model:base", "name": audit.training.base} | _hashes(audit.training.base_sha256)
    for name, facts in audit.comparators.items():
        if name != "base" or audit.training is None:
            ref = {"type": "machine-learning-model", "bom-ref": f"model:{name}", "name": name, "description": facts.description}
            yield ref | _hashes(facts.sha256)
    for part in ("torch", "transformers", "scikit-learn", "numpy", "pandas"):
        version = audit.run.environment.get(part, "not installed")
        if version != "not installed":
            yield {
                "type": "library",
                "bom-ref": f"library:{part}",
                "name": part,
                "version": version,
                "purl": f"pkg:pypi/{part}@{version.split('+')[0]}",
            }


def _hashes(digest: str) -> _Json:
    return {"hashes": [{"alg": "SHA-256", "content": digest}]} if len(digest) == _HEX else {}


def _property(name: str, value: str) -> _Json:
    return {"name": f"audit:{name}", "value": value}


EXPORTS = (Export("cyclonedx", "a bill of materials with the model's card (CycloneDX 1.6)", lambda one: {"bom.cdx.json": text(one)}),)
