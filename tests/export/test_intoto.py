"""in-toto statements: valid by the published schema, and never better than the decision."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from audit.export import intoto
from audit.formatting import neutral
from tests.command import audit
from tests.report import example
from tests.running import policy, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from audit.record import AuditRun

RUNS = (example.block, example.waived, example.conditions, example.promote, example.all_errors, example.hostile, example.crowded)
STATEMENT = {
    "type": "object",
    "required": ["_type", "subject", "predicateType", "predicate"],
    "additionalProperties": False,
    "properties": {
        "_type": {"const": "https://in-toto.io/Statement/v1"},
        "subject": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name", "digest"],
                "properties": {"digest": {"type": "object", "minProperties": 1, "additionalProperties": {"type": "string"}}},
            },
        },
        "predicateType": {"type": "string", "pattern": "^https://"},
        "predicate": {"type": "object"},
    },
}
"""The fields of the in-toto attestation framework's Statement v1."""


def read(text: str) -> dict[str, Any]:
    document = json.loads(text)
    jsonschema.Draft202012Validator(STATEMENT).validate(document)
    predicate = document["predicate"]
    assert isinstance(predicate, dict)
    return predicate


@pytest.mark.parametrize("make", RUNS)
def test_the_result_is_the_decision(make: Callable[[], AuditRun]) -> None:
    """Every finding that applies stands in one list; what blocks in none but the failed one; only exit code 0 promotes."""
    one = make()
    result = read(intoto.statement(one))
    assert result["result"] == {"promote": "PASSED", "promote-with-conditions": "WARNED", "block": "FAILED"}[one.verdict.decision]
    listed = [*result["passedTests"], *result["warnedTests"], *result["failedTests"]]
    assert sorted(listed) == sorted(neutral(finding.id) for finding in one.findings if finding.status != "not_applicable")
    good = {neutral(finding.id) for finding in one.findings if finding.status == "pass"}
    assert set(result["passedTests"]) <= good
    properties = read(intoto.verification(one))["properties"]
    assert ("AUDIT_PROMOTE" in properties) == (one.verdict.exit_code == 0)
    assert len(properties) - ("AUDIT_PROMOTE" in properties) == len([finding for finding in one.findings if finding.status == "pass"])


def test_subjects_are_the_files_by_digest(tmp_path: Path) -> None:
    """The digest of results.json is that of the bundle's file, also when it is made again from the record."""
    run(tmp_path, policy(), "--format", "intoto")
    (bundle,) = (tmp_path / "reports").glob("*/")
    subject = {one["name"]: one["digest"]["sha256"] for one in json.loads((bundle / "intoto" / "test-result.json").read_text())["subject"]}
    assert subject["results.json"] == hashlib.sha256((bundle / "results.json").read_bytes()).hexdigest()
    assert subject["candidate"] == json.loads((bundle / "results.json").read_text())["candidate"]["sha256"]
    assert audit("report", str(bundle), "--format", "intoto", "-o", "again", cwd=tmp_path).returncode == 0
    assert (tmp_path / "again/intoto/verification.json").read_bytes() == (bundle / "intoto" / "verification.json").read_bytes()
