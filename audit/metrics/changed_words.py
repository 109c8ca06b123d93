"""What an attack changed in a text, fit to be shown."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from audit.evidence import Part
from audit.redaction.masking import HIDDEN, bare, veiled

LONGEST = 200
"""Characters of an excerpt, roughly: it ends with the word that passes them."""
AROUND = 6
"""Words kept on either side of a change."""

_DIGIT = "•"

_Mark = Literal["deleted", "inserted"]


def changes(before: str, after: str, common: frozenset[str], *, listed: frozenset[str] = frozenset()) -> tuple[Part, ...]:
    """The words around each change, deleted ones before inserted ones.

    Only `common` words are shown, as in any excerpt, and in any case those of a list that the change was made by; of what took
    their place, all that is new, but for digits and addresses. A changed word that few texts hold may be somebody's name.
    """
    old, new = before.split(), after.split()
    known = _Known(common, listed, frozenset(old))
    parts: list[Part] = []
    codes = SequenceMatcher(a=old, b=new, autojunk=False).get_opcodes()
    for number, (kind, a, b, c, d) in enumerate(codes):
        if sum(len(part.text) for part in parts) > LONGEST:
            return _spaced([*parts, Part(HIDDEN)])
        if kind == "equal":
            kept = _shortened(old[a:b], first=number == 0 < len(codes) - 1, last=number == len(codes) - 1)
            parts += _unchanged(kept, common)
        else:
            parts += _changed(old[a:b], "deleted", [known.word(word) for word in old[a:b]])
            parts += _changed(new[c:d], "inserted", known.in_place_of(old[a:b], new[c:d]))
    return _spaced(parts)


@dataclass(frozen=True, slots=True)
class _Known:
    """Which words name nobody."""

    common: frozenset[str]
    listed: frozenset[str]
    old: frozenset[str]
    """Words of the text before."""

    def word(self, word: str) -> bool:
        """Whether many texts hold it, or the list does."""
        return veiled(word, self.common) == word or bare(word).casefold().removesuffix("'s") in self.listed

    def in_place_of(self, old: list[str], new: list[str]) -> list[bool]:
        """Whether each inserted word is known, or a new spelling of known ones: of the one at its place, else of all that went."""
        spelt = [self.word(word) for word in old]
        if len(old) != len(new):
            spelt = [bool(spelt) and all(spelt)] * len(new)
        return [self.word(word) or (known and word not in self.old) for word, known in zip(new, spelt, strict=True)]


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


def _changed(words: list[str], mark: _Mark, shown: list[bool]) -> list[Part]:
    """One part for each run of words of the same kind."""
    parts: list[Part] = []
    for word, known in zip(words, shown, strict=True):
        kind = _personal(word) or (None if known else "rare word")
        if kind is not None:
            parts.append(Part(kind, "mask"))
            continue
        said = re.sub(r"\d", _DIGIT, word)
        if parts and parts[-1].mark == mark:
            parts[-1] = Part(f"{parts[-1].text} {said}", mark)
        else:
            parts.append(Part(said, mark))
    return parts


def _personal(word: str) -> str | None:
    if "@" in word:
        return "address"
    return "number" if len(re.findall(r"\d", word)) >= 4 else None  # noqa: PLR2004  # account, card and telephone numbers come in such blocks
