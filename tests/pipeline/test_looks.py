"""Candidates that share a test set share the error of one pass."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from audit.commands.history import entry_lines
from audit.decision.judge import judge
from audit.errors import PolicyError, ToolError
from audit.ledger import Ledger
from audit.ledger.alpha_spending import Look, Plan, Spent, levels
from audit.pipeline import judging
from audit.pipeline.run import Options, audit_policy
from audit.progress import Silent
from audit.stats import Proportion
from audit.stats.hypothesis_tests import spent
from tests.command import AUDIT
from tests.findings import INFO, proportions, requirement
from tests.running import policy, table

if TYPE_CHECKING:
    from pathlib import Path

THREE = {"max": 3, "spending": "pocock"}
LEVELS = spent("pocock", 3, 0.025)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test has a ledger and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "cache"))
    return tmp_path


def predictions(number: int, name: str = "test.csv") -> None:
    """The same 1,200 rows with other predictions, 1,080 of them right: which ones follows from the number."""
    rows = table()
    right = np.random.default_rng(number).permutation(np.arange(1200) < 1080)
    rows.assign(prediction=rows["label"].where(right, 1 - rows["label"])).to_csv(name, index=False)


def run(folder: Path, made: dict[str, Any], out: str = "reports", **options: Any) -> dict[str, Any]:
    """The results of one audit in this process."""
    (folder / "policy.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    outcome = audit_policy(folder / "policy.yaml", Options(folder / out, "audit run policy.yaml", **options), Silent())
    results: dict[str, Any] = json.loads((outcome.place / "results.json").read_text())
    return results


def looked(folder: Path, number: int, **changed: Any) -> dict[str, Any]:
    """The results of one audit of one candidate, under a plan of three looks unless it says otherwise."""
    predictions(number)
    return run(folder, policy(**({"looks": THREE} | changed)))


def ledger(folder: Path) -> Ledger:
    return Ledger(folder / "reports" / "ledger.sqlite")


def test_three_candidates_and_a_fourth_that_comes_too_late(folder: Path) -> None:
    """Each look is judged at its own level; the fourth candidate is as good as the others and does not pass."""
    for number, level in enumerate(LEVELS, start=1):
        results = looked(folder, number)
        (finding,) = results["findings"]
        assert finding["headline"]["levels"] == [level, 0.025]
        assert finding["headline"]["interval"][0] == Proportion(1080, 1200).bounds(level, 0.025)[0]
        assert f"Look {number} of 3:" in finding["message"]
        assert results["decision"] == "promote"
        look = results["looks"]["test"]
        assert (look["number"], look["max"], look["level"], look["candidates"]) == (number, 3, level, number)
        assert look["left"] == pytest.approx(0.025 - sum(LEVELS[:number]), abs=1e-12)
    late = looked(folder, 4)
    assert (late["decision"], late["exit_code"], late["findings"][0]["status"]) == ("block", 1, "inconclusive")
    assert late["findings"][0]["headline"]["interval"][0] is None
    (reason,) = (one for one in late["reasons"] if one["rule"] == "test-set-exhausted")
    assert reason["text"] == "The test set test is used up: look 4 of 3. Audit on rows that nobody has looked at."
    assert late["looks"]["test"]["exhausted"] is True
    again = looked(folder, 2)
    assert (again["decision"], again["looks"]["test"]["number"], again["looks"]["test"]["level"]) == ("promote", 2, LEVELS[1])
    assert (again["looks"]["test"]["candidates"], again["looks"]["test"]["decisions"]) == (4, 5)
    assert "This is look 4 of 3" in (folder / "reports" / late["run"]["id"] / "report.html").read_text()
    told = list(entry_lines(ledger(folder).entries()))
    assert [line.split()[2] for line in told] == ["look", "run"] * 5
    assert "look 4 of 3 on test" in told[6]


def test_a_larger_plan_under_another_name_gives_nothing_back(folder: Path) -> None:
    """The set is known by its rows, whatever the policy is called."""
    for number in (1, 2, 3):
        looked(folder, number)
    results = looked(folder, 4, policy="renamed", looks={"max": 1000, "spending": "pocock"})
    assert (results["looks"]["test"]["number"], results["looks"]["test"]["exhausted"], results["decision"]) == (4, True, "block")


def test_runs_without_a_plan_use_up_numbers_too(folder: Path) -> None:
    for number in (1, 2):
        results = looked(folder, number, looks=None)
        assert results["findings"][0]["headline"]["levels"] == [0.025, 0.025]
        assert results["looks"]["test"] == {
            "number": number, "candidates": number, "decisions": number, "exhausted": False, "exchanged": [],
            "max": None, "spending": None, "level": None, "left": None,
        }  # fmt: skip
    assert looked(folder, 3)["looks"]["test"]["level"] == LEVELS[2]


def test_a_run_that_is_killed_while_it_measures_has_looked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its entry stands before the first check begins."""

    def killed(*_jobs: object, **_options: object) -> None:
        assert [entry.kind for entry in ledger(folder).entries()] == ["look"]
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(judging, "findings", killed)
        with pytest.raises(KeyboardInterrupt):
            looked(folder, 1)
    results = looked(folder, 2)
    assert results["looks"]["test"]["number"] == 2
    assert (results["looks"]["test"]["candidates"], results["looks"]["test"]["decisions"]) == (2, 2)


