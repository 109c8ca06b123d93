"""Sign-offs: envelopes that other tools verify, the quorum of each tier, and what does not count."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.signer._key import SSlibKey

from audit.errors import InputError
from audit.governance import sign_off, signatures
from audit.governance.keys import PublicKey, fingerprint, keygen, read_key, read_secret
from audit.governance.signed_file import person
from tests.waiving import NOW, Someone

if TYPE_CHECKING:
    from pathlib import Path

OLGA = Someone("Olga Owner", 1, "owner")
RITA = Someone("Rita Reviewer", 2, "independent-reviewer")
EVA = Someone("Eva Executive", 1, "executive", bound=True)
OTTO = Someone("Otto Author", 2, "independent-reviewer")
TRUSTED = tuple(one.trusted.key for one in (OLGA, RITA, EVA, OTTO))
SHA = "ab" * 32


def release(*, tier: int = 2, **changed: Any) -> sign_off.Release:
    facts = {
        "run": "20261121-1",
        "policy": {"name": "small", "version": 3, "sha256": "cd" * 32},
        "datasets": {"test": "ef" * 32},
        "decision": "promote-with-conditions",
        "conditions": [{"finding": "strict", "owner": "desk", "due": "2027-01-15", "closes_with": "a new audit"}],
        "conditions_sha256": "12" * 32,
        "reasons": [{"rule": "medium-fail", "finding": "strict", "text": "missed"}],
        "valid_until": "2027-01-15",
        "results": {"name": "results.json", "digest": {"sha256": "34" * 32}},
    }
    return sign_off.Release("20261121-1", SHA, "56" * 32, tier, "Otto Author", facts | changed, ("a",), ("strict",), ())


def envelope(one: Someone, of: sign_off.Release | None = None, **said: Any) -> str:
    own: dict[str, Any] = {
        "by": one.name,
        "role": one.role,
        "line": one.line,
        "independent": one.role == "independent-reviewer",
        "signed_at": NOW.isoformat(),
        "reviews": [],
    }
    return signatures.seal(one.secret, sign_off.statement(of or release(), own | said)).text(one.trusted.key)


def test_the_encoding_is_that_of_dsse() -> None:
    """The test vector of the specification."""
    assert signatures.pae("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"


def test_another_library_verifies_the_envelope() -> None:
    """securesystemslib, which in-toto and TUF use."""
    key = OLGA.trusted.key
    read = Envelope.from_dict(json.loads(envelope(OLGA)))
    theirs = SSlibKey(fingerprint(key), "ed25519", "ed25519", {"public": base64.b64decode(key.public_key).hex()})
    assert list(read.verify([theirs], 1)) == [fingerprint(key)]
    statement = json.loads(read.payload)
    assert (statement["_type"], statement["predicateType"]) == ("https://in-toto.io/Statement/v1", sign_off.PREDICATE)
    assert statement["subject"][0] == {"name": "bundle.json", "digest": {"sha256": SHA}}


@pytest.mark.parametrize(("decision", "result"), [("promote", "PASSED"), ("promote-with-conditions", "WARNED"), ("block", "FAILED")])
def test_the_decision_as_in_totos_test_result(decision: str, result: str) -> None:
    statement: Any = sign_off.test_result(release(decision=decision))
    assert statement["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    assert statement["predicate"] == {
        "result": result,
        "configuration": [{"name": "policy.yaml", "digest": {"sha256": "cd" * 32}}],
        "passedTests": ["a"],
        "warnedTests": ["strict"],
        "failedTests": [],
    }


def test_both_alphabets_of_base64_are_read_and_the_key_id_decides_nothing() -> None:
    tree = json.loads(envelope(OLGA))
    for name in ("payload",):
        tree[name] = tree[name].replace("+", "-").replace("/", "_").rstrip("=")
    (only,) = tree["signatures"]
    only["sig"], only["keyid"] = only["sig"].replace("+", "-").replace("/", "_"), "somebody else's"
    found = sign_off.read(json.dumps(tree), TRUSTED, NOW)
    assert isinstance(found, sign_off.Signed)
    assert found.key == OLGA.trusted.key


@pytest.mark.parametrize(
    ("tier", "people", "missing"),
    [
        (3, (OLGA,), ()),
        (3, (RITA,), ("owner",)),
        (2, (OLGA, RITA), ()),
        (2, (OLGA,), ("independent-reviewer",)),
        (2, (OLGA, OTTO), ("independent-reviewer",)),
        (2, (), ("owner", "independent-reviewer")),
        (1, (OLGA, RITA), ("executive",)),
        (1, (OLGA, RITA, EVA), ()),
    ],
)
def test_the_quorum_of_each_tier(tier: int, people: tuple[Someone, ...], missing: tuple[str, ...]) -> None:
    """The author's signature as independent reviewer does not count."""
    of = release(tier=tier)
    found = sign_off.quorum(of, [envelope(one, of) for one in people], TRUSTED, NOW)
    assert tuple(one.split(":")[0] for one in found.missing) == missing
    assert found.met == (not missing)


