"""What an approval is for: every policy but the one that was signed is another, and no word of a signed one can change."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.governance import keys, policy_approvals, policy_change, policy_diff
from audit.governance.policy_approvals import ApprovalsFile, PolicyApproval
from audit.governance.policy_change import PolicyChange, Present
from audit.governance.signatures import sign
from audit.ledger.chain import following_entry
from tests.governance.test_policy_diff import any_policy, policy
from tests.waiving import EXECUTIVE, OTHER, OWNER, REVIEWER, STRANGER, Someone

if TYPE_CHECKING:
    import random

    from audit.ledger import Entry
    from audit.policy.schema import Policy

NOW = datetime(2026, 11, 21, tzinfo=UTC)
PEOPLE = tuple(one.trusted.key for one in (OWNER, REVIEWER, OTHER, EXECUTIVE))


def promotion(one: Policy, trusted: tuple[Any, ...] = PEOPLE) -> Entry:
    payload = {"run": "r1", "policy": one.policy} | policy_change.entry(one, trusted)
    return replace(following_entry((), NOW.isoformat(), "run", payload), digest="e" * 64)


def change(old: Policy, new: Policy, *approvals: dict[str, Any], trusted: tuple[Any, ...] = PEOPLE) -> PolicyChange:
    file = ApprovalsFile(tuple(map(PolicyApproval.model_validate, approvals)), approvals, "policy.yaml.approvals", "")
    found = policy_change.since_promotion([promotion(old)], "e" * 64, Present(new, trusted, file, NOW))
    assert found is not None
    return found


def approval(of: PolicyChange, who: Someone = REVIEWER, **said: Any) -> dict[str, Any]:
    signed = {"by": who.name, "role": who.role, "line": who.line, "independent": True, "at": "2026-11-20T00:00:00Z"}
    told = {"policy": "letters", "policy_sha256": of.sha256, "since": of.run, "since_entry": of.entry, "loosened": list(of.told)}
    own: dict[str, Any] = signed | told | {"requested_by": "team"} | said
    return own | {"signature": sign(who.secret, policy_approvals.statement(own))}


@given(any_policy(), any_policy())
@settings(max_examples=60, deadline=None)
def test_whatever_is_loosened_is_barred_until_line_2_approves_that_very_policy(old: Policy, new: Policy) -> None:
    """And whatever is not never blocks. An approval of one policy is none of another that differs in anything."""
    new = new.model_copy(update={"policy": old.policy})
    plain = change(old, new)
    loosened = bool(policy_diff.loosened(tuple(one for one in policy_diff.differences(old, new) if one.place != "trust.keys")))
    assert plain.blocks == loosened
    assert bool(policy_change.blocking_reasons(plain)) == loosened
    assert policy_change.remarks(plain) == ()
    approved = change(old, new, approval(plain))
    assert not approved.blocks
    assert policy_change.blocking_reasons(approved) == ()
    back = change(old, old, approval(plain))
    assert (not back.approvals[0].why) == (policy_diff.differences(old, new) == ())


@given(st.randoms(use_true_random=False))
@settings(max_examples=20, deadline=None)
def test_the_order_in_which_keys_are_named_changes_nothing(draw: random.Random) -> None:
    mixed = tuple(draw.sample(PEOPLE, len(PEOPLE)))
    found = change(policy(), policy(), trusted=mixed)
    assert (found.changes, found.sha256) == ((), change(policy(), policy()).sha256)


@pytest.mark.parametrize("taken", range(len(PEOPLE)))
def test_the_digest_covers_each_key(taken: int) -> None:
    fewer = tuple(one for number, one in enumerate(PEOPLE) if number != taken)
    found = {change(policy(), policy(), trusted=one).sha256 for one in (PEOPLE, fewer, (*PEOPLE, STRANGER.trusted.key))}
    assert len(found) == 3


LOOSER = policy(confidence=0.9)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_nothing_in_a_signed_approval_can_be_changed(data: st.DataObject) -> None:
    """Whatever else any of its words says, it counts no more."""
    good = approval(change(policy(), LOOSER))
    assert change(policy(), LOOSER, good).approved_by
    place = data.draw(st.sampled_from(sorted(good)))
    others: dict[str, st.SearchStrategy[Any]] = {
        "line": st.sampled_from([1, 2, 3]),
        "independent": st.booleans(),
        "at": st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)).map(lambda when: when.isoformat(timespec="seconds") + "Z"),  # noqa: DTZ001  # the zone is written behind it
        "policy_sha256": st.text("0123456789abcdef", min_size=64, max_size=64),
        "since_entry": st.text("0123456789abcdef", min_size=64, max_size=64),
        "loosened": st.lists(st.text(min_size=1)),
    }
    value = data.draw(others.get(place, st.text("abcdefgh =/+", min_size=1).filter(lambda text: bool(text.strip()))))
    bad = good | {place: value}
    found = change(policy(), LOOSER, bad)
    assert found.blocks == (bad != good)


def test_one_bad_approval_takes_nothing_from_a_good_one() -> None:
    """Nor does a good one lend it anything."""
    plain = change(policy(), LOOSER)
    good, bad = approval(plain), approval(plain, OTHER) | {"signature": "AAAA"}
    found = change(policy(), LOOSER, bad, good)
    assert [bool(one.why) for one in found.approvals] == [True, False]
    assert not found.blocks
    assert change(policy(), LOOSER, bad).blocks


@pytest.mark.parametrize(
    ("who", "said", "why"),
    [
        (OWNER, {}, "is of line 1, and line 2 has to approve"),
        (OWNER, {"line": 2}, f"no key that counts has that name: {OTHER.name}, {REVIEWER.name}"),
        (STRANGER, {}, f"no key that counts has that name: {OTHER.name}, {REVIEWER.name}"),
        (STRANGER, {"by": REVIEWER.name}, "the signature does not verify: the approval was changed since, or signed with another key"),
        (REVIEWER, {"at": (NOW + timedelta(seconds=1)).isoformat()}, "signed at 2026-11-21T00:00:01+00:00, which is in the future"),
    ],
)
def test_who_does_not_count(who: Someone, said: dict[str, Any], why: str) -> None:
    found = change(policy(), LOOSER, approval(change(policy(), LOOSER), who, **said))
    assert (found.blocks, found.approvals[0].why) == (True, (why,))


def test_keys_are_kept_as_they_are_said() -> None:
    assert keys.reread(keys.kept(PEOPLE)) == tuple(sorted(PEOPLE, key=lambda one: one.public_key))
    assert keys.reread([{"name": "Ann"}]) is None
    assert keys.reread(None) is None


def test_the_last_key_of_line_2_that_goes_is_loosened() -> None:
    """One of several is not."""
    first, second, third = (one.trusted.key for one in (OWNER, REVIEWER, OTHER))
    assert [one.kind for one in policy_change.key_changes((first, second, third), (first, second))] == ["tightened"]
    assert [one.kind for one in policy_change.key_changes((first, second), (first,))] == ["loosened", "tightened"]
    assert [one.kind for one in policy_change.key_changes((first,), ())] == ["tightened"]
