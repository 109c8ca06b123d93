"""What the commands on waivers do, and the lines that they print."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

from audit import catalog, clock
from audit.commands import draft_waiver, sign_waiver
from audit.decision.finding import bounds
from audit.formatting import moment, neutral
from audit.governance import keys
from audit.governance.apply_waivers import preview
from audit.governance.waiver_files import read_folder, read_waiver
from audit.governance.waiver_validity import situation, unwritten
from audit.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from audit.governance.apply_waivers import WaiverState
    from audit.governance.signed_file import Line
    from audit.policy import LoadedPolicy

_WORDS = {"in_force": "in force", "void": "void", "unused": "unused"}


def keygen(name: str, line: int, role: str | None, folder: Path) -> list[str]:
    """Make a pair of keys and say what to do with each."""
    secret, public = keys.keygen(name, cast("Line", line), role, folder)
    key = keys.fingerprint(keys.read_key(public))[:16]
    told = [f"{secret}: the private key. Keep it to yourself: it is not protected by a password", f"{public}: the public key {key}"]
    return [neutral(one) for one in (*told, "name the public key's file in a policy, under trust.keys, for its signatures to count")]


def waive(bundle: Path, finding: str, folder: Path) -> list[str]:
    """Write a draft and say what is left to do."""
    path = draft_waiver.draft(bundle, finding, folder, clock.now())
    left = ", ".join(unwritten(read_waiver(path)))
    told = (f"{path}: written, and void until it is signed", f"first write: {left}", f"then: audit sign {path} --key NAME.key --role ROLE")
    return [neutral(one) for one in told]


def sign(path: Path, said: sign_waiver.Signing) -> list[str]:
    """Sign and say who did."""
    return [neutral(sign_waiver.sign(path, said, clock.now()))]


def checked(path: Path) -> list[str]:
    """A waiver by itself; whether its signatures count is a policy's to say."""
    file = read_waiver(path)
    waiver, count = file.waiver, len(file.waiver.approvals)
    told = [f"{path}: {waiver.id} can be read: for {waiver.check} of {waiver.scope.model} until {moment(waiver.expires_at)}"]
    told += [f"{path}: not filled in: {', '.join(missing)}"] if (missing := unwritten(file)) else []
    told.append(f"{path}: signatures: {count}; which of them count depends on the keys of a policy: audit validate POLICY")
    return [neutral(one) for one in told]


def of_policy(loaded: LoadedPolicy, ledger: Path) -> list[str]:
    """The state of every waiver of a policy, as far as it is known before anything is measured. PolicyError if one cannot be read."""
    folder = read_folder(loaded)
    entries = Ledger(ledger).verified() if folder.waivers else ()
    known = catalog.discover()
    required = [(one, bounds(one, known[one.check].better)) for one in loaded.policy.require]
    return [neutral(one) for one in lines(preview(required, situation(loaded, folder, None, clock.now(), entries=entries)))]


def lines(states: Iterable[WaiverState]) -> Iterable[str]:
    """One line a waiver: whether it is in force, and why not."""
    for one in states:
        more = "; ".join(one.why) or f"until {moment(datetime.fromisoformat(one.until))}, approved by {' and '.join(one.approved_by)}"
        yield f"{one.file}: {one.id} for {one.check}: {_WORDS[one.standing]}: {more}" + (f"; {one.warning}" if one.warning else "")
