"""OSCAL 1.1.3 (NIST): assessment results over a catalog of the AI RMF's 72 subcategories, which comes along."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any, TypeAlias

from audit import phrases
from audit.export import Export
from audit.export._outcomes import blocking, meaning, sentence, visible
from audit.frameworks import nist_ai_rmf

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audit.decision.finding import Finding
    from audit.frameworks import Category, Subcategory
    from audit.record import AuditRun

_Json: TypeAlias = "dict[str, Any]"
VERSION = "1.1.3"
NS = "urn:model-audit-gate:oscal"
"""Whose properties these are: `status`, `severity`, `enforce`, `disposition`, `decision` and digests."""
RESULTS, CATALOG = "oscal/assessment-results.json", "oscal/catalog.json"
_RISKS = {"bad": "open", "broken": "open", "unproven": "open", "advisory": "open", "waived": "deviation-approved"}
"""The status of a risk by what a finding means."""


def results(audit: AuditRun) -> str:
    """The assessment results. Ids follow from the run's id, so that the same record gives the same document."""
    made = _Made(audit)
    return _text({"assessment-results": made.document()})


def catalog(audit: AuditRun) -> str:
    """The catalog that `import-ap` and every `control-id` lead to: the same for every run."""
    framework = nist_ai_rmf()
    groups = [
        {
            "id": one.id.lower(),
            "title": one.id,
            "parts": [{"name": "overview", "prose": one.summary}],
            "groups": [_group(category, framework.subcategories) for category in framework.categories if category.function == one.id],
        }
        for one in framework.functions
    ]
    head = _metadata(
        f"{framework.name} {framework.version} ({framework.publication})", framework.version, f"{framework.published}T00:00:00Z"
    )
    head["remarks"] = f"Ids are NIST's; summaries are this tool's own words. Made by audit {audit.run.version}."
    return _text({"catalog": {"uuid": _uuid("catalog", framework.id), "metadata": head, "groups": groups}})


def _group(category: Category, lines: Sequence[Subcategory]) -> _Json:
    controls = [
        {"id": one.oscal_id, "title": one.id, "parts": [{"name": "statement", "prose": one.summary}]}
        for one in lines
        if one.category == category.id
    ]
    return {
        "id": category.id.lower().replace(" ", "-"),
        "title": category.id,
        "parts": [{"name": "overview", "prose": category.summary}],
        "controls": controls,
    }


