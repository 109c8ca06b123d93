"""What can be verified of a bundle, offline: its bytes, signatures, quorum, dates, waivers, and its entry in the ledger.

Whatever cannot be read or checked is not verified. Nothing here trusts what the bundle says of itself before its bytes are known
to be those that the trusted keys signed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from audit.bundle import reader
from audit.canonical_text import canonical_json
from audit.errors import AuditError, InputError
from audit.formatting import moment
from audit.governance import keys as key_files
from audit.governance import review, sign_off, signatures, waiver_validity
from audit.governance.waiver_files import SUFFIXES, read_waiver
from audit.ledger import BUNDLED, ledger_path, times
from audit.ledger.chain import Address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from audit.governance.keys import PublicKey
    from audit.governance.review import Reviewed
    from audit.governance.sign_off import Release, Signed
    from audit.ledger import Entry, Ledger, Place


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was verified."""

    name: str
    """`bytes`, `signature`, `quorum`, `dates`, `waivers`, `review`, `ledger`."""
    ok: bool | None
    """None where it was not checked."""
    text: str

    @property
    def state(self) -> str:
        """As the command prints it."""
        return "not checked" if self.ok is None else "ok" if self.ok else "FAILED"


@dataclass(frozen=True, slots=True)
class Verification:
    """All that was verified of a bundle."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether everything that is required holds. Only the ledger may be left unchecked, where there is none."""
        return all(one.ok or (one.ok is None and one.name == "ledger") for one in self.checks)

    @property
    def problems(self) -> tuple[str, ...]:
        """What does not hold, in words."""
        return tuple(f"{one.name}: {one.text}" for one in self.checks if one.ok is False)


@dataclass(frozen=True, slots=True)
class _Bundle:
    """A bundle whose bytes are those that its run wrote, with what it is verified against."""

    folder: Path
    release: Release
    keys: Sequence[PublicKey]
    entries: Sequence[Entry] | None
    """Of the ledger, where its chain is whole."""
    latest: datetime


def verify(folder: Path, keys: Sequence[PublicKey], ledger: Ledger | None, now: datetime) -> Verification:
    """Verify a bundle against trusted keys, and against a ledger where there is one."""
    if not (folder / reader.NAME).is_file():
        msg = f"{folder}: no bundle: it has no {reader.NAME}; name the folder that `audit run` wrote"
        raise InputError(msg)
    chain, entries = _chain(ledger)
    try:
        bundle = _Bundle(folder, _unchanged(folder), keys, entries, times.latest(now, entries or ()))
    except (AuditError, OSError, ValueError, KeyError, TypeError) as error:
        rest = tuple(Check(name, None, "the bundle's bytes do not hold") for name in ("signature", "quorum", "dates"))
        return Verification((Check("bytes", False, str(error)), *rest, *chain))
    held = Check("bytes", True, f"{len(list(_files(folder)))} files are as run {bundle.release.run} wrote them")
    signed = tuple(_signatures(bundle))
    texts = [text for _, _, text in signed if text is not None]
    good = tuple(one for _, one, _ in signed if one is not None)
    return Verification(
        (
            held,
            *(check for check, _, _ in signed),
            _quorum(bundle, texts),
            *_dates(bundle),
            *_waivers(bundle),
            *_reviews(bundle, good),
            *chain,
            *_recorded(bundle),
        )
    )


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file())


def _unchanged(folder: Path) -> Release:
    """What a bundle says in which no bit is another: not of its files, and not of their list."""
    reader.refuse_changed(folder)
    text = (folder / reader.NAME).read_bytes()
    listed: Any = json.loads(text)["files"]
    if text != reader.list_text(listed).encode():
        msg = f"{folder / reader.NAME}: is not as the run wrote it"
        raise InputError(msg)
    if wrong := [one["name"] for one in listed if (folder / one["name"]).stat().st_size != one["size"]]:
        msg = f"{folder}: {', '.join(wrong)}: of another size than {reader.NAME} says"
        raise InputError(msg)
    release = reader.release(folder)
    policy: Any = release.facts["policy"]
    if reader.file_digest(folder / "policy.yaml") != policy["sha256"]:
        msg = f"{folder / 'policy.yaml'}: is not the policy that results.json names"
        raise InputError(msg)
    return release


