"""The check that CONTRIBUTING.md shows works as it stands there: written into a copy of the package, everything picks it up."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ID = "data/short_texts"
FILES = re.compile(r"^`((?:audit|tests)/[\w/]+\.py)`\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Package, shared test code and settings in a folder of their own, with the files of CONTRIBUTING.md written in."""
    folder = tmp_path_factory.mktemp("contributed")
    shutil.copytree(ROOT / "audit", folder / "audit", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    (folder / "docs").mkdir()
    (folder / "tests").mkdir()
    for name in ("__init__.py", "support.py", "conftest.py"):
        shutil.copy(ROOT / "tests" / name, folder / "tests")
    written = dict(FILES.findall((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert list(written) == ["audit/checks/data/short_texts.py", "tests/checks/data/test_short_texts.py"]
    for path, text in written.items():
        assert not (ROOT / path).exists(), f"{path} is a real file by now: show another example"
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def run(folder: Path, *command: str) -> str:
    """What a command says when it runs in the copy and sees the copy's package alone."""
    environment = os.environ | {"PYTHONPATH": str(folder)}
    done = subprocess.run([sys.executable, *command], cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_catalogue_lists_it(copy: Path) -> None:
    """`audit checks` names it; `audit explain` prints its docstring and its parameter."""
    assert ID in run(copy, "-m", "audit", "checks")
    explained = " ".join(run(copy, "-m", "audit", "explain", ID).split())
    assert "too few words to be classified" in explained
    assert "words that a text must have" in explained


def test_the_generated_pages_show_it(copy: Path) -> None:
    """docs/checks.md has its section; the JSON Schema takes its parameter and no other."""
    run(copy, "-m", "audit.commands.docs_pages")
    assert f"### {ID}" in (copy / "docs/checks.md").read_text(encoding="utf-8")
    schema = json.loads((copy / "docs/policy.schema.json").read_text(encoding="utf-8"))
    requirement = schema["$defs"]["Requirement"]
    assert ID in requirement["properties"]["check"]["enum"]
    (own,) = [branch["then"] for branch in requirement["allOf"] if branch["if"]["properties"]["check"]["const"] == ID]
    assert own["properties"]["shortest"]["minimum"] == 1
    assert own["additionalProperties"] is False


def test_its_own_tests_pass(copy: Path) -> None:
    """The test file as it is shown: five tests, all green."""
    assert "5 passed" in run(copy, "-m", "pytest", "-q", "tests/checks/data/test_short_texts.py")


def test_its_tests_notice_an_unplugged_interval(copy: Path) -> None:
    """With the point returned twice the worked example fails: the advice that the text gives, its own test follows."""
    unplug = "from audit.stats import Proportion\nProportion.bounds = lambda self, lower, upper: (self.value, self.value)\n"
    (copy / "unplug.py").write_text(unplug, encoding="utf-8")
    with pytest.raises(AssertionError, match=r"1 failed, 4 passed"):
        run(copy, "-m", "pytest", "-q", "-p", "unplug", "tests/checks/data/test_short_texts.py")


@pytest.mark.slow
def test_lint_and_types_are_clean(copy: Path) -> None:
    """Ruff and mypy find nothing in either file."""
    files = ("audit/checks/data/short_texts.py", "tests/checks/data/test_short_texts.py")
    run(copy, "-m", "ruff", "check", *files)
    run(copy, "-m", "ruff", "format", "--check", *files)
    known = str(ROOT / ".mypy_cache")  # what `make lint` has seen needs no second look
    assert "no issues found in 2 source files" in run(copy, "-m", "mypy", "--cache-dir", known, *files)
