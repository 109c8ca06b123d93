"""`audit profile`: one file, folders, merges, and what it refuses in one message."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from tests.command import audit

if TYPE_CHECKING:
    from pathlib import Path


def table(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    label = rng.choice(["no", "yes"], rows)
    return pd.DataFrame(
        {
            "text": [f"word {seed} {row}" for row in range(rows)],
            "label": label,
            "prediction": np.where(rng.random(rows) < 0.9, label, "no"),
            "region": rng.choice(["north", "south"], rows),
            "age": rng.normal(40, 10, rows),
            "old": rng.random(rows) < 0.3,
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    table(600, 1).to_csv(tmp_path / "one.csv", index=False)
    (tmp_path / "days").mkdir()
    for seed in (2, 3):
        table(600, seed).to_parquet(tmp_path / "days" / f"day-{seed}.parquet")
    return tmp_path


def _profile(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["profile"]
    return found


def test_a_file_is_written_beside_and_says_what_it_holds(folder: Path) -> None:
    seen = audit("profile", "one.csv", "--by", "region", cwd=folder)
    assert seen.returncode == 0
    assert seen.stdout.startswith("one.csv.profile.json: written; 600 rows, 6 columns; counted together: label, prediction, region (")
    assert "roles by the names of the columns: text, label, prediction" in seen.stderr
    found = _profile(folder / "one.csv.profile.json")
    assert found["roles"] == {"text": "text", "label": "label", "prediction": "prediction"}
    assert set(found["text"]) == {"text (words)", "text (characters)", "text (share of letters)"}


def test_the_same_file_gives_the_same_bytes(folder: Path) -> None:
    for name in ("a", "b"):
        assert audit("profile", "days/day-2.parquet", "-o", f"{name}.json", cwd=folder).returncode == 0
    assert (folder / "a.json").read_bytes() == (folder / "b.json").read_bytes()


def test_merged_files_hold_what_their_folder_holds(folder: Path) -> None:
    for path in ("days", "days/day-2.parquet", "days/day-3.parquet"):
        assert audit("profile", path, "--by", "region", cwd=folder).returncode == 0
    parts = ("day-2.parquet.profile.json", "day-3.parquet.profile.json")
    assert audit("profile", "--merge", *parts, "-o", "both.json", cwd=folder).returncode == 0
    merged, whole = (_profile(folder / name) for name in ("both.json", "days.profile.json"))
    for key in ("rows", "joint", "parts", "roles"):
        assert merged[key] == whole[key]


def test_roles_of_columns_may_be_named_and_features_chosen(folder: Path) -> None:
    seen = audit("profile", "one.csv", "--column", "label=", "--column", "text=", "--column", "features=[age, old]", cwd=folder)
    assert seen.returncode == 0
    assert [name for name, _ in _profile(folder / "one.csv.profile.json")["columns"]] == ["prediction", "age", "old"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing.csv",), "nothing.csv: there is no such file"),
        (("one.csv", "--by", "store"), "--by store: one.csv has no column 'store'"),
        (("one.csv", "--column", "label=wrong"), "--column label: one.csv has no column 'wrong'"),
        (("one.csv", "--by", "age"), "together hold more than"),
        (("one.csv", "days"), "days: profile one file at a time, or merge profiles with --merge"),
        (("--merge", "one.csv", "one.csv", "-o", "m.json"), "one.csv: is no profile: make one with `audit profile one.csv`"),
        (("--merge", "made.json", "-o", "m.json"), "--merge: name two profiles or more"),
        (("--merge", "made.json", "made.json"), "--merge: name the file to write with -o"),
        (("--merge", "made.json", "made.json", "-o", "m.json"), "made.json: the same file is in both"),
        (("made.json",), "made.json: is a profile already"),
        (("one.csv", "-o", "made.json"), "made.json: is there already"),
    ],
)
def test_what_cannot_be_profiled_is_refused_in_one_message(folder: Path, arguments: tuple[str, ...], said: str) -> None:
    if "age" in arguments:
        table(5000, 1).to_csv(folder / "one.csv", index=False)
    assert audit("profile", "days/day-2.parquet", "-o", "made.json", cwd=folder).returncode == 0
    seen = audit("profile", *arguments, cwd=folder)
    assert (seen.returncode, seen.stdout) == (2, "")
    assert said in seen.stderr
    assert "Traceback" not in seen.stderr


POLICY = """\
policy: profiled
version: 1
seed: 1
tier: 3
system: {purpose: a test, owner: {contact: nobody@example.org}, rollback_plan: none}
datasets:
  test: {path: one.csv, source: generated, licence: CC0-1.0}
  production: {path: production.json, source: generated, licence: CC0-1.0}
