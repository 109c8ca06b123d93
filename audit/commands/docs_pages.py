"""Pages generated from the catalogue and the schema: `python -m audit.commands.docs_pages` writes them into docs/."""

from __future__ import annotations

import json
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

from audit import catalog
from audit.commands.explain import explain
from audit.commands.json_schema import schema_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.check import Check
    from audit.commands.explain import Explanation


def _own() -> dict[str, Check]:
    """The tool's own checks, whatever else is installed."""
    return {check_id: check for check_id, check in catalog.discover().items() if not catalog.info(check_id).distribution}


def checks_page() -> str:
    """docs/checks.md: a table of all checks, then a section for each."""
    explained = [explain(check_id) for check_id in _own()]
    lines = [
        "# Checks",
        "",
        "Generated from the code by `python -m audit.commands.docs_pages`; `audit explain ID` says the same in the terminal.",
        "A check measures and never judges: the policy's bound and the interval decide.",
        "The bounds in the examples only show where a bound stands.",
        "",
        "| check | question | better |",
        "|---|---|---|",
        *(f"| [{one.id}](#{_anchor(one.id)}) | {_cell(dict(one.facts)['Question'])} | {dict(one.facts)['Better']} |" for one in explained),
    ]
    for family, members in groupby(explained, key=lambda one: one.id.split("/")[0]):
        lines += ["", f"## {family}"]
        for one in members:
            lines += ["", *_section(one)]
    return "\n".join(lines) + "\n"


def _section(one: Explanation) -> Iterator[str]:
    yield from (f"### {one.id}", "", one.summary, "", "| | |", "|---|---|")
    yield from (f"| {name} | {_cell(text)} |" for name, text in one.facts)
    if one.parameters:
        yield from ("", "| parameter | value | default | meaning |", "|---|---|---|---|")
        yield from (f"| `{each.name}` | {_cell(each.kind)} | {_cell(each.default)} | {_cell(each.meaning)} |" for each in one.parameters)
    yield from ("", *(line for heading, text in one.texts for line in (f"**{heading}.** {text}", "")))
    yield from ("```yaml", one.example, "```")


def _cell(text: str) -> str:
    """Text in a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def _anchor(check_id: str) -> str:
    """The anchor that Markdown readers give to a heading."""
    return "".join(letter for letter in check_id.lower() if letter.isalnum() or letter in "-_")


def schema_page(checks: Mapping[str, Check]) -> str:
    """The JSON Schema of policies that ask for these checks: of all that are installed, as `audit schema` prints it."""
    return json.dumps(schema_json(checks), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def pages() -> dict[str, str]:
    """Every generated page by its name under docs/."""
    return {"checks.md": checks_page(), "policy.schema.json": schema_page(_own())}


def main(folder: Path = Path("docs")) -> None:
    """Write every page."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
