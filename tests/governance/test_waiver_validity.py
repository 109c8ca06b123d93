"""Each rule that a waiver has to keep, with what voids it."""

from __future__ import annotations

import copy
import sys
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from audit.decision.judge import without_evidence
from audit.decision.rules import decide
from audit.evidence import Evidence, Slice, Unmeasured
from audit.governance.apply_waivers import apply_waivers, last_day
from audit.governance.waiver_files import digest
from audit.governance.waiver_validity import Use, within
from audit.phrases import closes_with
from tests.findings import INFO, proportions, requirement
from tests.waiving import (
    EXECUTIVE,
    NOW,
    OTHER,
    OWNER,
    REVIEWER,
    STRANGER,
    TRUSTED,
    Someone,
    file,
    missed,
    moment,
    signed,
    situation,
    state,
    told,
)

if TYPE_CHECKING:
    from pathlib import Path


def why(folder: Path, tree: dict[str, Any], *more: Any, **changed: Any) -> str:
    found = state(folder, tree, *more, **changed)
    assert found.standing == "void"
    return "; ".join(found.why)


def test_a_waiver_that_keeps_every_rule_is_in_force(tmp_path: Path) -> None:
    """High and failing is a block; waived it is a condition, which says who, until when and what closes it."""
    finding, one = missed(), file(tmp_path, signed(told()))
    assert (finding.status, finding.requirement.severity) == ("fail", "high")
    laid = apply_waivers([finding], situation(one))
    assert [one.standing for one in laid.states] == ["in_force"]
    (over,) = laid.findings
    assert (over.status, over.disposition, over.headline) == (finding.status, "waived", finding.headline)
    before = decide([finding.requirement], [finding], today=NOW.date())
    after = decide([finding.requirement], laid.findings, today=NOW.date())
    assert (before.decision, before.exit_code) == ("block", 1)
    assert (after.decision, after.exit_code) == ("promote-with-conditions", 4)
    (condition,) = after.conditions
    assert condition.due == "2027-01-15"
    closes = closes_with(condition, laid.findings)
    assert closes.startswith("performance/accuracy passes in a new audit under this policy.")
    assert closes.endswith(
        "Waived until 2027-01-20 12:00:00 UTC by Olga Owner (owner) and Rita Reviewer (reviewer), W-1: train on more rows"
    )


@pytest.mark.parametrize("severity", ["high", "medium", "low"])
@pytest.mark.parametrize("hits", [280, 315], ids=["fail", "inconclusive"])
def test_fail_and_inconclusive_below_critical_can_be_waived(tmp_path: Path, severity: str, hits: int) -> None:
    assert state(tmp_path, signed(told()), missed(proportions((hits, 400)), severity=severity)).standing == "in_force"


def test_what_is_critical_cannot_be_waived(tmp_path: Path) -> None:
    assert why(tmp_path, signed(told()), missed(severity="critical")) == "what is critical cannot be waived"


@pytest.mark.parametrize("status", ["not_run", "error"])
def test_what_has_no_evidence_cannot_be_waived(tmp_path: Path, status: Any) -> None:
    finding = without_evidence(requirement(), INFO, status, "no data", owner="desk")
    assert "there is no evidence to accept" in why(tmp_path, signed(told()), finding)