def test_one_person_fills_one_role() -> None:
    """Also with two keys, and in whatever case the name is written; two people with one key are one."""
    other = Someone("olga owner", 2, "independent-reviewer")
    found = sign_off.quorum(release(), [envelope(OLGA), envelope(other)], [*TRUSTED, other.trusted.key], NOW)
    assert not found.met
    assert "each role takes a person and a key of its own" in found.missing[0]
    twin = PublicKey.model_validate(OLGA.trusted.key.model_dump() | {"name": "Tom Twin", "line": 2})
    text = signatures.seal(OLGA.secret, json.loads(_payload(envelope(Someone("Tom Twin", 2, "independent-reviewer"))))).text(twin)
    assert not sign_off.quorum(release(), [envelope(OLGA), text], [*TRUSTED, twin], NOW).met


def _payload(text: str) -> bytes:
    return signatures.open_envelope(text).payload


def test_of_all_ways_to_fill_the_roles_one_that_fills_most() -> None:
    """Olga signed as owner and as reviewer: with Rita as reviewer she is the owner."""
    olga = Someone("Olga Owner", 2, "owner")
    keys = [olga.trusted.key, RITA.trusted.key]
    texts = [envelope(Someone("Olga Owner", 2, "independent-reviewer")), envelope(olga), envelope(RITA)]
    found = sign_off.quorum(release(), texts, keys, NOW)
    assert found.met
    assert {(one.sign_off.by, one.sign_off.role) for one in found.signers} == {
        ("Olga Owner", "owner"),
        ("Rita Reviewer", "independent-reviewer"),
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (envelope(OLGA, release(), line=2), "signs for line 2, and the trusted key is of line 1"),
        (envelope(Someone("Eva Executive", 1, "owner")), "signs as owner, and the trusted key is for executive"),
        (envelope(Someone("Sam Stranger", 1, "owner")), "no key that counts has that name"),
        (envelope(OLGA, signed_at=(NOW + timedelta(days=1)).isoformat()), "which is in the future"),
        (envelope(OLGA).replace('"payload":"ey', '"payload":"fy'), "is no in-toto statement"),
        ("{}", "is no DSSE envelope"),
        ("\ud800", "is no DSSE envelope"),
        ('{"payload": "", "payloadType": "", "signatures": []}', "is no DSSE envelope with one signature"),
    ],
)
def test_what_does_not_count(text: str, why: str) -> None:
    found = sign_off.read(text, TRUSTED, NOW)
    assert isinstance(found, str)
    assert why in found


def test_a_signature_of_another_bundle_does_not_count() -> None:
    other = sign_off.Release("20261121-1", "99" * 32, "56" * 32, 3, None, release().facts)
    found = sign_off.quorum(other, [envelope(OLGA)], TRUSTED, NOW)
    assert (found.met, found.problems) == (False, ("Olga Owner as owner: signed another bundle",))


def test_a_sign_off_ends_with_its_first_condition() -> None:
    found = sign_off.read(envelope(OLGA), TRUSTED, NOW)
    assert isinstance(found, sign_off.Signed)
    assert found.sign_off.overdue(datetime(2027, 1, 15, tzinfo=UTC).date()) is None
    assert found.sign_off.overdue(datetime(2027, 1, 16, tzinfo=UTC).date()) == "was valid until 2027-01-15"


def test_a_key_with_a_passphrase(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the environment, else from whoever is asked; never a key that can be read without."""
    secret, public = keygen("Ann Example", 1, None, tmp_path, passphrase="long and secret")  # noqa: S106  # a test's
    assert secret.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    with pytest.raises(InputError, match="has a passphrase: sign on a terminal, which asks for it, or set AUDIT_KEY_PASSPHRASE"):
        read_secret(secret)
    with pytest.raises(InputError, match="the passphrase is wrong"):
        read_secret(secret, lambda _: "wrong")
    assert read_secret(secret, lambda _: "long and secret")[1] == read_key(public)
    monkeypatch.setenv("AUDIT_KEY_PASSPHRASE", "long and secret")
    assert read_secret(secret)[1] == read_key(public)


def test_a_public_key_may_be_a_pem(tmp_path: Path) -> None:
    """As openssl writes it, with the person's facts beside it; the fingerprint is the same."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = OLGA.secret.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    indented = "".join(f"  {line}\n" for line in pem.splitlines())
    path = tmp_path / "olga.pub"
    path.write_text(f"name: Olga Owner\nline: 1\npublic_key: |\n{indented}")
    assert read_key(path) == OLGA.trusted.key
    path.write_text(path.read_text().replace("MCowBQ", "MCowBR"))
    with pytest.raises(InputError, match="is not 32 bytes in base64"):
        read_key(path)


@pytest.mark.parametrize(
    "written",
    [
        "Otto Other",
        " OTTO\u00a0 other",
        "Ott\u043e Other",  # a Cyrillic o
        "\u039ftt\u03bf Other",  # Greek ones
        "Otto\u200b Other",  # letters that nobody sees
        "Ot\u034fto\ufe0f Other",
        "Otto\u2010Other",
        "0tto Other",
        "\uff2ftto Other",
    ],
)
def test_an_author_in_another_spelling_is_the_same_person(written: str) -> None:
    assert person(written) == person("Otto-Other") != person("Otto Others")


def test_different_names_stay_different_people() -> None:
    names = [
        "Ann Lee",
        "Anna Lee",
        "Ann Lees",
        "An Nlee",
        "Müller",
        "Muller",
        "Анна",
        "Инна",
        "李雷",
        "李磊",
        "...",
        "???",
        "a@b.org",
        "a@c.org",
    ]
    assert len({person(name) for name in names}) == len(names)
    assert "" not in {person(name) for name in names}
