"""How numbers, bounds and sizes are written, everywhere; text from outside made harmless for a terminal and for the log of a CI system."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from datetime import UTC
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


_ADDRESS = re.compile(r"[^\s'\"]*@[^\s'\"]*")
_LONG = re.compile(r"(?:\d[ ()./+-]*){6,}\d")
"""Seven digits and more, with or without what people write between them."""
PLAIN = 1e-6
"""Smaller values, but for 0, are said with a power of ten."""


def number(value: float) -> str:
    """A value as people read it: three decimals, more where it would read as 0, a true minus sign."""
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value + 0.0:,.3f}"  # 0 is added for −0
    if text.strip("-0.") == "" and value != 0:
        text = f"{value:.{1 - math.floor(math.log10(abs(value)))}f}" if abs(value) >= PLAIN else f"{value:.1e}"
    return text.replace("-", "−")


def number_beside(value: float, *others: float) -> str:
    """A value told beside others: with more decimals where rounding would move it onto one of them or past it."""
    texts = (number(value), *(f"{value:,.{decimals}f}".replace("-", "−") for decimals in range(4, 11)))
    if not math.isfinite(value):
        return texts[0]
    for text in texts:
        shown = float(text.replace("−", "-").replace(",", ""))
        if all(value == other or (shown != other and (shown < other) == (value < other)) for other in others):
            return text
    return texts[0]


def count(value: float) -> str:
    """What was counted: whole numbers without decimals."""
    return f"{value:,.0f}" if float(value).is_integer() else number(value)


COUNT_IN_SAMPLE = "count of a sample"
"""Words in the method of an estimate whose value and ends are counts."""


def measured_in_words(method: str, value: float, interval: tuple[float, float]) -> str:
    """`0.861 [0.838, 0.882]`; the bare count of a census, and counts with the ends of a sample: `0 [0, 34]`."""
    if method == "census":
        return count(value)
    if COUNT_IN_SAMPLE in method:
        return f"{count(value)} [{count(interval[0])}, {count(interval[1])}]"
    return f"{number(value)} {interval_in_words(interval)}"


COUNTED = {"rows": "row", "fields": "field", "entities": "entity", "faults": "fault"}
"""What is counted, and one of it; a census of anything else gives a number."""


def counted(value: float, unit: str) -> str:
    """`1 row`, `1,500 entities`, and of what is no count `effect size d 0.793`."""
    if unit not in COUNTED:
        return f"{unit} {count(value)}"
    return f"{count(value)} {COUNTED[unit] if value == 1 else unit}"


_CERTAIN, _WHOLE, _LEAST = 1e9, 10, 0.01
"""Evidence that is told no further, from which on it is told without decimals, and below which only that it is less."""


def format_evidence(value: float) -> str:
    """Evidence over windows, or what is needed of it: `812`, `7.3`, `less than 0.01`, `more than 1,000,000,000`."""
    if value >= _CERTAIN:
        return f"more than {_CERTAIN:,.0f}"
    if 0 < value < _LEAST:
        return f"less than {_LEAST}"
    return f"{value:,.0f}" if value >= _WHOLE else f"{value:.2g}"


def interval_in_words(interval: tuple[float, float]) -> str:
    """`[0.838, 0.882]`."""
    return f"[{number(interval[0])}, {number(interval[1])}]"


def limit(value: float) -> str:
    """A bound as the policy wrote it, without trailing zeros."""
    return f"{value + 0.0:,.10g}".replace("-", "−")  # 0 is added for −0, which a margin of 0 makes


def bound_in_words(minimum: float | None, maximum: float | None) -> str:
    """`at least 0.80`, `at most 0.10`, or both."""
    parts = [] if minimum is None else [f"at least {limit(minimum)}"]
    return " and ".join(parts if maximum is None else [*parts, f"at most {limit(maximum)}"])


def comparator_in_words(against: str) -> str:
    """`the champion`, `the base model`, `the teacher model`."""
    return "the champion" if against == "champion" else f"the {against} model"


def rows_in_words(rows: float) -> str:
    """`1 row`, `1,200 rows`. Effective rows are told in whole ones: 29.7 are fewer than 30."""
    if math.isnan(rows):
        return "an unknown number of rows"
    whole = math.floor(rows)
    return "1 row" if whole == 1 else f"{whole:,} rows"


def moment(when: datetime) -> str:
    """`2027-01-20 00:00:00 UTC`: a moment at which something begins or ends, told the same everywhere."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def quoted(text: str) -> str:
    """Text as a YAML file can hold it in one line, whatever is in it: in double quotes, with escapes."""
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in json.dumps(text, ensure_ascii=False))


def ended(text: str) -> str:
    """A message as a sentence that another may follow."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def impersonal(text: str) -> str:
    """An error's text without the addresses and long numbers that it may quote from somebody's row."""
    return _LONG.sub("(number)", _ADDRESS.sub("(address)", text))


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
