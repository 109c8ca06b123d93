"""What must hold of every export, whatever the run: it can be written, nothing in it acts, and it says the same each time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from audit import record
from audit.errors import InputError
from audit.export import chosen, exports
from tests.report import example

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.record import AuditRun

RUNS = (example.block, example.waived, example.conditions, example.promote, example.all_errors, example.hostile, example.crowded)
ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
RAW = {"json", "jsonl"}
"""Formats that keep text as it is: their readers are programs, and what is printed of them is escaped."""


@pytest.mark.parametrize("name", sorted(exports()))
@pytest.mark.parametrize("run", RUNS)
def test_every_run_can_be_written(name: str, run: Callable[[], AuditRun]) -> None:
    """Twice the same, as UTF-8, ending with a line's end, without a character that acts."""
    audit = run()
    files = exports()[name].files(audit)
    assert files == exports()[name].files(audit)
    for path, text in files.items():
        assert not path.startswith("/")
        assert text == "" or text.endswith("\n")
        text.encode("utf-8", "backslashreplace")
        if name not in RAW:
            assert not ACTING.search(text), path


@pytest.mark.parametrize("name", sorted(exports()))
def test_the_stored_record_gives_the_same(name: str) -> None:
    """What `audit run` writes, the record of its bundle gives again."""
    audit = example.block()
    assert exports()[name].files(record.from_text(record.to_text(audit))) == exports()[name].files(audit)


def test_unknown_formats_are_refused_with_those_there_are() -> None:
    """One message names the wrong ones and all right ones."""
    with pytest.raises(InputError, match=r"--format xml, pfd: there is html, .*junit.*sarif"):
        chosen(["xml", "junit", "pfd"])


def test_two_formats_cannot_both_take_the_place_of_the_table() -> None:
    """`json` and `jsonl` print to standard output: two of them would be no document."""
    with pytest.raises(InputError, match="--format json and jsonl"):
        chosen(["json", "junit", "jsonl"])
    assert [one.name for one in chosen(["html", "json", "json", "junit"])] == ["json", "junit"]
