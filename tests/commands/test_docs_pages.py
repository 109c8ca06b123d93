"""Documentation that cannot rot: generated pages are fresh, and every key and command is documented."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from audit.catalog import discover
from audit.cli.app import app
from audit.commands.docs_pages import pages
from audit.datasets import Columns
from audit.policy.schema import Policy, Requirement

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["checks.md", "policy.schema.json"])
def test_generated_pages_are_fresh(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == pages()[name], "stale: python -m audit.commands.docs_pages"


def test_every_link_of_the_list_leads_to_its_section() -> None:
    text = pages()["checks.md"]
    headings = {re.sub(r"[^a-z0-9_-]", "", line[4:].lower()) for line in text.splitlines() if line.startswith("### ")}
    assert set(re.findall(r"\]\(#([^)]+)\)", text)) == headings
    assert len(headings) == len(discover())


def test_every_policy_key_is_on_its_page() -> None:
    page = (DOCS / "policy.md").read_text(encoding="utf-8")
    keys = [*Policy.model_fields, *Columns.model_fields, *(set(Requirement.model_fields) - {"params"})]
    assert [key for key in keys if f"`{key}`" not in page] == []


def test_every_command_is_on_its_page() -> None:
    page = (DOCS / "commands.md").read_text(encoding="utf-8")
    commands = typer.main.get_group(app).commands
    assert [name for name in commands if f"`audit {name}" not in page] == []
