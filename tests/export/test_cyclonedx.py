"""CycloneDX 1.6: valid by the schemas of cyclonedx-python-lib, which also reads it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from cyclonedx.model.bom import Bom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from audit.evidence import OVERALL
from audit.export import cyclonedx
from tests.report import example

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.record import AuditRun

RUNS = (example.block, example.waived, example.conditions, example.promote, example.all_errors, example.hostile, example.crowded)


@pytest.mark.parametrize("run", RUNS)
def test_valid_and_read_by_its_library(run: Callable[[], AuditRun]) -> None:
    """No error of the strict validator; the library finds the candidate and every data set with its digest."""
    audit = run()
    if run is example.hostile:  # whose data sets share one name
        audit = replace(audit, datasets=audit.datasets[:1])
    text = cyclonedx.text(audit)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bom = Bom.from_json(_without_card(json.loads(text)))  # type: ignore[attr-defined]  # added by its decorator
    assert len(bom.components) >= len(audit.datasets)
    assert {one.hashes[0].content for one in bom.components if one.hashes} >= {
        one.sha256 for one in audit.datasets if len(one.sha256) == 64
    }


def _without_card(document: dict[str, Any]) -> dict[str, Any]:
    """The library reads no model cards and no facts of data yet, which its own schema has."""
    del document["metadata"]["component"]["modelCard"]
    for one in document["components"]:
        one.pop("data", None)
    return document


def test_metrics_are_those_of_the_findings() -> None:
    """The value and interval of every headline, as text."""
    audit = example.block()
    card = json.loads(cyclonedx.text(audit))["metadata"]["component"]["modelCard"]
    metrics = card["quantitativeAnalysis"]["performanceMetrics"]
    for finding in audit.findings:
        if (head := finding.headline) is not None:
            first = next(one for one in metrics if one["type"] == finding.id)
            assert float(first["value"]) == head.value
            assert float(first["confidenceInterval"]["upperBound"]) == head.interval[1]
            assert ("slice" in first) == (head.member != OVERALL)


def test_groups_at_risk_are_the_failing_members() -> None:
    """A failing gap between groups names who is at risk; a promotion names nobody."""
    finding = example.opportunity((60, 131), max=0.1)
    audit = example.audit_run([replace(finding, check=replace(finding.check, groups=True))])
    card = json.loads(cyclonedx.text(audit))["metadata"]["component"]["modelCard"]
    failing = {str(name) for name in finding.failing}
    assert failing
    assert failing <= {one["groupAtRisk"] for one in card["considerations"]["fairnessAssessments"]}
    promoted = json.loads(cyclonedx.text(example.promote()))["metadata"]["component"]["modelCard"]
    assert "fairnessAssessments" not in promoted.get("considerations", {})
