"""What an export prints: JSON for a program, and the workflow commands that GitHub obeys."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from audit.cli.exit_codes import obeyed_by_ci
from audit.errors import InputError

if TYPE_CHECKING:
    from audit.export import Export


def publish(export: Export, bundle: Path) -> None:
    """Print the file of an export that is meant for standard output; a step's summary is added where GitHub names a file for it."""
    if export.instead:
        sys.stdout.write(_plain((bundle / export.prints).read_text("utf-8")))
    elif export.prints:
        from audit.export import github

        obeyed_by_ci((bundle / export.prints).read_text("utf-8"))
        _add_summary((bundle / github.SUMMARY).read_bytes())


def _plain(text: str) -> str:
    """JSON of visible ASCII, in which a terminal and a CI system find nothing to obey."""
    ascii_only = "".join(letter if letter.isascii() else _escape(letter) for letter in text)
    return ascii_only.replace("\x7f", "\\u007f").replace("##", "\\u0023#")


def _escape(letter: str) -> str:
    pair = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{pair[at]:02x}{pair[at + 1]:02x}" for at in range(0, len(pair), 2))


def _add_summary(text: bytes) -> None:
    if not (named := os.environ.get("GITHUB_STEP_SUMMARY")):
        return
    try:
        with Path(named).open("ab") as file:
            file.write(text)
    except OSError as error:
        msg = f"GITHUB_STEP_SUMMARY: {named} cannot be written ({error.strerror}): unset it, or leave out --format github"
        raise InputError(msg) from error
