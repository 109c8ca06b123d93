"""What an attack changed in a text, fit to be shown."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Literal

from audit.evidence import Part
from audit.measures.masking import HIDDEN, veiled

LONGEST = 200
"""Characters of an excerpt, roughly: it ends with the word that passes them."""
AROUND = 6
"""Words kept on either side of a change."""

_DIGIT = "•"

_Mark = Literal["deleted", "inserted"]


def changes(before: str, after: str, common: frozenset[str]) -> tuple[Part, ...]:
    """The words around each change, deleted ones before inserted ones.

    Of the unchanged words only `common` ones are shown, as in any excerpt; changed ones are, but for digits and addresses.
    """
    old, new = before.split(), after.split()
    parts: list[Part] = []
    codes = SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    for number, (kind, a, b, c, d) in enumerate(codes):
        if sum(len(part.text) for part in parts) > LONGEST:
            return _spaced([*parts, Part(HIDDEN)])
        if kind == "equal":
            kept = _shortened(old[a:b], first=number == 0 < len(codes) - 1, last=number == len(codes) - 1)
            parts += _unchanged(kept, common)
        else:
            parts += _changed(old[a:b], "deleted") + _changed(new[c:d], "inserted")
    return _spaced(parts)


def _spaced(parts: list[Part]) -> tuple[Part, ...]:
    """With a blank between them, so that the parts can be set one after the other."""
    return tuple(part for pair in zip([Part(" ")] * len(parts), parts, strict=True) for part in pair)[1:]


def _shortened(words: list[str], *, first: bool, last: bool) -> list[str]:
    """Unchanged words far from any change left out."""
    head = [] if first else words[:AROUND]
    tail = [] if last else words[max(len(head), len(words) - AROUND) :]
    if len(head) + len(tail) >= len(words):
        return words
    return [*head, HIDDEN, *tail]


def _unchanged(words: list[str], common: frozenset[str]) -> list[Part]:
    """One part; one sign for each run of hidden words."""
    shown = [veiled(word, common) for word in words]
    kept = [word for word, last in zip(shown, ["", *shown], strict=False) if not word == last == HIDDEN]
    return [Part(" ".join(kept))] if kept else []


def _changed(words: list[str], mark: _Mark) -> list[Part]:
    """One part for each run of words of the same kind."""
    parts: list[Part] = []
    for word in words:
        kind = _personal(word)
        if kind is not None:
            parts.append(Part(kind, "mask"))
            continue
        shown = re.sub(r"\d", _DIGIT, word)
        if parts and parts[-1].mark == mark:
            parts[-1] = Part(f"{parts[-1].text} {shown}", mark)
        else:
            parts.append(Part(shown, mark))
    return parts


def _personal(word: str) -> str | None:
    if "@" in word:
        return "address"
    return "number" if len(re.findall(r"\d", word)) >= 4 else None  # noqa: PLR2004  # account, card and telephone numbers come in such blocks
