"""SARIF 2.1.0: valid by its schema and the rules of its prose, read by sarif-tools."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml
from sarif import loader

from audit.export import sarif
from audit.export._outcomes import blocking
from tests import command, running
from tests.report import example

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.record import AuditRun

SCHEMA = json.loads((Path(__file__).parent / "schemas" / "sarif-schema-2.1.0.json").read_text("utf-8"))
RUNS = (example.block, example.waived, example.conditions, example.promote, example.all_errors, example.hostile, example.crowded)


def run_of(text: str) -> dict[str, Any]:
    """The document's only run."""
    (found,) = json.loads(text)["runs"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("write", [sarif.text, sarif.open_problems])
def test_valid_and_true_to_the_prose(run: Callable[[], AuditRun], write: Callable[[AuditRun], str]) -> None:
    """A level other than none needs the kind fail; every rule and taxon that is named exists; every result has one place."""
    document = json.loads(write(run()))
    jsonschema.Draft7Validator(SCHEMA).validate(document)
    one = run_of(json.dumps(document))
    rules = one["tool"]["driver"]["rules"]
    taxa = {taxon["id"] for taxon in one["taxonomies"][0]["taxa"]}
    assert {relation["target"]["id"] for rule in rules for relation in rule.get("relationships", ())} <= taxa
    for result in one["results"]:
        assert (result["level"] == "none") == (result["kind"] != "fail")
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] >= 1
    prints = [result["partialFingerprints"]["auditFinding/v1"] for result in one["results"]]
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize("run", RUNS)
def test_a_consumer_counts_the_same(run: Callable[[], AuditRun], tmp_path: Path) -> None:
    """sarif-tools reads as many open problems as there are findings that are not good and not waived."""
    audit = run()
    path = tmp_path / "audit.sarif"
    path.write_text(sarif.open_problems(audit), encoding="utf-8")
    read = loader.load_sarif_file(str(path)).get_records()
    expected = [one for one in audit.findings if one.status not in {"pass", "not_applicable"} and one.disposition != "waived"]
    found = {str(one["Code"]).split()[0] for one in read}
    assert found - {"audit/decision"} == {one.check.id for one in expected}
    assert ("audit/decision" in found) == any(blocking(audit))


def test_what_cannot_be_decided_is_open_and_what_was_not_measured_is_a_failure() -> None:
    """`open` is evaluated without enough information; no evidence has no honest kind, so a required one fails and is told."""
    required = example.without(example.ACCURACY, "not_run", "no rows", id="required")
    advisory = example.without(example.ACCURACY, "error", "broke", id="advisory", enforce="advisory")
    one = run_of(sarif.text(example.audit_run([required, advisory])))
    (result,) = one["results"]
    assert (result["kind"], result["properties"]["status"]) == ("fail", "not_run")
    assert result["message"]["text"].startswith("no evidence")
    told = [note for note in one["invocations"][0]["toolExecutionNotifications"] if "associatedRule" in note]
    assert [note["properties"]["status"] for note in told] == ["not_run", "error"]
    open_results = [row for row in run_of(sarif.text(example.block()))["results"] if row["properties"]["status"] == "inconclusive"]
    assert open_results
    assert {row["kind"] for row in open_results} == {"open"}


def test_a_waiver_suppresses_and_stays_a_failure() -> None:
    """For GitHub, which ignores suppressions, a waived finding is left out."""
    waived = {one.id for one in example.waived().findings if one.disposition == "waived"}
    full = [row for row in run_of(sarif.text(example.waived()))["results"] if row["properties"]["finding"] in waived]
    assert full
    assert all(row["suppressions"][0]["kind"] == "external" for row in full)
    assert not waived & {row["properties"]["finding"] for row in run_of(sarif.open_problems(example.waived()))["results"]}


def test_results_point_to_the_lines_of_the_policy() -> None:
    """By the id of the requirement, else by its check; without the entry, to the policy's first key."""
    policy = (
        "policy: p\nversion: 1\nrequire:\n  - {check: performance/accuracy, min: 0.5}\n"
        "  -\n    check: performance/f1\n    id: other\n    min: 0.9\n"
    )
    findings = [
        example.without(example.ACCURACY, "error", "x"),
        example.without(example.F1, "error", "x", id="other"),
        example.without(example.F1, "error", "x", id="inherited"),
    ]
    audit = replace(example.audit_run(findings), policy_text=policy, policy_path="policies/p.yaml")
    places = {
        row["properties"]["finding"]: row["locations"][0]["physicalLocation"]["region"] for row in run_of(sarif.text(audit))["results"]
    }
    assert places[findings[0].id] == {"startLine": 4, "startColumn": 5}
    assert places["other"] == {"startLine": 6, "startColumn": 5, "endLine": 8}
    assert places["inherited"] == {"startLine": 1, "startColumn": 1}
    uri = run_of(sarif.text(audit))["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert uri == {"uri": "policies/p.yaml", "uriBaseId": "%SRCROOT%"}


def test_fingerprints_outlive_values() -> None:
    """Another value of the same failing check keeps the fingerprint; another policy changes it."""
    one, other = (example.without(example.ACCURACY, "error", text) for text in ("broke so", "broke otherwise"))

    def prints(audit: AuditRun) -> list[str]:
        return [row["partialFingerprints"]["auditFinding/v1"] for row in run_of(sarif.text(audit))["results"]]

    assert prints(example.audit_run([one])) == prints(example.audit_run([other]))
    audit = example.audit_run([one])
    assert prints(audit) != prints(replace(audit, policy=audit.policy.model_copy(update={"policy": "another"})))


@pytest.mark.parametrize(
    ("policy", "extended", "line"), [("requirements/../policy.yaml", False, 17), ("./policy.yaml", False, 17), ("policy.yaml", True, 1)]
)
def test_every_place_is_one_of_the_policy_file(tmp_path: Path, policy: str, extended: bool, line: int) -> None:  # noqa: FBT001  # a parameter
    """Of a policy that extends another, the record has the merged text, whose lines the file does not have."""
    running.table().to_csv(tmp_path / "test.csv", index=False)
    (tmp_path / "requirements").mkdir()
    text = yaml.safe_dump(running.policy({"check": "performance/accuracy", "min": 0.95}), sort_keys=False)
    (tmp_path / "base.yaml").write_text(text)
    (tmp_path / "policy.yaml").write_text("policy: small\nextends: base.yaml\n" if extended else f"# the policy\n{text}")
    done = command.audit("run", policy, "-o", "out", "--format", "sarif", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    (path,) = tmp_path.glob("out/*/audit.sarif")
    (result,) = run_of(path.read_text())["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("policy.yaml", line)
    assert line <= len((tmp_path / "policy.yaml").read_text().splitlines())
