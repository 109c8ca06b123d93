"""Text for the terminal. Nothing here prints; whatever came from data, models or policies is neutralised on its way out."""

from __future__ import annotations

import json
import re
import textwrap
import unicodedata
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from audit.check import Check
    from audit.commands.doctor import Diagnosis
    from audit.commands.explain import Explanation
    from audit.errors import AuditError
    from audit.ledger import Entry

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories that move the cursor, turn the direction of writing, or cannot be seen."""


_COMMAND = re.compile(r"^\s*:(?=:)|#(?=#(?:\[|vso\[|teamcity\[))", re.IGNORECASE | re.MULTILINE)
"""The sign that begins what a CI system takes for a command: of GitHub at a line's start, of others anywhere in it."""


def neutral(text: str) -> str:
    """One line of text that a terminal shows as it stands, and a CI system obeys nowhere: control characters and commands are spelt out."""
    shown = "".join(_spelt(letter) if unicodedata.category(letter) in _HIDDEN else letter for letter in text)
    return spell_commands(shown)


def spell_commands(text: str) -> str:
    """Text in which a CI system finds no command; all else stays."""
    return _COMMAND.sub(lambda found: f"{found[0][:-1]}\\x{ord(found[0][-1]):02x}", text)


def _spelt(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")


def error_lines(error: AuditError) -> list[str]:
    """An expected error as it is shown: one line a message. Each is neutralised whole, so that no line break of a cell begins a line."""
    return [neutral(line) for line in error.lines]


def catalogue(checks: Mapping[str, Check]) -> Iterator[str]:
    """Every check with its direction and question, by family."""
    width = max(len(check_id) for check_id in checks)
    for family, members in groupby(checks.items(), key=lambda item: item[0].split("/")[0]):
        yield f"{family}:"
        for check_id, check in members:
            sign = "min" if check.better == "higher" else "max"
            yield f"  {check_id:<{width}}  {sign}  {check.unit:<24}  {check.question}"


def explanation(one: Explanation, width: int = 100) -> Iterator[str]:
    """What a check measures, what it takes, and how a policy asks for it."""
    yield from (one.id, *_wrapped(one.summary, width), "")
    yield from _table(one.facts, width)
    for heading, text in one.texts:
        yield from ("", *_wrapped(f"{heading}: {text}", width))
    if one.parameters:
        yield from ("", "Parameters:")
        rows = [(f"  {each.name}", f"{each.kind} (default {each.default}). {each.meaning}") for each in one.parameters]
        yield from _table(rows, width)
    yield from ("", "In a policy, under `require`:", f"  {one.example}")


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, width, break_on_hyphens=False, break_long_words=False)


def _table(rows: Sequence[tuple[str, str]], width: int) -> Iterator[str]:
    first = max(len(name) for name, _ in rows) + 2
    for name, text in rows:
        wrapped = _wrapped(text, max(width - first, 20)) or [""]
        yield f"{name:<{first}}{wrapped[0]}".rstrip()
        yield from (" " * first + line for line in wrapped[1:])


def diagnosis(found: Diagnosis) -> Iterator[str]:
    """What is installed, what is missing, and what its licences ask."""
    yield from _section("audit", found.versions)
    for title, parts in (("Core", found.core), ("Extras", found.extras), ("Offline resources", found.resources)):
        yield from ("", *_section(title, parts))
    if found.notes:
        yield from ("", *_section("Licences that ask something", found.notes))


def _section(title: str, rows: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield f"{title}:"
    yield from _table([(f"  {name}", neutral(text)) for name, text in rows], 120)


def history(entries: Sequence[Entry], states: Mapping[int, str] | None = None) -> Iterator[str]:
    """One line an entry of the ledger, oldest first, with the state of its bundle by its number."""
    for entry in entries:
        told = json.loads(entry.payload)
        facts = [str(told[name]) for name in ("decision", "policy", "run") if name in told]
        facts += [f"look {number} of {told['max']} on {role}" for role, number in told.get("numbers", {}).items()]
        facts += [states[entry.number]] if states and entry.number in states else []
        yield neutral(f"{entry.number:>5}  {entry.time}  {entry.kind:<10}  {'  '.join(facts)}  {entry.digest[:12]}")
