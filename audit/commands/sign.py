"""`audit sign`: one person's signature, put under a waiver or under what a policy loosens."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING

from pydantic import ValidationError

from audit import catalog, files
from audit.errors import InputError, ToolError
from audit.formatting import quoted
from audit.governance import keys, policy_approvals, policy_change, signatures, waiver_files
from audit.governance.policy_change import Present
from audit.governance.signed_file import person
from audit.governance.waiver_validity import unwritten
from audit.ledger import Ledger, times
from audit.pipeline.compatibility import load_policy
from audit.policy import yaml_reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from audit.governance.keys import PublicKey
    from audit.governance.policy_change import PolicyChange
    from audit.governance.waiver_files import WaiverFile
    from audit.ledger import Entry, Place
    from audit.policy.yaml_reader import Tree

_HEAD = (
    "# `audit sign` writes this file: approvals of a policy that is looser than the promoted one. Changing a word voids its signature.\n"
)
_ORDER = (
    *("by", "role", "line", "independent", "at", "requested_by"),
    *("policy", "policy_sha256", "since", "since_entry", "loosened", "signature"),
)
"""Keys of a policy's approval in the order in which people read them."""


@dataclass(frozen=True, slots=True)
class Signing:
    """What the person who signs says."""

    key: Path
    role: str
    independent: bool | None
    """Of whoever asked for the waiver or the change; None takes it from line and names."""
    ask: keys.Prompt = lambda _: None
    """For the passphrase of the key."""


@dataclass(frozen=True, slots=True)
class ChangeRequest:
    """Where to look for the promoted policy, and who asked for the change."""

    ledger: Place
    requested_by: str | None
    """None takes the author whom the policy names."""
    allow_outside: bool = False


def is_policy(path: Path) -> bool:
    """Whether a file is meant as a policy and not as a waiver."""
    try:
        text = files.read_at_most(path, yaml_reader.MOST_BYTES).decode("utf-8")
        tree, _ = yaml_reader.flatten(yaml_reader.parse(text, str(path))[0])
    except (OSError, UnicodeDecodeError):
        return False
    return isinstance(tree, dict) and bool({"policy", "require", "extends"} & set(tree))


def sign_waiver(path: Path, signing: Signing, now: datetime) -> str:
    """Put a signature under a waiver; returns what was done in words."""
    file = waiver_files.read_waiver(path)
    secret, key = keys.read_secret(signing.key, signing.ask)
    _refuse_waiver(file, signing, key, now)
    approval = _signer(signing, key, file.waiver.requested_by, now)
    approval["signature"] = signatures.sign(secret, waiver_files.statement(file.tree, approval))
    _write_waiver(path, file, approval)
    free = "independent" if approval["independent"] else "not independent"
    return f"{_signed(path, signing, key, free)}, at {approval['at']}"


def sign_policy(path: Path, signing: Signing, request: ChangeRequest, now: datetime) -> list[str]:
    """Put a signature under what a policy loosens; returns what was signed, and by whom."""
    loaded = load_policy(path, allow_outside=request.allow_outside)
    entries = Ledger(request.ledger).verified()
    trusted = waiver_files.read_folder(loaded).trusted
    present = Present(loaded.policy, trusted, policy_approvals.read(loaded), times.latest(now, entries))
    change = _to_approve(path, _present_change(entries, present), request)
    secret, key = keys.read_secret(signing.key, signing.ask)
    if (problem := wrong_role(signing.role, key)) is not None:
        msg = f"{path}: {problem}"
        raise InputError(msg)
    requester = _requester(path, request, loaded.policy.system.author)
    approval = _signer(signing, key, requester, now) | {
        "requested_by": requester,
        "policy": loaded.policy.policy,
        "policy_sha256": change.sha256,
        "since": change.run,
        "since_entry": change.entry,
        "loosened": list(change.told),
    }
    approval["signature"] = signatures.sign(secret, policy_approvals.statement(approval))
    _refuse_idle(path, entries, present, approval)
    place = _write_policy_approval(path, present, approval)
    loosened = change.told or ("unknown: this release cannot read the promoted policy",)
    return [*(f"loosened: {one}" for one in loosened), f"{_signed(place, signing, key)}, at {approval['at']}, against run {change.run}"]


