"""The shell of every template runs as a runner would run it: in a folder of its own, with the variables that the runner sets.

Nothing is fetched: `python -m pip` is replaced by a script that writes down what it was asked, and the installed command stands on PATH.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.running import policy, table

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / ".github/actions/audit/action.yml").read_text())
GITLAB = yaml.safe_load((ROOT / "docs/ci/gitlab.yml").read_text())[".audit"]
HOOK = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())[0]
STEPS = {step["name"]: step for step in ACTION["runs"]["steps"] if "run" in step}
BIN = Path(sys.executable).parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """A checkout with a policy that promotes, one that blocks and one with a mistake."""
    made = tmp_path / "work space"
    (made / "policies").mkdir(parents=True)
    table().to_csv(made / "test.csv", index=False)
    for name, bound in (("audit", 0.8), ("block", 0.99), ("wrong", 1.5)):
        text = yaml.safe_dump(policy({"check": "performance/accuracy", "min": bound}))
        (made / f"policies/{name}.yaml").write_text(text)
    return made


def bash(
    script: str, folder: Path, variables: Mapping[str, str] | None = None, *, pip: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """A step as GitHub's and GitLab's runners start it: bash that ends at the first error."""
    path = os.pathsep.join([*([str(pip)] if pip else []), str(BIN), os.environ["PATH"]])
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=os.environ | {"PATH": path, "CI": "true", **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


@pytest.fixture
def pip(tmp_path: Path) -> Path:
    """A folder with a `python` that installs nothing and writes down its arguments."""
    made = tmp_path / "bin"
    made.mkdir()
    (made / "python").write_text('#!/bin/bash\nprintf "%s\\n" "$*" >> "$(dirname "$0")/asked"\n')
    (made / "python").chmod(0o755)
    return made


def asked_of_pip(pip: Path) -> list[str]:
    return [line.removeprefix("-m pip install ") for line in (pip / "asked").read_text().splitlines()]


def inputs(**given: str) -> dict[str, str]:
    return {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()} | given


def variables(step: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    """A step's environment with its expressions filled in."""
    return {name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: given[found[1]], text) for name, text in step["env"].items()}


def audit_step(workspace: Path, **given: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str], str]:
    """What the action's main step came to, its outputs and the step summary."""
    output, summary = workspace.parent / "output", workspace.parent / "summary"
    output.write_text("")
    step = STEPS["Audit"]
    runner = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary), "GITHUB_WORKSPACE": str(workspace)}
    done = bash(step["run"], workspace, runner | variables(step, inputs(**given)))
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return done, outputs, summary.read_text() if summary.exists() else ""


@pytest.mark.parametrize(("name", "code", "decision"), [("audit", 0, "promote"), ("block", 1, "block")])
def test_the_action_ends_as_the_audit_does(workspace: Path, name: str, code: int, decision: str) -> None:
    done, outputs, summary = audit_step(workspace, policy=f"policies/{name}.yaml")
    assert (done.returncode, outputs["exit-code"]) == (code, str(code)), done.stderr
    bundle = workspace / outputs["bundle"]
    assert json.loads((bundle / "results.json").read_text())["decision"] == decision
    assert (bundle / "junit.xml").is_file()
    assert (bundle / "audit-github.sarif").is_file()
    assert decision in summary.lower()
    assert ("::error " in done.stdout) == (code == 1)


def test_the_action_writes_no_bundle_for_a_wrong_policy(workspace: Path) -> None:
    """And takes no older bundle for this run's."""
    assert audit_step(workspace, policy="policies/audit.yaml")[0].returncode == 0
    done, outputs, _ = audit_step(workspace, policy="policies/wrong.yaml")
    assert (done.returncode, outputs) == (2, {"exit-code": "2", "bundle": ""})
    assert "policies/wrong.yaml:" in done.stderr


