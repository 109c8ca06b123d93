"""What a finding says in one sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from audit.decision.judge import judge
from audit.evidence import OVERALL, Evidence, Member, Pair
from audit.report.phrases import sentence_of
from audit.stats import Census, Difference, Proportion
from tests.report.example.checks import ACCURACY, DUPLICATES, F1, OPPORTUNITY, region, requirement

RATES = {"north": Proportion(64, 100), "south": Proportion(87, 100)}


def gap(unit: str) -> str:
    """The sentence of a gap between two regions in one rate."""
    north, south = (region(name) for name in RATES)
    members = (
        Member(Pair(south, north), Difference(RATES["south"], RATES["north"])),
        Member(Pair(north, south), Difference(RATES["north"], RATES["south"])),
    )
    context = tuple(Member(region(name), rate) for name, rate in RATES.items())
    evidence = Evidence(members, "rate difference", 200, context=context, context_unit=unit)
    made = judge(requirement(OPPORTUNITY, max=0.1), OPPORTUNITY, evidence, confidence=0.95, owner="desk")
    return str(sentence_of(made, "urgent")).replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("unit", "said"),
    [
        ("true positive rate", "Of the cases that are truly urgent, 64 % are found for region: north, against 87 % for region: south"),
        ("selection rate", "Urgent is the answer for 64 % of region: north, against 87 % of region: south"),
        ("false negative rate", "Of the cases that are truly urgent, 64 % are missed for region: north, against 87 % for region: south"),
        ("rate", "Rate: 64 % for region: north, against 87 % for region: south"),
        ("mean", "Mean: 0.640 for region: north, against 0.870 for region: south"),
    ],
)
def test_a_gap_tells_both_rates(unit: str, said: str) -> None:
    assert gap(unit).startswith(f"{said}. The rate difference is 0.230 [")
    assert gap(unit).endswith("], where at most 0.1 is allowed.")


def test_a_slice_is_named_among_how_many() -> None:
    members = (Member(region("north"), Proportion(60, 100)), Member(region("south"), Proportion(90, 100)))
    made = judge(requirement(ACCURACY, min=0.75), ACCURACY, Evidence(members, "accuracy", 200), confidence=0.95, owner="desk")
    assert str(sentence_of(made)) == "Accuracy is 0.600 [0.502, 0.709] for region: north, the worst of 2, where at least 0.75 is required."


def test_a_count_is_said_as_a_count() -> None:
    made = judge(
        requirement(DUPLICATES, max=0),
        DUPLICATES,
        Evidence((Member(OVERALL, Census(42, 6000)),), "rows", 6000),
        confidence=0.95,
        owner="desk",
    )
    assert str(sentence_of(made)) == "The data hold 42 rows, where none is allowed."
    kept = replace(made, requirement=requirement(DUPLICATES, max=50))
    assert str(sentence_of(kept)) == "The data hold 42 rows, where at most 50 is allowed."


def test_what_was_not_measured_has_no_number() -> None:
    made = judge(requirement(F1, min=0.8), F1, Evidence((Member(OVERALL, Proportion(9, 10)),), "F1", 10), confidence=0.95, owner="desk")
    assert str(sentence_of(replace(made, status="error", headline=None))).startswith("The check broke, so nothing is known.")
