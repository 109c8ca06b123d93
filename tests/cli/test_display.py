"""-h, -q, -v, --color, completion, and help that cuts nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import typer

from audit.cli.app import app
from audit.cli.base import console
from audit.cli.display import display
from tests.command import audit
from tests.running import policy, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    display.reset()


def commands() -> list[str]:
    return list(typer.main.get_command(app).commands)  # type: ignore[attr-defined]  # a group has commands


@pytest.mark.parametrize("name", commands())
@pytest.mark.parametrize("columns", ["40", "80", "200"])
def test_no_help_cuts_a_description(name: str, columns: str) -> None:
    whole = " ".join(audit("-h", COLUMNS=columns, TERMINAL_WIDTH=columns).stdout.split())
    command = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined]  # a group has commands
    assert " ".join((command.help or "").split()) in whole


@pytest.mark.parametrize("name", commands())
def test_every_command_takes_h_and_the_shared_options(name: str) -> None:
    done = audit(name, "-h")
    assert done.returncode == 0
    assert done.stdout == audit(name, "--help").stdout
    assert all(option in done.stdout for option in ("-q, --quiet", "-v, --verbose", "--color auto|always|never"))


def test_quiet_prints_the_decision_alone(tmp_path: Path) -> None:
    done, _ = run(tmp_path, policy({"check": "performance/accuracy", "min": 0.99}), "-q")
    assert (done.returncode, done.stdout, done.stderr) == (1, "BLOCK  small (exit code 1)\n", "")
    before = audit("--quiet", "run", "policy.yaml", cwd=tmp_path)
    assert before.stdout == done.stdout


def test_quiet_hides_no_error(tmp_path: Path) -> None:
    done, _ = run(tmp_path, policy({"check": "performance/accuracy", "min": 9}), "-q")
    assert (done.returncode, done.stdout) == (2, "")
    assert "performance/accuracy" in done.stderr
    assert audit("validate", "-q", "policy.yaml", cwd=tmp_path).stderr == done.stderr


def test_a_valid_policy_is_quiet(tmp_path: Path) -> None:
    run(tmp_path, policy())
    done = audit("validate", "-q", "policy.yaml", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_verbose_tells_stages_and_timings_on_standard_error(tmp_path: Path) -> None:
    plain, _ = run(tmp_path, policy())
    done, _ = run(tmp_path, policy({"check": "performance/accuracy", "min": 0.81}), "-v")
    assert done.stdout.splitlines()[2] == plain.stdout.splitlines()[2] == "PROMOTE  small (exit code 0)"
    told = done.stderr.splitlines()
    assert told[0].startswith("performance/accuracy: pass, ")
    assert {line.split(":")[0] for line in told} >= {"performance/accuracy", "read", "candidate"}
    assert told[-1].startswith("run ")
    assert told[-1].endswith(" s")


def test_quiet_and_verbose_exclude_each_other() -> None:
    done = audit("-q", "doctor", "-v")
    assert done.returncode == 2
    assert "-q and -v exclude each other" in done.stderr


@pytest.mark.parametrize(
    ("color", "environment", "coloured"),
    [
        ("always", {}, True),
        ("always", {"NO_COLOR": "1"}, True),
        ("auto", {}, False),
        ("auto", {"FORCE_COLOR": "1"}, True),
        ("auto", {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        ("never", {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], color: str, environment: dict[str, str], *, coloured: bool
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"TERM": "xterm-256color"} | environment).items():
        monkeypatch.setenv(name, value)
    display.color = color  # type: ignore[assignment]  # one of the three
    console().print("fail", style="red")
    assert ("\x1b[31m" in capsys.readouterr().out) is coloured


def test_an_unknown_colour_is_refused() -> None:
    done = audit("doctor", "--color", "pink")
    assert done.returncode == 2
    assert "--color pink: give one of auto, always, never" in done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str) -> None:
    done = audit("completion", shell)
    assert done.returncode == 0
    assert "_AUDIT_COMPLETE" in done.stdout


def test_bash_accepts_the_script_and_asks_the_command() -> None:
    script = audit("completion", "bash").stdout
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    asked = {"_AUDIT_COMPLETE": "complete_bash", "COMP_WORDS": "audit va", "COMP_CWORD": "1"}
    done = subprocess.run([sys.executable, "-m", "audit"], env=os.environ | asked, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout.split()) == (0, ["validate"])


@pytest.mark.parametrize("asked", ["complete_bash", "source_bash", "1"])
def test_a_shell_s_question_in_the_environment_promotes_nothing(tmp_path: Path, asked: str) -> None:
    run(tmp_path, policy({"check": "performance/accuracy", "min": 0.99}))
    environment = {"_AUDIT_COMPLETE": asked, "COMP_WORDS": "audit run", "COMP_CWORD": "1", "AUDIT_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-m", "audit", "run", "policy.yaml"]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode not in {0, 4}


def test_completion_of_another_shell_is_refused() -> None:
    done = audit("completion", "tcsh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "tcsh: give one of bash, zsh, fish" in done.stderr


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (("vlidate",), "validate"),
        (("explain", "performance/acuracy"), "did you mean 'performance/accuracy'?"),
        (("checks", "f1_scor"), "did you mean 'performance/f1'?"),
    ],
)
def test_misspelt_names_are_suggested(typed: tuple[str, ...], told: str) -> None:
    done = audit(*typed)
    assert done.returncode == 2
    assert told in done.stderr
