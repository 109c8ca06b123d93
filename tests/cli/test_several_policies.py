"""Several policies or a folder of them in one command, and the defaults of `[tool.audit]` in pyproject.toml."""

from __future__ import annotations

from pathlib import Path

import pytest

from audit.cli.runs import policy_files, worst
from audit.errors import InputError
from tests.command import audit
from tests.running import table

POLICY = """\
policy: {name}
datasets: {{test: {{path: test.csv}}}}
columns: {{id: id, label: label, prediction: prediction}}
candidate: {{task: tabular-classification, load: {{kind: predictions}}}}
require:
  - {{check: performance/accuracy, min: {bound}{more}}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "cache"))
    table().to_csv("test.csv", index=False)
    Path("policies").mkdir()
    return tmp_path


def written(name: str, bound: float, more: str = "") -> str:
    path = Path("policies", f"{name}.yaml")
    path.write_text(POLICY.format(name=name, bound=bound, more=more), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("codes", "code"),
    [((0, 0), 0), ((0, 4), 4), ((4, 1, 0), 1), ((1, 2), 2), ((2, 3, 1), 3), ((0, 130), 3), ((), 3)],
)
def test_the_worst_exit_code_counts(codes: tuple[int, ...], code: int) -> None:
    assert worst(codes) == code


def test_each_policy_runs_and_the_worst_decides() -> None:
    written("good", 0.8)
    written("bad", 0.99)
    done = audit("run", "policies")
    assert done.returncode == 1
    assert "PROMOTE  good (exit code 0)" in done.stdout
    assert "BLOCK  bad (exit code 1)" in done.stdout
    assert done.stdout.splitlines()[-2:] == ["policies/bad.yaml   1  block", "policies/good.yaml  0  promote"]
    assert len(list(Path("reports").glob("*/results.json"))) == 2


def test_a_policy_that_cannot_be_read_stops_no_other() -> None:
    good, open_ended = written("good", 0.8), written("open", 0.95, ", severity: low")
    Path("policies/broken.yaml").write_text("policy: [\n", encoding="utf-8")
    done = audit("run", good, "policies/broken.yaml", open_ended)
    assert done.returncode == 2
    assert "policies/broken.yaml:" in done.stderr
    assert done.stdout.splitlines()[-3:] == [
        "policies/broken.yaml  2  bad policy or input",
        "policies/open.yaml    4  conditions await signatures",
        "policies/good.yaml    0  promote",
    ]


def test_a_format_that_prints_leaves_standard_output_to_results() -> None:
    written("good", 0.8)
    written("bad", 0.99)
    done = audit("run", "policies", "--format", "jsonl")
    assert all(line.startswith("{") for line in done.stdout.splitlines())
    assert "policies/bad.yaml   1  block" in done.stderr


@pytest.mark.parametrize("more", [("--format", "json"), ("--changed-since", "reports/any")])
def test_what_is_of_one_run_is_refused_for_several(more: tuple[str, ...]) -> None:
    written("good", 0.8)
    written("bad", 0.99)
    done = audit("run", "policies", *more)
    assert done.returncode == 2
    assert "several policies are named" in done.stderr
    assert not Path("reports").exists()


def test_a_folder_holds_policies_beside_waivers_and_approvals() -> None:
    written("b", 0.8)
    written("a", 0.8)
    Path("policies/b.approvals.yaml").write_text("approvals: []\n", encoding="utf-8")
    Path("policies/W-1.yaml").write_text("valid_while: {}\n", encoding="utf-8")
    Path("policies/.draft.yaml").write_text("policy: draft\n", encoding="utf-8")
    Path("policies/notes.txt").write_text("no policy\n", encoding="utf-8")
    assert [path.name for path in policy_files([Path("policies"), Path("policies/a.yaml")])] == ["a.yaml", "b.yaml"]


def test_a_folder_without_a_policy_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="no policy lies in this folder"):
        policy_files([folder / "policies"])
    assert audit("run", "policies").returncode == 2


def test_validate_takes_several() -> None:
    good, bad = written("good", 0.8), written("bad", 7)
    done = audit("validate", good, bad)
    assert done.returncode == 2
    assert done.stdout.splitlines()[-2:] == ["policies/bad.yaml   2  not valid", "policies/good.yaml  0  valid"]
    assert audit("validate", good, good).stdout.splitlines() == ["policies/good.yaml: valid, 1 requirement"]


def settings(text: str) -> None:
    Path("pyproject.toml").write_text(f'[project]\nname = "letters"\n\n[tool.audit]\n{text}', encoding="utf-8")


def test_pyproject_names_what_the_command_line_leaves_out() -> None:
    settings('out = "bundles"\njobs = 2\nformats = ["junit"]\npolicies = ["policies"]\n')
    written("good", 0.8)
    assert audit("run").returncode == 0
    assert len(list(Path("bundles").glob("*/junit.xml"))) == 1
    assert audit("history").stdout.count("run             promote") == 1
    assert audit("validate").stdout.startswith("policies/good.yaml: valid")


def test_the_command_line_wins() -> None:
    settings('out = "bundles"\nformats = ["junit"]\npolicies = ["elsewhere"]\n')
    assert audit("run", written("good", 0.8), "-o", "here", "--format", "csv").returncode == 0
    assert not Path("bundles").exists()
    (bundle,) = Path("here").glob("*/results.json")
    assert not (bundle.parent / "junit.xml").exists()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "allow-outside = true\n",
            "pyproject.toml:5:1: tool.audit.allow-outside: cannot be set in a file; give --allow-outside on the command",
        ),
        ('\nuot = "x"\n', "pyproject.toml:6:1: tool.audit.uot: unknown key; did you mean 'out'?"),
        ("jobs = 0\n", "pyproject.toml:5:1: tool.audit.jobs: is no number of jobs; give a whole number of at least 1"),
        ("jobs = true\n", "pyproject.toml:5:1: tool.audit.jobs: is no number of jobs"),
        ("out = 3\n", "pyproject.toml:5:1: tool.audit.out: is no folder"),
        ('formats = "junit"\n', "pyproject.toml:5:1: tool.audit.formats: is no list of texts"),
        ("policies = []\n", "pyproject.toml:5:1: tool.audit.policies: is no list of texts"),
        ("jobs = \n", "pyproject.toml:1:1: is no TOML"),
    ],
)
def test_settings_that_mean_nothing_are_refused(text: str, told: str) -> None:
    settings(text)
    done = audit("run", written("good", 0.8))
    assert done.returncode == 2
    assert told in done.stderr
    assert not Path("reports").exists()


def test_every_mistake_of_the_settings_is_told_at_once() -> None:
    settings("jobs = 0\n[tool.other]\njobs = 4\n[tool.audit.more]\nx = 1\n")
    assert [line.split(" ", 1)[0] for line in audit("checks").stderr.splitlines()] == ["pyproject.toml:4:1:", "pyproject.toml:5:1:"]


def test_another_project_is_left_alone() -> None:
    Path("pyproject.toml").write_text('[project]\nname = "letters"\n', encoding="utf-8")
    assert audit("run", written("good", 0.8)).returncode == 0
