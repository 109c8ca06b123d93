"""What importing costs, what a check's module must hold, and who may see whom."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from audit import catalog
from tests.conftest import LOADED_BY_COLLECTING

ROOT = Path(__file__).parents[1]
HEADINGS = ("Purpose", "Risk", "Limitations", "Reference")
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
HEAVY = frozenset(SETTINGS["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-module-level-imports"])


def loaded_by(code: str) -> frozenset[str]:
    """Top-level packages that a fresh interpreter has loaded after running this."""
    report = "\nimport json as _json, sys as _sys; print(_json.dumps(sorted({name.split('.')[0] for name in _sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code + report], capture_output=True, text=True, check=True, cwd=ROOT)
    return frozenset(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "code",
    [
        "import audit",
        "from audit import catalog; assert catalog.discover()",
        "from audit.decision import judge; from audit.pipeline import compatibility",
        "import sys; sys.argv = ['audit', '--help']\nfrom audit.cli.app import app\ntry: app()\nexcept SystemExit: pass",
    ],
    ids=["package", "every check", "policy and judge", "audit --help"],
)
def test_no_heavy_module_is_loaded(code: str) -> None:
    """Model, table and statistics libraries are loaded by whoever measures, not by whoever asks what there is."""
    assert loaded_by(code) & HEAVY == frozenset()


def test_collecting_the_tests_loads_no_model_library(pytestconfig: pytest.Config) -> None:
    """Whoever runs one test waits for what that test needs alone."""
    found = pytestconfig.stash[LOADED_BY_COLLECTING]
    assert found.isdisjoint({"torch", "transformers", "textattack", "presidio_analyzer", "alibi_detect", "skops", "fairlearn"})


def test_a_heavy_import_would_be_seen() -> None:
    """The probe of the test above does see what it looks for."""
    assert "pandas" in loaded_by("import pandas")
    assert {"torch", "transformers", "sklearn", "pandas", "scipy", "textattack"} <= HEAVY


@pytest.mark.parametrize("check_id", list(catalog.discover()))
def test_a_checks_docstring_has_its_four_headings(check_id: str) -> None:
    """Each says what it is for, what a bad value risks, what it does not see and where it is published."""
    text = catalog.documentation(check_id)
    assert text["Summary"]
    assert all(len(text[heading]) > 20 for heading in HEADINGS)


@pytest.mark.parametrize("check_id", list(catalog.discover()))
def test_a_checks_file_is_short(check_id: str) -> None:
    """At most 300 lines: what is longer is split by ideas, beside the check as `_name.py`."""
    assert len((ROOT / "audit/checks" / f"{check_id}.py").read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("check_id", list(catalog.discover()))
def test_a_check_has_a_test_file_of_its_name(check_id: str) -> None:
    """`tests/checks/<family>/test_<check>.py`, which holds tests; `test_every_...` hold what several share."""
    family, name = check_id.split("/")
    text = (ROOT / "tests/checks" / family / f"test_{name}.py").read_text(encoding="utf-8")
    assert "\ndef test_" in text


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    command = "import sys; from importlinter.cli import lint_imports; sys.exit(lint_imports(no_cache=True))"
    environment = {"PYTHONPATH": str(folder), "PATH": "", "HOME": str(folder)}
    return subprocess.run([sys.executable, "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_import_rules_are_kept() -> None:
    """`lint-imports` finds no broken contract."""
    done = contracts(ROOT)
    assert done.returncode == 0, done.stdout
    assert "0 broken" in done.stdout


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("audit/checks/performance/accuracy.py", "from audit.decision import judge"),
        ("audit/checks/performance/accuracy.py", "from audit.checks.data import class_imbalance"),
        ("audit/stats/interface.py", "from audit.evidence import Slice"),
        ("audit/unplaced.py", "X = 1"),
        ("audit/decision/judge.py", "from audit.pipeline import engine"),
        ("audit/pipeline/jobs.py", "from audit.checks.performance import accuracy"),
        ("audit/report/__init__.py", "from audit.pipeline import engine"),
        ("audit/pipeline/engine.py", "from audit.cli import app"),
    ],
)
def test_a_broken_import_rule_is_noticed(tmp_path: Path, module: str, line: str) -> None:
    """One forbidden import in a copy of the package, and `lint-imports` fails."""
    shutil.copytree(ROOT / "audit", tmp_path / "audit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    done = contracts(tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "BROKEN" in done.stdout