def test_smoke_and_selected_runs_look(folder: Path) -> None:
    """What is measured is looked at; a run that measures the data alone looks at nothing."""
    require = [{"check": "performance/accuracy", "min": 0.8}, {"check": "data/duplicates", "max": 5000}]
    predictions(1)
    made = policy(*require, looks=THREE)
    assert run(folder, made, select=("data/duplicates",))["looks"] == {}
    assert run(folder, made, select=("performance/accuracy",))["looks"]["test"]["number"] == 1
    assert run(folder, made)["looks"]["test"]["candidates"] == 1
    smoke = run(folder, made, smoke=True)["looks"]["test"]
    assert (smoke["number"], smoke["decisions"]) == (2, 3)


def test_each_test_set_has_its_own_count(folder: Path) -> None:
    """A requirement is judged at the look of the set that it is measured on."""
    for number in (1, 2):
        looked(folder, number)
    table(seed=8).to_csv("fresh.csv", index=False)
    require = [{"check": "performance/accuracy", "min": 0.8}, {"check": "performance/accuracy", "id": "fresh", "on": "fresh", "min": 0.8}]
    datasets = {"test": {"path": "test.csv"}, "fresh": {"path": "fresh.csv"}}
    predictions(3)
    results = run(folder, policy(*require, datasets=datasets, looks=THREE))
    assert {role: one["number"] for role, one in results["looks"].items()} == {"test": 3, "fresh": 1}
    assert [one["headline"]["levels"][0] for one in results["findings"]] == [LEVELS[2], LEVELS[0]]


def test_an_exchanged_file_starts_anew_and_is_told(folder: Path) -> None:
    """One changed label makes another set; the report says what stood there before."""
    before = [looked(folder, number) for number in (1, 2)]
    table().assign(label=lambda rows: rows["label"].where(rows["id"] != 7, 1 - rows["label"])).to_csv("test.csv", index=False)
    results = run(folder, policy(looks=THREE))
    assert results["looks"]["test"]["number"] == 1
    assert results["looks"]["test"]["exchanged"] == [{"sha256": before[1]["datasets"]["test"]["sha256"], "candidates": 2}]
    assert "The file was exchanged once" in (folder / "reports" / results["run"]["id"] / "report.html").read_text()


def test_the_same_head_gives_the_same_bytes(folder: Path) -> None:
    """Two ledgers with the same entries before: results differ in `run` alone, and the head is the entry before the look."""
    predictions(1)
    one, other = (run(folder, policy(looks=THREE), out=out) for out in ("first", "second"))
    assert one.pop("run") != other.pop("run")
    assert one == other
    assert one["ledger_head"] is None
    later = run(folder, policy(looks=THREE), out="first")
    entries = Ledger(folder / "first" / "ledger.sqlite").entries()
    assert [entry.kind for entry in entries] == ["look", "run", "look", "run"]
    assert later["ledger_head"] == entries[1].digest
    assert json.loads(entries[3].payload)["look"] == entries[2].digest


def test_a_forged_ledger_is_refused_before_anything_is_trained(folder: Path) -> None:
    looked(folder, 1)
    with sqlite3.connect(folder / "reports" / "ledger.sqlite") as database:
        database.execute("DROP TRIGGER no_update")
        changed = database.execute("UPDATE entries SET payload = replace(payload, '\"max\":3', '\"max\":9') WHERE kind = 'look'")
        assert changed.rowcount == 1
    database.close()
    with pytest.raises(ToolError, match="broken at entry 1"):
        looked(folder, 2)