def test_what_measured_nothing_cannot_be_waived(tmp_path: Path) -> None:
    nothing = Evidence((), "accuracy", 10, unmeasured=(Unmeasured(Slice(), "no rows"),))
    assert "nothing was measured" in why(tmp_path, signed(told()), missed(nothing))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"expires_at": moment(NOW)}, "expired at 2026-11-21 12:00:00 UTC"),
        ({"expires_at": "2026-11-21T13:59:59+02:00"}, "expired at 2026-11-21 11:59:59 UTC"),
        ({"granted_at": moment(NOW + timedelta(seconds=1))}, "begins at 2026-11-21 12:00:01 UTC, and the run's clock says"),
        ({"expires_at": moment(NOW - timedelta(days=2))}, "ends before it begins"),
        ({"expires_at": moment(NOW + timedelta(days=89, seconds=1))}, "lasts longer than 90 days"),
        ({"scope": {"model": "large", "sha256": "ab" * 32, "threshold": {"min": 0.8}}}, "is for the model 'large'"),
        ({"scope": {"model": "small", "sha256": "cd" * 32, "threshold": {"min": 0.8}}}, "is for the candidate cdcd"),
        ({"scope": {"model": "small", "versions": ">=1", "threshold": {"min": 0.8}}}, "the policy declares none"),
        ({"scope": told()["scope"] | {"environments": ["staging"]}}, "is for staging alone"),
        ({"scope": {"model": "small", "sha256": "ab" * 32}}, "scope.threshold"),
        ({"scope": told()["scope"] | {"threshold": {"min": 0.7999}}}, "the bound was tightened since, from 0.800 to at least 0.8"),
        ({"scope": told()["scope"] | {"threshold": {"max": 0.9}}}, "has added a bound since: at least 0.8"),
        ({"valid_while": {"metric": "performance/accuracy", "op": ">=", "value": 0.6535}}, "worse than 0.653"),
        ({"valid_while": {"metric": "performance/accuracy", "op": "<=", "value": 0.65}}, "the other bound is missed"),
        ({"valid_while": {"metric": "performance/recall", "op": ">=", "value": 0.65}}, "holds while performance/recall stays good"),
        ({"slices": ["region=north"]}, "does not cover overall"),
        ({"remediation": None}, "promises no remedy"),
        ({"remediation": {"plan": "train", "due": "2026-11-20"}}, "its remedy was due on 2026-11-20"),
        ({"requested_by": "TBD"}, "is not filled in: requested_by"),
        ({"reason": "FILL IN: why this is acceptable for a time"}, "is not filled in: reason"),
        ({"renewal_of": "W-0"}, "renews W-0, which is not in the folder"),
        ({"renewal_of": "W-1"}, "renews W-1, which is not in the folder"),
    ],
)
def test_each_broken_rule_voids(tmp_path: Path, changed: dict[str, Any], said: str) -> None:
    """Signed by the right people all the same."""
    assert said in why(tmp_path, signed(told(**changed)))


def test_bounds_of_the_rules_are_inclusive(tmp_path: Path) -> None:
    """The last moment, the longest time, the very value: all still covered."""
    end = missed().headline
    assert end is not None
    exact = {"metric": "accuracy", "op": ">=", "value": end.interval[0]}
    for changed in (
        {"expires_at": moment(NOW + timedelta(seconds=1))},
        {"granted_at": moment(NOW), "expires_at": moment(NOW + timedelta(days=90))},
        {"valid_while": exact},
        {"remediation": {"plan": "train", "due": "2026-11-21"}},
    ):
        assert state(tmp_path, signed(told(**changed))).standing == "in_force"


@pytest.mark.parametrize(("severity", "most"), [("high", 90), ("medium", 180), ("low", 180)])
def test_the_longest_time_depends_on_the_severity(tmp_path: Path, severity: str, most: int) -> None:
    for days, standing in ((most, "in_force"), (most + 1, "void")):
        tree = signed(told(granted_at=moment(NOW), expires_at=moment(NOW + timedelta(days=days))))
        assert state(tmp_path, tree, missed(severity=severity)).standing == standing


