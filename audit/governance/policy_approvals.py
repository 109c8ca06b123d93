"""Which approvals of a policy count, and why the others do not. Whatever cannot be verified does not."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.errors import MissingExtra
from audit.governance import signatures
from audit.governance.trusted_keys import SECOND
from audit.governance.waiver_approvals import at_odds
from audit.governance.waiver_schema import person

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from audit.governance.approvals_file import ApprovalsFile, PolicyApproval
    from audit.governance.waiver_schema import PublicKey
    from audit.policy.yaml_reader import Tree

KIND = "audit.policy-approval/1"
"""Part of what is signed, so that no signature of an approval is one of anything else."""


@dataclass(frozen=True, slots=True)
class ApprovalContext:
    """What an approval is checked against."""

    sha256: str
    """Of this policy as it resolves, with the keys that it trusts."""
    run: str
    entry: str
    """The last promotion, and its entry in the ledger."""
    keys: tuple[PublicKey, ...] | None
    """Whose signatures can count; None where nobody knows."""
    authors: frozenset[str]
    """Of either policy, as normalised names."""
    latest: datetime
    """Time of the run or of the clock, whichever is later."""


@dataclass(frozen=True, slots=True)
class ApprovalState:
    """What became of one approval."""

    by: str
    role: str
    line: int
    at: str
    """ISO 8601."""
    requested_by: str
    why: tuple[str, ...]
    """All that keeps it from counting; nothing where it counts."""

    @property
    def words(self) -> str:
        """`Ann Example (risk officer, line 2)`."""
        return f"{self.by} ({self.role}, line {self.line})"


def _whose(keys: Sequence[PublicKey]) -> str:
    return ", ".join(sorted({key.name for key in keys})) or "there are none"


def canonical(tree: Mapping[str, Tree]) -> bytes:
    """One spelling of plain values: sorted keys, no spaces, ASCII."""
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False).encode()


def sha256(policy: Tree, keys: Tree) -> str:
    """Digest of a policy as it resolves, with the keys that it trusts: layout, comments and files' places do not count."""
    return hashlib.sha256(canonical({"policy": policy, "trusted_keys": keys})).hexdigest()


def statement(approval: Mapping[str, Tree]) -> bytes:
    """What one approval signs: all that it says but its signature."""
    return canonical({"kind": KIND, "approval": {key: value for key, value in approval.items() if key != "signature"}})


def states(file: ApprovalsFile | None, context: ApprovalContext) -> tuple[ApprovalState, ...]:
    """Every approval of a file, by itself: one that does not verify takes nothing from the others."""
    if file is None:
        return ()
    return tuple(_state(one, tuple(rejection_reasons(one, said, context))) for one, said in zip(file.approvals, file.trees, strict=True))


def _state(one: PolicyApproval, reasons: tuple[str, ...]) -> ApprovalState:
    return ApprovalState(one.by, one.role, one.line, one.at.isoformat(), one.requested_by, reasons)


def rejection_reasons(one: PolicyApproval, said: Mapping[str, Tree], context: ApprovalContext) -> Iterator[str]:
    """Everything that keeps an approval from counting."""
    stale = _stale(one, context)
    unfit = tuple(_unfit(one, context)) if stale is None else (stale,)
    problem = None if unfit else _unverified(one, said, context)
    yield from unfit if problem is None else (problem,)


def _unfit(one: PolicyApproval, context: ApprovalContext) -> Iterator[str]:
    """What keeps even a good signature from counting."""
    if one.line != SECOND:
        yield f"is of line {one.line}, and line {SECOND} has to approve"
    if person(one.by) in context.authors:
        yield "is the author whom the policy names (system.author)"
    if person(one.by) == person(one.requested_by):
        yield "asked for the change"
    if not one.independent:
        yield "does not declare to be independent"
    if one.at > context.latest:
        yield f"signed at {one.at.isoformat()}, which is in the future"


def _stale(one: PolicyApproval, context: ApprovalContext) -> str | None:
    """Why an approval is of another policy or another promotion."""
    if one.since_entry != context.entry:
        return f"is stale: it was signed against run {one.since}, but the last promotion is run {context.run}"
    if one.policy_sha256 != context.sha256:
        return "is stale: the policy, or a key that it trusts, has changed since it was signed"
    return None


def _unverified(one: PolicyApproval, said: Mapping[str, Tree], context: ApprovalContext) -> str | None:
    """Why nobody knows that this person signed."""
    if context.keys is None:
        return f"the ledger does not tell which keys run {context.run} trusted"
    try:
        signatures.require_cryptography()
    except MissingExtra as error:
        return f"no signature can be verified: {error}"
    named = [key for key in context.keys if key.name == one.by]
    if not named:
        return f"no key that counts has that name: {_whose(context.keys)}"
    message = statement(said)
    key = next((key for key in named if signatures.verified(key, one.signature, message)), None)
    if key is None:
        return "the signature does not verify: the approval was changed since, or signed with another key"
    return at_odds(one.line, one.role, key)
