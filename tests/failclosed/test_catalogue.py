"""No fault in any check ends in exit code 0, and no report of such a run says promote. A new check is covered by being there.

Most faults run in this process; one of each family, and every fault once, in the installed command.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from audit import catalog
from tests.command import audit, installed
from tests.failclosed import example, faults
from tests.shared import build_once

if TYPE_CHECKING:
    import subprocess

ROOT = Path(__file__).parents[2]
SITE = Path(__file__).parent / "site"
MODES = (*faults.IN_A_CHECK, "drop")
BY_CHECK = ("raise", "truncate")
"""What depends on a check's own code and rows; the rest the engine meets in the same way whichever check it runs."""
CHECKS = tuple(catalog.discover())
FIRST = frozenset({check_id.split("/")[0]: check_id for check_id in sorted(CHECKS, reverse=True)}.values())
"""One check of each family: these meet every fault."""
UNREAD = frozenset({"fairness/inherited_bias", "online/declared"})
"""Checks of words of the policy or of a dated file, which read no row, so that none can be held back from them."""
COMPARED = "performance/accuracy"
SAID = {
    "raise": faults.PLANTED,
    "nothing": "returned NoneType",
    "nan": "",
    "truncate": "",
    "hang": "limit of 1 second",
    "kill": "SIGKILL",
    "exit-zero": "status 0",
}
"""What the finding says of each fault."""
PARTS = {"attacks": "textattack", "pii": "presidio_analyzer", "sklearn": "sklearn", "model": "skops", "base": "torch"}
"""What an extra, or a need, takes to be installed."""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_once("failclosed", _fill, tmp_path_factory)


def _fill(folder: Path) -> None:
    example.tables(folder)
    if _has("skops"):
        example.models(folder)
    if _has("torch"):
        example.base(folder)


@cache
def _has(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None


@dataclass(frozen=True)
class Run:
    """One run of the command and the folder of its bundles."""

    done: subprocess.CompletedProcess[str]
    out: Path


def run(folder: Path, check_id: str, *more: str, against: bool = False, fault: str = "", alone: bool = False) -> Run:
    """`audit run` of a policy that asks for this check, with its own reports and a shared cache; alone: in a process of its own."""
    check = catalog.discover()[check_id]
    parts = (PARTS.get(check.extra or ""), *(PARTS.get(need) for need in sorted(check.needs)))
    missing = [part for part in parts if part and not _has(part)]
    if missing:
        pytest.skip(f"{check_id} needs {', '.join(missing)}, which is not installed")
    name = f"{check_id}-{fault or 'sound'}{'-against' * against}{'-alone' * alone}".replace("/", "-")
    (folder / f"{name}.yaml").write_text(example.policy(check_id, check, against=against))
    arguments = ("run", f"{name}.yaml", "-o", f"out-{name}", *more)
    environment = {"AUDIT_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    if alone:
        if fault:
            environment |= {"AUDIT_TEST_FAULT": f"{fault}:{check_id}", "PYTHONPATH": os.pathsep.join([str(SITE), str(ROOT)])}
        return Run(installed(*arguments, cwd=folder, **environment), folder / f"out-{name}")
    with pytest.MonkeyPatch.context() as patch:
        if fault:
            faults.plant(fault, check_id, patch=patch.setattr)
        done = audit(*arguments, cwd=folder, workers=int(fault in faults.ENDLESS), **environment)
    return Run(done, folder / f"out-{name}")


def refused(run: Run, check_id: str, fault: str) -> None:
    """The shell reads an exit code other than 0, no bundle says promote, and the check's finding says what went wrong."""
    done = run.done
    assert done.returncode in {1, 3}, done.stdout + done.stderr
    assert "PROMOTE" not in done.stdout
    assert "Traceback" not in done.stderr
    (path,) = run.out.glob("*/results.json")
    results = json.loads(path.read_text())
    assert results["decision"] == "block"
    assert results["exit_code"] == done.returncode
    assert "BLOCK" in path.with_name("report.html").read_text().upper()
    found = {one["id"]: (one["status"], one["message"]) for one in results["findings"]}
    if fault == "drop":
        assert check_id not in found
    else:
        status, message = found[check_id]
        assert status == "error" or fault == "truncate", message
        assert SAID[fault] in message


@pytest.mark.parametrize("check_id", CHECKS)
def test_a_sound_check_promotes(folder: Path, check_id: str) -> None:
    """Without a fault the same policy exits 0, so that the other tests can fail."""
    done = run(folder, check_id).done
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("check_id", "fault"),
    [(one, fault) for one in CHECKS for fault in (MODES if one in FIRST else BY_CHECK) if fault != "truncate" or one not in UNREAD],
)
def test_no_fault_promotes(folder: Path, check_id: str, fault: str) -> None:
    """Whatever breaks."""
    refused(run(folder, check_id, fault=fault), check_id, fault)


@pytest.mark.slow
@pytest.mark.parametrize(("check_id", "fault"), list(zip(sorted(FIRST), cycle(MODES), strict=False)))
def test_no_fault_in_the_installed_command_promotes(folder: Path, check_id: str, fault: str) -> None:
    """One check of each family, and every fault at least once."""
    refused(run(folder, check_id, fault=fault, alone=True), check_id, fault)


def test_a_sound_check_promotes_in_the_installed_command(folder: Path) -> None:
    """So that the tests around it can fail."""
    done = run(folder, COMPARED, alone=True).done
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_process_that_only_says_that_it_promotes_is_not_believed(folder: Path) -> None:
    """The command looks for the bundle and the entry itself, where the audit's process claims exit code 0."""
    done = run(folder, COMPARED, fault="lie", alone=True).done
    assert (done.returncode, done.stdout) == (3, "")
    assert "no bundle in out-performance-accuracy-lie-alone and entry of" in done.stderr


def test_a_sound_comparison_promotes(folder: Path) -> None:
    """So that the next test can fail."""
    done = run(folder, COMPARED, against=True).done
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("fault", MODES)
def test_no_fault_in_a_comparison_promotes(folder: Path, fault: str) -> None:
    """The fault sits in the check's own `compare`; all that compare are run by the same lines of the engine."""
    refused(run(folder, COMPARED, fault=fault, against=True), COMPARED, fault)


@pytest.mark.parametrize("flag", [("--select", COMPARED), ("--smoke",)])
def test_a_partial_run_never_exits_zero(folder: Path, flag: tuple[str, ...]) -> None:
    done = run(folder, COMPARED, *flag).done
    assert done.returncode == 3, done.stdout + done.stderr
    assert "PROMOTE" not in done.stdout
