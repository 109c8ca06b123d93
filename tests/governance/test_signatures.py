"""Keys and signatures: what is written, and that nothing that was signed can be changed."""

from __future__ import annotations

import copy
import json
import stat
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.commands.sign import Signing, sign_waiver
from audit.errors import InputError, PolicyError
from audit.governance.apply_waivers import apply_waivers
from audit.governance.keys import fingerprint, keygen, read_key, read_secret
from audit.governance.signatures import sign as signature
from audit.governance.signatures import verified
from audit.governance.waiver_files import read_waiver, statement
from tests.waiving import NOW, OTHER, OWNER, REVIEWER, file, missed, moment, refused, signed, situation, state, told

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def test_a_pair_of_keys(tmp_path: Path) -> None:
    """The private one is readable by its owner alone, and verifies under the public one."""
    secret, public = keygen("Ann Example", 2, None, tmp_path / "keys")
    assert (secret.name, public.name) == ("Ann Example.key", "Ann Example.pub")
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert secret.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    key = read_key(public)
    assert (key.name, key.line, key.role) == ("Ann Example", 2, None)
    private, same = read_secret(secret)
    assert same == key
    assert verified(key, signature(private, b"words"), b"words")
    assert not verified(key, signature(private, b"words"), b"other words")
    assert len(fingerprint(key)) == 64


def test_no_key_is_overwritten(tmp_path: Path) -> None:
    keygen("Ann", 1, None, tmp_path)
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    with pytest.raises(InputError, match="never overwritten"):
        keygen("Ann", 2, None, tmp_path)
    (tmp_path / "Ann.pub").unlink()
    with pytest.raises(InputError, match="never overwritten"):
        keygen("Ann", 2, None, tmp_path)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == {"Ann.key": before["Ann.key"]}


@pytest.mark.parametrize("name", ["", " ", "../Ann", "a/b", ".Ann", "Ann\n", " Ann", "a\\b"])
def test_a_name_names_two_files_here(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="--name"):
        keygen(name, 1, None, tmp_path / "keys")
    assert not (tmp_path / "keys").exists()


def test_halves_of_two_pairs_are_no_pair(tmp_path: Path) -> None:
    for name in ("Ann", "Bob"):
        keygen(name, 1, None, tmp_path)
    (tmp_path / "Bob.pub").replace(tmp_path / "Ann.pub")
    with pytest.raises(InputError, match="is not the public half"):
        read_secret(tmp_path / "Ann.key")
    (tmp_path / "Ann.key").write_text("no key")
    with pytest.raises(InputError, match="is no private key"):
        read_secret(tmp_path / "Ann.key")


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else None
    if inner is None:
        yield path
        return
    for key, value in inner:
        yield from leaves(value, (*path, key))


WHOLE = signed(told(slices=["overall"], nist=["MANAGE 1.3"], renewal_of=None))


@pytest.mark.parametrize("path", list(leaves(WHOLE)), ids=lambda path: ".".join(map(str, path)))
def test_no_word_can_be_changed_or_taken_away(tmp_path: Path, path: tuple[Any, ...]) -> None:
    """Nor spelt otherwise: whatever the file says stands under the signatures."""
    assert state(tmp_path, WHOLE).standing == "in_force"
    for change in ("another", "gone"):
        tree = copy.deepcopy(WHOLE)
        *before, last = path
        place: Any = tree
        for key in before:
            place = place[key]
        value = place[last]
        if change == "gone":
            del place[last]
        else:
            place[last] = value + "0" if isinstance(value, str) else not value if isinstance(value, bool) else (value or 0) + 0.01
        try:
            finding = missed(id="performance/accuracy0") if path == ("check",) else missed()
            assert state(tmp_path, tree, finding).standing == "void", (path, change)
        except PolicyError as error:
            assert str(tmp_path) in str(error)  # noqa: PT017  # either it cannot be read or it is void


@pytest.mark.parametrize("more", [{"nist": ["MAP 1.1"]}, {"slices": ["a=b"]}])
def test_no_word_can_be_added(tmp_path: Path, more: dict[str, Any]) -> None:
    assert "does not verify" in " ".join(state(tmp_path, signed(told()) | more).why)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_changed_byte_voids_or_changes_nothing(tmp_path: Path, data: st.DataObject) -> None:
    """A space between two words of JSON may go; nothing that the file says may."""
    one = file(tmp_path, WHOLE)
    raw = bytearray(json.dumps(WHOLE).encode())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    path = tmp_path / "changed.json"
    path.write_bytes(bytes(raw))
    try:
        changed = read_waiver(path)
    except PolicyError:
        return
    (found,) = apply_waivers([missed()], situation(changed)).states
    assert found.standing != "in_force" or changed.tree == one.tree


def test_a_signature_has_one_spelling(tmp_path: Path) -> None:
    """Spare bits at the end of base64, missing signs, another key's: none is a signature."""
    good = WHOLE["approvals"][0]["signature"]
    spare = good[:-3] + chr(ord(good[-3]) + 1) + "=="
    for other in (spare, good + "\n", " " + good, good[:-4], "=" * 88, WHOLE["approvals"][1]["signature"]):
        tree = copy.deepcopy(WHOLE)
        tree["approvals"][0]["signature"] = other
        assert "does not verify" in " ".join(state(tmp_path, tree).why)


