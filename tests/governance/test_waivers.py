"""The whole way through the command line: a block, a draft, two signatures, conditions, and the end of the waiver."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests import command
from tests.running import policy, table

if TYPE_CHECKING:
    from pathlib import Path

BOUND = {"check": "performance/accuracy", "min": 0.95, "by": ["group"]}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Predictions that miss the policy's bound, and a folder for waivers."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "cache"))
    table().to_csv(tmp_path / "test.csv", index=False)
    (tmp_path / "waivers").mkdir()
    state_policy(BOUND)
    return tmp_path


def state_policy(require: dict[str, Any], **changed: Any) -> None:
    from pathlib import Path

    trust = {"keys": ["keys/Olga.pub", "keys/Rita.pub"]}
    system = {"author": "model team", "owner": {"contact": "desk@example.org"}}
    made = policy(require, waivers="waivers", trust=trust, system=system) | changed
    Path("policy.yaml").write_text(yaml.safe_dump(made, sort_keys=False), encoding="utf-8")


def audit(*arguments: str) -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    done = command.audit(*arguments)
    return done.returncode, done.stdout, done.stderr


def run() -> tuple[int, dict[str, Any], Path]:
    """A run's exit code, its results and its bundle."""
    from pathlib import Path

    code, out, err = audit("run", "policy.yaml")
    (report,) = re.findall(r"^Report: (.*)/report\.html$", out, re.MULTILINE) or [pytest.fail(out + err)]
    return code, json.loads((Path(report) / "results.json").read_text()), Path(report)


def written(path: Path) -> None:
    """As people fill a draft in."""
    text = path.read_text()
    text = text.replace("FILL IN: name", "Olga").replace("FILL IN: ", "What people have written: ")
    soon = (datetime.now(UTC) + timedelta(days=30)).date()
    path.write_text(re.sub(r"expires_at: .*", f'expires_at: "{soon}T23:59:59Z"', text))


def hidden_renewal(waiver: Path, whole: str) -> None:
    """The waiver's file gone, and another of the same in its place, which ends later: the ledger knows the first."""
    waiver.unlink()
    later = (datetime.now(UTC) + timedelta(days=85)).date()
    again = re.sub(r"expires_at: .*", f'expires_at: "{later}T12:00:00Z"', whole.replace("W-1", "W-2"))
    (other := waiver.with_name("W-2.yaml")).write_text(again[: again.index("approvals:")] + "approvals: []\n")
    for name, role in (("Olga", "owner"), ("Rita", "reviewer")):
        assert audit("sign", str(other), "--key", f"keys/{name}.key", "--role", role)[0] == 0
    code, renewed, _ = run()
    assert (code, renewed["waivers"][0]["state"]) == (1, "void")
    assert "follows W-1" in renewed["waivers"][0]["why"][0]
    other.unlink()


