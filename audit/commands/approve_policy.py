"""One person's signature, put under what a policy loosens."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import UTC
from typing import TYPE_CHECKING

from pydantic import ValidationError

from audit import catalog
from audit.commands.sign_waiver import put_in_place, wrong_role
from audit.errors import InputError, ToolError
from audit.files import read_at_most
from audit.formatting import neutral, quoted
from audit.governance import keys, policy_approvals, policy_change, signatures
from audit.governance.policy_approvals import statement
from audit.governance.policy_change import Present
from audit.governance.signed_file import person
from audit.governance.waiver_files import read_folder
from audit.ledger import Ledger, times
from audit.pipeline.compatibility import load_policy
from audit.policy import yaml_reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from audit.commands.sign_waiver import Signing
    from audit.governance.keys import PublicKey
    from audit.governance.policy_change import PolicyChange
    from audit.ledger import Entry
    from audit.policy.yaml_reader import Tree

_HEAD = (
    "# `audit sign` writes this file: approvals of a policy that is looser than the promoted one. Changing a word voids its signature.\n"
)


@dataclass(frozen=True, slots=True)
class Asking:
    """Where to look, and who asked for the change."""

    ledger: Path
    requested_by: str | None
    """None takes the author whom the policy names."""
    allow_outside: bool = False


def is_policy(path: Path) -> bool:
    """Whether a file is meant as a policy and not as a waiver."""
    try:
        text = read_at_most(path, yaml_reader.MOST_BYTES).decode("utf-8")
        tree, _ = yaml_reader.flatten(yaml_reader.parse(text, str(path))[0])
    except (OSError, UnicodeDecodeError):
        return False
    return isinstance(tree, dict) and bool({"policy", "require", "extends"} & set(tree))


def sign(path: Path, said: Signing, asking: Asking, now: datetime) -> list[str]:
    """Put a signature under what a policy loosens; returns what was signed, and by whom."""
    loaded = load_policy(path, allow_outside=asking.allow_outside)
    entries = Ledger(asking.ledger).verified()
    present = Present(loaded.policy, read_folder(loaded).trusted, policy_approvals.read(loaded), times.latest(now, entries))
    change = _to_approve(path, _present_change(entries, present), asking)
    secret, key = keys.read_secret(said.key)
    own = _approval(path, change, said, key) | {
        "policy": loaded.policy.policy,
        "requested_by": _requester(path, asking, loaded.policy.system.author),
        "at": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    away = person(key.name) != person(str(own["requested_by"]))
    own["independent"] = (key.line > 1 and away) if said.independent is None else said.independent
    own["signature"] = signatures.sign(secret, statement(own))
    _refuse_idle(path, entries, present, own)
    place = _write(path, present, own)
    told = [f"loosened: {one}" for one in change.told or ("unknown: this release cannot read the promoted policy",)]
    mark = keys.fingerprint(key)[:16]
    told.append(f"{place}: signed by {key.name} as {said.role}, line {key.line}, key {mark}, at {own['at']}, against run {change.run}")
    return [neutral(one) for one in told]


def _present_change(entries: Sequence[Entry], present: Present) -> PolicyChange | None:
    return policy_change.since_promotion(entries, entries[-1].digest if entries else None, present, catalog=catalog.discover())


def _to_approve(path: Path, change: PolicyChange | None, asking: Asking) -> PolicyChange:
    """What there is to approve; InputError where there is nothing."""
    if change is None:
        msg = f"{path}: nothing to approve: {asking.ledger} holds no promotion under this policy's name; -o names the ledger's folder"
        raise InputError(msg)
    if not change.looser:
        msg = f"{path}: nothing was loosened since run {change.run} was promoted: there is nothing to approve"
        raise InputError(msg)
    return change


def _requester(path: Path, asking: Asking, author: str | None) -> str:
    found = asking.requested_by or author
    if found is None:
        msg = f"{path}: who asked for the change is not known: name them with --requested-by NAME, or in the policy under system.author"
        raise InputError(msg)
    return found


def _approval(path: Path, change: PolicyChange, said: Signing, key: PublicKey) -> dict[str, Tree]:
    """What follows from the policy, the ledger and the key."""
    if (problem := wrong_role(said.role, key)) is not None:
        msg = f"{path}: {problem}"
        raise InputError(msg)
    told: list[Tree] = list(change.told)
    return {
        "by": key.name,
        "role": said.role,
        "line": key.line,
        "policy_sha256": change.sha256,
        "since": change.run,
        "since_entry": change.entry,
        "loosened": told,
    }


def _refuse_idle(path: Path, entries: Sequence[Entry], present: Present, own: dict[str, Tree]) -> None:
    """A signature that would count as nothing, or twice, is one that nobody should give."""
    try:
        one = policy_approvals.PolicyApproval.model_validate(own)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_url=False))
        msg = f"{path}: cannot be signed like that: {wrong}"
        raise InputError(msg) from error
    change = _present_change(entries, replace(present, approvals=policy_approvals.ApprovalsFile((one,), (own,), str(path), "")))
    problems = () if change is None else change.approvals[0].why
    before = _present_change(entries, present)
    signed = {person(each.by) for each in (before.approved_by if before is not None else ())}
    if person(one.by) in signed:
        msg = f"{path}: {one.by} has signed it already; one signature of line 2 is enough"
        raise InputError(msg)
    if problems:
        msg = f"{path}: a signature of {one.by} would not count: {'; '.join(problems)}"
        raise InputError(msg)


def _write(path: Path, present: Present, own: Mapping[str, Tree]) -> Path:
    """One approval more at the file's end, in its place when whole and when it reads back as meant."""
    place, file = policy_approvals.beside(path), present.approvals
    text = (_HEAD + "approvals:\n" if file is None else file.text.rstrip("\n") + "\n") + _listed(own)
    root, mistakes = yaml_reader.parse(text, str(place))
    wanted: Tree = {"approvals": [*(dict(one) for one in (file.trees if file else ())), dict(own)]}
    if mistakes or yaml_reader.flatten(root)[0] != wanted:
        if file is None:
            msg = f"{place}: would not read back as it was signed; nothing was written"
            raise ToolError(msg)
        msg = f"{place}: is not in the form that `audit sign` writes, so nothing can be added: move it away and sign again"
        raise InputError(msg)
    put_in_place(place, text)
    return place


_ORDER = (
    *("by", "role", "line", "independent", "at", "requested_by"),
    *("policy", "policy_sha256", "since", "since_entry", "loosened", "signature"),
)


def _listed(own: Mapping[str, Tree]) -> str:
    """One item of the list: a key a line, a loosening a line."""
    lines: list[str] = []
    for key in _ORDER:
        value = own[key]
        if isinstance(value, list):
            lines += [f"{key}:" if value else f"{key}: []", *(f"  - {quoted(str(one))}" for one in value)]
        else:
            lines.append(f"{key}: {quoted(value) if isinstance(value, str) else json.dumps(value)}")
    return "".join(f"  {'-' if number == 0 else ' '} {line}\n" for number, line in enumerate(lines))