def test_a_signature_belongs_to_one_waiver_and_one_approval(tmp_path: Path) -> None:
    """It cannot be carried to another waiver, nor the waiver's kind be taken for another."""
    other = signed(told(id="W-2", reason="Another waiver, which the same people did sign."))
    carried = told() | {"approvals": other["approvals"]}
    assert "does not verify" in " ".join(state(tmp_path, carried).why)
    approval = WHOLE["approvals"][0]
    assert json.loads(statement(WHOLE, approval))["kind"] == "audit.waiver/1"
    assert statement(WHOLE, approval) != statement(WHOLE, WHOLE["approvals"][1])


def test_the_order_of_keys_says_nothing(tmp_path: Path) -> None:
    """Canonical JSON: a file written anew by another tool still verifies."""
    assert state(tmp_path, dict(reversed(WHOLE.items()))).standing == "in_force"


def people(folder: Path) -> None:
    for name, line, role in (("Olga Owner", 1, None), ("Rita Reviewer", 2, None), ("Eva Executive", 1, "executive")):
        keygen(name, line, role, folder)  # type: ignore[arg-type]  # literals of a loop


def test_signing_keeps_what_people_wrote(tmp_path: Path) -> None:
    """In YAML comments and all; in JSON the values. What is written verifies."""
    people(tmp_path)
    lines = "# our comment stays\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in told().items())
    for name, text in (("a.yaml", lines + "approvals: []\n"), ("b.json", json.dumps(told(approvals=[])))):
        path = tmp_path / name
        path.write_text(text)
        for key, role in (("Olga Owner", "owner"), ("Rita Reviewer", "reviewer")):
            said = sign_waiver(path, Signing(tmp_path / f"{key}.key", role, None), NOW)
            assert f"signed by {key} as {role}, line" in said
        one = read_waiver(path)
        assert {key: value for key, value in one.tree.items() if key != "approvals"} == told()
        assert [(each.by, each.independent) for each in one.waiver.approvals] == [("Olga Owner", False), ("Rita Reviewer", True)]
        for each, raw in zip(one.waiver.approvals, one.tree["approvals"], strict=True):  # type: ignore[arg-type]  # a list, as the model has checked
            assert verified(read_key(tmp_path / f"{each.by}.pub"), each.signature, statement(one.tree, raw))  # type: ignore[arg-type]  # a mapping
    assert (tmp_path / "a.yaml").read_text().startswith(lines)
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("changed", "key", "role", "said"),
    [
        ({"reason": "FILL IN: why this is so, in some words"}, "Olga Owner", "owner", "is not filled in: reason"),
        ({"expires_at": moment(NOW - timedelta(hours=1))}, "Olga Owner", "owner", "expired at"),
        ({}, "Olga Owner", "executive", "audit keygen --role executive"),
        ({}, "Eva Executive", "owner", "is for the role executive"),
        ({}, "Olga Owner", " ", "say in which role"),
        ({}, "Nobody", "owner", "cannot be read"),
    ],
)
def test_what_nobody_should_sign(tmp_path: Path, changed: dict[str, Any], key: str, role: str, said: str) -> None:
    people(tmp_path)
    path = tmp_path / "w.json"
    path.write_text(json.dumps(told(approvals=[]) | changed))
    before = path.read_bytes()
    with pytest.raises(InputError, match=said):
        sign_waiver(path, Signing(tmp_path / f"{key}.key", role, None), NOW)
    assert path.read_bytes() == before


def test_nobody_signs_twice_or_what_is_no_waiver(tmp_path: Path) -> None:
    people(tmp_path)
    path = tmp_path / "w.json"
    path.write_text(json.dumps(signed(told(), OWNER)))
    said = Signing(tmp_path / "Olga Owner.key", "owner", None)
    with pytest.raises(InputError, match="has signed it already"):
        sign_waiver(path, said, NOW)
    with pytest.raises(InputError, match="Is a directory"):
        sign_waiver(tmp_path, said, NOW)
    path.write_text("{}")
    with pytest.raises(PolicyError, match="is missing"):
        sign_waiver(path, said, NOW)


def test_approvals_stand_at_the_end_of_a_yaml_file(tmp_path: Path) -> None:
    """Where they can be written without touching what people wrote."""
    people(tmp_path)
    path = tmp_path / "w.yaml"
    path.write_text("approvals: []\n" + "".join(f"{key}: {json.dumps(value)}\n" for key, value in told().items()))
    with pytest.raises(InputError, match=r"w\.yaml:1:1: approvals: move it to the end"):
        sign_waiver(path, Signing(tmp_path / "Olga Owner.key", "owner", None), NOW)


def test_an_unreadable_waiver_is_told_at_its_place(tmp_path: Path) -> None:
    assert "W-1.json:2:8: id:" in refused(tmp_path, told(approvals=[]) | {"id": "w1"}).replace("w1.json", "W-1.json")
    assert "unknown key" in refused(tmp_path, told(approvals=[], extra=1))
    assert "names neither sha256 nor versions" in refused(tmp_path, told(approvals=[], scope={"model": "small"}))
    assert state(tmp_path, signed(told(), OTHER, REVIEWER)).standing == "in_force"


def test_no_message_quotes_a_private_key(tmp_path: Path) -> None:
    """Whoever names the private file where the public one is meant is told so."""
    secret, _ = keygen("Ann Example", 1, None, tmp_path)
    with pytest.raises(InputError, match=r"Ann Example\.key: is a private key") as caught:
        read_key(secret)
    assert not any(line in str(caught.value) for line in secret.read_text().splitlines())
