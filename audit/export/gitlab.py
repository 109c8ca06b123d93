"""GitLab code quality: the open problems of an audit at the lines of its policy."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from audit.export import Export
from audit.export._outcomes import DECISION, blocking, meaning, parts, sentence, visible
from audit.export._places import locations

if TYPE_CHECKING:
    from audit.decision.finding import Finding
    from audit.export._places import Location
    from audit.record import AuditRun

_SEVERITIES = {"critical": "blocker", "high": "critical", "medium": "major", "low": "minor"}
_OPEN = {"bad", "broken", "unproven", "advisory"}


def text(audit: AuditRun) -> str:
    """The report; an empty list where nothing is open."""
    where = locations(audit)
    entries = []
    for finding in audit.findings:
        for name in parts(finding) if meaning(finding) in _OPEN else ():
            fingerprint = json.dumps([audit.policy.policy, finding.check.id, finding.id, name.to_json()], sort_keys=True)
            entries.append(_entry(sentence(finding, name), finding.check.id, fingerprint, _severity(finding), where[finding.id]))
    for reason in blocking(audit):
        fingerprint = json.dumps([audit.policy.policy, reason.partition(":")[0]])
        entries.append(_entry(reason, DECISION, fingerprint, "critical", where[None]))
    return json.dumps(visible(entries), indent=1, allow_nan=False) + "\n"


def _severity(finding: Finding) -> str:
    return "info" if meaning(finding) == "advisory" else _SEVERITIES[finding.requirement.severity]


def _entry(description: str, check: str, fingerprint: str, severity: str, place: Location) -> dict[str, object]:
    return {
        "description": description,
        "check_name": check,
        "fingerprint": hashlib.sha256(fingerprint.encode("utf-8", "surrogatepass")).hexdigest(),
        "severity": severity,
        "location": {"path": place.path.removeprefix("./"), "lines": {"begin": place.line}},
    }


EXPORTS = (Export("gitlab", "GitLab's code quality report", lambda audit: {"gl-code-quality-report.json": text(audit)}),)
