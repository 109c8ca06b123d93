"""What the files that people sign have in common: names, moments and digests, and reading with positions."""

from __future__ import annotations

import re
import unicodedata
from typing import Annotated, Literal, TypeAlias

from pydantic import AfterValidator, StringConstraints
from pydantic_core import PydanticCustomError

from audit.policy.schema import DIGEST
from audit.policy.strict import Text

LEAST = 20
"""Characters of a reason."""


def _sentence(value: str) -> str:
    if len(value) < LEAST:
        raise PydanticCustomError("sentence", "say it in {least} characters at least", {"least": LEAST})
    return value


def _name(value: str) -> str:
    """A name that looks like no other: no letters that are not seen, none of another alphabet beside Latin ones."""
    if not value.strip() or not value.isprintable():
        raise PydanticCustomError("name", "give a name, without letters that nobody sees")
    for word in value.split():
        found = _ALPHABETS & {unicodedata.name(letter, "").split(" ")[0] for letter in word}
        if len(found) > 1:
            mixed = {"found": " and ".join(sorted(found))}
            raise PydanticCustomError("name", "mixes letters that look alike, of {found}: write a name in one alphabet", mixed)
    return value


def person(name: str | None) -> str:
    """What identifies a person, to tell that two names are one: letters as they look, without case, form, spaces and punctuation."""
    letters = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name or "").casefold()).translate(_LOOKS_LIKE)
    seen = "".join(letter for letter in letters if unicodedata.category(letter) != "Cf" and not _UNSEEN.fullmatch(letter))
    words = "".join(" " if unicodedata.category(letter)[0] in "PZC" else letter for letter in seen)
    return " ".join((words if words.strip() else seen).split())


_UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]")
"""Letters and marks, by their category, that nobody sees."""
_LOOKS_LIKE = str.maketrans("авекмнорстухіјѕһԁԛԝѵӏαβεζηικμνορτυχɑıi1|0", "abekmhopctyxljshdqwvlabezhlkmnoptyxallllo")
"""Cyrillic and Greek letters drawn like Latin ones, in either case; i, l and 1; o and 0."""
_ALPHABETS = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"})
"""With letters that are drawn alike."""
Sentence: TypeAlias = Annotated[str, AfterValidator(_sentence)]
Name: TypeAlias = Annotated[Text, AfterValidator(_name)]
Line: TypeAlias = Literal[1, 2, 3]
Digest: TypeAlias = Annotated[str, StringConstraints(pattern=DIGEST)]