def _signer(signing: Signing, key: PublicKey, requester: str, now: datetime) -> dict[str, Tree]:
    """Who signs, as the signed text says it."""
    away = person(key.name) != person(requester)
    return {
        "by": key.name,
        "role": signing.role,
        "line": key.line,
        "independent": (key.line > 1 and away) if signing.independent is None else signing.independent,
        "at": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }


def _signed(place: Path, signing: Signing, key: PublicKey, *facts: str) -> str:
    """By whom a file was signed, in words."""
    words = (f"{key.name} as {signing.role}", f"line {key.line}", *facts, f"key {keys.fingerprint(key)[:16]}")
    return f"{place}: signed by {', '.join(words)}"


def _refuse_waiver(file: WaiverFile, signing: Signing, key: PublicKey, now: datetime) -> None:
    """A signature that would void the waiver, or that nobody should give."""
    problem = None
    if missing := unwritten(file):
        problem = f"is not filled in: {', '.join(missing)}"
    elif now >= file.waiver.expires_at:
        problem = f"expired at {file.waiver.expires_at.isoformat()}"
    elif person(key.name) in {person(one.by) for one in file.waiver.approvals}:
        problem = f"{key.name} has signed it already; somebody else has to sign too"
    else:
        problem = wrong_role(signing.role, key)
    if problem is not None:
        msg = f"{file.file}: {problem}"
        raise InputError(msg)


def wrong_role(role: str, key: PublicKey) -> str | None:
    """Why a key does not sign in a role."""
    if not role.strip() or not role.isprintable():
        return "--role: say in which role, such as owner, reviewer or executive"
    if role == key.role or (key.role is None and role != signatures.EXECUTIVE):
        return None
    wanted = (
        f"is for the role {key.role}" if key.role else f"is for no such role: make one with `audit keygen --role {signatures.EXECUTIVE}`"
    )
    return f"--role {role}: the key {wanted}"


def _present_change(entries: Sequence[Entry], present: Present) -> PolicyChange | None:
    return policy_change.since_promotion(entries, entries[-1].digest if entries else None, present, catalog=catalog.discover())


def _to_approve(path: Path, change: PolicyChange | None, request: ChangeRequest) -> PolicyChange:
    """What there is to approve; InputError where there is nothing."""
    if change is None:
        msg = f"{path}: nothing to approve: {request.ledger} holds no promotion under this policy's name; -o names the ledger's folder"
        raise InputError(msg)
    if not change.looser:
        msg = f"{path}: nothing was loosened since run {change.run} was promoted: there is nothing to approve"
        raise InputError(msg)
    return change


def _requester(path: Path, request: ChangeRequest, author: str | None) -> str:
    name = request.requested_by or author
    if name is None:
        msg = f"{path}: who asked for the change is not known: name them with --requested-by NAME, or in the policy under system.author"
        raise InputError(msg)
    return name


def _refuse_idle(path: Path, entries: Sequence[Entry], present: Present, tree: dict[str, Tree]) -> None:
    """A signature that would count as nothing, or twice, is one that nobody should give."""
    try:
        approval = policy_approvals.PolicyApproval.model_validate(tree)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_url=False))
        msg = f"{path}: cannot be signed like that: {wrong}"
        raise InputError(msg) from error
    change = _present_change(entries, replace(present, approvals=policy_approvals.ApprovalsFile((approval,), (tree,), str(path), "")))
    problems = () if change is None else change.approvals[0].why
    before = _present_change(entries, present)
    signed = {person(each.by) for each in (before.approved_by if before is not None else ())}
    if person(approval.by) in signed:
        msg = f"{path}: {approval.by} has signed it already; one signature of line 2 is enough"
        raise InputError(msg)
    if problems:
        msg = f"{path}: a signature of {approval.by} would not count: {'; '.join(problems)}"
        raise InputError(msg)


