"""No format looks as if all were well where the exit code is not 0."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from audit.decision.finding import Condition, Reason
from audit.export import exports
from tests.report import example

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.record import AuditRun


def blocked_by_policy() -> AuditRun:
    """Every finding passes, and the policy was loosened."""
    audit = example.promote()
    reasons = (Reason("policy-loosened", None, "The policy is looser."),)
    return replace(audit, verdict=replace(audit.verdict, decision="block", exit_code=1, reasons=reasons))


def broken() -> AuditRun:
    return replace(blocked_by_policy(), verdict=replace(blocked_by_policy().verdict, exit_code=3))


def waived_alone() -> AuditRun:
    """What does not pass is waived; nobody has signed yet."""
    audit, (waived,) = example.promote(), (one for one in example.waived().findings if one.disposition == "waived")
    conditions = (Condition(waived.id, "Support ML", "2027-03-01"),)
    verdict = replace(audit.verdict, decision="promote-with-conditions", exit_code=4, reasons=(), conditions=conditions)
    return replace(audit, findings=(*audit.findings, waived), verdict=verdict)


def texts(audit: AuditRun, name: str) -> list[str]:
    return list(exports()[name].files(audit).values())


def shows_a_problem(audit: AuditRun) -> dict[str, bool]:
    """Whether a consumer of each format that counts problems finds one."""
    (junit,), (gitlab,), (sarif,), (table,) = (texts(audit, name) for name in ("junit", "gitlab", "sarif-github", "csv"))
    annotations, summary, comment = texts(audit, "github")
    (suite,) = ET.fromstring(junit)  # noqa: S314  # our own text
    last = list(csv.DictReader(io.StringIO(table)))[-1]
    test_result, svr = (json.loads(text)["predicate"] for text in texts(audit, "intoto"))
    return {
        "junit": int(suite.get("failures", "0")) + int(suite.get("errors", "0")) > 0,
        "gitlab": any(one["severity"] in {"critical", "blocker"} for one in json.loads(gitlab)),
        "sarif-github": any(one["level"] == "error" for one in json.loads(sarif)["runs"][0]["results"]),
        "github": "::error " in annotations,
        "markdown": "✅ Promote:" not in comment + summary,
        "csv": last["check"] == "audit/decision" and last["status"] != "promote" and "exit code 0" not in last["message"],
        "intoto": test_result["result"] != "PASSED" and "AUDIT_PROMOTE" not in svr["properties"],
    }


@pytest.mark.parametrize("run", [blocked_by_policy, broken, waived_alone, example.block, example.conditions, example.all_errors])
def test_every_format_shows_that_the_exit_code_is_not_0(run: Callable[[], AuditRun]) -> None:
    assert run().verdict.exit_code != 0
    assert [name for name, shown in shows_a_problem(run()).items() if not shown] == []


def test_a_promotion_shows_no_problem() -> None:
    assert [name for name, shown in shows_a_problem(example.promote()).items() if shown] == []
