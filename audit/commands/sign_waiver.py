"""One person's signature, put under a waiver."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from audit import files
from audit.errors import InputError, ToolError
from audit.formatting import quoted
from audit.governance import keys, signatures
from audit.governance.signed_file import person
from audit.governance.waiver_files import WaiverFile, read_waiver, statement
from audit.governance.waiver_validity import unwritten
from audit.policy import yaml_reader

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    from audit.governance.keys import PublicKey
    from audit.policy.yaml_reader import Tree


@dataclass(frozen=True, slots=True)
class Signing:
    """What the person who signs says."""

    key: Path
    role: str
    independent: bool | None
    """Of whoever asked for the waiver; None takes it from line and names."""


def sign(path: Path, said: Signing, now: datetime) -> str:
    """Put a signature under a waiver; returns what was done in words."""
    if path.is_dir():
        msg = f"{path}: is a folder; this release signs waivers and policies: name the file of one"
        raise InputError(msg)
    file = read_waiver(path)
    secret, key = keys.read_secret(said.key)
    _refuse(file, said, key, now)
    away = person(key.name) != person(file.waiver.requested_by)
    own: dict[str, Tree] = {
        "by": key.name,
        "role": said.role,
        "line": key.line,
        "independent": (key.line > 1 and away) if said.independent is None else said.independent,
        "at": now.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
    }
    own["signature"] = signatures.sign(secret, statement(file.tree, own))
    _write(path, file, own)
    free = "independent" if own["independent"] else "not independent"
    return f"{path}: signed by {key.name} as {said.role}, line {key.line}, {free}, key {keys.fingerprint(key)[:16]}, at {own['at']}"


def _refuse(file: WaiverFile, said: Signing, key: PublicKey, now: datetime) -> None:
    """A signature that would void the waiver, or that nobody should give."""
    problem = None
    if missing := unwritten(file):
        problem = f"is not filled in: {', '.join(missing)}"
    elif now >= file.waiver.expires_at:
        problem = f"expired at {file.waiver.expires_at.isoformat()}"
    elif person(key.name) in {person(one.by) for one in file.waiver.approvals}:
        problem = f"{key.name} has signed it already; somebody else has to sign too"
    else:
        problem = wrong_role(said.role, key)
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


def _write(path: Path, file: WaiverFile, own: Mapping[str, Tree]) -> None:
    """The file with one approval more, in its place when whole and when it reads back as meant."""
    before = file.tree["approvals"]
    wanted = dict(file.tree) | {"approvals": [*(before if isinstance(before, list) else ()), dict(own)]}
    text = json.dumps(wanted, indent=1, ensure_ascii=False) + "\n" if path.suffix.lower() == ".json" else _with_approvals(file, wanted)
    root, mistakes = yaml_reader.parse(text, str(path))
    if mistakes or yaml_reader.flatten(root)[0] != wanted:
        msg = f"{path}: does not read back as it was signed; it was left as it is"
        raise ToolError(msg)
    put_in_place(path, text)


def put_in_place(path: Path, text: str) -> None:
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


def _flow(one: Tree) -> str:
    items = one.items() if isinstance(one, dict) else ()
    return "{" + ", ".join(f"{name}: {quoted(value) if isinstance(value, str) else json.dumps(value)}" for name, value in items) + "}"
