"""OSCAL 1.1.3: valid by NIST's schemas, read by compliance-trestle, and every id leads somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from audit.export import oscal
from audit.frameworks import nist_ai_rmf
from tests.report import example

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit.record import AuditRun

RUNS = (example.block, example.waived, example.conditions, example.promote, example.all_errors, example.hostile, example.crowded)
SCHEMAS = Path(__file__).parent / "schemas"


def schema(name: str) -> Any:
    r"""NIST's schema, in a form that Python's `re` and jsonschema read: no \\p{L}, and no `$id` that looks like a pointer."""

    def mended(node: Any) -> Any:
        if isinstance(node, list):
            return [mended(one) for one in node]
        if not isinstance(node, dict):
            return node
        kept = {key: value for key, value in node.items() if not (key == "$id" and str(value).startswith("#/"))}
        return {key: pattern(value) if key == "pattern" and isinstance(value, str) else mended(value) for key, value in kept.items()}

    def pattern(text: str) -> str:
        return text.replace(r"\p{L}", r"[^\W\d_]").replace(r"\p{N}", r"\d")

    return mended(json.loads((SCHEMAS / f"oscal-1.1.3_{name}_schema.json").read_text("utf-8")))


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from nodes(one)


def document(run: AuditRun) -> dict[str, Any]:
    found = json.loads(oscal.results(run))["assessment-results"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("run", RUNS)
def test_valid_by_its_schema(run: Callable[[], AuditRun]) -> None:
    jsonschema.Draft7Validator(schema("assessment-results")).validate(json.loads(oscal.results(run())))
    jsonschema.Draft7Validator(schema("catalog")).validate(json.loads(oscal.catalog(run())))


@pytest.mark.parametrize("run", RUNS)
def test_trestle_reads_it(run: Callable[[], AuditRun], tmp_path: Path) -> None:
    """As many observations as findings, as many controls as subcategories."""
    trestle = pytest.importorskip("trestle.oscal.assessment_results", reason="compliance-trestle is not installed")
    from trestle.oscal import catalog as catalogs

    audit = run()
    place = tmp_path / "results.json"
    place.write_text(oscal.results(audit), encoding="utf-8")
    read = trestle.AssessmentResults.oscal_read(place)
    assert len(read.results[0].observations) == len(audit.findings)
    place.write_text(oscal.catalog(audit), encoding="utf-8")
    catalog = catalogs.Catalog.oscal_read(place)
    assert isinstance(catalog, catalogs.Catalog)
    read_back = [node for node in nodes(json.loads(catalog.oscal_serialize_json())) if "controls" in node]
    controls = [control for category in read_back for control in category["controls"]]
    assert [one["title"] for one in controls] == [one.id for one in nist_ai_rmf().subcategories]
    assert len(controls) == 72


@pytest.mark.parametrize("run", [one for one in RUNS if one is not example.hostile])  # whose findings share one id
def test_every_id_leads_somewhere(run: Callable[[], AuditRun]) -> None:
    """Observations and risks that are referred to are there, controls are in the catalog, and no id stands twice."""
    found = document(run())
    own = [node["uuid"] for node in nodes(found) if "uuid" in node]
    assert len(own) == len(set(own))
    referred = {value for node in nodes(found) for key, value in node.items() if key in {"observation-uuid", "risk-uuid", "component-uuid"}}
    assert referred <= set(own)
    assert found["import-ap"]["href"].removeprefix("#") in own
    controls = {node["id"] for node in nodes(json.loads(oscal.catalog(run()))) if re.fullmatch(r"[a-z]+-\d+\.\d+", str(node.get("id")))}
    assert {value for node in nodes(found) for key, value in node.items() if key in {"control-id", "target-id"}} <= controls


def test_states_follow_the_findings() -> None:
    """Satisfied needs a required pass and nothing else; without proof the reason is `other` and the exact status a property."""

    def state(*findings: Any) -> tuple[str, str]:
        (one,) = [
            row for row in document(example.audit_run(list(findings)))["results"][0]["findings"] if row["title"] in findings[0].check.rmf
        ][:1]
        status = one["target"]["status"]
        return status["state"], status["reason"]

    assert state(example.f1(min=0.5)) == ("satisfied", "pass")
    assert state(example.f1(min=0.999)) == ("not-satisfied", "fail")
    assert state(example.without(example.F1, "not_run", "no rows")) == ("not-satisfied", "other")
    assert state(example.f1(min=0.5), example.without(example.F1, "error", "broke", id="other")) == ("not-satisfied", "other")
    assert state(example.without(example.F1, "not_applicable", "no groups")) == ("not-satisfied", "other")
    assert state(example.f1(min=0.5, enforce="advisory")) == ("not-satisfied", "other")


def test_a_waived_finding_is_an_approved_deviation() -> None:
    """Its risk has that status; an open failure's risk is open and has the deadline of its condition."""
    risks = document(example.waived())["results"][0]["risks"]
    assert "deviation-approved" in {one["status"] for one in risks}
    conditions = {one.finding: one.due for one in example.conditions().verdict.conditions}
    deadlines = {
        one["title"].partition(":")[0]: one["deadline"][:10]
        for one in document(example.conditions())["results"][0]["risks"]
        if "deadline" in one
    }
    assert conditions
    assert deadlines == conditions
