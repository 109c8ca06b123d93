"""Which of the 72 lines are measured, and which are not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from audit.policy.schema import System
from audit.record import Drill, LastPromotion
from audit.report.entries import entries
from audit.report.rmf import RmfLine, rmf, traits
from tests.report import example

if TYPE_CHECKING:
    from audit.record import AuditRun


def lines(run: AuditRun) -> dict[str, RmfLine]:
    return {line.id: line for function in rmf(run, entries(run)).functions for category in function.categories for line in category.lines}


def test_measured_only_where_a_finding_with_evidence_names_the_line() -> None:
    """Two findings measure the lines that they name; nothing else is measured, whatever the framework could accept."""
    run = example.audit_run([example.f1(min=0.8), example.opportunity(max=0.1)])
    measured = {line.id for line in lines(run).values() if line.state == "measured"}
    assert measured == {"MEASURE 2.3", "MEASURE 2.5", "MEASURE 2.11"}


@pytest.mark.parametrize("status", ["error", "not_run", "not_applicable"])
def test_a_finding_without_evidence_measures_nothing(status: str) -> None:
    """A check that broke, did not run or does not apply leaves its lines absent; that it did is shown there."""
    line = lines(example.audit_run([example.without(example.OPPORTUNITY, status, "no evidence")]))["MEASURE 2.11"]
    assert line.state == "absent"
    assert [name for _, _, name in line.checks] == ["fairness/equal_opportunity_difference"]
    assert line.troubled == (status != "not_applicable")


def test_a_status_without_evidence_behind_it_is_not_believed() -> None:
    """A finding that says pass but carries no evidence measures nothing."""
    finding = replace(example.f1(min=0.8), evidence=None)
    assert lines(example.audit_run([finding]))["MEASURE 2.3"].state == "absent"


def test_a_check_of_declarations_leaves_lines_declared() -> None:
    """That a fact is declared can be measured; that it is true cannot. Without the fact the line is absent."""
    finding = example.census(example.DECLARED, 0, 6, max=0)
    line = lines(example.audit_run([finding]))["GOVERN 1.1"]
    assert line.state == "declared"
    assert line.checks
    assert lines(example.audit_run([finding], system=System()))["GOVERN 1.1"].state == "absent"


def test_declared_in_part() -> None:
    """A line with several fields behind it is declared in part until all are there, and names those that are not."""
    line = lines(example.promote())["MAP 1.1"]
    assert line.state == "declared"
    assert line.in_part
    assert "The policy has no key for users, deployment setting and assumptions." in line.basis
    assert not lines(example.promote())["MAP 3.3"].in_part


@pytest.mark.parametrize("run", [example.block(), example.all_errors(), example.hostile()])
def test_counts_add_up(run: AuditRun) -> None:
    """Measured, declared, signed and absent make 72, and none is signed."""
    view = rmf(run, entries(run))
    assert sum(map(int, view.counts.values())) == 72
    assert view.counts["signed"] == "0"
    assert f"{72 - int(view.counts['absent'])} of 72" in view.lead


def test_worst_status_of_a_characteristic() -> None:
    """A characteristic shows the worst of its checks; without one it shows the policy's reason, or that there is none."""
    by_name = {line.name: line for line in traits(example.block(), entries(example.block()))}
    assert len(by_name) == 7
    privacy, unexplained = by_name["Privacy-enhanced"], by_name["Explainable and interpretable"]
    assert privacy.chip is not None
    assert privacy.chip.key == "fail"
    assert unexplained.chip is None
    assert "a person reads every complaint" in unexplained.reason
    missing = {line.name: line for line in traits(example.all_errors(), entries(example.all_errors()))}
    assert missing["Safe"].reason == "No check and no reason given."


@pytest.mark.parametrize("passed", [True, False])
def test_a_rehearsed_rollback_supports_the_line_on_switching_off(passed: bool) -> None:  # noqa: FBT001  # a parameter
    """The ledger's drill is named with its date; a failed one is trouble, and neither declares what is not declared."""
    drill = Drill("2026-11-01T09:00:00+00:00", "7", "6", passed=passed, seconds=1.2)
    last = LastPromotion("r", "2026-05-02T10:00:00+00:00", "promote", "3", "ab" * 32, None, "triage", "7", "folder:/x", drill)
    run = replace(example.promote(), last_promotion=last)
    line = lines(run)["MANAGE 2.4"]
    went = "passed in 1.2 s." if passed else "FAILED: the way back does not work."
    assert line.basis.endswith(f"Last rollback drill: 1 November 2026, from version 7 to 6, {went}")
    assert (line.state, line.troubled) == ("declared", not passed)
    bare = replace(run, policy=run.policy.model_copy(update={"system": System()}))
    assert lines(bare)["MANAGE 2.4"].state == "absent"
    assert "drill" not in lines(example.promote())["MANAGE 2.4"].basis
