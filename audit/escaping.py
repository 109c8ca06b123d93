"""Text from data, models and policies, made harmless for a terminal and for the log of a CI system."""

from __future__ import annotations

import re
import unicodedata

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
