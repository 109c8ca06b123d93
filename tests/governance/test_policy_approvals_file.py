"""The file of approvals: what cannot be read stops the run at its place, and nothing is passed over."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit.errors import InputError
from audit.governance import policy_approvals
from audit.policy import load
from tests.running import policy

SIGNED = {"by": "Rita", "role": "reviewer", "line": 2, "independent": True, "at": "2026-11-01T00:00:00Z", "requested_by": "model team"}
OF = {"policy": "small", "policy_sha256": "a" * 64, "since": "r1", "since_entry": "b" * 64, "loosened": ["x: y"]}
WHOLE: dict[str, Any] = SIGNED | OF | {"signature": "c"}


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    monkeypatch.chdir(tmp_path / "in")
    Path("policy.yaml").write_text(yaml.safe_dump(policy()))


def test_none_are_read_where_none_lie() -> None:
    assert policy_approvals.read(load("policy.yaml")) is None


def test_what_is_read_is_what_the_file_says() -> None:
    """Of the policy's own file alone: another one with the same stem has approvals of its own."""
    text = json.dumps({"approvals": [WHOLE, WHOLE | {"by": "Bob"}]})
    Path("policy.yaml.approvals").write_text(text)
    found = policy_approvals.read(load("policy.yaml"))
    assert found is not None
    assert (found.text, found.file, found.trees) == (text, "policy.yaml.approvals", (WHOLE, WHOLE | {"by": "Bob"}))
    assert [one.by for one in found.approvals] == ["Rita", "Bob"]
    Path("policy.yml").write_text(yaml.safe_dump(policy()))
    assert policy_approvals.read(load("policy.yml")) is None


def holding(**changed: Any) -> str:
    return json.dumps({"approvals": [WHOLE | changed]})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ":1:1: the file is empty; `audit init` writes a policy to start from"),
        ("approvals: [}", ":1:13: not readable as YAML: while parsing a flow node"),
        ("approvals: 1", ":1:12: approvals: is 1; give a list, such as [a, b]"),
        ("approvals: [1]", ":1:13: approvals.0: is 1; give a mapping, such as {key: value}"),
        ("approval: []", ":1:1: approval: unknown key; did you mean 'approvals'?"),
        ("approval: []", ":1:1: approvals: is missing; add it"),
        (holding(line=4), ":1:59: approvals.0.line: is 4; give one of 1, 2, 3"),
        (holding(more=1), ": approvals.0.more: unknown key; known: "),
        (holding(at="yesterday"), "give date and time with their zone, such as 2026-11-21T09:30:00Z"),
        (holding(by="R\u0456ta"), "mixes letters that look alike"),
        (json.dumps({"approvals": [SIGNED | {"signature": "c"}]}), ":1:16: approvals.0.since_entry: is missing; add it"),
    ],
)
def test_what_cannot_be_read_is_told_at_its_place(text: str, said: str) -> None:
    Path("policy.yaml.approvals").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        policy_approvals.read(load("policy.yaml"))
    assert str(error.value).startswith("policy.yaml.approvals:1:")
    assert said in str(error.value)


def test_a_link_out_of_the_project_is_refused() -> None:
    Path("../elsewhere").write_text(json.dumps({"approvals": [WHOLE]}))
    Path("policy.yaml.approvals").symlink_to("../elsewhere")
    with pytest.raises(InputError, match="lies outside the project folder"):
        policy_approvals.read(load("policy.yaml"))
    assert policy_approvals.read(load("policy.yaml", allow_outside=True)) is not None


def test_a_folder_in_its_place_is_refused() -> None:
    Path("policy.yaml.approvals").mkdir()
    with pytest.raises(InputError, match=r"policy\.yaml\.approvals: cannot be read \(Is a directory\)"):
        policy_approvals.read(load("policy.yaml"))
