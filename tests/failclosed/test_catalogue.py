"""No fault in any check ends in exit code 0, and no report of such a run says promote. A new check is covered by being there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from audit import catalog
from tests.failclosed import example

SITE = Path(__file__).parent / "site"
MODES = ("raise", "nothing", "nan", "drop", "truncate", "hang", "kill", "exit-zero")
BY_CHECK = ("raise", "truncate")
"""What depends on a check's own code and rows; the rest the engine meets in the same way whichever check it runs."""
CHECKS = tuple(catalog.discover())
FIRST = frozenset({check_id.split("/")[0]: check_id for check_id in sorted(CHECKS, reverse=True)}.values())
"""One check of each family: these meet every fault."""
UNREAD = frozenset({"fairness/inherited_bias"})
"""Checks that ask the base model about words of the policy and read no row, so that none can be held back from them."""
COMPARED = "performance/accuracy"
PARTS = {"attacks": "textattack", "pii": "presidio_analyzer", "sklearn": "sklearn", "model": "skops", "base": "torch"}
"""What an extra, or a need, takes to be installed."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("failclosed")
    example.tables(made)
    if _has("skops"):
        example.models(made)
    if _has("torch"):
        example.base(made)
    return made


@cache
def _has(module: str) -> bool:
    import importlib.util

    return importlib.util.find_spec(module) is not None


def run(folder: Path, check_id: str, *more: str, fault: str = "", against: bool = False) -> subprocess.CompletedProcess[str]:
    """The installed command in a shell of its own, with its own reports and a shared cache."""
    check = catalog.discover()[check_id]
    parts = (PARTS.get(check.extra or ""), *(PARTS.get(need) for need in sorted(check.needs)))
    missing = [part for part in parts if part and not _has(part)]
    if missing:
        pytest.skip(f"{check_id} needs {', '.join(missing)}, which is not installed")
    name = f"{check_id}-{fault or 'sound'}{'-against' * against}".replace("/", "-")
    (folder / f"{name}.yaml").write_text(example.policy(check_id, check, against=against))
    environment = os.environ | {"AUDIT_CACHE": str(folder / "cache"), "HF_HUB_OFFLINE": "1"}
    if fault:
        environment |= {
            "AUDIT_TEST_FAULT": f"{fault}:{check_id}",
            "PYTHONPATH": os.pathsep.join([str(SITE), os.environ.get("PYTHONPATH", "")]),
        }
    command = [str(Path(sys.executable).with_name("audit")), "run", f"{name}.yaml", "-o", f"out-{name}", *more]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False)


def bundles(folder: Path, check_id: str, fault: str) -> list[Path]:
    return list((folder / f"out-{check_id}-{fault}".replace("/", "-")).glob("*/results.json"))


def refused(folder: Path, done: subprocess.CompletedProcess[str], check_id: str, fault: str) -> None:
    """The shell reads an exit code other than 0, and no bundle says promote."""
    assert done.returncode in {1, 3}, done.stdout + done.stderr
    assert "PROMOTE" not in done.stdout
    assert "Traceback" not in done.stderr
    for path in bundles(folder, check_id, fault):
        results = json.loads(path.read_text())
        assert results["decision"] == "block"
        assert results["exit_code"] == done.returncode
        report = path.with_name("report.html").read_text()
        assert "BLOCK" in report.upper()


@pytest.mark.slow
@pytest.mark.parametrize("check_id", CHECKS)
def test_a_sound_check_promotes(folder: Path, check_id: str) -> None:
    """Without a fault the same policy exits 0, so that the other tests can fail."""
    done = run(folder, check_id)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    ("check_id", "mode"),
    [(one, mode) for one in CHECKS for mode in (MODES if one in FIRST else BY_CHECK) if mode != "truncate" or one not in UNREAD],
)
def test_no_fault_promotes(folder: Path, check_id: str, mode: str) -> None:
    """Whatever breaks."""
    refused(folder, run(folder, check_id, fault=mode), check_id, mode)


def test_a_process_that_only_says_that_it_promotes_is_not_believed(folder: Path) -> None:
    """The command looks for the bundle and the entry itself, where the audit's process claims exit code 0."""
    done = run(folder, "performance/accuracy", fault="lie")
    assert (done.returncode, done.stdout) == (3, "")
    assert "no bundle in out-performance-accuracy-lie and entry of" in done.stderr


@pytest.mark.slow
def test_a_sound_comparison_promotes(folder: Path) -> None:
    """So that the next test can fail."""
    done = run(folder, COMPARED, against=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_no_fault_in_a_comparison_promotes(folder: Path, mode: str) -> None:
    """The fault sits in the check's own `compare`; all that compare are run by the same lines of the engine."""
    refused(folder, run(folder, COMPARED, fault=mode, against=True), COMPARED, f"{mode}-against")


@pytest.mark.parametrize("flag", [("--select", "performance/accuracy"), ("--smoke",)])
def test_a_partial_run_never_exits_zero(folder: Path, flag: tuple[str, ...]) -> None:
    done = run(folder, "performance/accuracy", *flag)
    assert done.returncode == 3, done.stdout + done.stderr
    assert "PROMOTE" not in done.stdout