def test_an_old_time_of_the_run_revives_nothing(tmp_path: Path) -> None:
    """Both the run's time and the clock's have to lie within the waiver."""
    late, early = NOW + timedelta(days=61), NOW - timedelta(days=2)
    assert "expired" in why(tmp_path, signed(told()), latest=late)
    assert "begins at" in why(tmp_path, signed(told()), earliest=early)


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ((OWNER,), "needs two different people, and one has signed"),
        ((REVIEWER,), "needs two different people"),
        ((REVIEWER, REVIEWER), "needs two different people"),
        ((OWNER, EXECUTIVE), "needs an approver of line 2 who is independent of Olga Owner"),
        ((OWNER, STRANGER), "Sam Stranger: no key that counts has that name"),
        ((OWNER, REVIEWER, STRANGER), "Sam Stranger: no key that counts has that name"),
        ((OWNER, Someone("Rita Reviewer", 1, "reviewer")), "signs for line 1, and the trusted key is of line 2"),
        ((REVIEWER, Someone("Olga Owner", 2, "reviewer")), "signs for line 2, and the trusted key is of line 1"),
        ((REVIEWER, Someone("Olga Owner", 1, "executive")), "signs as executive, and the trusted key names no such role"),
        ((REVIEWER, Someone("Eva Executive", 1, "owner")), "signs as owner, and the trusted key is for executive"),
    ],
)
def test_who_signs_decides(tmp_path: Path, people: tuple[Someone, ...], said: str) -> None:
    assert said in why(tmp_path, signed(told(), *people))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"requested_by": "Rita Reviewer"}, {}),
        ({"requested_by": " rita  REVIEWER"}, {}),
        ({}, {"independent": False}),
    ],
)
def test_the_second_line_has_to_be_independent(tmp_path: Path, changed: dict[str, Any], said: dict[str, Any]) -> None:
    assert "needs an approver of line 2 who is independent" in why(tmp_path, signed(told(**changed), **said))


def test_who_built_the_candidate_is_not_independent(tmp_path: Path) -> None:
    assert "independent" in why(tmp_path, signed(told()), author="Rita Reviewer")


def test_one_person_with_two_keys_is_one_person(tmp_path: Path) -> None:
    """Names are told apart as people read them."""
    twin = Someone("RITA  Reviewer", 2, "reviewer")
    assert "needs two different people" in why(tmp_path, signed(told(), REVIEWER, twin), people=(*TRUSTED[:1], REVIEWER, twin))


def test_tier_1_asks_for_an_executive_besides_two_others(tmp_path: Path) -> None:
    for people in ((OWNER, REVIEWER), (OWNER, REVIEWER, OTHER), (EXECUTIVE, REVIEWER)):
        assert "needs an accountable executive at tier 1" in why(tmp_path, signed(told(), *people), tier=1)
    assert state(tmp_path, signed(told(), OWNER, REVIEWER, EXECUTIVE), tier=1).standing == "in_force"


def test_an_executive_of_the_second_line_does_not_stand_for_the_reviewer(tmp_path: Path) -> None:
    chief = Someone("Cora Chief", 2, "executive", bound=True)
    tree = signed(told(), OWNER, EXECUTIVE, chief)
    assert state(tmp_path, tree, tier=1, people=(*TRUSTED, chief)).standing == "in_force"
    tree = signed(told(), OWNER, Someone("Ole", 1, "owner"), chief)
    assert "executive" in why(tmp_path, tree, tier=1, people=(OWNER, Someone("Ole", 1, "owner"), chief))


def test_a_signature_of_tomorrow_is_none(tmp_path: Path) -> None:
    assert "which is in the future" in why(tmp_path, signed(told(), at=moment(NOW + timedelta(seconds=1))))


def test_a_draft_is_void_and_no_mistake(tmp_path: Path) -> None:
    assert why(tmp_path, told(approvals=[])) == "is a draft: nobody has signed it"


