"""`audit sign BUNDLE`: who may sign what, what is written, and that a killed signer leaves nothing half done."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import signal
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from audit.bundle import reader, verification
from audit.errors import InputError
from audit.governance import sign_off
from audit.governance.keys import read_keys
from audit.ledger import Ledger, times
from tests import running
from tests.command import audit
from tests.killing import in_a_child, killed_at, killed_when_called, steps
from tests.running import run
from tests.signing import OPEN, audited, policy, sign

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that nobody has signed."""
    return audited(tmp_path_factory.mktemp("ran"))


@pytest.fixture
def bundle(ran: Path, tmp_path: Path) -> Path:
    """A copy of it, with its ledger and keys."""
    return copied(ran, tmp_path / "copy")


def copied(bundle: Path, to: Path) -> Path:
    shutil.copytree(bundle.parent.parent, to)
    return to / "reports" / bundle.name


def payloads(bundle: Path, kind: str) -> list[dict[str, Any]]:
    return [json.loads(one.payload) for one in Ledger(bundle.parent / "ledger.sqlite").verified() if one.kind == kind]


def test_a_signature_stands_in_the_bundle_and_in_the_ledger(bundle: Path) -> None:
    listed = (bundle / "bundle.json").read_bytes()
    told = sign(bundle, "Olga Owner", "owner")
    assert re.fullmatch(r".*: signed by Olga Owner as owner, line 1, key [0-9a-f]{16}, at 20\S+", told[0])
    assert told[1:] == ["still to sign: independent-reviewer"]
    (entry,) = payloads(bundle, "sign-off")
    (place,) = bundle.glob("signatures/owner-*[0-9a-f].dsse.json")
    (run_entry,) = payloads(bundle, "run")
    assert place.name == f"owner-{entry['key_fingerprint'][:12]}.dsse.json"
    assert entry["envelope"] == place.read_text()
    assert entry["envelope_sha256"] == hashlib.sha256(place.read_bytes()).hexdigest()
    assert entry["bundle_sha256"] == run_entry["bundle_sha256"] == hashlib.sha256(listed).hexdigest()
    assert (entry["by"], entry["role"], entry["line"], entry["independent"]) == ("Olga Owner", "owner", 1, False)
    assert entry["decision"] == "promote-with-conditions"
    assert (bundle / "bundle.json").read_bytes() == listed
    reader.refuse_changed(bundle)
    assert sign(bundle, "Rita Reviewer", "independent-reviewer")[1:] == []
    assert len(list(bundle.glob("signatures/*.test-result.dsse.json"))) == 2


@pytest.mark.parametrize(
    ("name", "role", "why"),
    [
        ("Otto Other", "independent-reviewer", "Otto Other: the author of the candidate is no independent-reviewer"),
        ("Olga Owner", "independent-reviewer", "an independent-reviewer is of line 2, and the key is of line 1"),
        ("Olga Owner", "executive", "the key is for no such role: make one with `audit keygen --role executive`"),
        ("Eva Executive", "owner", "the key is for the role executive"),
        ("Rita Reviewer", "reviewer", "a bundle is signed as owner, independent-reviewer or executive"),
    ],
)
def test_a_role_that_a_key_does_not_hold_is_refused(bundle: Path, name: str, role: str, why: str) -> None:
    with pytest.raises(InputError, match=re.escape(why)):
        sign(bundle, name, role)
    assert not (bundle / "signatures").exists()
    assert payloads(bundle, "sign-off") == []


def test_nobody_signs_twice(bundle: Path) -> None:
    sign(bundle, "Rita Reviewer", "owner")
    for role, why in (
        ("owner", "has signed it as owner already"),
        ("independent-reviewer", "Rita Reviewer has signed it as owner; each role"),
    ):
        with pytest.raises(InputError, match=why):
            sign(bundle, "Rita Reviewer", role)
    assert len(payloads(bundle, "sign-off")) == 1


def test_a_lost_signature_is_written_again_from_the_ledger(bundle: Path) -> None:
    """As it was signed; the ledger gets no second entry."""
    sign(bundle, "Olga Owner", "owner")
    before = {path.name: path.read_bytes() for path in bundle.glob("signatures/*")}
    shutil.rmtree(bundle / "signatures")
    (told,) = sign(bundle, "Olga Owner", "owner")
    assert "written again from the ledger, as Olga Owner signed it at 20" in told
    assert {path.name: path.read_bytes() for path in bundle.glob("signatures/*")} == before
    assert len(payloads(bundle, "sign-off")) == 1


