"""What the files that people sign have in common: names, moments and digests, and reading with positions."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, StringConstraints, ValidationError
from pydantic_core import PydanticCustomError

from audit.errors import InputError, Mistake, PolicyError
from audit.files import read_at_most
from audit.policy import yaml_reader
from audit.policy.messages import messages
from audit.policy.schema import DIGEST, Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from audit.policy.yaml_reader import Marks, Tree

Model = TypeVar("Model", bound=BaseModel)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-]\d\d:\d\d)")
LEAST = 20
"""Characters of a reason."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _moment(value: object) -> datetime:
    """RFC 3339, as JSON Schema's `date-time` has it."""
    if not isinstance(value, str) or not _MOMENT.fullmatch(value):
        raise PydanticCustomError("moment", "give date and time with their zone, such as 2026-11-21T09:30:00Z")
    return datetime.fromisoformat(value.upper())


def _day(value: object) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("day", "give a date, such as 2026-11-21")
    return date.fromisoformat(value)


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
Moment: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_moment)]
Day: TypeAlias = Annotated[date, BeforeValidator(_day)]
Sentence: TypeAlias = Annotated[str, AfterValidator(_sentence)]
Name: TypeAlias = Annotated[Text, AfterValidator(_name)]
Line: TypeAlias = Literal[1, 2, 3]
Digest: TypeAlias = Annotated[str, StringConstraints(pattern=DIGEST)]


def read_as(path: Path, shown: str, model: type[Model]) -> tuple[Marks, Mapping[str, Tree], str]:
    """Positions, plain values and text of a file that fits a model."""
    text = _text(path, shown)
    root, mistakes = yaml_reader.parse(text, shown)
    tree, marks = yaml_reader.flatten(root)
    if not mistakes:
        mistakes = list(_unfit(model, tree, marks))
    if mistakes or not isinstance(tree, dict):
        raise PolicyError(tuple(mistakes))
    return marks, tree, text


def _unfit(model: type[Model], tree: Tree, marks: Marks) -> Iterator[Mistake]:
    try:
        model.model_validate(tree)
    except ValidationError as error:
        for loc, text, key in messages(error, model, lambda loc: loc in marks.values):
            yield marks.mistake(loc, text, key=key)


def _text(path: Path, shown: str) -> str:
    try:
        raw = read_at_most(path, yaml_reader.MOST_BYTES)
    except OSError as error:
        msg = f"{shown}: cannot be read ({error.strerror}); mend the path"
        raise InputError(msg) from error
    if len(raw) > yaml_reader.MOST_BYTES:
        msg = f"{shown}: is larger than a waiver or key may be, at most {yaml_reader.MOST_BYTES:,} bytes"
        raise InputError(msg)
    if b"PRIVATE KEY-----" in raw:  # no message may quote it
        msg = f"{shown}: is a private key, which is nobody else's: name the public one, whose name ends in .pub"
        raise InputError(msg)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = raw.count(b"\n", 0, error.start) + 1, error.start - raw.rfind(b"\n", 0, error.start)
        text = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise PolicyError((Mistake(shown, line, column, text),)) from error
