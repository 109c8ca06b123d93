"""The results against those of the last promotion, what stays in production, what ends when, and what stands for each clause."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from audit.record import Drill, LastPromotion, from_text, outcome, to_text
from audit.report import render
from audit.report.crosswalk import crosswalk
from audit.report.entries import entries
from audit.report.evidence_table import grades
from audit.report.follow_up import calendar
from audit.report.operations import operations
from audit.report.rmf import grade
from audit.report.since import results_since, staying
from audit.report.text import word
from tests.report import example

if TYPE_CHECKING:
    from audit.record import AuditRun


def last(run: AuditRun, **changed: object) -> LastPromotion:
    """A promotion with the outcomes of a run."""
    made = LastPromotion(
        run="20260502-0900-aaaa",
        time="2026-05-02T10:00:00+00:00",
        decision="promote",
        policy_version="3",
        candidate_sha256=run.candidate.sha256,
        outcomes=tuple(map(outcome, run.findings)),
    )
    return replace(made, **changed)  # type: ignore[arg-type]  # fields of the dataclass


def test_what_did_not_change_is_not_listed() -> None:
    run = example.promote()
    view = results_since(replace(run, last_promotion=last(run)), entries(run))
    assert view.rows == ()
    count = len(run.findings)
    assert view.lead.startswith("Against run 20260502-0900-aaaa of 2 May 2026, the last that ended in promote.")
    assert view.lead.endswith(f" {count} of {word(count)} findings as before.")


def test_what_got_worse_stands_first() -> None:
    """The decision, a finding that fails now, one that is gone, one that is new, a bound that was moved."""
    run = example.block()
    outcomes = [outcome(one) for one in run.findings]
    failing = next(one for one in outcomes if one.status == "fail" and one.value is not None)
    passing = next(one for one in outcomes if one.status == "pass" and one.minimum is not None)
    new = next(one for one in outcomes if one not in {failing, passing})
    then = [
        replace(failing, status="pass"),
        replace(passing, minimum=0.25),
        replace(passing, finding="gone/check"),
        *(one for one in outcomes if one not in {failing, passing, new}),
    ]
    found = results_since(replace(run, last_promotion=last(run, outcomes=tuple(then))), entries(run))
    rows = {one.what: one for one in found.rows}
    assert [one.kind for one in found.rows] == ["worse", "worse", "gone", "new", "changed"]
    assert (rows["decision"].then, rows["decision"].now) == ("promote", "block")
    assert rows[failing.finding].then.startswith("pass; ")
    assert rows[failing.finding].now.startswith("fail; ")
    assert rows["gone/check"].now == "no longer measured"
    assert "at least 0.25" in rows[passing.finding].then
    assert rows[new.finding].kind == "new"


def test_a_record_keeps_the_last_promotion_and_earlier_records_read_as_without_one() -> None:
    run = replace(example.promote(), last_promotion=last(example.promote(), version="7", name="triage", target="folder:/x"))
    assert from_text(to_text(run)).last_promotion == run.last_promotion
    earlier = to_text(replace(run, last_promotion=None)).replace(',"last_promotion":null', "")
    assert "last_promotion" not in earlier
    assert from_text(earlier).last_promotion is None
    assert from_text(to_text(run).replace(',"drill":null', "")).last_promotion == run.last_promotion
    drilled = replace(run, last_promotion=last(run, drill=Drill("2026-11-01T09:00:00+00:00", "7", "6", passed=True, seconds=1.2)))
    assert from_text(to_text(drilled)).last_promotion == drilled.last_promotion


@pytest.mark.parametrize(
    ("name", "version", "told"),
    [
        ("triage", "7", "What runs today stays: triage version 7 (run 20260502-0900-aaaa, promoted 2 May 2026)."),
        (None, None, "What runs today stays: the candidate of run 20260502-0900-aaaa of 2 May 2026, the last that ended in promote."),
    ],
)
def test_a_block_names_the_version_that_stays(name: str | None, version: str | None, told: str) -> None:
    run = example.block()
    run = replace(run, comparators={}, last_promotion=last(run, name=name, version=version))
    assert staying(run) == told
    assert operations(run, entries(run)).now == f"Nothing. This candidate must not go live. {told}"
    assert told.replace("'", "&#39;") in render(run)


def test_without_a_ledger_the_champion_stays_or_nothing_is_known() -> None:
    run = example.block()
    champion = replace(run.candidate, description="minilm of May", sha256="ab" * 32)
    assert (
        staying(replace(run, comparators={"champion": champion})) == "What runs today stays: the champion, minilm of May (abababababab…)."
    )
    assert staying(replace(run, comparators={})) == "What runs today stays; the ledger names no version."
    alone = replace(run, comparators={}, policy=run.policy.model_copy(update={"champion": None}))
    assert staying(alone) == "Nothing changes: no earlier version is recorded."


def test_the_calendar_is_in_order_of_date() -> None:
    """Conditions of one person on one day share a line; the decision's own end and waivers in force are in it."""
    run = example.waived()
    run = replace(run, valid_until="2026-11-25")
    rows = calendar(run, entries(run))
    assert rows[0].what == "this decision"
    assert rows[0].day == "25 November 2026"
    assert sum(one.what.count("condition C-") for one in rows) == len(run.verdict.conditions)
    in_force = [one for one in run.waivers if one.standing == "in_force"]
    assert sum("waiver " in one.what for one in rows) == len(in_force) > 0
    assert "What ends, in order of date" in render(run)
    endless = replace(example.promote(), valid_until=None)
    assert calendar(endless, entries(endless)) == ()


def test_every_finding_has_a_grade() -> None:
    """Measured, declared, or absent where nothing was measured; the table counts them."""
    run = example.block()
    found = {one.id: grade(one) for one in run.findings}
    assert found["governance/declared_fields"] == "declared"
    assert found["privacy/membership_inference"] == "absent"
    assert found["performance/f1"] == "measured"
    counts = [sum(one == state for one in found.values()) for state in ("measured", "declared", "absent")]
    assert grades(entries(run)).startswith(f"Grades of evidence: {counts[0]} measured, {counts[1]} declared and {counts[2]} absent")


def test_clauses_stand_on_findings_of_this_run_alone() -> None:
    """Article 15 on its measured findings; the quality management system on nothing; impact ratios on no check that ran."""
    run = example.block()
    lines = {(view.title, line.id): line for view in crosswalk(run, entries(run)) for line in view.lines}
    art = lines["EU AI Act", "Art. 15"]
    assert art.state == "measured"
    assert "F-1" in {link.text for link in art.links}
    assert (lines["EU AI Act", "Art. 17"].state, lines["EU AI Act", "Art. 17"].links) == ("absent", ())
    assert lines["EU AI Act", "Art. 14"].state == "declared"
    assert lines["NYC Local Law 144", "§ 5-301"].state == "absent"
    failed = crosswalk(example.all_errors(), entries(example.all_errors()))
    assert {line.state for view in failed for line in view.lines} <= {"declared", "absent"}