def _write_policy_approval(path: Path, present: Present, approval: Mapping[str, Tree]) -> Path:
    """One approval more at the file's end, in its place when whole and when it reads back as meant."""
    place, file = policy_approvals.beside(path), present.approvals
    text = (_HEAD + "approvals:\n" if file is None else file.text.rstrip("\n") + "\n") + _listed(approval)
    wanted: Tree = {"approvals": [*(dict(one) for one in (file.trees if file else ())), dict(approval)]}
    if not _reads_back(place, text, wanted):
        if file is None:
            msg = f"{place}: would not read back as it was signed; nothing was written"
            raise ToolError(msg)
        msg = f"{place}: is not in the form that `audit sign` writes, so nothing can be added: move it away and sign again"
        raise InputError(msg)
    _put_in_place(place, text)
    return place


def _write_waiver(path: Path, file: WaiverFile, approval: Mapping[str, Tree]) -> None:
    """The file with one approval more, in its place when whole and when it reads back as meant."""
    before = file.tree["approvals"]
    wanted = dict(file.tree) | {"approvals": [*(before if isinstance(before, list) else ()), dict(approval)]}
    text = json.dumps(wanted, indent=1, ensure_ascii=False) + "\n" if path.suffix.lower() == ".json" else _with_approvals(file, wanted)
    if not _reads_back(path, text, wanted):
        msg = f"{path}: does not read back as it was signed; it was left as it is"
        raise ToolError(msg)
    _put_in_place(path, text)


def _reads_back(path: Path, text: str, wanted: Tree) -> bool:
    root, mistakes = yaml_reader.parse(text, str(path))
    return not mistakes and yaml_reader.flatten(root)[0] == wanted


def _put_in_place(path: Path, text: str) -> None:
    """Replace a file when the new one is whole, so that nobody finds half of one."""
    try:
        files.replace(path, text)
    except OSError as error:
        msg = f"{path}: cannot be written ({error.strerror})"
        raise InputError(msg) from error


def _with_approvals(file: WaiverFile, wanted: Mapping[str, Tree]) -> str:
    """The text as people wrote it, comments too, with the approvals written anew at its end."""
    key = file.marks.keys[("approvals",)]
    if key.column != 1 or any(place.line > key.line for loc, place in file.marks.keys.items() if len(loc) == 1):
        msg = f"{file.file}:{key.line}:{key.column}: approvals: move it to the end of the file, to the beginning of a line"
        raise InputError(msg)
    head = "".join(file.text.splitlines(keepends=True)[: key.line - 1])
    listed = wanted["approvals"]
    return head + "approvals:\n" + "".join(f"  - {_flow(one)}\n" for one in (listed if isinstance(listed, list) else ()))


def _flow(approval: Tree) -> str:
    items = approval.items() if isinstance(approval, dict) else ()
    return "{" + ", ".join(f"{name}: {_scalar(value)}" for name, value in items) + "}"


def _listed(approval: Mapping[str, Tree]) -> str:
    """One item of the list: a key a line, a loosening a line."""
    lines: list[str] = []
    for key in _ORDER:
        value = approval[key]
        if isinstance(value, list):
            lines += [f"{key}:" if value else f"{key}: []", *(f"  - {quoted(str(one))}" for one in value)]
        else:
            lines.append(f"{key}: {_scalar(value)}")
    return "".join(f"  {'-' if number == 0 else ' '} {line}\n" for number, line in enumerate(lines))


def _scalar(value: Tree) -> str:
    return quoted(value) if isinstance(value, str) else json.dumps(value)
