"""Options that the benchmarks of `docs/verdict.md` share, and the replacement of a table on a page by the printed one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def options(parser: argparse.ArgumentParser, command: str, *, fast: str) -> argparse.Namespace:
    """Parse `--fast` and `--write` too; a page that cannot take the table is refused before the run."""
    parser.add_argument("--fast", action="store_true", help=fast)
    parser.add_argument("--write", type=Path, metavar="PAGE", help="replace the command's table on this page, such as docs/verdict.md")
    given = parser.parse_args()
    if given.write and given.fast:
        parser.error("a page shows the figures of a full run: leave out --fast or --write")
    if given.write and not given.write.is_file():
        parser.error(f"no such page: {given.write}")
    if given.write and _block(command).search(given.write.read_text(encoding="utf-8")) is None:
        parser.error(f"{given.write} has no table below `python -m benchmarks.{command}`")
    return given


def printed_table(page: Path, command: str) -> str:
    """The command's text on the page, empty where there is none."""
    match = _block(command).search(page.read_text(encoding="utf-8"))
    return match["text"] if match else ""


def replace_table(page: Path, command: str, text: str) -> None:
    """Put the command's new text in place of the old one; the rest of the page stays."""
    old = page.read_text(encoding="utf-8")
    page.write_text(_block(command).sub(lambda match: f"{match['head']}{text.rstrip()}\n```\n", old, count=1), encoding="utf-8")


def table_rows(text: str, head: Sequence[str]) -> list[list[str]]:
    """Cells of the table with this head in a printed text; an empty last cell is put back."""
    tables = [_cells(block) for block in re.split(r"\n\s*\n", text)]
    titles = [cell for cell in head if cell]
    rows = next((lines[2:] for lines in tables if lines and lines[0] == titles), [])
    return [row + [""] * (len(head) - len(row)) for row in rows]


def _cells(block: str) -> list[list[str]]:
    return [re.split(r"\s{2,}", line.strip()) for line in block.strip().splitlines()]


def _block(command: str) -> re.Pattern[str]:
    """The first code block after the command's name, without its fences."""
    return re.compile(rf"(?P<head>`python -m benchmarks\.{command}`(?:(?!\n## ).)*?\n```\n)(?P<text>.*?)\n```\n", re.DOTALL)