def test_without_cryptography_no_waiver_is_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And it is said which extra brings it."""
    tree = signed(told())
    monkeypatch.setitem(sys.modules, "cryptography", None)
    assert "pip install 'model-audit-gate[signing]'" in why(tmp_path, tree)


SLICED = Evidence(proportions((280, 400), (300, 400), (390, 400)).members, "accuracy", 1200)
NAMES = [str(one.name) for one in SLICED.members]


@pytest.mark.parametrize(
    ("named", "left"),
    [
        (NAMES[:2], None),
        (NAMES, None),
        ([], f"does not cover {NAMES[0]}; {NAMES[1]}"),
        (NAMES[:1], f"does not cover {NAMES[1]}"),
        (NAMES[2:], f"does not cover {NAMES[0]}; {NAMES[1]}"),
        (["overall"], f"does not cover {NAMES[0]}; {NAMES[1]}"),
    ],
)
def test_every_member_that_keeps_it_from_a_pass_has_to_be_named(tmp_path: Path, named: list[str], left: str | None) -> None:
    found = state(tmp_path, signed(told(slices=named)), missed(SLICED))
    assert found.standing == ("in_force" if left is None else "void")
    assert left is None or left in found.why


def test_a_name_that_fits_two_members_names_neither(tmp_path: Path) -> None:
    """`a=x, b=y` is a slice of two columns, or of one with a comma in its value."""
    twins = (Slice((("a", "x"), ("b", "y"))), Slice((("a", "x, b=y"),)))
    assert str(twins[0]) == str(twins[1])
    members = tuple(type(one)(name, one.estimate) for name, one in zip(twins, SLICED.members[1:], strict=True))
    finding = missed(Evidence(members, "accuracy", 800))
    assert "does not cover" in why(tmp_path, signed(told(slices=[str(twins[0])])), finding)


def test_a_finding_that_misses_both_bounds_is_beyond_one_waiver(tmp_path: Path) -> None:
    tree = signed(told(slices=NAMES, scope=told()["scope"] | {"threshold": {"min": 0.8, "max": 0.9}}))
    assert "misses both its bounds" in why(tmp_path, tree, missed(SLICED, max=0.9))


def test_a_ceiling_mirrors_a_floor(tmp_path: Path) -> None:
    scope = told()["scope"] | {"threshold": {"min": None, "max": 0.5}}
    finding = missed(min=None, max=0.5)
    for value, standing in ((0.75, "in_force"), (0.74, "void")):
        tree = signed(told(scope=scope, valid_while={"metric": "accuracy", "op": "<=", "value": value}))
        assert state(tmp_path, tree, finding).standing == standing
    tightened = signed(told(scope=scope | {"threshold": {"max": 0.51}}, valid_while={"metric": "accuracy", "op": "<=", "value": 0.75}))
    assert "tightened since, from 0.510 to at most 0.5" in why(tmp_path, tightened, finding)


def test_a_looser_bound_voids_nothing(tmp_path: Path) -> None:
    assert state(tmp_path, signed(told(scope=told()["scope"] | {"threshold": {"min": 0.9}}))).standing == "in_force"


@pytest.mark.parametrize(
    ("version", "standing"), [("1.2", "in_force"), ("1.9.9", "in_force"), ("2", "void"), ("2.0", "void"), ("1.1", "void"), ("x", "void")]
)
def test_a_range_of_versions(tmp_path: Path, version: str, standing: str) -> None:
    tree = signed(told(scope={"model": "small", "versions": ">=1.2, <2", "threshold": {"min": 0.8}}))
    assert state(tmp_path, tree, version=version).standing == standing


@pytest.mark.parametrize(
    ("version", "wanted", "inside"),
    [("1.10", ">1.9", True), ("1.0", "==1", True), ("1", "<1.0.0", False), ("1", "", None), ("1", "~1", None), ("1.a", ">0", None)],
)
def test_versions_are_compared_number_by_number(version: str, wanted: str, inside: bool | None) -> None:  # noqa: FBT001  # expected
    assert within(version, wanted) is inside


def renewed(tmp_path: Path, *people: Someone, **changed: Any) -> tuple[str, tuple[str, ...]]:
    """What becomes of a renewal of a waiver that OWNER and REVIEWER approved."""
    first = file(tmp_path, signed(told(id="W-1", granted_at=moment(NOW - timedelta(days=80)))))
    second = file(tmp_path, signed(told(id="W-2", renewal_of="W-1") | changed, *people))
    found = apply_waivers([missed()], situation(first, second)).states[1]
    return found.standing, found.why


def test_a_renewal_needs_another_independent_approver(tmp_path: Path) -> None:
    assert renewed(tmp_path, OWNER, OTHER)[0] == "in_force"
    standing, said = renewed(tmp_path, OWNER, REVIEWER)
    assert (standing, said) == ("void", ("needs an independent approver of line 2 who did not approve W-1, which it renews",))


def test_a_second_waiver_of_the_same_is_a_renewal_and_has_to_say_so(tmp_path: Path) -> None:
    assert renewed(tmp_path, OWNER, OTHER, renewal_of=None) == ("void", ("follows W-1 for the same candidate: name that under renewal_of",))
    assert renewed(tmp_path, OWNER, OTHER, renewal_of=None, id="W-3", check="performance/recall")[0] == "unused"


@pytest.mark.parametrize("scope", [{"versions": ">=1"}, {"sha256": "ab" * 32, "versions": "<2"}], ids=["by version", "by both"])
def test_a_scope_in_other_words_hides_no_renewal(tmp_path: Path, scope: dict[str, str]) -> None:
    """Both are for this candidate, whatever words say so."""
    first = file(tmp_path, signed(told(granted_at=moment(NOW - timedelta(days=80)), expires_at=moment(NOW + timedelta(days=9)))))
    other = {"model": "small", "threshold": {"min": 0.8}} | scope
    second = file(tmp_path, signed(told(id="W-2", scope=other)))
    found = apply_waivers([missed()], situation(first, second, version="1.4")).states
    assert [one.standing for one in found] == ["in_force", "void"]
    assert found[1].why == ("follows W-1 for the same candidate: name that under renewal_of",)


def test_a_first_waiver_whose_file_is_gone_is_known_by_the_ledger(tmp_path: Path) -> None:
    """Nor does it help to write another text under the first one's id, or to let the first say less."""
    first, second = told(expires_at=moment(NOW + timedelta(days=1))), signed(told(id="W-2"), OWNER, OTHER)
    used = (Use("W-1", "performance/accuracy", digest(first), NOW + timedelta(days=1)),)
    assert state(tmp_path, second).standing == "in_force"
    said = "follows W-1, which covered this finding of this candidate until 2026-11-22 12:00:00 UTC: keep that, and name it under"
    assert said in why(tmp_path, second, used=used)
    assert said in why(tmp_path, signed(told()), used=used)
    assert state(tmp_path, signed(first), used=used).standing == "in_force"
    elsewhere = (replace(used[0], check="performance/recall"), replace(used[0], until=NOW + timedelta(days=60)))
    assert state(tmp_path, second, used=elsewhere).standing == "in_force"


