"""How a run's policy differs from the policy of the last promotion under the same name, and who approved what it loosens."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pydantic import ValidationError

from audit.decision.finding import Reason
from audit.governance import keys, policy_approvals, policy_diff
from audit.governance.policy_diff import Change
from audit.governance.signed_file import person
from audit.ledger import Large
from audit.policy import shape
from audit.policy.schema import Policy

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from audit.check import Check
    from audit.governance.keys import PublicKey
    from audit.governance.policy_approvals import ApprovalsFile, ApprovalState
    from audit.ledger import Entry
    from audit.policy.yaml_reader import Tree

KEPT = "policy_resolved"
"""Key of a promoting run's entry that holds its policy."""
RULE = "policy-loosened"
_TOLD = 5
"""Changes that a reason lists; the report has them all."""


@dataclass(frozen=True, slots=True)
class Present:
    """A run's policy with what lies beside it."""

    policy: Policy
    keys: tuple[PublicKey, ...]
    """Those that it trusts, as their files say them."""
    approvals: ApprovalsFile | None
    latest: datetime
    """Time of the run or of the clock, whichever is later."""


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """The policy of the last promotion against that of this run."""

    run: str
    """Id of the run that was promoted."""
    time: str
    """When, ISO 8601, UTC."""
    entry: str
    """Digest of its entry in the ledger."""
    changes: tuple[Change, ...] | None
    """What was loosened first; None where this release cannot read the policy that was kept."""
    sha256: str
    """Of this policy as it resolves, with the keys that it trusts: what an approval is for."""
    guarded: bool
    """Whether either policy names keys, so that what is loosened needs an approval."""
    approvers: tuple[PublicKey, ...] | None
    """Keys of line 2 whose signature would approve; None where the ledger does not tell whom that run trusted."""
    approvals: tuple[ApprovalState, ...] = ()
    """Every approval beside the policy, those too that do not count."""

    @property
    def loosened(self) -> tuple[Change, ...]:
        """What is loosened, as far as it is known."""
        return policy_diff.loosened(self.changes or ())

    @property
    def told(self) -> tuple[str, ...]:
        """What is loosened, each with its place."""
        return tuple(f"{one.place}: {one.words}" for one in self.loosened)

    @property
    def looser(self) -> bool:
        """Whether something asks less, or may: of a policy that cannot be read nobody knows."""
        return self.changes is None or bool(self.loosened)

    @property
    def approved_by(self) -> tuple[ApprovalState, ...]:
        """Approvals that count."""
        return tuple(one for one in self.approvals if not one.why)

    @property
    def blocks(self) -> bool:
        """Whether nothing may be promoted under this policy before line 2 approves it."""
        return self.looser and self.guarded and not self.approved_by


def kept(policy: Policy) -> dict[str, Tree]:
    """A policy as the ledger keeps it: resolved, and without what was never set, so that it reads back as the same."""
    found = policy_diff.tree(policy)
    own = {role: spec.columns.model_dump(mode="json", exclude_unset=True) for role, spec in policy.datasets.items() if spec.columns}
    datasets: dict[str, Tree] = policy.model_dump(mode="json", include={"datasets"})["datasets"]
    return found | {"datasets": {role: _with_columns(spec, own.get(role)) for role, spec in datasets.items()}}


def _with_columns(spec: Tree, own: dict[str, Tree] | None) -> Tree:
    """A column role that is null takes it away; one that was not set does not."""
    return {**spec, "columns": own} if isinstance(spec, dict) else spec


def entry(policy: Policy, trusted: Sequence[PublicKey]) -> dict[str, object]:
    """What the entry of a promoting run keeps, for the next policies to be held against: the keys by what they are."""
    return {KEPT: Large(kept(policy)), keys.KEPT: Large(keys.kept(trusted))}


def since_promotion(
    entries: Sequence[Entry], head: str | None, now: Present, *, catalog: Mapping[str, Check] | None = None
) -> PolicyChange | None:
    """The difference from the last promotion up to the ledger's `head`; None where there is none under this policy's name."""
    last = _last(entries, head, now.policy.policy)
    if last is None:
        return None
    then = _then(last)
    sha256 = policy_approvals.sha256(kept(now.policy), keys.kept(now.keys))
    authors = frozenset(filter(None, (person(then.author), person(now.policy.system.author))))
    approvers = _approvers(then.keys, now.keys, authors)
    context = policy_approvals.ApprovalContext(sha256, then.run, last.digest, approvers, authors, now.latest)
    return PolicyChange(
        run=then.run,
        time=last.time,
        entry=last.digest,
        changes=_changes(then, now, catalog),
        sha256=sha256,
        guarded=then.keys != () or bool(now.policy.trust.keys),
        approvers=approvers,
        approvals=policy_approvals.states(now.approvals, context),
    )


@dataclass(frozen=True, slots=True)
class _Then:
    """What the ledger kept of the last promotion."""

    run: str
    policy: Policy | None
    """None where this release cannot read it."""
    author: str | None
    keys: tuple[PublicKey, ...] | None
    """None where there were some, or may have been, and nobody can tell which."""


