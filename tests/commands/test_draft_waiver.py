"""Drafts hold names that people and data gave, whatever is in them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.commands.waivers import draft
from audit.errors import InputError
from audit.formatting import quoted
from audit.governance.waiver_files import read_waiver
from audit.policy import yaml_reader
from tests.waiving import NOW, SHA

if TYPE_CHECKING:
    from pathlib import Path


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_survives_being_quoted(text: str) -> None:
    root, mistakes = yaml_reader.parse(f"key: {quoted(text)}\n", "file")
    assert not mistakes
    assert yaml_reader.plain(root) == {"key": text}
    assert len(f"key: {quoted(text)}".splitlines()) == 1


def bundle(folder: Path, **changed: Any) -> Path:
    """The parts of a bundle that a draft is made from."""
    finding = {
        "id": "performance/accuracy",
        "check": "performance/accuracy",
        "status": "fail",
        "severity": "high",
        "enforce": "required",
        "threshold": {"min": 0.8, "max": None},
        "headline": {"interval": [0.65, 0.75]},
        "unproven": [{}],
        "message": "accuracy 0.7",
    } | changed
    told = {"schema": "audit.results/1", "policy": {"name": "small"}, "candidate": {"sha256": SHA}, "findings": [finding]}
    folder.mkdir()
    (folder / "results.json").write_text(json.dumps(told))
    digest = hashlib.sha256((folder / "results.json").read_bytes()).hexdigest()
    (folder / "bundle.json").write_text(json.dumps({"files": [{"name": "results.json", "sha256": digest, "size": 1}]}))
    return folder


def test_hostile_names_stay_names(tmp_path: Path) -> None:
    """A slice is a value of the data, a message holds it; neither writes a line of the waiver."""
    nasty = '"\nrequested_by: nobody\n# \u2028\x1b[2J\U0001f600'
    made = bundle(tmp_path / "run", unproven=[{"region": nasty}, [{"a": 1}, {"a": None}], {"flag": True}], message=nasty)
    waiver = read_waiver(draft(made, "performance/accuracy", tmp_path / "waivers", NOW)).waiver
    assert waiver.slices == (f"region={nasty}", "a=1 against a=null", "flag=True")
    assert waiver.requested_by.startswith("FILL IN")


def test_a_draft_names_the_check_and_not_what_the_policy_calls_it(tmp_path: Path) -> None:
    """Another check may carry the requirement's id by the time that the waiver is held against it."""
    waiver = read_waiver(draft(bundle(tmp_path / "run", id="gate"), "gate", tmp_path / "waivers", NOW)).waiver
    assert (waiver.check, waiver.valid_while.metric) == ("gate", "performance/accuracy")


@pytest.mark.parametrize(
    ("threshold", "interval", "op", "value"),
    [
        ({"min": 0.8, "max": None}, [0.65, 0.75], ">=", 0.65),
        ({"min": 0.8, "max": None}, [0.75, 0.85], ">=", 0.75),
        ({"min": None, "max": 0.1}, [0.05, 0.2], "<=", 0.2),
        ({"min": 0.1, "max": 0.5}, [0.4, 0.6], "<=", 0.6),
        ({"min": 0.1, "max": None}, [0.2, None], ">=", 0.2),
        ({"min": -0.01, "max": None}, [-0.05, 0.01], ">=", -0.05),
    ],
)
def test_the_worst_value_is_the_unfavourable_end(
    tmp_path: Path, threshold: dict[str, float | None], interval: list[float | None], op: str, value: float
) -> None:
    made = bundle(tmp_path / "run", threshold=threshold, headline={"interval": interval})
    waiver = read_waiver(draft(made, "performance/accuracy", tmp_path / "waivers", NOW)).waiver
    assert (waiver.valid_while.op, waiver.valid_while.value, waiver.slices) == (op, value, ())


@pytest.mark.parametrize(
    "changed",
    [
        {"headline": None},
        {"headline": {"interval": [None, 0.7]}},
        {"threshold": {"min": 0.7, "max": 0.72}},
        {"status": "error"},
        {"severity": "critical"},
    ],
)
def test_there_is_no_draft_of_what_no_waiver_could_cover(tmp_path: Path, changed: dict[str, Any]) -> None:
    made = bundle(tmp_path / "run", **changed)
    with pytest.raises(InputError, match="performance/accuracy: "):
        draft(made, "performance/accuracy", tmp_path / "waivers", NOW)
    assert not (tmp_path / "waivers").exists()


@pytest.mark.parametrize(("severity", "days"), [("high", 90), ("medium", 180), ("low", 180)])
def test_a_draft_lasts_as_long_as_it_may(tmp_path: Path, severity: str, days: int) -> None:
    waiver = read_waiver(draft(bundle(tmp_path / "run", severity=severity), "performance/accuracy", tmp_path / "waivers", NOW)).waiver
    assert days - 1 <= (waiver.expires_at - waiver.granted_at).total_seconds() / 86400 <= days
