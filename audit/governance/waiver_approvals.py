"""Whose signatures stand under a waiver, and whether they are the people whom the policy asks for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.errors import MissingExtra
from audit.governance import signatures
from audit.governance.waiver_schema import person

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from audit.governance.waiver_files import WaiverFile
    from audit.governance.waiver_schema import Approval, PublicKey, Waiver
    from audit.policy.yaml_reader import Tree

EXECUTIVE = "executive"
_SECOND = 2
"""The line of defence that validates independently."""
_TOP_TIER = 1
_PEOPLE = 2


@dataclass(frozen=True, slots=True)
class Signed:
    """An approval whose signature verifies under a key that the policy trusts for this person, line and role."""

    approval: Approval
    key: PublicKey

    @property
    def words(self) -> str:
        """`Ann Example (risk officer, line 2)`."""
        return f"{self.approval.by} ({self.approval.role}, line {self.approval.line})"


@dataclass(frozen=True, slots=True)
class Approvals:
    """What became of a waiver's approvals."""

    good: tuple[Signed, ...] = ()
    problems: tuple[str, ...] = ()


def approvals(file: WaiverFile, keys: Sequence[PublicKey], latest: datetime) -> Approvals:
    """Every approval verified. One that does not verify voids the waiver, whatever the others say."""
    if not file.waiver.approvals:
        return Approvals(problems=("is a draft: nobody has signed it",))
    try:
        signatures.require_cryptography()
    except MissingExtra as error:
        return Approvals(problems=(f"no signature can be verified: {error}",))
    raw = file.tree["approvals"]
    good, problems = [], []
    for approval, said in zip(file.waiver.approvals, raw if isinstance(raw, list) else (), strict=True):
        found = _verified(file, approval, said, keys)
        if isinstance(found, str):
            problems.append(f"{approval.by}: {found}")
        elif approval.at > latest:
            problems.append(f"{approval.by}: signed at {approval.at.isoformat()}, which is in the future")
        else:
            good.append(found)
    return Approvals(tuple(good), tuple(problems))


def _verified(file: WaiverFile, approval: Approval, said: Tree, keys: Sequence[PublicKey]) -> Signed | str:
    """The approval with its key, or what is wrong with it."""
    named = [key for key in keys if key.name == approval.by]
    if not named:
        return "the policy trusts no key of that name (trust.keys)"
    if not isinstance(said, dict):
        return "is no approval"
    message = signatures.statement(file.tree, said)
    key = next((one for one in named if signatures.verified(one, approval.signature, message)), None)
    if key is None:
        return "the signature does not verify: the waiver was changed since, or signed with another key"
    if (problem := at_odds(approval.line, approval.role, key)) is not None:
        return problem
    return Signed(approval, key)


def at_odds(line: int, role: str, key: PublicKey) -> str | None:
    """Where an approval says of who signed what the trusted key does not."""
    if key.line != line:
        return f"signs for line {line}, and the trusted key is of line {key.line}"
    if role != key.role and (key.role is not None or role == EXECUTIVE):
        return f"signs as {role}, and the trusted key " + (f"is for {key.role}" if key.role else "names no such role")
    return None


def quorum(waiver: Waiver, good: Sequence[Signed], *, tier: int, author: str | None) -> Iterator[str]:
    """What the signatures lack: two people, one of the second line and independent, at tier 1 an executive besides."""
    people = {person(one.key.name) for one in good}
    if len(people) < _PEOPLE:
        yield f"needs two different people, and {'one has' if people else 'none has'} signed"
    reviewers = independent(waiver, good, author=author)
    if not reviewers:
        yield f"needs an approver of line {_SECOND} who is independent of {waiver.requested_by}, who asked for it"
    executives = {person(one.key.name) for one in good if one.approval.role == EXECUTIVE}
    pairs = {(one, other) for one in executives for other in reviewers if one != other}
    if tier == _TOP_TIER and (not pairs or len(people) <= _PEOPLE):
        yield "needs an accountable executive at tier 1 (role executive), besides two other people"


def independent(waiver: Waiver, good: Sequence[Signed], *, author: str | None) -> frozenset[str]:
    """Approvers of the second line who declare themselves independent, and neither asked for it nor built the candidate."""
    involved = {person(waiver.requested_by), person(author)}
    found = {person(one.key.name) for one in good if one.key.line == _SECOND and one.approval.independent}
    return frozenset(found - involved)
