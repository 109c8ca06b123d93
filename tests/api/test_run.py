"""`audit.run` writes the bundle that `audit run` writes, and returns what it holds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

import audit
from audit.errors import InputError, PolicyError
from tests.command import audit as command
from tests.running import policy, table

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    table().to_csv("test.csv", index=False)
    return tmp_path


def write(folder: Path, *require: dict[str, object]) -> Path:
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump(policy(*require)))
    return path


def test_the_result_is_that_of_the_bundle(folder: Path) -> None:
    path = write(folder, {"check": "performance/accuracy", "min": 0.8, "by": ["group"]}, {"check": "performance/f1", "min": 0.99})
    found = audit.run(path, out="reports", formats=["junit"])
    stored = json.loads((found.bundle / "results.json").read_text())
    assert (found.decision, found.exit_code, found.run) == ("block", 1, stored["run"]["id"]) == (stored["decision"], 1, found.bundle.name)
    assert (found.bundle / "junit.xml").is_file()
    for one, other in zip(found.findings, stored["findings"], strict=True):
        head = other["headline"]
        assert (one.id, one.status, one.value, one.n) == (other["id"], other["status"], head["value"], head["n"])
        assert (list(one.interval or ()), one.member, one.message) == (head["interval"], head["member"], other["message"])
        assert [(row.slice, row.value, row.status) for row in one.slices] == [
            (r["slice"], r["value"], r["status"]) for r in other["slices"]
        ]
    assert found["performance/f1"].status == "fail"
    assert audit.results(found.bundle) == found
    assert list(found.to_frame()["status"]) == ["pass", "fail"]
    assert "block (exit code 1)" in found._repr_html_()
    assert command("history", cwd=folder).returncode == 0


def test_a_promotion_is_read_back_and_conditions_name_their_owner(folder: Path) -> None:
    assert audit.run(write(folder)).decision == "promote"
    found = audit.run(
        write(folder, {"check": "performance/accuracy", "min": 0.8}, {"check": "performance/f1", "min": 0.95, "severity": "medium"})
    )
    assert (found.decision, found.exit_code) == ("promote-with-conditions", 4)
    assert [one.finding for one in found.conditions] == ["performance/f1"]
    with pytest.raises(TypeError, match="compare its decision"):
        assert found
    with pytest.raises(KeyError, match="there is no finding 'f1'"):
        _ = found["f1"]


def test_a_part_of_the_policy_promotes_nothing(folder: Path) -> None:
    path = write(folder, {"check": "performance/accuracy", "min": 0.8}, {"check": "performance/f1", "min": 0.8})
    assert audit.run(path, select=["performance/f1"]).exit_code == 3


def test_a_changed_bundle_is_refused(folder: Path) -> None:
    found = audit.run(write(folder))
    (found.bundle / "results.json").write_text("{}")
    with pytest.raises(InputError, match=r"results\.json: not as the run wrote it"):
        audit.results(found.bundle)


def test_mistakes_are_raised(folder: Path) -> None:
    """With their places, and without an end of the process."""
    path = write(folder, {"check": "performance/acuracy", "min": 0.8}, {"check": "performance/f1"})
    with pytest.raises(PolicyError) as found:
        audit.load_policy(path)
    assert len(found.value.mistakes) == 2
    with pytest.raises(PolicyError):
        audit.run(path)
    with pytest.raises(InputError, match="jobs is 0"):
        audit.run(write(folder), jobs=0)
    with pytest.raises(InputError, match=r"^formats: pdff: there is html, "):
        audit.run(path, formats=["pdff"])
    with pytest.raises(InputError, match=r"^select: "):
        audit.run(write(folder), select=["performance/f2"])
