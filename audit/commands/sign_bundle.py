"""`audit sign BUNDLE`: one person's sign-off, as envelopes in the bundle and an entry in the ledger."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from audit import files
from audit.bundle import reader
from audit.commands.sign import wrong_role
from audit.errors import InputError, ToolError
from audit.governance import keys, sign_off, signatures
from audit.governance.signed_file import person
from audit.ledger import times

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from pydantic import JsonValue

    from audit.commands.sign import Signing
    from audit.governance.sign_off import Release
    from audit.ledger import Entry, Ledger


@dataclass(frozen=True, slots=True)
class _Work:
    """One signature in the making."""

    folder: Path
    ledger: Ledger
    release: Release
    secret: Ed25519PrivateKey
    key: keys.PublicKey
    role: str

    @property
    def place(self) -> Path:
        """Of the envelope with our predicate."""
        return self.folder / sign_off.FOLDER / sign_off.file_name(self.role, self.key)

    @property
    def test_result(self) -> Path:
        """Of the envelope with in-toto's test result."""
        return self.place.with_name(sign_off.test_result_name(self.place.name))


def sign_bundle(folder: Path, signing: Signing, ledger: Ledger, now: datetime) -> list[str]:
    """Put a sign-off under a bundle; what was done in words. A signature that was killed before the ledger had it is completed."""
    with locked(folder):
        reader.refuse_changed(folder)
        release = reader.release(folder)
        entries = recorded(ledger, release)
        secret, key = keys.read_secret(signing.key, signing.ask)
        work = _Work(folder, ledger, release, secret, key, signing.role)
        _refuse_role(work)
        if work.place.exists():
            return _complete(work, entries, now)
        if (kept := next((one for one in _sign_offs(work, entries) if _is_own(work, one)), None)) is not None:
            return _restore(work, str(kept["envelope"]), now)
        _refuse_release(work, times.latest(now, entries))
        _refuse_second(work, entries, now)
        return [*_put(work, _own(work, now), now), *_still_missing(work)]


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One person at a time signs or reviews."""
    try:
        file = os.open(folder / reader.NAME, os.O_RDONLY)
    except OSError as error:
        msg = f"{folder}: no bundle that can be read ({error.strerror}): name the folder that `audit run` wrote"
        raise InputError(msg) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        os.close(file)


def recorded(ledger: Ledger, release: Release) -> tuple[Entry, ...]:
    """The ledger's entries; refused where they do not hold this very bundle's run. What a killed writer left undone is completed."""
    entries = ledger.verified()
    if ledger.exists() and ledger.changed_bytes() is not None:
        entries = ledger.settle(lambda _before: ())
    told = (json.loads(one.payload) for one in entries if one.kind == "run")
    if not any((one.get("run"), one.get("bundle_sha256")) == (release.run, release.bundle_sha256) for one in told):
        msg = f"{ledger.name}: does not hold run {release.run} with this bundle: name the folder of its ledger with -o, or AUDIT_LEDGER"
        raise InputError(msg)
    return entries


def _refuse_role(work: _Work) -> None:
    """A role that a bundle does not know, or that the key does not hold."""
    problem = wrong_role(work.role, work.key)
    if problem is None and work.role not in sign_off.ROLES:
        problem = f"--role {work.role}: a bundle is signed as {', '.join(sign_off.ROLES[:-1])} or {sign_off.ROLES[-1]}"
    problem = problem or sign_off.unfit_for(work.role, work.key, work.release.author)
    if problem is not None:
        msg = f"{work.folder}: {work.key.name}: {problem}"
        raise InputError(msg)


def _refuse_release(work: _Work, latest: datetime) -> None:
    """A decision that nobody can sign, or that is out of date."""
    facts, problem = work.release.facts, None
    if work.release.decision == "block":
        problem = "the decision is block, which nobody can sign: mend what blocks, and run the audit again"
    elif (overdue := sign_off.SignOff.model_validate_json(json.dumps({**facts, **_own(work, latest)})).overdue(latest.date())) is not None:
        problem = f"{overdue}: run the audit again"
    if problem is not None:
        msg = f"{work.folder}: {problem}"
        raise InputError(msg)


def _refuse_second(work: _Work, entries: tuple[Entry, ...], now: datetime) -> None:
    """A second signature of one person or one key, in whatever role."""
    signed = [(str(one["role"]), str(one["by"]), str(one["key_fingerprint"])) for one in _sign_offs(work, entries)]
    for path in work.folder.glob(f"{sign_off.FOLDER}/*{sign_off.SUFFIX}"):
        one = sign_off.read(path.read_bytes(), [work.key], times.latest(now))
        if isinstance(one, sign_off.Signed):
            signed.append((one.sign_off.role, one.sign_off.by, keys.fingerprint(one.key)))
    for role, by, fingerprint in signed:
        if person(by) == person(work.key.name) or fingerprint == keys.fingerprint(work.key):
            msg = f"{work.folder}: {by} has signed it as {role}; each role takes a person and a key of its own"
            raise InputError(msg)


def _sign_offs(work: _Work, entries: tuple[Entry, ...]) -> Iterator[dict[str, object]]:
    """Those of this bundle that the ledger holds."""
    told = (json.loads(one.payload) for one in entries if one.kind == sign_off.KIND)
    return (one for one in told if one.get("bundle_sha256") == work.release.bundle_sha256)


def _own(work: _Work, at: datetime) -> dict[str, JsonValue]:
    """The part of the predicate that is the signer's."""
    return {
        "by": work.key.name,
        "role": work.role,
        "line": work.key.line,
        "independent": work.role == sign_off.REVIEWER,
        "signed_at": at.astimezone(UTC).isoformat(timespec="seconds"),
        "reviews": [
            {"name": path.relative_to(work.folder).as_posix(), "digest": {"sha256": reader.file_digest(path)}}
            for path in reader.added(work.folder)
            if path.parent.name != sign_off.FOLDER
        ],
    }


