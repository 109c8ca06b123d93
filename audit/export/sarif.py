"""SARIF 2.1.0 (OASIS, 2020): every finding with its evidence, or for GitHub's code scanning the open problems alone."""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import TYPE_CHECKING, Any, TypeAlias

from audit import phrases
from audit.evidence import OVERALL
from audit.export import Export
from audit.export._outcomes import DECISION, blocking, meaning, parts, sentence, visible
from audit.export._places import locations
from audit.frameworks import nist_ai_rmf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.decision.finding import Finding
    from audit.evidence import Name
    from audit.export._places import Location
    from audit.record import AuditRun

_Json: TypeAlias = "dict[str, Any]"
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"critical": "error", "high": "error", "medium": "warning", "low": "note"}
_KINDS = {"pass": "pass", "fail": "fail", "inconclusive": "open", "not_applicable": "notApplicable"}
"""`open`: evaluated, with too little information to decide. What was not measured has no kind of its own."""
_TAXONOMY = uuid.uuid5(uuid.NAMESPACE_URL, "https://doi.org/10.6028/NIST.AI.100-1")
_NO_EVIDENCE = {"not_run", "error"}


def text(audit: AuditRun) -> str:
    """The whole audit."""
    where = locations(audit)
    results = [one for finding in audit.findings for one in _results(finding, audit, where)]
    return _document(audit, results, [_notification(one, where) for one in audit.findings if one.status in _NO_EVIDENCE], where)


def open_problems(audit: AuditRun) -> str:
    """What GitHub's code scanning may see: it takes every result for an alert, a pass and a waived one too."""
    where = locations(audit)
    shown = ("bad", "broken", "unproven", "advisory")
    results = [
        _result(finding, name, audit.policy.policy, where[finding.id]) | {"kind": "fail", "level": _level(finding)}
        for finding in audit.findings
        if meaning(finding) in shown
        for name in parts(finding)
    ]
    results += [_of_decision(reason, audit.policy.policy, where[None]) for reason in blocking(audit)]
    return _document(audit, results, [], where)


def _of_decision(reason: str, policy: str, place: Location) -> _Json:
    """GitHub shows no notifications; what blocks apart from findings must be seen too."""
    return {
        "ruleId": DECISION,
        "kind": "fail",
        "level": "error",
        "message": {"text": reason},
        "locations": [_location(place)],
        "partialFingerprints": {"auditFinding/v1": _fingerprint([policy, DECISION, reason.partition(":")[0]])},
    }


def _document(audit: AuditRun, results: list[_Json], notifications: list[_Json], where: Mapping[str | None, Location]) -> str:
    rules = {finding.check.id: _rule(finding) for finding in audit.findings}
    if any(one["ruleId"] == DECISION for one in results):
        rules[DECISION] = {"id": DECISION, "shortDescription": {"text": "Does the decision rest on the findings alone?"}}
    order = {name: place for place, name in enumerate(rules)}
    for one in results:
        one["ruleIndex"] = order[one["ruleId"]]
    notifications += [{"level": "error", "message": {"text": reason}, "locations": [_location(where[None])]} for reason in blocking(audit)]
    invocation: _Json = {
        "executionSuccessful": audit.verdict.exit_code != 3,  # noqa: PLR2004  # the tool broke or the audit is incomplete
        "exitCode": audit.verdict.exit_code,
        "startTimeUtc": audit.run.started,
        "commandLine": audit.run.command,
        "properties": {"decision": audit.verdict.decision},
    }
    if notifications:
        invocation["toolExecutionNotifications"] = notifications
    driver = {"name": "audit", "version": audit.run.version, "rules": list(rules.values())}
    run = {
        "tool": {"driver": driver},
        "automationDetails": {"id": f"{audit.policy.policy}/{audit.run.id}"},
        "columnKind": "unicodeCodePoints",
        "invocations": [invocation],
        "taxonomies": [_taxonomy()],
        "results": results,
    }
    return json.dumps(visible({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}), indent=1, allow_nan=False) + "\n"