def test_a_renewal_renews_what_the_ledger_knows(tmp_path: Path) -> None:
    """And a second renewal is one although the file of the first has gone."""
    original = told(expires_at=moment(NOW + timedelta(days=1)))
    renewal = signed(told(id="W-2", renewal_of="W-1"), OWNER, OTHER)
    used = (Use("W-1", "performance/accuracy", digest(original), NOW + timedelta(days=1)),)
    files = file(tmp_path, signed(original)), file(tmp_path, renewal)
    assert [one.standing for one in apply_waivers([missed()], situation(*files, used=used)).states] == ["in_force"] * 2
    for more in (Use("W-3", "performance/accuracy", "0" * 64, NOW + timedelta(days=30)), replace(used[0], sha256="1" * 64)):
        found = apply_waivers([missed()], situation(*files, used=(*used, more))).states[1]
        assert (found.standing, f"follows {more.id}, which covered" in found.why[0]) == ("void", True)


def test_another_check_under_the_same_id_is_another_finding(tmp_path: Path) -> None:
    """What was accepted for accuracy was not for what the policy calls by its name now."""
    waiver = signed(told(check="gate", valid_while={"metric": "gate", "op": ">=", "value": 0.65}))
    assert "holds while gate stays good, and this is performance/accuracy" in why(tmp_path, waiver, missed(id="gate"))
    assert state(tmp_path, signed(told(check="gate")), missed(id="gate")).standing == "in_force"


