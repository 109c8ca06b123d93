"""The work order in `results.json`: one entry for each act that would close a blocker or a condition."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from audit.decision.finding import Reason
from audit.export import json as results_json
from audit.export._work_order import work_order
from tests.pipeline.in_process import audited
from tests.running import policy, table

if TYPE_CHECKING:
    from pathlib import Path

    from audit.record import AuditRun

KEYS = ["finding", "rule", "action", "member", "rows", "bound", "file", "owner", "due", "text"]
OWNER = {"owner": {"team": "Letters", "contact": "letters@example.org"}}


def run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *require: dict[str, Any], frame: pd.DataFrame | None = None, **more: Any
) -> AuditRun:
    return audited(folder, monkeypatch, policy(*require, system=OWNER, **more), test=table() if frame is None else frame)


def ordered(audit: AuditRun) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(results_json.text(audit))["work_order"]
    assert all(list(one) == KEYS for one in found)
    return found


def test_a_promotion_leaves_nothing_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ordered(run(tmp_path, monkeypatch, {"check": "performance/accuracy", "min": 0.8})) == []


def test_a_missed_bound_is_to_be_met(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (work,) = ordered(run(tmp_path, monkeypatch, {"check": "performance/accuracy", "min": 0.95}))
    assert (work["finding"], work["rule"], work["action"], work["rows"]) == ("performance/accuracy", "high-fail", "meet_bound", None)
    assert (work["bound"]["min"], work["bound"]["max"], work["bound"]["value"]) == (0.95, None, 0.9)
    assert 0.95 < work["bound"]["target"] < 0.97
    assert (work["owner"], work["due"], work["file"], work["member"]) == ("Letters", None, "test.csv", None)
    assert work["text"].startswith("Would pass with accuracy of at least")


def test_rows_to_collect_are_those_beyond_the_ones_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On 1,200 rows .9 is not proven to be above .89: as many more are needed as the finding itself says."""
    audit = run(tmp_path, monkeypatch, {"check": "performance/accuracy", "min": 0.89})
    (work,) = ordered(audit)
    (change,) = audit.findings[0].changes
    assert change.rows is not None
    assert (work["action"], work["rows"]) == ("collect_rows", change.rows - 1200)
    assert work["rows"] > 1000


def test_a_small_slice_needs_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frame = table(600, right=1.0)
    frame["group"] = ["a"] * 580 + ["b"] * 20
    (work,) = ordered(run(tmp_path, monkeypatch, {"check": "performance/accuracy", "by": "group", "min": 0.5}, frame=frame))
    assert (work["action"], work["member"], work["rows"]) == ("collect_rows", {"group": "b"}, 10)
    assert work["text"] == "group=b: 20 rows, at least 30 needed"


def test_what_is_wrong_with_data_is_to_be_fixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = table(600).assign(x=range(600))
    frame = pd.concat([rows, rows.head(5).assign(id=[f"again-{place}" for place in range(5)])])
    asked = ({"check": "performance/accuracy", "min": 0.8}, {"check": "data/duplicates", "max": 0})
    features = {"id": "id", "label": "label", "prediction": "prediction", "features": ["group", "x"]}
    found = ordered(run(tmp_path, monkeypatch, *asked, frame=frame, columns=features))
    assert [(one["finding"], one["action"], one["file"]) for one in found] == [("data/duplicates", "fix_data", "test.csv")]


def test_conditions_wait_for_signatures_of_the_tier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ({"check": "performance/accuracy", "min": 0.8}, {"check": "performance/f1", "min": 0.95, "severity": "low"})
    audit = run(tmp_path, monkeypatch, *asked)
    bound, sign = ordered(audit)
    (condition,) = audit.verdict.conditions
    assert (bound["finding"], bound["action"], bound["due"]) == ("performance/f1", "meet_bound", condition.due)
    assert (sign["action"], sign["rule"], sign["file"], sign["owner"], sign["due"]) == (
        "sign",
        "conditions",
        "bundle.json",
        "Letters",
        condition.due,
    )
    assert "--role owner" in sign["text"]
    strict = replace(audit, policy=audit.policy.model_validate(audit.policy.model_dump() | {"tier": 1}))
    assert [one.text.rsplit(" ", 1)[1] for one in work_order(strict)[1:]] == ["owner", "independent-reviewer", "executive"]
    signed = replace(audit, verdict=replace(audit.verdict, exit_code=0))
    assert [one.action for one in work_order(signed)] == ["meet_bound"]


def test_missing_facts_are_to_be_declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = ordered(run(tmp_path, monkeypatch, {"check": "performance/accuracy", "min": 0.8}, tier=3))
    assert {(one["action"], one["file"], one["rule"]) for one in found} == {("declare", "policy.yaml", "declared-field-missing")}
    assert any("system.purpose" in one["text"] for one in found)


@pytest.mark.parametrize(
    ("status", "problem", "action"),
    [
        ("not_run", "textattack is not installed: pip install 'audit[attacks]'", "install"),
        ("not_run", "left out by --select: run the audit without it", "rerun"),
        ("not_run", "smoke run: measured on at most 64 rows and not judged: run the audit without --smoke", "rerun"),
        ("not_run", "test: no label column: name it under columns.label", "fix_data"),
        ("error", "ValueError: broken", "rerun"),
    ],
)
def test_missing_evidence_is_to_be_supplied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: Any, problem: str, action: str
) -> None:
    audit = run(tmp_path, monkeypatch, {"check": "performance/accuracy", "min": 0.8})
    finding = replace(audit.findings[0], status=status, problem=problem, evidence=None, headline=None)
    reasons = (Reason(f"high-{status}", finding.id),)
    (work,) = work_order(replace(audit, findings=(finding,), verdict=replace(audit.verdict, decision="block", reasons=reasons)))
    assert (work.action, work.text, work.finding, work.owner) == (action, problem, finding.id, "Letters")


@pytest.mark.parametrize(
    ("rule", "action", "file"),
    [
        ("policy-loosened", "sign", "policy.approvals.yaml"),
        ("trained-on", "fix_data", None),
        ("test-set-exhausted", "collect_rows", None),
        ("partial-run", "rerun", None),
        ("a-rule-of-tomorrow", "rerun", None),
    ],
)
def test_reasons_apart_from_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rule: str, action: str, file: str | None) -> None:
    audit = run(tmp_path, monkeypatch, {"check": "performance/accuracy", "min": 0.8})
    verdict = replace(
        audit.verdict, decision="block", reasons=(Reason(rule, None, "Why."), Reason("no-effect", None, "A remark.", remark=True))
    )
    (work,) = work_order(replace(audit, verdict=verdict))
    assert (work.action, work.file, work.text, work.owner) == (action, file, "Why.", "Letters")