class _Made:
    """The parts of one document, which refer to each other by their ids."""

    def __init__(self, audit: AuditRun) -> None:
        self.audit = audit
        self.start = audit.run.started.replace("+00:00", "Z")
        self.tool = self._id("tool")
        self.origins = [{"actors": [{"type": "tool", "actor-uuid": self.tool}]}]

    def _id(self, *names: str) -> str:
        return _uuid(self.audit.run.id, *names)

    def document(self) -> _Json:
        """The whole document."""
        audit = self.audit
        head = _metadata(f"Audit of {audit.policy.policy}", str(audit.policy.version), self.start)
        if parties := self._parties():
            head |= {"roles": [{"id": "owner", "title": "Owner of the system"}], "parties": parties}
            head["responsible-parties"] = [{"role-id": "owner", "party-uuids": [parties[0]["uuid"]]}]
        return {
            "uuid": self._id("assessment-results"),
            "metadata": head,
            "import-ap": {"href": f"#{self._id('policy')}", "remarks": "The assessment plan is the policy."},
            "results": [self._result()],
            "back-matter": {"resources": self._resources()},
        }

    def _parties(self) -> list[_Json]:
        owner = self.audit.policy.system.owner
        if owner is None:
            return []
        party: _Json = {"uuid": self._id("owner"), "type": "organization", "name": owner.team}
        return [party | {"remarks": f"contact: {owner.contact}"}]

    def _result(self) -> _Json:
        audit = self.audit
        lines = self._subcategories()
        told = [f"{one.rule}: {phrases.reason(one, audit.findings)}" for one in audit.verdict.reasons]
        result: _Json = {
            "uuid": self._id("result"),
            "title": f"{audit.policy.policy}: {audit.verdict.decision}",
            "description": " ".join(told) or audit.verdict.decision,
            "start": self.start,
            "end": self.start,
            "props": [
                _prop("decision", audit.verdict.decision),
                _prop("exit-code", str(audit.verdict.exit_code)),
                _prop("candidate-sha256", audit.candidate.sha256),
                _prop("policy-sha256", audit.policy_sha256),
            ],
            "local-definitions": {"assessment-assets": self._assets()},
            "reviewed-controls": {
                "control-selections": [
                    {"include-controls": [{"control-id": one.oscal_id} for one in lines]}
                    if lines
                    else {"include-all": {}, "remarks": "none"}
                ]
            },
            "observations": [self._observation(one) for one in audit.findings],
        }
        risks = [self._risk(one) for one in audit.findings if meaning(one) in _RISKS] + list(self._other_risks())
        result |= {"risks": risks} if risks else {}
        findings = [self._finding(line, [one for one in audit.findings if line.id in one.check.rmf]) for line in lines]
        return result | ({"findings": findings} if findings else {})

    def _subcategories(self) -> list[Subcategory]:
        named = {name for one in self.audit.findings for name in one.check.rmf}
        return [line for line in nist_ai_rmf().subcategories if line.id in named]

    def _assets(self) -> _Json:
        version = self.audit.run.version
        component = {
            "uuid": self.tool,
            "type": "software",
            "title": "audit",
            "description": "Policy-as-code auditor for machine-learning models.",
            "props": [{"name": "version", "value": version}],
            "status": {"state": "operational"},
        }
        platform = {
            "uuid": self._id("platform"),
            "title": "The process that ran the audit",
            "uses-components": [{"component-uuid": self.tool}],
        }
        return {"components": [component], "assessment-platforms": [platform]}

    def _observation(self, finding: Finding) -> _Json:
        one = finding.requirement
        return {
            "uuid": self._id("observation", finding.id),
            "title": finding.id,
            "description": sentence(finding),
            "props": [
                _prop("check", finding.check.id),
                _prop("status", finding.status),
                _prop("severity", one.severity),
                _prop("enforce", one.enforce),
                _prop("disposition", finding.disposition),
            ],
            "methods": ["TEST"],
            "types": ["control-objective" if finding.status == "pass" else "finding"],
            "origins": self.origins,
            "collected": self.start,
        } | self._evidence(finding)

    def _evidence(self, finding: Finding) -> _Json:
        files = [{"href": f"../{name}", "description": "File of the bundle."} for name in finding.evidence_files]
        return {"relevant-evidence": files} if files else {}

    def _risk(self, finding: Finding) -> _Json:
        risk: _Json = {
            "uuid": self._id("risk", finding.id),
            "title": f"{finding.id}: {finding.status}",
            "description": phrases.message(finding) or finding.status,
            "statement": finding.check.risk or finding.check.question,
            "props": [_prop("status", finding.status), _prop("severity", finding.requirement.severity)],
            "status": _RISKS[meaning(finding)],
            "origins": self.origins,
            "related-observations": [{"observation-uuid": self._id("observation", finding.id)}],
        }
        due = next((one.due for one in self.audit.verdict.conditions if one.finding == finding.id), None)
        if due is not None:
            risk["deadline"] = f"{due}T23:59:59Z"
        if (waiver := finding.waiver) is not None:
            risk["mitigating-factors"] = [{"uuid": self._id("mitigation", finding.id), "description": f"{waiver.id}: {waiver.plan}"}]
        return risk

    def _other_risks(self) -> Iterator[_Json]:
        """What blocks and is about no one finding."""
        for number, reason in enumerate(blocking(self.audit), start=1):
            yield {
                "uuid": self._id("risk of the decision", str(number)),
                "title": reason.partition(":")[0],
                "description": reason,
                "statement": "The decision does not rest on the findings alone.",
                "status": "open",
                "origins": self.origins,
            }

    def _finding(self, line: Subcategory, findings: Sequence[Finding]) -> _Json:
        """One subcategory: satisfied where all its required findings pass, and at least one does."""
        judged = [one for one in findings if one.requirement.enforce == "required" and one.status != "not_applicable"]
        good = bool(judged) and all(one.status == "pass" for one in judged)
        reason = "pass" if good else "fail" if any(one.status == "fail" for one in judged) else "other"
        risks = [{"risk-uuid": self._id("risk", one.id)} for one in findings if meaning(one) in _RISKS]
        statuses = ", ".join(f"{one.id} {one.status}" for one in findings)
        return {
            "uuid": self._id("finding", line.id),
            "title": line.id,
            "description": f"{line.summary}. {statuses}.",
            "origins": self.origins,
            "target": {
                "type": "objective-id",
                "target-id": line.oscal_id,
                "status": {"state": "satisfied" if good else "not-satisfied", "reason": reason},
            },
            "related-observations": [{"observation-uuid": self._id("observation", one.id)} for one in findings],
        } | ({"related-risks": risks} if risks else {})

    def _resources(self) -> list[_Json]:
        def resource(name: str, title: str, href: str, digest: str) -> _Json:
            hashes = [{"algorithm": "SHA-256", "value": digest}] if len(digest) == _HEX else None
            return {"uuid": self._id(name), "title": title, "rlinks": [{"href": href} | ({"hashes": hashes} if hashes else {})]}

        catalog_resource = {
            "uuid": self._id("catalog"),
            "title": "Catalog of the AI RMF's subcategories",
            "rlinks": [{"href": "catalog.json"}],
        }
        policy = resource("policy", "The policy as it was run", "../policy.yaml", "")
        data = [resource(f"data {one.role}", f"Data set {one.role}", one.path, one.sha256) for one in self.audit.datasets]
        return [policy, catalog_resource, *data]


_HEX = 64


def _metadata(title: str, version: str, modified: str) -> _Json:
    return {"title": title, "last-modified": modified, "version": version, "oscal-version": VERSION}


def _prop(name: str, value: str) -> _Json:
    return {"name": name, "ns": NS, "value": value or "none"}


def _uuid(*names: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, json.dumps([NS, *names])))


def _text(document: _Json) -> str:
    return json.dumps(visible(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


EXPORTS = (Export("oscal", "assessment results and their catalog (OSCAL)", lambda one: {RESULTS: results(one), CATALOG: catalog(one)}),)