def _put(work: _Work, own: dict[str, JsonValue], now: datetime) -> list[str]:
    """Both envelopes in their places, then the ledger's entry. Whatever is there already is written again as it was."""
    text = signatures.seal(work.secret, sign_off.statement(work.release, own)).text(work.key)
    _write(work, text)
    signed = sign_off.read(text, [work.key], times.latest(now))
    if isinstance(signed, str):
        msg = f"{work.place}: does not read back as it was signed: {signed}"
        raise InputError(msg)
    work.ledger.append(now.isoformat(timespec="seconds"), sign_off.KIND, sign_off.entry(signed, text))
    key = f"line {work.key.line}, key {keys.fingerprint(work.key)[:16]}"
    return [f"{work.folder}: signed by {work.key.name} as {work.role}, {key}, at {own['signed_at']}"]


def _write(work: _Work, text: str) -> None:
    """Both envelopes in their places; the test result follows from the release and the key."""
    test_result = signatures.seal(work.secret, sign_off.test_result(work.release)).text(work.key)
    try:
        work.place.parent.mkdir(exist_ok=True)
        for path, content in ((work.place, text), (work.test_result, test_result)):
            files.replace(path, content, by_way_of=work.folder.resolve().parent)
    except OSError as error:
        msg = f"{work.place}: cannot be written ({error.strerror})"
        raise InputError(msg) from error


def _complete(work: _Work, entries: tuple[Entry, ...], now: datetime) -> list[str]:
    """A signature of this key in this role is there: what a killed signer left undone is done, and no more."""
    text = work.place.read_text(encoding="utf-8", errors="replace")
    signed = sign_off.read(text, [work.key], times.latest(now))
    if isinstance(signed, str) or (signed.bundle_sha256, signed.candidate_sha256) != _subjects(work.release):
        why = signed if isinstance(signed, str) else "it is over another bundle"
        msg = f"{work.place}: does not verify ({why}): take the file away, and sign again"
        raise InputError(msg)
    known = {str(one["envelope_sha256"]) for one in _sign_offs(work, entries)}
    if work.test_result.exists() and hashlib.sha256(text.encode()).hexdigest() in known:
        msg = f"{work.folder}: {work.key.name} has signed it as {work.role} already"
        raise InputError(msg)
    own = _own(work, signed.sign_off.signed_at)
    own["reviews"] = list(signed.sign_off.reviews)
    if hashlib.sha256(text.encode()).hexdigest() in known:
        _write(work, text)
        return [f"{work.test_result}: written"]
    return [*_put(work, own, now), "the signature was there, and the ledger did not have it: it has it now", *_still_missing(work)]


def _is_own(work: _Work, kept: dict[str, object]) -> bool:
    return (kept.get("role"), kept.get("key_fingerprint")) == (work.role, keys.fingerprint(work.key))


def _restore(work: _Work, text: str, now: datetime) -> list[str]:
    """The ledger has the sign-off, and its file was lost: the envelope is written again as it was."""
    signed = sign_off.read(text, [work.key], times.latest(now))
    if isinstance(signed, str) or (signed.bundle_sha256, signed.candidate_sha256) != _subjects(work.release):
        msg = f"{work.ledger.name}: its sign-off of {work.key.name} as {work.role} does not verify: restore the ledger from a copy"
        raise ToolError(msg)
    _write(work, text)
    return [f"{work.place}: written again from the ledger, as {work.key.name} signed it at {signed.sign_off.signed_at.isoformat()}"]


def _subjects(release: Release) -> tuple[str, str]:
    return release.bundle_sha256, release.candidate_sha256


def _still_missing(work: _Work) -> Iterator[str]:
    """That the policy does not count this key, and which roles of the tier nobody has signed in yet, by the ledger alone."""
    trusted = {keys.read_key(path).public_key for path in sorted(work.folder.glob("waivers/keys/*.pub"))}
    if work.key.public_key not in trusted:
        yield "the policy does not name this key under trust.keys: `audit verify` may count it, `audit run` does not"
    signed = {str(one["role"]) for one in _sign_offs(work, work.ledger.verified())}
    if missing := [role for role in sign_off.roles(work.release.tier) if role not in signed]:
        yield f"still to sign: {', '.join(missing)}"