def test_there_is_one_renewal_at_most(tmp_path: Path) -> None:
    """Neither a renewal of a renewal, nor two of the same."""
    first = file(tmp_path, signed(told(id="W-1", granted_at=moment(NOW - timedelta(days=80)))))
    second = file(tmp_path, signed(told(id="W-2", renewal_of="W-1", granted_at=moment(NOW - timedelta(days=40))), OWNER, OTHER))
    third = file(tmp_path, signed(told(id="W-3", renewal_of="W-2"), OWNER, REVIEWER))
    twin = file(tmp_path, signed(told(id="W-4", renewal_of="W-1"), OWNER, OTHER))
    found = apply_waivers([missed()], situation(first, second, third)).states[2]
    assert "renews W-2, which is a renewal itself; a waiver is renewed once at most" in found.why
    for index in (1, 2):
        assert "is renewed by" in " ".join(apply_waivers([missed()], situation(first, second, twin)).states[index].why)


def test_a_renewal_of_what_nobody_can_verify_is_void(tmp_path: Path) -> None:
    first = file(tmp_path, signed(told(id="W-1", granted_at=moment(NOW - timedelta(days=80))), OWNER, STRANGER))
    second = file(tmp_path, signed(told(id="W-2", renewal_of="W-1"), OWNER, OTHER))
    assert "whose approvals cannot be verified" in " ".join(apply_waivers([missed()], situation(first, second)).states[1].why)


@pytest.mark.parametrize(
    ("finding", "said"),
    [
        (missed(proportions((390, 400))), "performance/accuracy passes without it: delete it"),
        (missed(enforce="advisory"), "performance/accuracy is advisory and decides nothing: delete it"),
        (missed(id="other"), "the policy requires no performance/accuracy: delete it"),
    ],
)
def test_what_nobody_uses_is_listed(tmp_path: Path, finding: Any, said: str) -> None:
    found = state(tmp_path, signed(told()), finding)
    assert (found.standing, found.why) == ("unused", (said,))


@pytest.mark.parametrize(
    ("days", "level"), [(31, ""), (30, ""), (29, "within 30 days"), (13, "within 14 days"), (6, "within 7 days"), (0, "within 7")]
)
def test_what_ends_soon_warns(tmp_path: Path, days: int, level: str) -> None:
    found = state(tmp_path, signed(told(expires_at=moment(NOW + timedelta(days=days, hours=1)))))
    assert found.standing == "in_force"
    assert bool(found.warning) == bool(level)
    assert level in found.warning


def test_what_is_void_tells_everything_at_once(tmp_path: Path) -> None:
    tree = signed(told(slices=["x"], expires_at=moment(NOW - timedelta(hours=1)), remediation=None), OWNER)
    assert len(state(tmp_path, tree).why) == 5


def test_no_status_is_ever_changed(tmp_path: Path) -> None:
    """Whatever a waiver does, what happened stays what it was."""
    finding = missed()
    for tree in (signed(told()), told(approvals=[])):
        (over,) = apply_waivers([finding], situation(file(tmp_path, copy.deepcopy(tree)))).findings
        assert (over.status, over.problem, over.sides, over.evidence) == (finding.status, finding.problem, finding.sides, finding.evidence)


def test_the_last_day_lies_wholly_before_the_end() -> None:
    assert last_day(NOW) == date(2026, 11, 20)
    assert last_day(NOW.replace(hour=0)) == date(2026, 11, 20)
    assert last_day(NOW.replace(hour=23, minute=59, second=59)) == date(2026, 11, 21)
