"""`audit verify`: every flipped bit is found, and whatever cannot be checked is not verified."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from audit.bundle import reader
from audit.bundle.verification import verify
from audit.errors import InputError
from audit.governance import sign_off
from audit.governance.keys import read_keys
from audit.governance.signatures import PAYLOAD_TYPE
from audit.ledger import Ledger, times
from audit.record import storage
from tests.command import audit
from tests.signing import audited, signed

if TYPE_CHECKING:
    from pathlib import Path

    from audit.bundle.verification import Verification


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that its quorum has signed."""
    return signed(tmp_path_factory.mktemp("signed"))


@pytest.fixture
def bundle(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made.parent.parent, tmp_path / "copy")
    return tmp_path / "copy" / "reports" / made.name


def verified(bundle: Path, *people: str, ledger: bool = True, days: int = 0) -> Verification:
    keys = [bundle.parent.parent / "keys" / (f"{name}.pub" if name else "") for name in people or ("",)]
    kept = Ledger(bundle.parent / "ledger.sqlite") if ledger else None
    return verify(bundle, read_keys(keys), kept, times.now() + timedelta(days=days))


def failed(found: Verification) -> set[str]:
    assert found.ok == (not found.problems)
    return {one.name for one in found.checks if one.ok is False}


def test_a_signed_bundle_verifies(bundle: Path) -> None:
    found = verified(bundle)
    assert (found.ok, found.problems) == (True, ())
    assert [one.name for one in found.checks] == ["bytes", *["signature"] * 4, "quorum", "dates", "ledger", "ledger"]
    without = verified(bundle, ledger=False)
    assert (without.ok, [one.state for one in without.checks if one.name == "ledger"]) == (True, ["not checked"])


def flip(whole: bytes, bit: int) -> bytes:
    raw = bytearray(whole)
    raw[bit // 8] ^= 1 << bit % 8
    return bytes(raw)


def test_every_flipped_bit_is_found(bundle: Path) -> None:
    """In every file of the bundle, signatures too, and in every file of the ledger, at random offsets."""
    rng = random.Random(20261201)  # noqa: S311  # offsets of a test
    files = [path for path in bundle.rglob("*") if path.is_file()]
    files += [path for path in bundle.parent.glob("ledger.sqlite*") if path.stat().st_size]
    assert {path.name for path in files} >= {"bundle.json", "record.json", "report.html", "ledger.sqlite", "ledger.sqlite.sha256"}
    missed = []
    for path in files:
        whole = path.read_bytes()
        for bit in {0, 7, 8 * len(whole) - 1} | {rng.randrange(8 * len(whole)) for _ in range(12)}:
            path.write_bytes(flip(whole, bit))
            if verified(bundle).ok:
                missed.append((path.name, bit))
        path.write_bytes(whole)
    assert missed == []
    assert verified(bundle).ok


@pytest.mark.parametrize("which", ["", ".test-result"])
def test_every_bit_of_an_envelope_counts_without_a_ledger_too(bundle: Path, which: str) -> None:
    (path,) = (one for one in bundle.glob(f"signatures/owner-*{which}.dsse.json") if which or ".test-result" not in one.name)
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 61):
        path.write_bytes(flip(whole, bit))
        assert not verified(bundle, ledger=False).ok, bit


def test_a_bundle_says_of_itself_what_its_record_says(bundle: Path) -> None:
    """What is verified comes from the files whose form stays; the record, which only its own release reads, says the same."""
    release, audit = reader.release(bundle), reader.audit_run(bundle, tables=False)
    assert (release.run, release.tier, release.author) == (audit.run.id, audit.policy.tier, audit.policy.system.author)
    assert (release.decision, release.facts["valid_until"]) == (audit.verdict.decision, audit.valid_until)
    for outcome, ids in (("passed", release.passed), ("warned", release.warned), ("failed", release.failed)):
        assert ids == tuple(one.id for one in audit.findings if sign_off.outcome(one) == outcome)