def test_from_block_to_conditions_and_back(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And no shorter way: not unwritten, not with one signature, not after a change, not past its end."""
    for name, line in (("Olga", "1"), ("Rita", "2")):
        assert audit("keygen", "--name", name, "--line", line, "-o", "keys")[0] == 0
    code, blocked, bundle = run()
    assert (code, blocked["decision"], blocked["waivers"]) == (1, "block", [])

    code, out, _ = audit("waive", str(bundle), "performance/accuracy")
    waiver = project / "waivers/W-1.yaml"
    assert (code, out.splitlines()[0]) == (0, "waivers/W-1.yaml: written, and void until it is signed")
    draft = yaml.safe_load(waiver.read_text())
    (finding,) = blocked["findings"]
    assert draft["scope"] == {"model": "small", "sha256": blocked["candidate"]["sha256"], "threshold": {"min": 0.95, "max": None}}
    assert draft["valid_while"] == {"metric": "performance/accuracy", "op": ">=", "value": finding["headline"]["interval"][0]}
    assert sorted(draft["slices"]) == ["group=a", "group=b", "group=null"]
    sign = ("sign", str(waiver), "--key", "keys/Olga.key", "--role", "owner")
    code, _, err = audit(*sign)
    assert code == 2
    assert "is not filled in: compensating_controls.description" in err

    written(waiver)
    assert "void: is a draft: nobody has signed it" in audit("validate", "policy.yaml")[2]
    code, out, _ = audit(*sign)
    assert code == 0
    assert re.search(r"signed by Olga as owner, line 1, not independent, key [0-9a-f]{16}, at 20", out)
    assert run()[0] == 1
    assert audit("sign", str(waiver), "--key", "keys/Rita.key", "--role", "reviewer")[0] == 0
    code, out, err = audit("validate", "policy.yaml")
    assert (code, out) == (0, "policy.yaml: valid, 1 requirement\n")
    assert "W-1 for performance/accuracy: in force: until" in err
    assert "W-1 can be read" in audit("validate", str(waiver))[1]

    code, waived, bundle = run()
    assert (code, waived["decision"]) == (4, "promote-with-conditions")
    (finding,), (condition,), (state,) = waived["findings"], waived["conditions"], waived["waivers"]
    assert (finding["status"], finding["disposition"], state["state"], state["why"]) == ("fail", "waived", "in_force", [])
    assert "by Olga (owner) and Rita (reviewer), W-1" in condition["closes_with"]
    assert waived["valid_until"] == condition["due"] == state["expires_at"][:10]
    assert [one["rule"] for one in waived["reasons"]] == ["high-fail-waived"]
    assert (bundle / "waivers/W-1.yaml").read_text() == waiver.read_text()
    names = {one["name"] for one in json.loads((bundle / "bundle.json").read_text())["files"]}
    assert {"waivers/W-1.yaml", "waivers/keys/01.pub", "waivers/keys/02.pub"} <= names
    assert "Rita (reviewer, line 2)" in (bundle / "report.html").read_text()

    whole = waiver.read_text()
    hidden_renewal(waiver, whole)
    waiver.write_text(whole.replace("What people have written: why", "What people have written: Why"))
    code, changed, _ = run()
    assert (code, changed["waivers"][0]["state"]) == (1, "void")
    waiver.write_text(whole)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "2208988800")
    code, expired, _ = run()
    assert (code, expired["decision"]) == (1, "block")
    assert [one["rule"] for one in expired["reasons"]] == ["high-fail", "waiver-void"]
    assert "expired at" in expired["reasons"][1]["text"]
    a_clock_that_was_set_back(monkeypatch)


def a_clock_that_was_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is behind the ledger's newest entry, and revives nothing."""
    assert "W-1 for performance/accuracy: void: expired at" in audit("validate", "policy.yaml")[2]
    monkeypatch.delenv("SOURCE_DATE_EPOCH")
    code, behind, _ = run()
    assert (code, behind["waivers"][0]["state"]) == (1, "void")
    assert [one["rule"] for one in behind["reasons"]] == ["high-fail", "waiver-void", "clock-behind-ledger"]
    assert "W-1 for performance/accuracy: void: expired at" in audit("validate", "policy.yaml")[2]


@pytest.mark.parametrize(
    ("require", "said"),
    [
        (BOUND | {"severity": "critical"}, "what is critical cannot be waived"),
        (BOUND | {"min": 0.5}, "its status is pass"),
        (BOUND | {"enforce": "advisory"}, "is advisory"),
    ],
)
def test_no_draft_of_what_cannot_be_waived(project: Path, require: dict[str, Any], said: str) -> None:
    state_policy(require, waivers=None, trust={})
    bundle = run()[2]
    code, _, err = audit("waive", str(bundle), "performance/accuracy")
    assert code == 2
    assert said in err
    assert not list((project / "waivers").iterdir())


def test_a_draft_stands_on_results_as_they_were_written(project: Path) -> None:
    """Of a finding that is there, in a bundle that nobody changed; drafts are numbered, and none is overwritten."""
    state_policy(BOUND, waivers=None, trust={})
    bundle = run()[2]
    code, _, err = audit("waive", str(bundle), "performance/acuracy")
    assert (code, "did you mean 'performance/accuracy'?" in err) == (2, True)
    for number in (1, 2):
        assert audit("waive", str(bundle), "performance/accuracy")[0] == 0
        assert (project / f"waivers/W-{number}.yaml").exists()
    results = bundle / "results.json"
    results.write_text(results.read_text().replace('"min": 0.95', '"min": 0.85'))
    code, _, err = audit("waive", str(bundle), "performance/accuracy")
    assert (code, "results.json: not as the run wrote it" in err) == (2, True)
    assert audit("waive", "nowhere", "performance/accuracy")[0] == 2


def test_a_waiver_that_cannot_be_read_stops_the_run(project: Path) -> None:
    """Before anything is measured, at its place, with exit code 2."""
    for name in ("Olga", "Rita"):
        audit("keygen", "--name", name, "--line", "1", "-o", "keys")
    (project / "waivers/W-1.yaml").write_text("id: W-1\nreason: [")
    for name in ("run", "validate"):
        code, out, err = audit(name, "policy.yaml")
        assert (code, out) == (2, "")
        assert err.startswith("waivers/W-1.yaml:2:")


def test_a_waived_finding_is_signed_off(project: Path) -> None:
    """The approvals of the waiver are verified with the bundle's signature, and 4 becomes 0 while the waiver is in force."""
    for name, line in (("Olga", "1"), ("Rita", "2")):
        assert audit("keygen", "--name", name, "--line", line, "-o", "keys")[0] == 0
    _, _, bundle = run()
    assert audit("waive", str(bundle), "performance/accuracy")[0] == 0
    waiver = project / "waivers/W-1.yaml"
    written(waiver)
    for name, role in (("Olga", "owner"), ("Rita", "reviewer")):
        assert audit("sign", str(waiver), "--key", f"keys/{name}.key", "--role", role)[0] == 0
    code, results, bundle = run()
    assert (code, results["waivers"][0]["state"]) == (4, "in_force")
    assert audit("sign", str(bundle), "--key", "keys/Olga.key", "--role", "owner")[0] == 0
    code, out, _ = audit("verify", str(bundle), "--key", "keys")
    assert code == 0, out
    assert "ok           waivers: W-1: approved by Olga (owner) and Rita (reviewer), whose keys the policy names" in out
    code, results, _ = run()
    assert (code, results["decision"], results["exit_code"]) == (0, "promote-with-conditions", 0)
    waiver.unlink()
    code, results, _ = run()
    assert (code, results["decision"]) == (1, "block")
