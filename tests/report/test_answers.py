"""Five answers of every finding: none is empty, and none contradicts the status."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import catalog
from audit.decision.finding import Finding, Waived
from audit.decision.judge import judge, without_evidence
from audit.evidence import OVERALL, Evidence, Member, Unmeasured
from audit.report.entries import entries
from audit.report.findings import TERMS, answers, finding_views, requirement_in_words
from audit.stats import Census, Proportion
from tests.report import example
from tests.report.example.checks import ACCURACY, DUPLICATES, region, requirement

PEOPLE = ("complainants",)
OPENING = {"pass": "Yes", "fail": "Yes", "inconclusive": "No", "error": "Nothing is known", "not_run": "Nothing is known"}
RUNS = (example.block, example.waived, example.conditions, example.promote, example.all_errors, example.crowded, example.compared)


def told(finding: Finding) -> dict[str, str]:
    facts = answers(finding, PEOPLE)
    assert tuple(fact.term for fact in facts) == TERMS
    assert all(fact.value.strip() for fact in facts), "an empty answer"
    assert all(fact.value.endswith((".", ")", "!", "?")) for fact in facts), [fact.value for fact in facts]
    return {fact.term: fact.value for fact in facts}


def agrees(finding: Finding) -> None:
    said = told(finding)
    assert said["Result"].lower().startswith(finding.status.replace("_", " "))
    if finding.status != "not_applicable" and finding.requirement.judge_on != "value":
        assert said["Certainty"].startswith(OPENING[finding.status])
    assert (said["What to do"] == "Nothing. Audit again when the model or the data change.") == (finding.status == "pass")
    assert said["What would change it"].startswith(("Passes until", "Nothing.")) == (finding.status == "pass")


def judged(evidence: Evidence, **keys: object) -> Finding:
    return judge(requirement(ACCURACY, **keys), ACCURACY, evidence, confidence=0.95, owner="desk")


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.__name__)
def test_whole_runs(run: object) -> None:
    for finding in run().findings:  # type: ignore[operator]  # one of the functions above
        agrees(finding)


@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(0, 400)), min_size=1, max_size=4),
    st.floats(0.01, 0.99),
    st.sampled_from(["min", "max"]),
    st.sampled_from(["interval", "value"]),
    st.sampled_from(["", "abroad"]),
)
def test_whatever_comes_out(rows: list[tuple[int, int]], bound: float, side: str, on: str, missing: str) -> None:
    members = tuple(Member(region(f"r{i}"), Proportion(min(hits, n), n)) for i, (n, hits) in enumerate(rows))
    lacking = (Unmeasured(region(missing), "no rows: add at least 30"),) if missing else ()
    evidence = Evidence(members, "accuracy", sum(n for n, _ in rows), unmeasured=lacking)
    agrees(judged(evidence, **{side: bound, "judge_on": on}))


@pytest.mark.parametrize("name", sorted(catalog.discover()))
@pytest.mark.parametrize("status", ["error", "not_run", "not_applicable"])
def test_every_check_without_evidence(name: str, status: str) -> None:
    check = catalog.info(name)
    asked = requirement(check, **{"min" if check.better == "higher" else "max": 0.5})
    made = replace(without_evidence(asked, check, "error", "MemoryError: give it more", owner="desk"), status=status)  # type: ignore[arg-type]  # one of the three above
    agrees(made)
    whom = "Nobody" if status == "not_applicable" else "People affected, as declared: complainants"
    assert told(made)["Affected"].startswith(whom)


def test_a_census_has_no_chance_in_it() -> None:
    evidence = Evidence((Member(OVERALL, Census(42, 6000)),), "rows", 6000)
    made = judge(requirement(DUPLICATES, max=0), DUPLICATES, evidence, confidence=0.95, owner="desk")
    assert told(made)["Certainty"] == "Yes. It was counted over 6,000 items, not sampled: there is no sampling error."
    kept = judge(requirement(DUPLICATES, max=50), DUPLICATES, evidence, confidence=0.95, owner="desk")
    assert told(kept)["What would change it"] == "Passes until the value rises by more than 8."


def test_too_few_rows_are_no_crossing() -> None:
    made = judged(Evidence((Member(OVERALL, Proportion(20, 20)),), "accuracy", 20), min=0.5)
    assert told(made)["Certainty"] == "No. Too few rows for a pass: it rests on 20 rows."
    crossing = judged(Evidence((Member(OVERALL, Proportion(75, 100)),), "accuracy", 100), min=0.75)
    assert told(crossing)["Certainty"].startswith("No. The interval holds the bound, so the data cannot tell. ")


def test_what_was_not_measured_leaves_it_open() -> None:
    missing = (Unmeasured(region("abroad"), "no rows: add at least 30"),)
    made = judged(Evidence((Member(region("north"), Proportion(980, 1000)),), "accuracy", 1000, unmeasured=missing), min=0.75)
    assert told(made)["Certainty"] == "No. One part of what is asked could not be measured, and what is missing never passes."
    assert told(made)["Affected"].startswith("Mainly region: abroad. "), "not those who are well served"


def test_a_waiver_is_told_and_is_no_pass() -> None:
    made = judged(Evidence((Member(OVERALL, Proportion(50, 100)),), "accuracy", 100), min=0.75)
    waiver = Waived("W-1", ("Olga Owner (owner)",), datetime(2027, 1, 20, tzinfo=UTC), date(2027, 1, 19), "train on more rows")
    said = told(replace(made, disposition="waived", waiver=waiver))["Result"]
    assert said.endswith("Olga Owner (owner) accepted it until 20 January 2027, 00:00 UTC (W-1); the finding keeps its status.")


def test_what_is_advisory_says_so() -> None:
    made = judged(Evidence((Member(OVERALL, Proportion(50, 100)),), "accuracy", 100), min=0.75, enforce="advisory")
    assert told(made)["Result"].endswith("It is advisory: it is shown and decides nothing.")


def test_a_pass_on_the_value_alone_is_not_called_sure() -> None:
    made = judged(Evidence((Member(OVERALL, Proportion(76, 100)),), "accuracy", 100), min=0.75, judge_on="value")
    assert made.status == "pass"
    assert told(made)["Certainty"].startswith("No more than the number itself:")
    assert told(made)["What would change it"] == "Passes until the value falls by more than 0.010."


def test_the_page_shows_them_in_each_finding() -> None:
    """All of them where something is open; of a finding that passes what came out, how certain it is and how far it is from its bound."""
    run = example.block()
    open_findings, passed = finding_views(run, entries(run))
    of = {finding.id: answers(finding, run.policy.system.affected, run.policy.columns.positive) for finding in run.findings}
    assert all(view.facts[: len(TERMS)] == of[view.check] for view in open_findings)
    assert [[fact.term for fact in view.facts] for view in passed] == [["Result", "Certainty", "What would change it"]] * len(passed)


def test_nothing_measured_at_all_is_not_sure() -> None:
    made = judged(Evidence((), "accuracy", 20, unmeasured=(Unmeasured(region("abroad"), "no rows: add at least 30"),)), min=0.75)
    agrees(made)
    assert told(made)["Certainty"] == "No. Nothing could be measured, and missing evidence is never a pass."


def test_a_crossing_is_told_from_two_columns() -> None:
    evidence = Evidence((Member(region("north"), Proportion(90, 100)),), "accuracy", 100)
    assert requirement_in_words(judged(evidence, min=0.5, by=[["region"], ["gender"]])).endswith("on test, by region and gender")
    assert requirement_in_words(judged(evidence, min=0.5, by=[["region", "gender"]])).endswith("on test, by region crossed with gender")


def test_what_was_asked_is_in_the_unit_of_what_came_out() -> None:
    """A check of several measures has one unit in the catalogue, and its evidence that of the measure that the policy chose."""
    made = judged(Evidence((Member(OVERALL, Proportion(90, 100)),), "rate difference of the base", 100), min=0.5)
    assert requirement_in_words(made).startswith("rate difference of the base at least 0.5")


def test_parts_with_too_few_rows_are_counted_and_not_the_worst_one() -> None:
    """The worst part has rows enough; another has not, and that alone keeps it from a pass."""
    members = (Member(region("north"), Proportion(800, 1000)), Member(region("south"), Proportion(9, 10)))
    said = told(judged(Evidence(members, "accuracy", 1010), min=0.2))
    assert said["Certainty"] == "No. One part of what is asked rests on fewer rows than a pass needs."
    assert said["Affected"].startswith("Mainly region: south. ")
    assert "region: south: 10 rows, at least 30 needed" in said["Result"]


def test_a_comparison_of_windows_names_both() -> None:
    (drift,) = (one for one in example.block().findings if one.check.id == "drift/psi")
    assert requirement_in_words(drift).endswith(f"on {drift.requirement.on} against {drift.requirement.reference}")


def test_a_gap_is_told_in_words() -> None:
    """No name that only a machine would write stands in an answer."""
    (gap,) = example.audit_run([example.opportunity(max=0.1)]).findings
    said = told(gap)
    assert "=" not in " ".join(said.values())
    assert " against " in said["Result"]


def test_the_worst_of_those_that_fail_is_named_first() -> None:
    members = (Member(region("north"), Proportion(500, 1000)), Member(region("south"), Proportion(100, 1000)))
    said = told(judged(Evidence(members, "accuracy", 2000), min=0.75))
    assert said["Affected"].startswith("Mainly region: south; region: north. ")