columns: {label: label, prediction: prediction, positive: "yes", features: [age, old, region]}
candidate: {task: tabular-classification, load: {kind: predictions}}
require:
  - {check: performance/accuracy, min: 0.7}
  - {check: performance/accuracy, id: in-production, on: production, by: [region], min: 0.7}
  - {check: drift/ks, on: production, reference: test, columns: [age], max: 0.3}
  - {check: drift/psi, on: production, reference: test, max: 0.5}
"""


def test_an_audit_runs_on_a_profile_and_keeps_it_as_evidence(folder: Path) -> None:
    assert audit("profile", "days", "--by", "region", "-o", "production.json", cwd=folder).returncode == 0
    (folder / "policy.yaml").write_text(POLICY, encoding="utf-8")
    seen = audit("run", "policy.yaml", "-o", "out", cwd=folder)
    assert seen.returncode == 0, seen.stdout + seen.stderr
    (bundle,) = (folder / "out").glob("2*")
    results = json.loads((bundle / "results.json").read_text(encoding="utf-8"))
    assert {one["id"]: one["status"] for one in results["findings"]} == dict.fromkeys(
        ("performance/accuracy", "in-production", "drift/ks", "drift/psi"), "pass"
    )
    assert "evidence/profile-production.json" in next(one["evidence"] for one in results["findings"] if one["id"] == "drift/ks")
    assert _profile(bundle / "evidence" / "profile-production.json") == _profile(folder / "production.json")
    assert "the profile that was audited in place of rows" in (bundle / "report.html").read_text(encoding="utf-8")


def test_a_requirement_that_needs_rows_is_not_run_and_blocks(folder: Path) -> None:
    assert audit("profile", "days", "-o", "production.json", cwd=folder).returncode == 0
    row = "  - {check: drift/mmd, on: production, reference: test, max: 0.3, columns: [age]}\n"
    (folder / "policy.yaml").write_text(POLICY.replace(", by: [region]", "") + row, encoding="utf-8")
    seen = audit("run", "policy.yaml", "-o", "out", cwd=folder)
    assert seen.returncode == 3, seen.stdout + seen.stderr
    assert "needs rows of column 'age', and" in seen.stdout


@pytest.mark.parametrize(
    ("made", "change", "said"),
    [
        (("--column", "label=", "--column", "prediction="), ("", ""), "needs rows of column 'label', and"),
        (("--by", "region"), ("by: [region]", "by: [old]"), "is a profile without counts by 'old': make it with --by old"),
    ],
)
def test_what_a_profile_does_not_count_is_refused_at_its_line(
    folder: Path, made: tuple[str, ...], change: tuple[str, str], said: str
) -> None:
    assert audit("profile", "days", *made, "-o", "production.json", cwd=folder).returncode == 0
    (folder / "policy.yaml").write_text(POLICY.replace(*change), encoding="utf-8")
    seen = audit("run", "policy.yaml", "-o", "out", cwd=folder)
    assert seen.returncode == 2
    assert said in seen.stderr
    assert "Traceback" not in seen.stderr


def test_an_overview_of_a_profile_is_refused(folder: Path) -> None:
    assert audit("profile", "days", "-o", "production.json", cwd=folder).returncode == 0
    seen = audit("overview", "production.json", cwd=folder)
    assert seen.returncode == 2
    assert "is a profile, which has no rows to look at" in seen.stderr
