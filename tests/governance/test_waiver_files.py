"""The folder of waivers and the keys of a policy: what cannot be read is told at its place, and nothing is passed over."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from audit.errors import PolicyError
from audit.governance.keys import keygen
from audit.governance.waiver_files import is_waiver, read_folder
from audit.policy import load
from tests.running import policy
from tests.waiving import OWNER, signed, told

if TYPE_CHECKING:
    from pathlib import Path

    from audit.governance.waiver_files import Folder


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A policy's folder with an empty one for waivers, and two keys."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "waivers").mkdir()
    for name in ("Ann", "Bob"):
        keygen(name, 1, None, tmp_path / "keys")
    return tmp_path


def read(folder: Path, *keys: str, **changed: Any) -> Folder:
    made = policy(waivers="waivers", trust={"keys": list(keys)}) | changed
    (folder / "policy.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    return read_folder(load("policy.yaml"))


def mistakes(folder: Path, *keys: str, **changed: Any) -> list[str]:
    with pytest.raises(PolicyError) as error:
        read(folder, *keys, **changed)
    return str(error.value).splitlines()


def put(folder: Path, tree: dict[str, Any], name: str = "") -> None:
    (folder / "waivers" / (name or f"{tree['id']}.yaml")).write_text(json.dumps(tree))


def test_waivers_and_keys_are_read(project: Path) -> None:
    """With notes beside them, and with all texts for the bundle."""
    put(project, signed(told()))
    put(project, told(id="W-2", approvals=[]), "second.json")
    (project / "waivers/README.md").write_text("what lies here")
    (project / "waivers/.gitkeep").touch()
    found = read(project, "keys/Ann.pub", "keys/Bob.pub")
    assert [one.waiver.id for one in found.waivers] == ["W-1", "W-2"]
    assert [one.key.name for one in found.keys] == ["Ann", "Bob"]
    assert [name for name, _ in found.texts()] == ["waivers/W-1.yaml", "waivers/second.json", "waivers/keys/01.pub", "waivers/keys/02.pub"]


def test_a_policy_without_waivers_reads_none(project: Path) -> None:
    (project / "waivers/W-1.yaml").write_text("{")
    assert read(project, waivers=None).waivers == ()


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.yaml", "{", "waivers/a.yaml:1:2: not readable as YAML"),
        ("a.yaml", "", "waivers/a.yaml:1:1: the file is empty"),
        ("a.yaml", "- 1\n", "waivers/a.yaml:1:1: "),
        ("a.yaml", "id: first\n", 'waivers/a.yaml:1:5: id: is "first"; give capital letters, a dash and a number, such as W-1'),
        ("a.yaml", "id: W-1\nid: W-2\n", "waivers/a.yaml:2:1: id: given twice"),
        ("a.json", json.dumps(told(approvals=[], more=1), indent=1), "waivers/a.json:34:2: more: unknown key"),
        ("a.json", json.dumps(told(), indent=1), "waivers/a.json:1:1: approvals: is missing"),
        (
            "a.json",
            json.dumps(told(approvals=[], reason="short"), indent=1),
            'waivers/a.json:12:12: reason: is "short"; say it in 20 characters at least',
        ),
        (
            "a.json",
            json.dumps(told(approvals=[], expires_at="2026-12-24"), indent=1),
            'waivers/a.json:31:16: expires_at: is "2026-12-24"; give date and time with their zone',
        ),
        ("a.json", json.dumps(told(approvals=[], granted_at="2026-12-24T10:00:00"), indent=1), "with their zone"),
        ("a.json", json.dumps(told(approvals=[], granted_at=1700000000), indent=1), "with their zone"),
        ("a.json", json.dumps(told(approvals=[], compensating_controls=[])), "compensating_controls: "),
        ("a.json", json.dumps(told(approvals=[{"by": "x"}])), "approvals.0.signature: is missing"),
        ("a.json", json.dumps(told(approvals=[], scope={"model": "small", "sha256": None})), "names neither sha256 nor versions"),
        ("a.json", json.dumps(told(approvals=[])).replace("0.65", ".inf"), "not a finite number"),
        ("a.toml", "", "waivers/a.toml:1:1: is no waiver"),
        ("a.yaml.bak", "", "waivers/a.yaml.bak:1:1: is no waiver"),
    ],
)
def test_what_is_no_waiver_is_a_mistake(project: Path, name: str, text: str, said: str) -> None:
    (project / "waivers" / name).write_text(text)
    assert said in "\n".join(mistakes(project))


def test_everything_is_told_at_once(project: Path) -> None:
    """Of every file, and of the keys too."""
    put(project, told(approvals=[], reason="short"))
    (project / "waivers/bytes.yaml").write_bytes(b"id: W-9\nreason: \xff\n")
    (project / "waivers/folder").mkdir()
    found = mistakes(project, "keys/nobody.pub")
    assert [line.split(":")[0] for line in found] == ["policy.yaml", "waivers/W-1.yaml", "waivers/bytes.yaml", "waivers/folder"]
    assert "trust.keys.0: keys/nobody.pub: cannot be read" in found[0]
    assert found[2].startswith("waivers/bytes.yaml:2:9: byte 0xff is not UTF-8")


def test_two_waivers_have_two_ids(project: Path) -> None:
    put(project, told(approvals=[]))
    put(project, signed(told(), OWNER), "again.yaml")
    (line,) = mistakes(project)
    assert "W-1 is also the id of waivers/W-1.yaml" in line


def test_a_folder_that_is_not_there_is_a_mistake(project: Path) -> None:
    (line,) = mistakes(project, waivers="elsewhere")
    assert line.startswith("policy.yaml:")
    assert "waivers: 'elsewhere' is no folder that can be read" in line


def test_no_link_leads_out_of_the_project(project: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    away = tmp_path_factory.mktemp("away") / "W-1.yaml"
    away.write_text(json.dumps(signed(told())))
    (project / "waivers/W-1.yaml").symlink_to(away)
    assert "lies outside the project folder" in "\n".join(mistakes(project))


def test_who_signed_is_one_person_in_one_line(project: Path) -> None:
    """The same key twice, or one name in two lines: nobody could tell who signed."""
    keygen("Cid", 2, None, project / "keys")
    twin = (project / "keys/Ann.pub").read_text()
    (project / "keys/twin.pub").write_text(twin.replace("Ann", "Other"))
    (project / "keys/moved.pub").write_text((project / "keys/Cid.pub").read_text().replace("Cid", "Ann"))
    found = "\n".join(mistakes(project, "keys/Ann.pub", "keys/twin.pub", "keys/moved.pub"))
    assert "trust.keys.1: is the same key as keys/Ann.pub" in found
    assert "trust.keys.2: puts 'Ann' in line 2, and keys/Ann.pub in line 1" in found


def test_another_spelling_of_a_key_or_a_name_hides_nobody(project: Path) -> None:
    """Base64 of 32 bytes has two spare bits, names have cases, spaces, invisible letters and twins in other alphabets."""
    whole = (project / "keys/Ann.pub").read_text()
    letter = whole.rstrip()[-2]
    near = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    spare = whole.replace("Ann", "Other").replace(f"{letter}=", f"{near[near.index(letter) + 1]}=")
    (project / "keys/spare.pub").write_text(spare)
    assert "is not 32 bytes in base64, as `audit keygen` writes them" in "\n".join(mistakes(project, "keys/Ann.pub", "keys/spare.pub"))
    keygen("Cid", 2, None, project / "keys")
    other = (project / "keys/Cid.pub").read_text()
    (project / "keys/case.pub").write_text(other.replace('"Cid"', '"ANN"'), encoding="utf-8")
    assert "stands in one line" in "\n".join(mistakes(project, "keys/Ann.pub", "keys/case.pub"))
    for name in ("A\u200bnn", "  ", "\u0410nn", "Ann\u202e"):
        (project / "keys/twin.pub").write_text(other.replace('"Cid"', f'"{name}"'), encoding="utf-8")
        (said,) = mistakes(project, "keys/Ann.pub", "keys/twin.pub")
        assert said.startswith("keys/twin.pub:1:7: name: ")


def test_a_key_that_is_none(project: Path) -> None:
    (project / "keys/Ann.pub").write_text("name: Ann\nline: 4\npublic_key: short\n")
    found = mistakes(project, "keys/Ann.pub")
    assert [line.split(": ")[0] for line in found] == ["keys/Ann.pub:2:7", "keys/Ann.pub:3:13"]


def test_a_waiver_is_told_from_a_policy(project: Path) -> None:
    put(project, told(approvals=[]))
    assert is_waiver(project / "waivers/W-1.yaml")
    read(project)
    assert not is_waiver(project / "policy.yaml")
    assert not is_waiver(project / "nothing.yaml")
