"""Documents that cannot rot: what there is is documented, and what is documented is there."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main
from pydantic import BaseModel

from audit import DISTRIBUTION, catalog
from audit.cli.app import app
from audit.commands import docs_pages
from audit.frameworks import Trait, nist_ai_rmf
from audit.pipeline.compatibility import load_policy
from audit.pipeline.run import Options, audit_policy
from audit.policy import schema
from audit.progress import Silent
from tests.command import audit

ROOT = Path(__file__).parents[1]
ARCHITECTURE, POLICY, COMMANDS_PAGE, BUNDLE = (ROOT / "docs" / f"{name}.md" for name in ("architecture", "policy", "commands", "bundle"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMANDS = {command.name: command for command in typer.main.get_command(app).commands.values()}  # type: ignore[attr-defined]  # a group
SHAPES = [shape for shape in vars(schema).values() if isinstance(shape, type) and issubclass(shape, BaseModel)]
KEYS = sorted(
    {key for shape in SHAPES for key in shape.model_fields} - {"params", "options"}
)  # every other key of a check or kind: never written


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(path: Path, language: str) -> list[str]:
    """The code blocks of a document in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```", read(path), re.MULTILINE | re.DOTALL)


POLICIES = [(path, text) for path in (ROOT / "README.md", POLICY) for text in blocks(path, "yaml") if text.startswith("policy:")]
TRIAGE, MINE, DESK, NIGHTLY = (text for path, text in POLICIES if path.name == "README.md")


@pytest.mark.parametrize("name", sorted(filter(None, COMMANDS)))
def test_every_command_is_documented(name: str) -> None:
    """The table of commands names each command."""
    assert re.search(rf"\baudit {name}\b", read(COMMANDS_PAGE)), f"docs/commands.md does not say what `audit {name}` does"


@pytest.mark.parametrize("name", sorted(filter(None, COMMANDS)))
def test_every_option_is_documented(name: str) -> None:
    """And each of its options."""
    text = read(COMMANDS_PAGE)
    options = [one.opts for one in COMMANDS[name].params if one.opts[-1].startswith("--")]
    missing = [spelt[-1] for spelt in options if not any(re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", text) for one in spelt)]
    assert not missing, f"docs/commands.md does not name {', '.join(missing)} of `audit {name}`"


@pytest.mark.parametrize("key", KEYS)
def test_every_policy_key_is_documented(key: str) -> None:
    """The page on policies names each key that a policy may hold."""
    assert re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", read(POLICY)), f"docs/policy.md does not name the key {key!r}"


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "audit").glob("[!_]*.py")))
def test_the_layout_names_every_module(name: str) -> None:
    """A module that the layout does not name has no place in it."""
    assert f"`{name}`" in read(ARCHITECTURE)


@pytest.mark.parametrize("trait", nist_ai_rmf().characteristics, ids=lambda trait: trait.id)
def test_every_characteristic_is_documented(trait: Trait) -> None:
    """With the families of this release's checks that look at it."""
    (families,) = re.findall(rf"^\| `{trait.id}` \|(.*)\|$", read(POLICY), re.MULTILINE)
    there = {check_id.split("/")[0] for check_id, check in catalog.discover().items() if trait.id in check.characteristics}
    assert set(re.findall(r"`([a-z]+)`", families)) == there
    assert trait.declared is None or f"`{trait.declared}`" in families


@pytest.mark.parametrize(("path", "text"), POLICIES, ids=[text.split()[1] for _, text in POLICIES])
def test_policies_that_documents_show_are_valid(path: Path, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their keys, checks, parameters and bounds."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA", "data")
    (tmp_path / "policy.yaml").write_text(text, encoding="utf-8")
    assert load_policy("policy.yaml").policy.require, path


def test_the_readme_shows_a_policy_of_fifteen_lines() -> None:
    """As it promises."""
    assert TRIAGE.count("\n") == 15


@pytest.fixture
def predictions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The README's table of predictions, right in nine rows of ten, beside its policy; the current directory."""
    rows = [f"{i % 2},{(i % 2) ^ (i % 10 == 0)},{'woman' if i % 3 else 'man'}" for i in range(1200)]
    (tmp_path / "predictions.csv").write_text("\n".join(["label,prediction,gender", *rows]) + "\n", encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(MINE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDIT_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_results_have_the_keys_of_the_page(predictions: Path) -> None:
    """The README's policy on a table of predictions promotes, and `results.json` holds what the contract shows, key by key."""
    outcome = audit_policy(Path("mine.yaml"), Options(predictions / "reports", "audit run mine.yaml"), Silent())
    assert outcome.audit.verdict.decision == "promote"
    results = json.loads(read(outcome.place / "results.json"))
    (shown,) = [json.loads(text) for text in blocks(BUNDLE, "json")]
    assert _keys(results) == _keys(shown)
    for part in ("run", "policy", "candidate"):
        assert _keys(results[part]) == _keys(shown[part]), part
    (found,), (example,) = results["findings"], shown["findings"]
    assert _keys(found) == _keys(example)
    assert _keys(found["headline"]) == _keys(example["headline"])
    assert _keys(found["slices"][0]) == _keys(example["slices"][0])
    assert _keys(results["reasons"][0]) == _keys(shown["reasons"][0])


def test_the_readme_compares_with_a_champion(predictions: Path) -> None:
    """A champion that answers as the candidate does, on the first look of five: no loss of .02 is left open."""
    header, *rows = (predictions / "predictions.csv").read_text().split()
    lines = [f"{header},old", *(f"{row},{row.split(',')[1]}" for row in rows)]
    (predictions / "predictions.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (predictions / "desk.yaml").write_text(DESK, encoding="utf-8")
    outcome = audit_policy(Path("desk.yaml"), Options(predictions / "reports", "audit run desk.yaml"), Silent())
    assert outcome.audit.verdict.decision == "promote"
    results = json.loads(read(outcome.place / "results.json"))
    assert (results["looks"]["test"]["number"], results["looks"]["test"]["max"]) == (1, 5)


def _keys(mapping: dict[str, Any]) -> list[str]:
    return sorted(mapping)


def test_the_readmes_nights_are_quiet(predictions: Path) -> None:
    """A night like the test set: no alarm, and nobody is called."""
    rows = [f"{i % 2},{(i % 2) ^ (i % 10 == 0)},2026-11-30T{i % 24:02d}:15:00Z,{i * 37 % 100}" for i in range(400)]
    for name, lines in (("predictions.csv", rows), ("night.csv", rows[:200])):
        (predictions / name).write_text("\n".join(["label,prediction,at,size", *lines]) + "\n", encoding="utf-8")
    (predictions / "desk.yaml").write_text(NIGHTLY, encoding="utf-8")
    done = audit("monitor", "desk.yaml", "--window", "night.csv", cwd=predictions)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "KEEP  desk, window 2026-11-30 (exit code 0)" in done.stdout


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 5])
def test_every_exit_code_is_documented(code: int) -> None:
    """The page on commands names the six exit codes."""
    assert f"**{code}**" in read(COMMANDS_PAGE)


@pytest.mark.parametrize("name", sorted(docs_pages.pages()))
def test_generated_pages_are_current(name: str) -> None:
    """`make docs` would change nothing."""
    assert read(ROOT / "docs" / name) == docs_pages.pages()[name], f"docs/{name} is stale: make docs"


@pytest.mark.parametrize("check_id", list(catalog.discover()))
def test_every_check_has_its_section(check_id: str) -> None:
    """With all that it says of itself."""
    page = read(ROOT / "docs/checks.md")
    assert f"### {check_id}\n" in page
    assert catalog.documentation(check_id)["Limitations"] in page


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_that_documents_show_are_there(path: Path) -> None:
    """`audit NAME` in a code block or in backticks is a command, `make NAME` a target of the Makefile."""
    text = read(path)
    code = "\n".join(
        [*re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", text, re.MULTILINE | re.DOTALL), *re.findall(r"`([^`\n]+)`", text)]
    )
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^|&& |/)audit ([a-z]+)\b(?![./])", code, re.MULTILINE)) <= set(COMMANDS)
    assert set(re.findall(r"(?:^|&& )make ([a-z-]+)\b", code, re.MULTILINE)) <= targets


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    """Relative links and pictures name files of the repository."""
    links = re.findall(r"\]\((?!https?://|mailto:|#)([^)#\s]+)", read(path))
    missing = [link for link in links if not (path.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("name", ["0001-architecture"])
def test_decision_records_fit_a_page(name: str) -> None:
    """An ADR that nobody finishes decides nothing."""
    assert len(read(ROOT / "docs/adr" / f"{name}.md").split()) < 900


def test_the_distribution_has_one_name() -> None:
    """Hints and documents name the package of `pyproject.toml`: pip would take `audit` from somebody else."""
    assert tomllib.loads(read(ROOT / "pyproject.toml"))["project"]["name"] == DISTRIBUTION
    named = [
        *(ROOT / "audit").rglob("*.py"),
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "Makefile",
    ]
    assert [path.name for path in named if re.search(r"pip install[^\n]*'audit\b", read(path))] == []