def _then(last: Entry) -> _Then:
    told = json.loads(last.payload)
    raw, run = last.value(KEPT), str(told["run"])
    named = _below(raw, "trust", "keys")
    trusted = keys.reread(last.value(keys.KEPT) if keys.KEPT in told else None) if keys.KEPT in told or named else ()
    author = _below(raw, "system", "author")
    try:
        before = shape.typed(Policy, raw)
    except ValidationError:
        before = None
    return _Then(run, before, author if isinstance(author, str) else None, trusted)


def _below(raw: Tree, *path: str) -> Tree:
    """A value of a policy that may not have the shape of one; None where there is none."""
    for key in path:
        raw = raw.get(key) if isinstance(raw, dict) else None
    return raw


def _approvers(then: tuple[PublicKey, ...] | None, now: tuple[PublicKey, ...], authors: frozenset[str]) -> tuple[PublicKey, ...] | None:
    """Keys of line 2 that the promoted policy trusted: who loosens a policy does not choose who approves it.

    Where it trusted none of line 2, those of the present one: somebody has to be the first.
    """
    if then is None:
        return None
    return tuple(one for one in keys.of_second(then) or keys.of_second(now) if person(one.name) not in authors)


def _changes(then: _Then, now: Present, catalog: Mapping[str, Check] | None) -> tuple[Change, ...] | None:
    """Where the keys of then are known, they are compared by what they are; then it says little where their files lie."""
    if then.policy is None:
        return None
    found = policy_diff.differences(then.policy, now.policy, catalog=catalog)
    if then.keys is None:
        return found
    moved = (replace(one, kind="other") if one.place == "trust.keys" else one for one in found)
    return policy_diff.ordered((*moved, *key_changes(then.keys, now.keys)))


def key_changes(then: Sequence[PublicKey], now: Sequence[PublicKey]) -> Iterator[Change]:
    """What the trust in keys asks less or more: a key behind the same path may be another."""
    yield from (Change("loosened", "trust.keys", f"{keys.describe_key(one)}, is trusted") for one in now if one not in then)
    if keys.of_second(then) and not keys.of_second(now):
        yield Change("loosened", "trust.keys", f"no key of line {keys.SECOND} is trusted any more: nobody could approve what is loosened")
    yield from (Change("tightened", "trust.keys", f"{keys.describe_key(one)}, is no longer trusted") for one in then if one not in now)


def _last(entries: Sequence[Entry], head: str | None, name: str) -> Entry | None:
    found = None
    for entry in entries if head is not None else ():
        if entry.kind == "run":
            told = json.loads(entry.payload)
            found = entry if told.get("policy") == name and KEPT in told else found
        if entry.digest == head:
            break
    return found


def blocking_reasons(change: PolicyChange | None) -> tuple[Reason, ...]:
    """What blocks: a policy that asks less than the promoted one, without line 2."""
    if change is None or not change.blocks:
        return ()
    lost = [f"{one.words}: {'; '.join(one.why)}" for one in change.approvals]
    refused = f" Not counted: {'. '.join(lost)}." if lost else ""
    return (Reason(RULE, None, f"{_what(change)} Line 2 has not approved it: {_way_out(change)}.{refused}"),)


def remarks(change: PolicyChange | None) -> tuple[Reason, ...]:
    """What a reader of the decision must know though it changes nothing: approved, or nobody named who would have to."""
    if change is None or not change.looser or change.blocks:
        return ()
    if change.guarded:
        by = " and ".join(f"{one.words} at {one.at}" for one in change.approved_by)
        return (Reason(RULE, None, f"{_what(change)} Approved by {by}."),)
    switch = "Not blocking: no trusted keys are configured. Name a key of line 2 under trust.keys to require its signature."
    return (Reason(RULE, None, f"{_what(change)} {switch}"),)


def _what(change: PolicyChange) -> str:
    """What the policy loosens since the last promotion, in words."""
    since = f"since run {change.run} was promoted"
    if change.changes is None:
        return f"What changed {since} is not known: this release cannot read the policy of that run."
    more = f"; and {len(change.told) - _TOLD} more" if len(change.told) > _TOLD else ""
    return f"Loosened {since}: {'; '.join(change.told[:_TOLD])}{more}."


def _way_out(change: PolicyChange) -> str:
    """What to do about a policy that blocks."""
    back = "restore what was required then"
    if change.approvers is None:
        return f"nobody can: the ledger does not tell which keys run {change.run} trusted; {back}, and the promotion keeps them"
    if not change.approvers:
        none = f"nobody can: no key of line 2 counts except the author's; trust another (trust.keys), where run {change.run} trusted none"
        return f"{none}, or {back}"
    who = " or ".join(sorted({one.name for one in change.approvers}))
    return f"have {who} sign it (audit sign POLICY --key NAME.key --role ROLE), or {back}"