def test_a_record_of_another_release_is_verified_all_the_same(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signature is verified for longer than a record is read."""
    monkeypatch.setattr(storage, "SCHEMA", "audit.record/99")
    with pytest.raises(InputError, match=r"this release reads audit\.record/99"):
        reader.audit_run(bundle)
    assert verified(bundle).ok


def test_files_that_are_lost_or_added_are_found(bundle: Path) -> None:
    (bundle / "signatures" / "note.txt").write_text("trust me")
    assert failed(verified(bundle)) == {"bytes"}
    (bundle / "signatures" / "note.txt").unlink()
    (bundle / "evidence" / "estimates.json").unlink()
    assert failed(verified(bundle)) == {"bytes"}


def test_a_lost_signature_is_missed_by_quorum_and_ledger(bundle: Path) -> None:
    for path in bundle.glob("signatures/owner-*"):
        path.unlink()
    found = verified(bundle)
    assert failed(found) == {"quorum", "ledger"}
    assert "owner: nobody has signed" in " ".join(found.problems)
    assert "the sign-off of Olga Owner as owner is recorded, and its file is not in the bundle" in " ".join(found.problems)


def test_a_review_that_nothing_covers_is_found(bundle: Path) -> None:
    (bundle / "reviews").mkdir()
    (bundle / "reviews" / "rita.review.json").write_text("{}")
    found = verified(bundle)
    assert failed(found) == {"review"}
    assert "rita.review.json: is no DSSE envelope with one signature" in found.problems[0]


def test_keys_that_are_not_trusted_verify_nothing(bundle: Path) -> None:
    found = verified(bundle, "Olga Owner")
    assert failed(found) == {"signature", "quorum"}
    assert "no key that counts has that name: Olga Owner" in " ".join(found.problems)


def test_what_is_out_of_date_is_not_verified(bundle: Path) -> None:
    """The condition of medium severity is due after 180 days."""
    assert verified(bundle, days=179).ok
    found = verified(bundle, days=181)
    assert failed(found) == {"dates"}
    assert "the decision was valid until" in found.problems[0]
    assert "condition strict was due on" in found.problems[0]


def test_another_ledger_does_not_hold_the_run(bundle: Path) -> None:
    other = Ledger(bundle.parent / "other.sqlite")
    other.append(datetime.now(UTC).isoformat(), "run", {"run": "another"})
    found = verify(bundle, read_keys([bundle.parent.parent / "keys"]), other, times.now())
    assert failed(found) == {"ledger"}
    assert f"run {bundle.name} is not recorded" in " ".join(found.problems)


def test_an_unsigned_bundle_lacks_its_quorum(tmp_path: Path) -> None:
    found = verified(audited(tmp_path))
    assert failed(found) == {"quorum"}
    assert "owner: nobody has signed; independent-reviewer: nobody has signed" in found.problems[0]


def test_a_checksum_that_is_not_there_is_not_checked(bundle: Path) -> None:
    """Where the lock tells that a writer left one, its loss is found."""
    (bundle.parent / "ledger.sqlite.sha256").unlink()
    assert failed(verified(bundle)) == {"ledger"}
    (bundle.parent / "ledger.sqlite.lock").unlink()
    found = verified(bundle)
    assert [one.state for one in found.checks if "cannot be checked" in one.text] == ["not checked"]


def test_a_ledger_that_is_gone_is_found_by_what_it_left(bundle: Path) -> None:
    (bundle.parent / "ledger.sqlite").unlink()
    assert failed(verified(bundle)) == {"ledger"}
    for path in bundle.parent.glob("ledger.sqlite.*"):
        path.unlink()
    assert verified(bundle).ok
    (bundle.parent / "ledger.sqlite").symlink_to(bundle.parent / "nowhere.sqlite")
    assert failed(verified(bundle)) == {"ledger"}


@pytest.mark.parametrize("name", ["results.json", "bundle.json", "signatures/owner-*[0-9a-f].dsse.json", "evidence", "signatures"])
def test_a_link_is_not_the_file_that_it_leads_to(bundle: Path, name: str) -> None:
    """Whoever owns the file at its end can change it after the verification."""
    (path,) = bundle.glob(name)
    elsewhere = bundle.parent / "elsewhere"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    assert failed(verified(bundle)) == {"bytes"}


def test_an_envelope_counts_in_its_own_place(bundle: Path) -> None:
    """Not under the name of another role or key, not as a copy, not as the test result, not in a folder below."""
    (owner,) = bundle.glob("signatures/owner-*[0-9a-f].dsse.json")
    (reviewer,) = bundle.glob("signatures/independent-reviewer-*[0-9a-f].dsse.json")
    for other in (reviewer.name, "copy.dsse.json", owner.name.replace(".dsse", ".test-result.dsse"), owner.name.upper()):
        before = {path: path.read_bytes() for path in (owner, owner.with_name(other)) if path.exists()}
        shutil.copy(owner, owner.with_name(other))
        assert not verified(bundle, ledger=False).ok, other
        owner.with_name(other).unlink()
        for path, whole in before.items():
            path.write_bytes(whole)
    assert verified(bundle).ok
    (owner.parent / "signatures").mkdir()
    shutil.copy(owner, owner.parent / "signatures")
    assert failed(verified(bundle)) == {"bytes"}


@pytest.mark.parametrize(
    "text", ["[" * 100_000, json.dumps({"payload": "W1tb" * 50_000, "payloadType": PAYLOAD_TYPE, "signatures": [{"sig": ""}]})]
)
def test_an_envelope_nested_beyond_reading_is_refused_like_any_other(bundle: Path, text: str) -> None:
    (owner,) = bundle.glob("signatures/owner-*[0-9a-f].dsse.json")
    owner.write_text(text)
    assert failed(verified(bundle, ledger=False)) == {"signature", "quorum"}


def test_nothing_unchecked_but_the_ledger_counts_as_verified(bundle: Path) -> None:
    found = verified(bundle)
    assert not replace(found, checks=(replace(found.checks[0], ok=None), *found.checks[1:])).ok


def test_the_command(bundle: Path) -> None:
    """0 and a line a check; 1 and what failed; 2 for what is no bundle or no key."""
    folder, name = bundle.parent.parent, f"reports/{bundle.name}"
    done = audit("verify", name, "--key", "keys", cwd=folder)
    lines = done.stdout.splitlines()
    assert (done.returncode, lines[-1]) == (0, f"{name}: verified")
    assert all(line.startswith("ok           ") for line in lines[:-1])
    done = audit("verify", name, "--key", "keys", "--format", "json", cwd=folder)
    told = json.loads(done.stdout)
    assert (done.returncode, told["schema"], told["verified"]) == (0, "audit.verification/1", True)
    assert {one["state"] for one in told["checks"]} == {"ok"}
    done = audit("verify", name, "--key", "keys/Olga Owner.pub", cwd=folder, AUDIT_LEDGER="nowhere.sqlite")
    assert (done.returncode, done.stdout.splitlines()[-1]) == (1, f"{name}: NOT VERIFIED")
    assert "not checked  ledger" in done.stdout
    for wrong in (
        ("keys", "--key", "keys"),
        (name, "--key", "reports"),
        (name, "--key", "none.pub"),
        (name, "--key", "keys", "--format", "x"),
        (name, "--key", "keys", "--ledger", "nowhere.sqlite"),
    ):
        done = audit("verify", *wrong, cwd=folder)
        assert (done.returncode, done.stdout, "Traceback" in done.stderr) == (2, "", False)