def test_a_key_that_the_policy_does_not_name_is_told(tmp_path: Path) -> None:
    """Its signature stands, and does not turn exit code 4 into 0."""
    told = sign(audited(tmp_path, policy(people=("Rita Reviewer",))), "Olga Owner", "owner")
    assert told[1] == "the policy does not name this key under trust.keys: `audit verify` may count it, `audit run` does not"
    assert told[2] == "still to sign: independent-reviewer"


def test_hostile_words_are_signed_as_they_stand(tmp_path: Path) -> None:
    """Whatever an owner is called, the signature covers it, 4 becomes 0, and nothing that is printed is a command."""
    hostile = "::error::x\n<script>alert(1)</script> ]]> | `x` =cmd() \x1b[2J \u202e"
    made = policy(system=policy()["system"] | {"owner": {"team": hostile, "contact": "support-ml@example.org"}})
    bundle = audited(tmp_path, made)
    sign(bundle, "Olga Owner", "owner")
    told = sign(bundle, "Rita Reviewer", "independent-reviewer")
    assert not [line for line in told if "\n" in line]
    done = audit("verify", str(bundle), "--key", "keys", cwd=tmp_path)
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, f"{bundle}: verified")
    assert run(tmp_path, made)[0].returncode == 0


def test_a_changed_bundle_is_not_signed(bundle: Path) -> None:
    (bundle / "report.html").write_text("promoted")
    with pytest.raises(InputError, match=r"report\.html: not as the run wrote it"):
        sign(bundle, "Olga Owner", "owner")


def test_a_bundle_that_the_ledger_does_not_hold_is_not_signed(bundle: Path) -> None:
    for path in bundle.parent.glob("ledger.sqlite*"):
        path.unlink()
    with pytest.raises(InputError, match=r"does not hold run .* with this bundle: name the folder of its ledger with -o, or AUDIT_LEDGER"):
        sign(bundle, "Olga Owner", "owner")


def test_what_is_out_of_date_is_not_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    bundle = audited(tmp_path, policy(valid_for="30d"))
    with pytest.raises(InputError, match="was valid until 2023-12-14: run the audit again"):
        sign(bundle, "Olga Owner", "owner")