def test_inputs_of_the_action_are_never_code(workspace: Path) -> None:
    """A pull request may name the policy; what it says reaches the shell as a variable alone."""
    assert not any("${{" in step["run"] for step in STEPS.values())
    done, outputs, _ = audit_step(workspace, policy="$(touch evil); touch evil `touch evil`.yaml")
    assert (done.returncode, outputs["exit-code"]) == (2, "2")
    assert not list(workspace.rglob("evil"))


@pytest.mark.parametrize(
    ("extras", "asked"),
    [
        ("text,sklearn", [f"torch --index-url {CPU_INDEX}", "model-audit-gate[text,sklearn]==0.1.0"]),
        ("all", [f"torch --index-url {CPU_INDEX}", "model-audit-gate[all]==0.1.0"]),
        ("sklearn", ["model-audit-gate[sklearn]==0.1.0"]),
    ],
)
def test_the_action_installs_the_cpu_build_of_torch_first(workspace: Path, pip: Path, extras: str, asked: list[str]) -> None:
    step = STEPS["Install"]
    done = bash(step["run"], workspace, variables(step, inputs(extras=extras, version="==0.1.0")), pip=pip)
    assert (done.returncode, asked_of_pip(pip)) == (0, asked), done.stderr


def test_the_action_keeps_the_ledger_after_a_block_too() -> None:
    steps = {step.get("name", step.get("uses")): step for step in ACTION["runs"]["steps"]}
    restored, kept = steps["Restore the ledger of earlier runs"], steps["Keep the ledger for later runs"]
    assert kept["if"] == "always()"
    assert restored["with"]["path"] == kept["with"]["path"] == "${{ inputs.out }}/ledger.sqlite"
    assert kept["with"]["key"].startswith(restored["with"]["restore-keys"])
    order = list(steps)
    assert order.index("Restore the ledger of earlier runs") < order.index("Audit") < order.index("Keep the ledger for later runs")


@pytest.mark.parametrize(("name", "code"), [("audit", 0), ("block", 1), ("wrong", 2)])
def test_the_gitlab_job(workspace: Path, pip: Path, name: str, code: int) -> None:
    """Its scripts end as the audit does, and what it keeps is there."""
    given = {key: str(value) for key, value in GITLAB["variables"].items()} | {"AUDIT_POLICY": f"policies/{name}.yaml"}
    given["AUDIT_CACHE"] = given["AUDIT_CACHE"].replace("$CI_PROJECT_DIR", str(workspace))
    assert bash("\n".join(GITLAB["before_script"]), workspace, given, pip=pip).returncode == 0
    assert asked_of_pip(pip) == [f"torch --index-url {CPU_INDEX}", f"model-audit-gate[{given['AUDIT_EXTRAS']}]"]
    done = bash("\n".join(GITLAB["script"]), workspace, given)
    assert done.returncode == code, done.stderr
    reports = [list(workspace.glob(pattern)) for pattern in GITLAB["artifacts"]["reports"].values()]
    assert [len(found) for found in reports] == ([0, 0] if code == 2 else [1, 1])
    if code != 2:
        assert all((workspace / path).exists() for path in GITLAB["cache"]["paths"])
    assert GITLAB["cache"]["when"] == GITLAB["artifacts"]["when"] == "always"
    assert GITLAB["resource_group"]


def test_the_hook_of_pre_commit(workspace: Path) -> None:
    """It takes several files at once, names every mistake, and leaves hidden files and other folders alone."""
    wanted = re.compile(HOOK["files"])
    files = [f"policies/{name}.yaml" for name in ("audit", "wrong")]
    assert all(wanted.search(name) for name in [*files, "waivers/W-1.yaml"])
    assert not any(wanted.search(name) for name in ("policies/.draft.yaml", "docs/ci/gitlab.yml", "data/policies.yaml"))
    assert bash(f"{HOOK['entry']} {files[0]}", workspace).returncode == 0
    done = bash(f"{HOOK['entry']} {' '.join(files)}", workspace)
    assert done.returncode == 2
    assert re.search(r"^policies/wrong\.yaml:\d+:\d+: ", done.stderr, re.MULTILINE)


