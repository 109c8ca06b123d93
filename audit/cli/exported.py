"""What an export prints: JSON for a program, and the workflow commands that GitHub obeys."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from audit.cli.exit_codes import obeyed_by_ci
from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from audit.export import Export


@contextmanager
def step_summary(exports: Sequence[Export]) -> Iterator[BinaryIO | None]:
    """The file that GitHub names for a step's summary, where an export has one; opened before a model may forbid the process to write."""
    named = os.environ.get("GITHUB_STEP_SUMMARY")
    if not named or not any(one.name == "github" for one in exports):
        yield None
        return
    try:
        file = Path(named).open("ab")  # noqa: SIM115  # closed below: an error of opening is one of the environment
    except OSError as error:
        msg = f"GITHUB_STEP_SUMMARY: {named} cannot be written ({error.strerror}): unset it, or leave out --format github"
        raise InputError(msg) from error
    with file:
        yield file


def publish(exports: Sequence[Export], bundle: Path, summary: BinaryIO | None) -> None:
    """Print the files of exports that are meant for standard output, and add the step's summary."""
    from audit.export import github

    for one in exports:
        if one.prints:
            text = (bundle / one.prints).read_text("utf-8")
            sys.stdout.write(_plain(text)) if one.instead else obeyed_by_ci(text)
    if summary is not None:
        summary.write((bundle / github.SUMMARY).read_bytes())


def _plain(text: str) -> str:
    """JSON of visible ASCII, in which a terminal and a CI system find nothing to obey."""
    ascii_only = "".join(letter if letter.isascii() else _escape(letter) for letter in text)
    return ascii_only.replace("\x7f", "\\u007f").replace("##", "\\u0023#")


def _escape(letter: str) -> str:
    pair = letter.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{pair[at]:02x}{pair[at + 1]:02x}" for at in range(0, len(pair), 2))