def _signatures(bundle: _Bundle) -> Iterator[tuple[Check, Signed | None, str | None]]:
    """Each envelope: whether it verifies, the sign-off that it holds, and its text where it is of our predicate."""
    for path in _added(bundle, signatures=True):
        name = path.relative_to(bundle.folder).as_posix()
        raw = path.read_bytes()
        try:
            envelope = signatures.open_envelope(raw)
        except InputError as error:
            yield Check("signature", False, f"{name}: {error}"), None, None
            continue
        ours = sign_off.predicate_type(envelope) == sign_off.PREDICATE
        one = _sign_off(bundle, raw) if ours else _test_result(bundle, envelope)
        if not isinstance(one, str) and (raw, path.name) not in _as_written(envelope, one):
            one = "is not as `audit sign` writes it, or not in its place"
        text = raw.decode("utf-8", "replace") if ours else None
        if isinstance(one, str):
            yield Check("signature", False, f"{name}: {one}"), None, text
        elif isinstance(one, sign_off.Signed):
            key = f"line {one.key.line}, key {key_files.fingerprint(one.key)[:16]}"
            said = f"signed by {one.sign_off.words}, {key}, at {moment(one.sign_off.signed_at)}"
            yield Check("signature", True, f"{name}: {said}"), one, text
        else:
            yield Check("signature", True, f"{name}: test result, signed with the key of {key_files.describe_key(one)}"), None, None


def _as_written(envelope: signatures.Envelope, one: Signed | PublicKey) -> list[tuple[bytes, str]]:
    """Text and name that an envelope may have: of the test result in any role, since it names none."""
    if isinstance(one, sign_off.Signed):
        return [(envelope.text(one.key).encode(), sign_off.file_name(one.sign_off.role, one.key))]
    return [(envelope.text(one).encode(), sign_off.test_result_name(sign_off.file_name(role, one))) for role in sign_off.ROLES]


def _sign_off(bundle: _Bundle, raw: bytes) -> Signed | str:
    """The sign-off, where it is of this bundle and says of it what it holds."""
    one = sign_off.read(raw, bundle.keys, bundle.latest)
    if isinstance(one, str):
        return one
    if (one.bundle_sha256, one.candidate_sha256) != (bundle.release.bundle_sha256, bundle.release.candidate_sha256):
        return f"{one.sign_off.words}: signed another bundle"
    said = json.loads(one.sign_off.model_dump_json())
    wrong = sorted(key for key, value in bundle.release.facts.items() if said[key] != json.loads(canonical_json(value)))
    return f"{one.sign_off.words}: says otherwise than the bundle: {', '.join(wrong)}" if wrong else one


def _test_result(bundle: _Bundle, envelope: signatures.Envelope) -> PublicKey | str:
    expected = canonical_json(sign_off.test_result(bundle.release)).encode()
    if envelope.payload != expected:
        return "is no test result of this bundle"
    key = next((one for one in bundle.keys if signatures.verified(one, envelope.signature, envelope.signed)), None)
    return "verifies under no key that is trusted" if key is None else key


def _quorum(bundle: _Bundle, texts: Sequence[str]) -> Check:
    found = sign_off.quorum(bundle.release, texts, bundle.keys, bundle.latest)
    tier = f"tier {bundle.release.tier}"
    if bundle.release.decision == "block":
        return Check("quorum", False, "the decision is block, which nobody can sign")
    if not found.met:
        return Check("quorum", False, f"{tier}: {'; '.join((*found.missing, *found.problems))}")
    return Check("quorum", True, f"{tier}: {' and '.join(one.sign_off.words for one in found.signers)}")


def _dates(bundle: _Bundle) -> Iterator[Check]:
    """Nothing has expired: the decision, what is owed, the waivers."""
    today, facts = bundle.latest.date().isoformat(), bundle.release.facts
    conditions, valid_until = cast("list[dict[str, str]]", facts["conditions"]), facts["valid_until"]
    late = [f"condition {one['finding']} was due on {one['due']}" for one in conditions if one["due"] < today]
    if valid_until is not None and str(valid_until) < today:
        late.insert(0, f"the decision was valid until {valid_until}")
    ends = bundle.release.waivers.items()
    late += [f"waiver {name} ended at {until}" for name, until in ends if datetime.fromisoformat(until) <= bundle.latest]
    until = "without end" if valid_until is None else f"until {valid_until}"
    yield Check("dates", not late, "; ".join(late) or f"valid {until}")


def _waivers(bundle: _Bundle) -> Iterator[Check]:
    """The signatures under each waiver in force, by the keys that the policy trusted, which lie in the bundle."""
    in_force = set(bundle.release.waivers)
    if not in_force:
        return
    place = bundle.folder / "waivers"
    trusted = [key_files.read_key(path) for path in sorted((place / "keys").glob("*.pub"))]
    found = set()
    for path in sorted(path for path in place.iterdir() if path.suffix.lower() in SUFFIXES):
        file = read_waiver(path)
        if file.waiver.id not in in_force:
            continue
        found.add(file.waiver.id)
        approvals = waiver_validity.approvals(file, trusted, bundle.latest)
        by = " and ".join(f"{one.by} ({one.role})" for one, _ in approvals.good)
        problems = "; ".join(approvals.problems)
        yield Check("waivers", not problems, f"{file.waiver.id}: {problems or f'approved by {by}, whose keys the policy names'}")
    for lost in sorted(in_force - found):
        yield Check("waivers", False, f"{lost}: was in force, and its file is not in the bundle")


