"""in-toto: the decision as statements that other tools read, without a signature; `audit sign` makes the signed ones."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, TypeAlias

from audit.export import Export
from audit.export import json as results_json
from audit.export._outcomes import visible
from audit.governance.sign_off import STATEMENT, TEST_RESULT, outcome

if TYPE_CHECKING:
    from audit.record import AuditRun

_Json: TypeAlias = "dict[str, Any]"
VERIFICATION = "https://in-toto.io/attestation/svr/v0.2"
"""A simple verification result: what held, and nothing else."""
_RESULTS = {"promote": "PASSED", "promote-with-conditions": "WARNED"}


def statement(audit: AuditRun) -> str:
    """A test result: `PASSED`, `WARNED` or `FAILED`, with the findings behind it."""
    lists = {name: [one.id for one in audit.findings if outcome(one) == name] for name in ("passed", "warned", "failed")}
    predicate = {
        "result": _RESULTS.get(audit.verdict.decision, "FAILED"),
        "configuration": [{"name": "policy.yaml", "digest": {"sha256": audit.policy_sha256}}],
        "passedTests": lists["passed"],
        "warnedTests": lists["warned"],
        "failedTests": lists["failed"],
    }
    return _text(audit, TEST_RESULT, predicate)


def verification(audit: AuditRun) -> str:
    """A simple verification result. Its properties hold only what passed: `AUDIT_PROMOTE` needs exit code 0."""
    findings = [f"AUDIT_PASS_{one.id}" for one in audit.findings if outcome(one) == "passed"]
    predicate = {
        "verifier": {"id": f"urn:model-audit-gate:audit:{audit.run.version}", "policies": [{"digest": {"sha256": audit.policy_sha256}}]},
        "timeCreated": audit.run.started.replace("+00:00", "Z"),
        "properties": [*(["AUDIT_PROMOTE"] if audit.verdict.exit_code == 0 else []), *findings],
    }
    return _text(audit, VERIFICATION, predicate)


def _text(audit: AuditRun, kind: str, predicate: _Json) -> str:
    results = hashlib.sha256(results_json.text(audit).encode("utf-8", "backslashreplace")).hexdigest()  # as the bundle has it
    digests = {"results.json": results, "candidate": audit.candidate.sha256}
    subject = [{"name": name, "digest": {"sha256": sha256}} for name, sha256 in digests.items()]
    document = {"_type": STATEMENT, "subject": subject, "predicateType": kind, "predicate": predicate}
    return json.dumps(visible(document), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


EXPORTS = (
    Export(
        "intoto",
        "unsigned statements: a test result and a simple verification result (in-toto)",
        lambda one: {"intoto/test-result.json": statement(one), "intoto/verification.json": verification(one)},
    ),
)
