"""Approvals of what a policy loosens: the file beside the policy, which of them count, and why the others do not."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from audit.canonical_text import canonical_json
from audit.governance import signatures
from audit.governance.keys import SECOND
from audit.governance.signed_file import Digest, Line, Name, person
from audit.policy.strict import Strict, Text
from audit.policy.written_file import Moment, read_as

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from audit.governance.keys import PublicKey
    from audit.policy import LoadedPolicy
    from audit.policy.yaml_reader import Tree

KIND = "audit.policy-approval/1"
"""Part of what is signed, so that no signature of an approval is one of anything else."""
SUFFIX = ".approvals"
"""Behind the policy file's whole name, so that no pattern such as `*.yaml` takes approvals for a policy."""


class PolicyApproval(Strict):
    """One person's signature under what a policy loosens."""

    policy: Text = Field(description="name of the policy")
    policy_sha256: Digest = Field(description="of the policy as it resolves, with the keys that it trusts")
    since: Text = Field(description="the promoted run that it was compared with")
    since_entry: Digest = Field(description="the ledger's entry of that run")
    loosened: tuple[Text, ...] = Field(description="what was loosened, as the signer saw it")
    requested_by: Name = Field(description="who asked for the change")
    by: Name
    role: Text
    line: Line
    independent: bool = False
    at: Moment
    signature: Text


class Approvals(Strict):
    """The whole file."""

    approvals: tuple[PolicyApproval, ...]


@dataclass(frozen=True, slots=True)
class ApprovalsFile:
    """Approvals and the file that holds them."""

    approvals: tuple[PolicyApproval, ...]
    trees: tuple[Mapping[str, Tree], ...]
    """What the file says of each: this is what signatures cover."""
    file: str
    """As messages name it."""
    text: str


def beside(policy: Path) -> Path:
    """Where the approvals of a policy lie."""
    return policy.with_name(policy.name + SUFFIX)


def read(loaded: LoadedPolicy) -> ApprovalsFile | None:
    """The approvals beside a policy; None where there are none. PolicyError names every mistake."""
    path = beside(loaded.path)
    if not path.exists():
        return None
    loaded.resolve(str(path.absolute()))  # a link out of the project is refused as any path is
    _, tree, text = read_as(path, str(path), Approvals)
    listed = tree["approvals"]
    trees = tuple(one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()
    return ApprovalsFile(Approvals.model_validate(tree).approvals, trees, str(path), text)


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


def sha256(policy: Tree, keys: Tree) -> str:
    """Digest of a policy as it resolves, with the keys that it trusts: layout, comments and files' places do not count."""
    return hashlib.sha256(canonical_json({"policy": policy, "trusted_keys": keys}).encode()).hexdigest()


def statement(approval: Mapping[str, Tree]) -> bytes:
    """What one approval signs: all that it says but its signature."""
    return signatures.message(KIND, approval={key: value for key, value in approval.items() if key != "signature"})


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
    claim = signatures.Claim("approval", one.by, one.role, one.line, one.at)
    key = signatures.signer(claim, one.signature, statement(said), context.keys, context.latest)
    return key if isinstance(key, str) else None