def _reviews(bundle: _Bundle, signed: Sequence[Signed]) -> Iterator[Check]:
    """Reviews that were added after the run: each verifies, is of this bundle, and is covered by a signature or by the ledger."""
    covered = {str(one["name"]): _sha256_of(one) for sign in signed for one in sign.sign_off.reviews}
    recorded = {json.loads(one.payload).get("envelope_sha256") for one in bundle.entries or () if one.kind == review.KIND}
    there = {path.relative_to(bundle.folder).as_posix(): path for path in _added(bundle, signatures=False)}
    for name, path in there.items():
        sha256, said = reader.file_digest(path), _review(bundle, path)
        by = "a signature" if covered.get(name) == sha256 else "the ledger" if sha256 in recorded else None
        changed = "it was changed after it was signed" if name in covered else "no signature and no entry of a ledger covers it"
        if isinstance(said, str):
            yield Check("review", False, f"{name}: {said}")
        else:
            words = f"{said.review.by} {review.agreement(said.review.judgements).words}"
            yield Check("review", by is not None, f"{name}: covered by {by}: {words}" if by else f"{name}: {changed}")
    for name in sorted(covered.keys() - there.keys()):
        yield Check("review", False, f"{name}: was there when the bundle was signed, and is gone")


def _review(bundle: _Bundle, path: Path) -> Reviewed | str:
    """The review that a file holds, or why it does not count."""
    found = review.read(path.read_bytes(), bundle.keys, bundle.latest)
    if isinstance(found, str):
        return found
    if path.name != review.file_name(found.key):
        return f"is the review of {found.review.by}, whose file is called {review.file_name(found.key)}"
    return review.at_odds(found, bundle.release, bundle.release.statuses) or found


def _added(bundle: _Bundle, *, signatures: bool) -> list[Path]:
    """Files that were added after the run: signatures, or else reviews."""
    return [path for path in reader.added(bundle.folder) if (path.parent.name == sign_off.FOLDER) is signatures]


def _sha256_of(descriptor: Mapping[str, Any]) -> str:
    return str(descriptor["digest"]["sha256"])


def _chain(ledger: Ledger | None) -> tuple[tuple[Check, ...], tuple[Entry, ...] | None]:
    """The ledger itself: every link, and every byte of its file."""
    if ledger is not None and not ledger.exists() and ledger.has_checksum:
        return (Check("ledger", False, f"{ledger.name}: is gone, and its checksum or lock is still there: restore it from a copy"),), None
    if ledger is None or not ledger.exists():
        return (Check("ledger", None, "there is none beside the bundle: name it with --ledger, or AUDIT_LEDGER"),), None
    try:
        entries = ledger.verified_whole()
        changed = ledger.changed_bytes()
    except (AuditError, OSError) as error:
        return (Check("ledger", False, str(error)),), None
    whole = Check("ledger", True, f"{ledger.name}: {len(entries)} entries, each linked to the one before")
    if changed is None:
        return (whole,), entries
    return (whole, Check("ledger", False if ledger.has_checksum else None, changed)), entries


def _recorded(bundle: _Bundle) -> Iterator[Check]:
    """That the ledger holds this run with this bundle, and the very signatures that lie in it."""
    if bundle.entries is None:
        return
    release, told = bundle.release, [(one.kind, json.loads(one.payload)) for one in bundle.entries]
    runs = [one for kind, one in told if kind in BUNDLED and one.get("run") == release.run]
    same = any(one.get("bundle_sha256") == release.bundle_sha256 for one in runs)
    wrong = "is recorded with another bundle" if runs else "is not recorded"
    yield Check("ledger", same, f"run {release.run} is recorded with this bundle" if same else f"run {release.run} {wrong}")
    signed = {
        one["envelope_sha256"]: one for kind, one in told if kind == sign_off.KIND and one.get("bundle_sha256") == release.bundle_sha256
    }
    there = {reader.file_digest(path): path.name for path in _added(bundle, signatures=True) if ".test-result." not in path.name}
    for sha256 in there.keys() - signed.keys():
        yield Check("ledger", False, f"{there[sha256]}: its sign-off is not recorded")
    for sha256 in signed.keys() - there.keys():
        one = signed[sha256]
        yield Check("ledger", False, f"the sign-off of {one['by']} as {one['role']} is recorded, and its file is not in the bundle")
    reviews = {reader.file_digest(path) for path in _added(bundle, signatures=False)}
    for kind, one in told:
        if kind == review.KIND and one.get("bundle_sha256") == release.bundle_sha256 and one["envelope_sha256"] not in reviews:
            yield Check("ledger", False, f"the review of {one['by']} is recorded, and its file is not in the bundle")


def found_ledger(folder: Path, named: str | None) -> Place:
    """Where a bundle's ledger lies: as named, by `AUDIT_LEDGER`, else beside the bundle."""
    if named is None:
        return ledger_path(folder.resolve().parent)
    return Address(named) if "://" in named else Path(named)