def test_many_candidates_without_a_plan_are_remarked_on(folder: Path) -> None:
    """The twenty-first candidate is said to be so; the decision stays."""
    results = looked(folder, 0, looks=None)
    (entry,) = ledger(folder).entries()
    for number in range(1, 20):
        ledger(folder).append(entry.time, "run", json.loads(entry.payload) | {"candidate_sha256": f"{number:064x}"})
    assert not [one for one in results["reasons"] if one["rule"] == "test-set-worn"]
    results = looked(folder, 99, looks=None)
    (worn,) = (one for one in results["reasons"] if one["rule"] == "test-set-worn")
    assert worn["text"].startswith("21 candidates were held against the test set test")
    assert results["decision"] == "promote"


def test_two_runs_at_once_take_two_numbers(folder: Path) -> None:
    """Two processes with a candidate each, one test set and one ledger."""
    for number, name in ((1, "one"), (2, "two")):
        predictions(number, f"{name}.csv")
        (folder / f"{name}.yaml").write_text(yaml.safe_dump(policy(datasets={"test": {"path": f"{name}.csv"}}, looks=THREE)))
    running = [subprocess.Popen([AUDIT, "run", f"{name}.yaml"], stdout=subprocess.DEVNULL) for name in ("one", "two")]
    assert [process.wait(timeout=180) for process in running] == [0, 0]
    looks = [json.loads(path.read_text())["looks"]["test"]["number"] for path in folder.glob("reports/*/results.json")]
    assert sorted(looks) == [1, 2]


@pytest.mark.parametrize(
    ("looks", "told"),
    [
        ({"max": 0, "spending": "pocock"}, "looks.max"),
        ({"max": 1001, "spending": "pocock"}, "looks.max"),
        ({"max": "5", "spending": "pocock"}, "looks.max"),
        ({"max": 5}, "looks.spending"),
        ({"max": 5, "spending": "haybittle-peto"}, "looks.spending"),
        ({"max": 5, "spending": "pocock", "alpha": 0.1}, "looks.alpha"),
        (5, "looks"),
    ],
)
def test_a_plan_that_is_none_is_refused(folder: Path, looks: object, told: str) -> None:
    with pytest.raises(PolicyError, match=rf"policy.yaml:\d+:\d+: {told}"):
        looked(folder, 1, looks=looks)


def test_a_point_cannot_be_judged_under_a_plan(folder: Path) -> None:
    """It has no error to spend: unspent peeking would come back by that door."""
    asked = {"check": "performance/accuracy", "min": 0.8, "severity": "medium", "judge_on": "value"}
    with pytest.raises(PolicyError, match=r"require.0.judge_on: a value has no error that could be spent over `looks`"):
        looked(folder, 1, require=[asked])
    assert looked(folder, 1, require=[asked], looks=None)["decision"] == "promote"


def test_the_best_of_five_bad_candidates_passes_as_seldom_as_one() -> None:
    """4,000 searches of five candidates exactly on the bound, on 400 shared rows: any pass at all.

    Half of the rows are easy for every candidate, so that their errors hang together. A candidate has 80 % in the long run.
    """
    rng, rows, searches = np.random.default_rng(20260101), 400, 4000
    right = np.where(rng.random((searches, 1, rows)) < 0.5, 1.0, 0.6)
    hits = (rng.random((searches, 5, rows)) < right).sum(axis=2)
    for kind in ("pocock", "obrien-fleming"):
        of = levels([Look(str(number), number, Plan(5, kind)) for number in range(1, 6)], 0.025)
        share = np.mean([any(_passes(int(hit), number, of[number - 1]) for number, hit in enumerate(search, start=1)) for search in hits])
        assert share <= 0.025 + 3 * (0.025 * 0.975 / searches) ** 0.5
    unspent = np.mean([any(_passes(int(hit), 1, 0.025) for hit in search) for search in hits])
    assert unspent > 0.06


@cache
def _passes(hits: int, number: int, level: float) -> bool:
    spent = Spent(number, 5, level, 0.025)
    found = judge(requirement(min=0.8), INFO, proportions((hits, 400)), confidence=0.95, owner="nobody", spent=spent)
    return found.status == "pass"


def test_other_roles_make_no_fresh_test_set(folder: Path) -> None:
    """Another candidate's file, and no id declared."""
    first = looked(folder, 1)
    second = looked(folder, 2, columns={"label": "label", "prediction": "prediction"})
    assert [one["looks"]["test"]["number"] for one in (first, second)] == [1, 2]
