"""JUnit XML, read by junitparser: a CI system is green where, and only where, the exit code is 0."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped

from audit.export import junit
from tests.report import example

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.record import AuditRun


def cases(run: AuditRun) -> dict[str, list[type]]:
    """What each test case holds, by `classname.name`, as junitparser reads it."""
    suites = JUnitXml.fromstring(junit.text(run).encode())
    return {f"{case.classname}.{case.name}": [type(one) for one in case.result] for suite in suites for case in suite}


@pytest.mark.parametrize(
    "run", [example.block, example.waived, example.conditions, example.promote, example.all_errors, example.hostile, example.crowded]
)
def test_red_unless_the_exit_code_is_zero(run: Callable[[], AuditRun]) -> None:
    """By the counts of the suite and by its cases alike."""
    audit = run()
    suites = JUnitXml.fromstring(junit.text(audit).encode())
    suites_say = suites.failures + suites.errors
    bad = sum(1 for held in cases(audit).values() if {Failure, Error} & set(held))
    assert suites_say == bad
    assert (bad == 0) == (audit.verdict.exit_code == 0)
    assert suites.tests == len(audit.findings) + 1 == len(cases(audit))


def test_what_each_status_becomes() -> None:
    """Without proof a required check is a failure, an advisory one is skipped; a broken check is an error, a pass is empty."""
    accuracy = example.ACCURACY
    shown = {
        "required-inconclusive": example.without(accuracy, "not_run", "no rows", id="required-not-run"),
        "advisory-not-run": example.without(accuracy, "not_run", "no rows", id="advisory-not-run", enforce="advisory"),
        "broken": example.without(accuracy, "error", "ValueError", id="broken"),
        "inapplicable": example.without(accuracy, "not_applicable", "no groups", id="inapplicable"),
    }
    held = cases(example.audit_run(list(shown.values())))
    by_id = {name.partition(": ")[2]: what for name, what in held.items()}
    assert by_id["required-not-run"] == [Failure]
    assert by_id["advisory-not-run"] == [Skipped]
    assert by_id["broken"] == [Error]
    assert by_id["inapplicable"] == [Skipped]


def test_a_waived_failure_passes_and_says_so() -> None:
    """Its case holds no failure, and its output says WAIVED."""
    text = junit.text(example.waived())
    assert "WAIVED" in text
    waived = [one for one in example.waived().findings if one.disposition == "waived"]
    assert waived
    names = [name for name, held in cases(example.waived()).items() if not held]
    assert any(waived[0].check.id.rpartition("/")[2] in name for name in names)


def test_attacks_stay_text() -> None:
    """The end of a CDATA section and a tag in every name are read back as they were written."""
    audit = example.hostile()
    suites = JUnitXml.fromstring(junit.text(audit).encode())
    assert any("<script>alert(1)</script>" in (case.name or "") + (suite.name or "") for suite in suites for case in suite) or any(
        "<script>" in str(one.message) for suite in suites for case in suite for one in case.result
    )
    assert "<script" not in junit.text(audit)