@pytest.mark.skipif(shutil.which("flock") is None, reason="needs flock of util-linux, as the line itself does")
def test_the_line_of_cron(workspace: Path) -> None:
    lines = (ROOT / "docs/ci/audit.cron").read_text().splitlines()
    (line,) = [one for one in lines if re.match(r"\d", one)]
    assert "SHELL=/bin/bash" in lines
    minute, hour, _, _, _, user, command = line.split(maxsplit=6)
    assert (minute, hour, user) == ("15", "3", "audit")
    command = command.replace("/srv/audit", shlex.quote(str(workspace))).replace("/run/lock", shlex.quote(str(workspace.parent)))
    assert bash(command, workspace.parent).returncode == 0
    assert (workspace / "reports/ledger.sqlite").is_file()
    busy = command.replace("audit run", "audit --version && : audit run")
    with (workspace.parent / "audit.lock").open() as lock:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX)
        assert bash(busy, workspace.parent).returncode == 1, "a night is skipped while a run still goes on"


def test_the_unit_of_systemd(workspace: Path) -> None:
    unit, timer = (configparser.ConfigParser(strict=False, interpolation=None) for _ in range(2))
    for one in (unit, timer):
        one.optionxform = str  # type: ignore[assignment,method-assign]  # keys of units keep their case
    unit.read(ROOT / "docs/ci/audit.service")
    timer.read(ROOT / "docs/ci/audit.timer")
    service = unit["Service"]
    state = workspace.parent / "state"
    command = service["ExecStart"].replace("/usr/local/bin/", "").replace("/var/lib/audit", shlex.quote(str(state)))
    environment = dict(pair.split("=", 1) for pair in service["Environment"].split())
    assert environment.pop("AUDIT_CACHE") == f"/var/cache/{service['CacheDirectory']}"
    assert bash(command, workspace, environment).returncode == 0
    assert (state / "ledger.sqlite").is_file()
    assert (service["Type"], service["ProtectSystem"], service["StateDirectory"]) == ("oneshot", "strict", "audit")
    if shutil.which("systemd-analyze"):
        said = bash(f"systemd-analyze calendar {shlex.quote(timer['Timer']['OnCalendar'])}", workspace)
        assert said.returncode == 0, said.stderr


def test_the_container_file() -> None:
    """No image is built here, since that fetches one: its commands are read, and bash takes them."""
    text = (ROOT / "docs/ci/Containerfile").read_text()
    lines = [line for line in text.replace("\\\n", " ").splitlines() if line and not line.startswith("#")]
    told = [line.split(maxsplit=1) for line in lines]
    keys = [key for key, _ in told]
    given = dict(told)
    assert json.loads(given["ENTRYPOINT"]) == ["audit"]
    assert given["USER"] == re.search(r"useradd --uid (\d+)", given["RUN"])[1] != "0"  # type: ignore[index]  # None fails the test too
    assert keys.index("RUN") < keys.index("USER") < keys.index("ENTRYPOINT")
    assert given["RUN"].index(CPU_INDEX) < given["RUN"].index("/source[")
    assert all((ROOT / path).is_file() for path in re.findall(r"-c /source/(\S+)", given["RUN"]))
    assert subprocess.run(["bash", "-n", "-c", given["RUN"]], check=False).returncode == 0


def test_a_fresh_runner_says_what_starts_anew(workspace: Path) -> None:
    """Once: the second run finds the ledger. Outside of CI nobody is told."""
    words = "no ledger here, so looks at test sets and the check for a loosened policy start anew"
    run = "audit run policies/audit.yaml"
    assert words in bash(run, workspace).stderr
    assert words not in bash(run, workspace).stderr
    assert words not in bash(f"{run} -o elsewhere", workspace, {"CI": ""}).stderr
    assert words in bash(f"{run} -o third", workspace, {"AUDIT_LEDGER": "new/ledger.sqlite"}).stderr
