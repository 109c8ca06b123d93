"""What holds of every waiver, whatever it says and whoever signed it."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.decision.judge import without_evidence
from audit.decision.rules import decide
from audit.governance.apply_waivers import apply_waivers
from tests.findings import INFO, proportions, requirement
from tests.waiving import EXECUTIVE, NOW, OTHER, OWNER, REVIEWER, STRANGER, file, missed, moment, signed, situation, told

if TYPE_CHECKING:
    from pathlib import Path

    from audit.decision.finding import Finding

RANK = {"block": 0, "promote-with-conditions": 1, "promote": 2}
SEVERITIES = st.sampled_from(["critical", "high", "medium", "low"])


@st.composite
def findings(draw: st.DrawFn, name: str) -> Finding:
    """Any status, severity and enforcement, by the judge where something was measured."""
    asked = {"id": name, "severity": draw(SEVERITIES), "enforce": draw(st.sampled_from(["required", "required", "advisory"]))}
    if draw(st.integers(0, 3)) == 0:
        missing: Literal["not_run", "error"] = draw(st.sampled_from(["not_run", "error"]))
        return without_evidence(requirement(**asked), INFO, missing, "made for a test", owner="desk")
    sizes = draw(st.lists(st.sampled_from([(280, 400), (320, 400), (390, 400), (10, 10)]), min_size=1, max_size=2))
    return missed(proportions(*sizes), **asked)


BROKEN: tuple[dict[str, Any], ...] = (
    {"slices": []},
    {"granted_at": moment(NOW + timedelta(days=1))},
    {"expires_at": moment(NOW)},
    {"expires_at": moment(NOW + timedelta(days=120))},
    {"valid_while": {"metric": "accuracy", "op": ">=", "value": 0.75}},
    {"scope": told()["scope"] | {"sha256": "cd" * 32}},
    {"renewal_of": "W-1"},
    {"renewal_of": "W-9"},
    {"remediation": None},
)


@st.composite
def waivers(draw: st.DrawFn, number: int) -> dict[str, Any]:
    """A waiver that breaks no rule as often as one or two."""
    changed: dict[str, Any] = {
        "id": f"W-{number}",
        "check": draw(st.sampled_from(["one", "two"])),
        "slices": ["overall", "group=0", "group=1"],
    }
    changed |= {"valid_while": {"metric": "accuracy", "op": ">=", "value": 0.1}}
    for one in draw(st.one_of(st.just([]), st.lists(st.sampled_from(BROKEN), max_size=2))):
        changed |= one
    people = draw(
        st.sampled_from([(OWNER, REVIEWER), (OWNER, OTHER, EXECUTIVE), (OTHER, REVIEWER, EXECUTIVE), (OWNER,), (OWNER, STRANGER)])
    )
    return signed(told() | changed, *people)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(one=findings("one"), two=findings("two"), trees=st.tuples(waivers(1), waivers(2)), tier=st.integers(1, 3))
def test_a_waiver_never_worsens_the_decision_and_never_gives_a_plain_promote(
    tmp_path: Path, one: Finding, two: Finding, trees: tuple[dict[str, Any], dict[str, Any]], tier: int
) -> None:
    """Nor does it change a status, or touch what is critical, missing, or another finding's."""
    before = (one, two)
    held = situation(*(file(tmp_path, tree) for tree in trees), tier=tier)
    after = apply_waivers(before, held)
    required = [finding.requirement for finding in before]
    was, now = decide(required, before, today=NOW.date()), decide(required, after.findings, today=NOW.date())
    assert RANK[now.decision] >= RANK[was.decision]
    assert now.decision != "promote" or was.decision == "promote"
    assert [finding.status for finding in after.findings] == [finding.status for finding in before]
    in_force = {state.check for state in after.states if state.standing == "in_force"}
    for finding in after.findings:
        assert (finding.disposition == "waived") == (finding.id in in_force)
        if finding.disposition == "waived":
            assert finding.requirement.severity != "critical"
            assert finding.status in {"fail", "inconclusive"}
            assert finding.waiver is not None
            assert datetime.combine(finding.waiver.due, time(23, 59, 59), UTC) <= finding.waiver.until
            assert now.decision != "promote"
    assert len(after.reasons) == sum(state.standing == "void" for state in after.states)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(trees=st.tuples(waivers(1), waivers(2)), order=st.permutations([0, 1]))
def test_the_order_of_files_never_matters(tmp_path: Path, trees: tuple[dict[str, Any], dict[str, Any]], order: list[int]) -> None:
    """What becomes of a waiver depends on what the folder holds, not on where in it."""
    found = [missed(id="one"), missed(id="two")]
    files = [file(tmp_path, tree) for tree in trees]
    first, second = apply_waivers(found, situation(*files)), apply_waivers(found, situation(*(files[index] for index in order)))
    assert set(first.states) == set(second.states)
    assert first.findings == second.findings
