"""CSV read by pandas, and GitLab's report: what they hold, and what a spreadsheet would run."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import jsonschema
import pandas as pd
import pytest

from audit.export import csv as csv_export
from audit.export import gitlab
from tests.report import example

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.record import AuditRun

ENTRY = {
    "type": "object",
    "required": ["description", "check_name", "fingerprint", "severity", "location"],
    "properties": {
        "description": {"type": "string", "minLength": 1},
        "check_name": {"type": "string", "minLength": 1},
        "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
        "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
        "location": {
            "type": "object",
            "required": ["path", "lines"],
            "properties": {
                "path": {"type": "string", "pattern": r"^(?!\./)"},
                "lines": {"type": "object", "properties": {"begin": {"type": "integer", "minimum": 1}}, "required": ["begin"]},
            },
        },
    },
}
"""GitLab publishes no schema file; this is its documented form of a code quality report."""


def test_csv_holds_every_finding_and_slice() -> None:
    """Pandas reads a row a finding, a row a slice and one for the decision, with the numbers of the record."""
    audit = example.block()
    table = pd.read_csv(io.StringIO(csv_export.text(audit)))
    assert len(table) == len(audit.findings) + sum(len(one.slices) for one in audit.findings) + 1
    assert table.iloc[-1][["finding", "check", "status"]].tolist() == ["decision", "audit/decision", "block"]
    for finding in audit.findings:
        first = table[table["finding"] == finding.id].iloc[0]
        assert first["status"] == finding.status
        if finding.headline is not None:
            assert first["value"] == pytest.approx(finding.headline.value, abs=1e-12)
            assert first["n"] == finding.headline.n


@pytest.mark.parametrize("attack", ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1"])
def test_csv_runs_nothing(attack: str) -> None:
    """A message that a spreadsheet would take for a formula begins with an apostrophe."""
    text = csv_export.text(example.audit_run([example.without(example.ACCURACY, "error", attack)]))
    message = pd.read_csv(io.StringIO(text), dtype=str)["message"][0]
    assert not re.match(r"\s*[=+\-@＝]", message)


@pytest.mark.parametrize("run", [example.block, example.waived, example.conditions, example.promote, example.hostile, example.crowded])
def test_gitlab_reads_it(run: Callable[[], AuditRun]) -> None:
    """Every entry has the documented form and a fingerprint of its own; a promotion has none, a block has one at least."""
    audit = run()
    entries = json.loads(gitlab.text(audit))
    for entry in entries:
        jsonschema.Draft202012Validator(ENTRY).validate(entry)
    assert len({entry["fingerprint"] for entry in entries}) == len(entries)
    if audit.verdict.decision == "block":
        assert any(entry["severity"] in {"critical", "blocker"} for entry in entries)
