"""Personal data kept out of sight: excerpts that show where it stood, and words of the data in messages."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from audit.evidence import Part
from audit.redaction.typography import normalised

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from audit.redaction.entities import Entity


COMMON = 10
"""Different texts in which a word stands before it is shown: one that so many share names nobody."""
_AROUND, _FIRST = 6, 30
"""Words on either side of an entity, and at the beginning of a text."""
HIDDEN = "…"


def common_words(texts: Iterable[str], entities: Iterable[object] | None = None) -> frozenset[str]:
    """Words without digits or capitals that at least `COMMON` different texts hold, and as many of the rows' entities, if these are given.

    One who writes often may name themselves in every text.
    """
    texts = list(texts)
    texts_with = Counter(word for text in set(texts) for word in set(map(bare, text.split())))
    if entities is not None:
        by_entity = {(bare(word), one) for text, one in zip(texts, entities, strict=True) for word in text.split()}
        texts_with &= Counter(word for word, _ in by_entity)
    return frozenset(word for word, count in texts_with.items() if count >= COMMON and word.isalpha() and word.islower())


def excerpt(text: str, entities: Sequence[Entity], shown: Entity, common: frozenset[str]) -> tuple[Part, ...]:
    """The words around one entity; entities become marks, words that are not common become dots."""
    words = list(re.finditer(r"\S+", text))
    hide = (*entities, shown)
    before = [_part(word, hide, common) for word in words if word.start() < shown.start][-_AROUND:]
    after = [_part(word, hide, common) for word in words if word.start() >= shown.end][:_AROUND]
    runs = [list(run) for _, run in groupby((*before, Part(shown.kind, "mask"), *after), key=_alike)]
    return tuple(run[0] if run[0].mark == "mask" else Part(f" {_joined(run)} ") for run in runs)


def beginning(text: str, common: frozenset[str]) -> tuple[Part, ...]:
    """The text's first words; those that are not common become dots."""
    words = [veiled(word, common) for word in text.split()]
    shown = [word for word, last in zip(words, ["", *words], strict=False) if not word == last == HIDDEN]
    return (Part(" ".join(shown[:_FIRST]) + (f" {HIDDEN}" if len(shown) > _FIRST and shown[_FIRST - 1] != HIDDEN else "")),)


def _alike(part: Part) -> tuple[str, str]:
    """Neighbours of one kind are shown as one: marks of the same entity, dots, words."""
    return part.mark, part.text if part.mark == "mask" or part.text == HIDDEN else ""


def _joined(run: Sequence[Part]) -> str:
    return HIDDEN if run[0].text == HIDDEN else " ".join(part.text for part in run)


def _part(word: re.Match[str], entities: Sequence[Entity], common: frozenset[str]) -> Part:
    for entity in entities:
        if entity.start < word.end() and word.start() < entity.end:
            return Part(entity.kind, "mask")
    return Part(veiled(word.group(), common))


def veiled(word: str, common: frozenset[str]) -> str:
    """The word where it is common, else dots."""
    return word if bare(word) in common else HIDDEN


def bare(word: str) -> str:
    """The word without the punctuation around it."""
    return word.strip(".,;:!?'\"()")


_PERSONAL = re.compile(r"@|(?:\d[ ()./+-]*){7}")
"""An at sign, or seven digits, with or without what people write between them."""
_DAY = re.compile(r"\d{1,4}([./-])\d{1,2}\1\d{1,4}(?:[T ]\d{1,2}:\d\d\S*)?")
"""A day, or a time on one: a message about how it is written must show it."""


def looks_personal(text: str) -> bool:
    """Whether a text may be an address, or a telephone, card or account number."""
    return any(_PERSONAL.search(copy.text) for copy in normalised(text))


def quoted(text: str) -> str:
    """The text in quotes, or `'…'`; a day is shown."""
    return "'…'" if looks_personal(text) and not _DAY.fullmatch(text) else repr(text)