def _rule(finding: Finding) -> _Json:
    check = finding.check
    target = {"name": nist_ai_rmf().name, "guid": str(_TAXONOMY)}
    rule: _Json = {
        "id": check.id,
        "shortDescription": {"text": check.question},
        "help": {"text": check.remedy},
        "defaultConfiguration": {"level": _level(finding)},
    }
    if check.rmf:
        rule["relationships"] = [{"target": {"id": name, "toolComponent": target}, "kinds": ["relevant"]} for name in check.rmf]
    return rule


def _level(finding: Finding) -> str:
    return "note" if finding.requirement.enforce == "advisory" else _LEVELS[finding.requirement.severity]


def _results(finding: Finding, audit: AuditRun, where: Mapping[str | None, Location]) -> Iterator[_Json]:
    """One result a finding, or one a failing member; none of what an advisory check did not measure, of which a notification tells."""
    required = finding.requirement.enforce == "required"
    if finding.status in _NO_EVIDENCE and not required:
        return
    for name in parts(finding):
        kind = _KINDS.get(finding.status, "fail")
        one = _result(finding, name, audit.policy.policy, where[finding.id]) | {
            "kind": kind,
            "level": _level(finding) if kind == "fail" else "none",
        }
        if finding.status in _NO_EVIDENCE:
            one["message"] = {"text": f"no evidence: {one['message']['text']}"}
        if finding.disposition == "waived":
            one["suppressions"] = [{"kind": "external", "status": "accepted", "justification": _justification(finding)}]
        yield one


def _justification(finding: Finding) -> str:
    waiver = finding.waiver
    return "waived" if waiver is None else f"{waiver.id}, until {waiver.until.isoformat()}, by {', '.join(waiver.by)}: {waiver.plan}"


def _result(finding: Finding, name: Name, policy: str, place: Location) -> _Json:
    fingerprint = _fingerprint([policy, finding.check.id, finding.id, None if name == OVERALL else name.to_json()])
    properties: _Json = {
        "finding": finding.id,
        "status": finding.status,
        "disposition": finding.disposition,
        "severity": finding.requirement.severity,
        "enforce": finding.requirement.enforce,
        "owner": finding.owner,
        "remedy": phrases.remedy(finding),
    }
    if (head := finding.headline) is not None:
        properties |= {"value": head.value, "n": head.n, "unit": head.unit, "method": head.method}
    return {
        "ruleId": finding.check.id,
        "message": {"text": sentence(finding, name)},
        "locations": [_location(place)],
        "partialFingerprints": {"auditFinding/v1": fingerprint},
        "properties": properties,
    }


def _fingerprint(about: list[Any]) -> str:
    return hashlib.sha256(json.dumps(about, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def _location(place: Location) -> _Json:
    artifact = {"uri": place.uri} | ({} if place.uri.startswith("file:") else {"uriBaseId": "%SRCROOT%"})
    region = {"startLine": place.line, "startColumn": place.column, "endLine": place.end_line}
    if place.end_line == place.line:
        del region["endLine"]
    return {"physicalLocation": {"artifactLocation": artifact, "region": region}}


def _notification(finding: Finding, where: Mapping[str | None, Location]) -> _Json:
    return {
        "level": "error",
        "message": {"text": f"{finding.id}: {finding.status}: {phrases.message(finding)}"},
        "associatedRule": {"id": finding.check.id},
        "locations": [_location(where[finding.id])],
        "properties": {"status": finding.status},
    }


def _taxonomy() -> _Json:
    framework = nist_ai_rmf()
    return {
        "name": framework.name,
        "guid": str(_TAXONOMY),
        "version": framework.version,
        "organization": "NIST",
        "releaseDateUtc": framework.published.isoformat(),
        "shortDescription": {"text": f"{framework.name} {framework.version} ({framework.publication})"},
        "taxa": [{"id": one.id, "shortDescription": {"text": one.summary}} for one in framework.subcategories],
    }


EXPORTS = (
    Export("sarif", "static-analysis results with the whole audit (SARIF 2.1.0)", lambda audit: {"audit.sarif": text(audit)}),
    Export(
        "sarif-github", "the open problems alone, for GitHub's code scanning", lambda audit: {"audit-github.sarif": open_problems(audit)}
    ),
)
