"""Documents that cannot rot: what there is is documented, and what is documented is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main
from pydantic import BaseModel

from audit import catalog, docs_pages
from audit.cli import app
from audit.policy import schema

ROOT = Path(__file__).parents[1]
CONTRACTS = ROOT / "docs" / "contracts.md"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
COMMANDS = {command.name: command for command in typer.main.get_command(app).commands.values()}  # type: ignore[attr-defined]
SHAPES = [shape for shape in vars(schema).values() if isinstance(shape, type) and issubclass(shape, BaseModel)]
KEYS = sorted({key for shape in SHAPES for key in shape.model_fields} - {"params"})  # `params` is every other key, and is never written


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", sorted(filter(None, COMMANDS)))
def test_every_command_is_documented(name: str) -> None:
    """The contract's table names each command."""
    assert re.search(rf"\baudit {name}\b", read(CONTRACTS)), f"docs/contracts.md does not say what `audit {name}` does"


@pytest.mark.parametrize("name", sorted(filter(None, COMMANDS)))
def test_every_option_is_documented(name: str) -> None:
    """And each of its options."""
    text = read(CONTRACTS)
    options = [one.opts for one in COMMANDS[name].params if one.opts[-1].startswith("--")]
    missing = [spelt[-1] for spelt in options if not any(re.search(rf"(?<![\w-]){re.escape(one)}(?![\w-])", text) for one in spelt)]
    assert not missing, f"docs/contracts.md does not name {', '.join(missing)} of `audit {name}`"


@pytest.mark.parametrize("key", KEYS)
def test_every_policy_key_is_documented(key: str) -> None:
    """Each key that a policy may hold stands in the contract."""
    assert re.search(rf"(?<![\w-]){re.escape(key)}(?![\w-])", read(CONTRACTS)), f"docs/contracts.md does not name the key {key!r}"


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4])
def test_every_exit_code_is_documented(code: int) -> None:
    """The five exit codes stand in the contract."""
    assert f"**{code}**" in read(CONTRACTS)


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