def test_a_block_is_refused_on_the_command_line(tmp_path: Path) -> None:
    """Exit code 2, with the reason; so are a waiver's options, and a folder that is no bundle."""
    bundle = audited(tmp_path, policy(OPEN | {"severity": "high"}))
    options = ("--key", "keys/Olga Owner.key", "--role", "owner")
    done = audit("sign", str(bundle), *options, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "the decision is block, which nobody can sign" in done.stderr
    done = audit("sign", str(bundle), *options, "--independent", cwd=tmp_path)
    assert (done.returncode, "are for policies and waivers" in done.stderr) == (2, True)
    done = audit("sign", "keys", *options, cwd=tmp_path)
    assert (done.returncode, "keys: no bundle that can be read" in done.stderr) == (2, True)


def _signed(bundle: Path) -> None:
    sign(bundle, "Olga Owner", "owner")


def test_a_killed_signer_is_completed_by_the_next(bundle: Path, tmp_path: Path) -> None:
    """At whatever point: afterwards there is one entry, and both envelopes verify."""
    most = steps(partial(_signed, copied(bundle, tmp_path / "counted")))
    trusted = read_keys([bundle.parent.parent / "keys"])
    for step in range(most // 2, most, most // 40):
        once = copied(bundle, tmp_path / str(step))
        if in_a_child(killed_at(step, partial(_signed, once))) != -signal.SIGKILL:
            continue
        with suppress(InputError):  # it has signed already, where it was killed at the very end
            sign(once, "Olga Owner", "owner")
        assert len(payloads(once, "sign-off")) == 1
        found = verification.verify(once, trusted, Ledger(once.parent / "ledger.sqlite"), times.now())
        assert [one.text.split(":")[0] for one in found.checks if one.ok is False] == ["tier 2"], found.problems
        assert sum(one.name == "signature" and one.ok is True for one in found.checks) == 2


def test_a_signer_that_was_killed_before_the_ledger_had_it(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The envelopes are there, the entry is not: signing again writes it, and the very same envelopes."""
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "append", killed_when_called)
        assert in_a_child(partial(_signed, bundle)) == -signal.SIGKILL
    before = {path.name: path.read_bytes() for path in bundle.glob("signatures/*")}
    assert (len(before), payloads(bundle, "sign-off")) == (2, [])
    assert "the signature was there, and the ledger did not have it: it has it now" in sign(bundle, "Olga Owner", "owner")
    assert {path.name: path.read_bytes() for path in bundle.glob("signatures/*")} == before
    assert len(payloads(bundle, "sign-off")) == 1


def test_signed_conditions_turn_4_into_0(tmp_path: Path) -> None:
    """For the same candidate, conditions, policy and data alone; the decision stays, and so do the dates that were signed."""
    bundle = audited(tmp_path)
    first = json.loads((bundle / "results.json").read_text())
    assert (first["decision"], first["exit_code"]) == ("promote-with-conditions", 4)
    sign(bundle, "Olga Owner", "owner")
    assert run(tmp_path, policy())[0].returncode == 4
    sign(bundle, "Rita Reviewer", "independent-reviewer")
    done, again = run(tmp_path, policy())
    assert again is not None
    assert (done.returncode, again["exit_code"], again["decision"]) == (0, 0, "promote-with-conditions")
    (reason,) = (one for one in again["reasons"] if one["rule"] == "conditions-signed")
    assert "signed for this candidate by Olga Owner as owner and Rita Reviewer as independent-reviewer" in reason["text"]
    assert "conditions-signed" in (tmp_path / "reports" / again["run"]["id"] / "report.html").read_text()
    assert again["conditions"] == first["conditions"]
    for changed in (policy(OPEN | {"min": 0.96}, policy()["require"][0]), policy(people=("Olga Owner",)), policy(version=4)):
        assert run(tmp_path, changed)[0].returncode == 4


def test_a_forged_sign_off_in_the_ledger_counts_for_nothing(tmp_path: Path) -> None:
    """The envelope is verified, not the entry believed."""
    bundle = audited(tmp_path)
    sign(bundle, "Olga Owner", "owner")
    ledger = Ledger(bundle.parent / "ledger.sqlite")
    (owner,) = payloads(bundle, "sign-off")
    for said in ({"role": "independent-reviewer", "by": "Rita Reviewer", "line": 2}, {"role": "independent-reviewer", "envelope": "{}"}):
        ledger.append(times.now().isoformat(timespec="seconds"), "sign-off", owner | said)
    done, results = run(tmp_path, policy())
    assert results is not None
    assert (done.returncode, results["exit_code"]) == (4, 4)
    assert "sign-off-not-counted" in {one["rule"] for one in results["reasons"]}


def test_a_signer_killed_before_the_checksum_was_renewed_is_completed_too(bundle: Path) -> None:
    """The entry counts and both envelopes are there: signing again refuses a second signature, and leaves the ledger whole."""
    sign(bundle, "Olga Owner", "owner")
    checksum = bundle.parent / "ledger.sqlite.sha256"
    checksum.rename(checksum.with_name("ledger.sqlite.sha256.writing"))
    ledger = Ledger(bundle.parent / "ledger.sqlite")
    assert "a writer was killed" in str(ledger.changed_bytes())
    with pytest.raises(InputError, match="has signed it as owner already"):
        sign(bundle, "Olga Owner", "owner")
    assert ledger.changed_bytes() is None
    assert len(payloads(bundle, "sign-off")) == 1


def test_conditions_against_a_model_are_signed_for_that_model(tmp_path: Path) -> None:
    """A champion that was replaced since is another condition, though policy, data and candidate are the same."""
    compared = {"check": "performance/accuracy", "id": "better", "against": "champion", "margin": 0.05, "severity": "medium"}
    frame = running.table()
    frame.assign(old=frame["label"]).to_csv(tmp_path / "test.csv", index=False)
    made = policy(policy()["require"][0], compared, champion={"load": {"kind": "predictions"}, "columns": {"prediction": "old"}})
    bundle = audited(tmp_path, made)
    sign(bundle, "Olga Owner", "owner")
    sign(bundle, "Rita Reviewer", "independent-reviewer")
    assert run(tmp_path, made)[0].returncode == 0
    results = json.loads((bundle / "results.json").read_text())
    assert [one["finding"] for one in results["conditions"]] == ["better"]
    signed = payloads(bundle, "sign-off")[0]["conditions_sha256"]
    assert sign_off.conditions_sha256(results) == signed
    results["champion"]["sha256"] = "0" * 64
    assert sign_off.conditions_sha256(results) != signed
