"""`--format` on the command line: what is written, what is printed, and on which stream."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.command import audit, installed
from tests.running import policy, run

if TYPE_CHECKING:
    from pathlib import Path


def test_json_takes_the_place_of_the_table(tmp_path: Path) -> None:
    """Standard output is results.json and nothing else; the table goes to standard error; the exit code stays."""
    done, results = run(tmp_path, policy({"check": "performance/accuracy", "min": 0.95}), "--format", "json")
    assert done.returncode == 1
    assert json.loads(done.stdout) == results
    assert "BLOCK" in done.stderr


def test_json_of_hostile_names_is_visible_ascii(tmp_path: Path) -> None:
    """Commands to a CI system and signs that turn the line are escapes in what is printed, and whole in what is read."""
    hostile = "##[error]x \u202e ü \U0001f600"
    made = policy({"check": "performance/accuracy", "min": 0.8}, not_measured={"safe": f"none of it matters here {hostile}"})
    done, results = run(tmp_path, made, "--format", "json", command=installed)
    assert done.returncode == 0
    assert done.stdout.isascii()
    assert "##[" not in done.stdout
    assert results is not None
    assert json.loads(done.stdout)["not_measured"] == results["not_measured"] == made["not_measured"]


def test_json_lines_end_with_the_decision(tmp_path: Path) -> None:
    """One object a line: the run, each finding, the decision."""
    done, results = run(tmp_path, policy(), "--format", "jsonl")
    kinds = [json.loads(line)["kind"] for line in done.stdout.splitlines()]
    assert kinds == ["run", "finding", "decision"]
    assert results is not None
    assert json.loads(done.stdout.splitlines()[-1])["decision"] == results["decision"] == "promote"


def test_files_lie_in_the_bundle_and_are_sealed(tmp_path: Path) -> None:
    """Formats that print nothing leave the table as it is; their files are in bundle.json."""
    done, _ = run(tmp_path, policy(), "--format", "junit", "--format", "sarif")
    assert "PROMOTE" in done.stdout
    (bundle,) = (tmp_path / "reports").glob("*/")
    names = {one["name"] for one in json.loads((bundle / "bundle.json").read_text())["files"]}
    assert {"junit.xml", "audit.sarif", "report.html", "results.json"} <= names
    again = audit("report", str(bundle), "--format", "junit", "-o", "again", cwd=tmp_path)
    assert again.returncode == 0
    assert (tmp_path / "again" / "junit.xml").read_bytes() == (bundle / "junit.xml").read_bytes()


def test_github_obeys_the_annotations_and_nothing_else(tmp_path: Path) -> None:
    """Of the installed command: the commands of the export are whole, one in a name is spelt out; the step's summary is added to."""
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    owner = {"team": "::error::team", "contact": "t@example.org"}
    made = policy({"check": "performance/accuracy", "min": 0.95, "id": "x"}, system={"owner": owner})

    def command(*arguments: str, **options: object) -> object:
        return installed(*arguments, GITHUB_STEP_SUMMARY=str(summary), **options)  # type: ignore[arg-type]  # as run() gives them

    done, _ = run(tmp_path, made, "--format", "github", command=command)  # type: ignore[arg-type]  # a completed process
    obeyed = [line for line in done.stdout.splitlines() if line.startswith("::")]
    assert obeyed
    assert all(line.startswith("::error file=policy.yaml,line=") for line in obeyed)
    assert summary.read_text().startswith("before\n## ⛔ Block: small")


def test_refused_before_anything_is_measured(tmp_path: Path) -> None:
    """An unknown format, two documents on one stream, and a bundle on standard output: one message, exit code 2, no bundle."""
    for arguments, told in [
        (("--format", "pfd"), "--format pfd: there is html"),
        (("--format", "json", "--format", "jsonl"), "name one of them"),
    ]:
        done, results = run(tmp_path, policy(), *arguments)
        assert (done.returncode, results) == (2, None)
        assert told in done.stderr
    done = audit("run", "policy.yaml", "-o", "-", cwd=tmp_path)
    assert done.returncode == 2
    assert "a bundle is a folder" in done.stderr
    assert not (tmp_path / "-").exists()
