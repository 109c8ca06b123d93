"""What a run says of its policy against that of the last promotion."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from audit.governance import policy_change, policy_diff
from audit.governance.policy_change import PolicyChange, Present
from audit.ledger import Ledger
from audit.policy import shape
from audit.policy.schema import Policy
from tests.governance.test_policy_diff import BASE, any_policy
from tests.governance.test_policy_diff import policy as with_keys
from tests.running import policy as written
from tests.running import run

if TYPE_CHECKING:
    from pathlib import Path

    from audit.ledger import Entry

NOW = datetime(2026, 11, 21, tzinfo=UTC).isoformat()


def policy(**changed: Any) -> Policy:
    """Nobody's keys are trusted."""
    return with_keys(**{"trust": {}} | changed)


def entries(folder: Path, *payloads: dict[str, Any], kind: str = "run") -> tuple[Entry, ...]:
    ledger = Ledger(folder / "ledger.sqlite")
    for payload in payloads:
        ledger.append(NOW, kind, payload)
    return ledger.entries()


def held(found: tuple[Entry, ...], head: str | None, one: Policy) -> PolicyChange | None:
    """Where no key is trusted and nothing was signed."""
    return policy_change.since_promotion(found, head, Present(one, (), None, datetime(2026, 11, 21, tzinfo=UTC)))


def promoted(one: Policy, run_id: str = "r1") -> dict[str, Any]:
    return {"run": run_id, "policy": one.policy, policy_change.KEPT: policy_change.kept(one)}


@given(any_policy())
@settings(max_examples=50, deadline=None)
def test_a_kept_policy_reads_back_as_the_same(one: Policy) -> None:
    """Through JSON text."""
    again = shape.typed(Policy, json.loads(json.dumps(policy_change.kept(one))))
    assert policy_diff.differences(one, again) == ()
    assert policy_change.kept(again) == policy_change.kept(one)


def test_a_data_sets_own_roles_are_kept_as_they_were_said() -> None:
    """What was not set takes nothing away."""
    one = policy(datasets={"test": {"path": "test.csv", "columns": {"label": "y", "group": None}}})
    kept: Any = policy_change.kept(one)
    test = kept["datasets"]["test"]
    assert (test["path"], test["columns"]) == ("test.csv", {"label": "y", "group": None})


def test_the_last_promotion_of_that_name_counts(tmp_path: Path) -> None:
    """Not an earlier one, not another policy's, not a run that was not promoted, not what came after this run began."""
    first, last, other = policy(confidence=0.99), policy(confidence=0.97), policy(policy="words")
    found = entries(
        tmp_path, promoted(first), promoted(last, "r2"), promoted(other, "r3"), {"run": "r4", "policy": "letters"}, promoted(first)
    )
    since = held(found, found[3].digest, policy())
    assert since is not None
    assert (since.run, since.time) == ("r2", NOW)
    assert since.changes is not None
    assert [change.words for change in since.changes] == ["0.97 → 0.95: a less sure interval"]
    assert held(found, None, policy()) is None
    assert held(found, found[0].digest, policy(policy="words")) is None


def test_a_policy_that_cannot_be_read_is_said_to_be_so(tmp_path: Path) -> None:
    """It is never taken for one that did not change."""
    found = entries(tmp_path, {"run": "r1", "policy": "letters", policy_change.KEPT: {"policy": "letters", "new_key": 1}})
    since = held(found, found[-1].digest, policy())
    assert since is not None
    assert since.changes is None
    assert [reason.rule for reason in policy_change.remarks(since)] == ["policy-loosened"]


def test_what_was_tightened_is_no_remark(tmp_path: Path) -> None:
    found = entries(tmp_path, promoted(policy()))
    assert policy_change.remarks(held(found, found[-1].digest, policy(confidence=0.99))) == ()
    assert policy_change.remarks(None) == ()


def test_many_are_counted(tmp_path: Path) -> None:
    asked = [dict(BASE["require"][0], id=f"a{i}") for i in range(9)]
    found = entries(tmp_path, promoted(policy(require=asked)))
    (reason,) = policy_change.remarks(held(found, found[-1].digest, policy(require=[])))
    assert "; and 4 more. " in reason.text


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, dict[str, Any], str]]:
    """Four runs with one ledger: promoted, promoted with an easier bound, blocked, and loosened against the second."""
    folder = tmp_path_factory.mktemp("runs")
    found = []
    for bound in (0.8, 0.7, 0.99, 0.6):
        before = set(folder.glob("reports/*/report.html"))
        done, results = run(folder, written({"check": "performance/accuracy", "min": bound}))
        assert results is not None, done.stderr
        (report,) = set(folder.glob("reports/*/report.html")) - before
        found.append((done.returncode, results, report.read_text(encoding="utf-8")))
    with sqlite3.connect(folder / "reports/ledger.sqlite") as database:
        kept = [policy_change.KEPT in json.loads(row[0]) for row in database.execute("SELECT payload FROM entries WHERE kind = 'run'")]
    assert kept == [True, True, False, True]
    return found


def test_a_first_run_has_nothing_to_be_held_against(runs: list[tuple[int, dict[str, Any], str]]) -> None:
    code, results, report = runs[0]
    assert (code, results["policy_change"]) == (0, None)
    assert "no promotion under a policy of this name" in report


def test_a_loosened_bound_where_no_keys_are_named_is_told_and_changes_nothing(runs: list[tuple[int, dict[str, Any], str]]) -> None:
    """It is a remark, in red, that says how it would block."""
    code, results, report = runs[1]
    first = runs[0][1]["run"]["id"]
    place, words = "require.performance/accuracy.min", "0.8 → 0.7: an easier bound"
    assert code == 0
    assert results["policy_change"]["run"] == first
    assert results["policy_change"]["changes"] == [{"kind": "loosened", "place": place, "words": words}]
    (told,) = [one for one in results["reasons"] if one["rule"] == "policy-loosened"]
    switch = "Not blocking: no trusted keys are configured. Name a key of line 2 under trust.keys to require its signature."
    text = f"Loosened since run {first} was promoted: {place}: {words}. {switch}"
    assert told == {"rule": "policy-loosened", "finding": None, "text": text}
    assert (results["policy_change"]["guarded"], results["policy_change"]["approved"]) == (False, False)
    assert "Not blocking: no trusted keys are configured" in report
    assert '<p class="rules red"><code>policy-loosened</code>' in report
    assert '<th scope="row" class="red">loosened</th>' in report
    assert results["reasons"][0]["rule"] == "all-required-pass"


def test_a_remark_is_no_broken_rule(runs: list[tuple[int, dict[str, Any], str]]) -> None:
    """A blocked run says what blocks, and counts no remark among it."""
    code, results, report = runs[2]
    assert code == 1
    assert [one["kind"] for one in results["policy_change"]["changes"]] == ["tightened"]
    assert "beyond the checks" not in report.partition('id="scope"')[0]


def test_a_blocked_run_is_nothing_to_be_held_against(runs: list[tuple[int, dict[str, Any], str]]) -> None:
    assert runs[3][1]["policy_change"]["run"] == runs[1][1]["run"]["id"]
