"""A YAML or JSON file that a person writes beside the policy, read with positions and held against a model of its fields."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, TypeAlias, TypeVar

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ValidationError
from pydantic_core import PydanticCustomError

from audit.errors import InputError, Mistake, PolicyError
from audit.files import read_at_most
from audit.policy import yaml_reader
from audit.policy.messages import messages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from audit.policy.yaml_reader import Marks, Tree

Model = TypeVar("Model", bound=BaseModel)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-]\d\d:\d\d)")
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


Moment: TypeAlias = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""A time with its zone."""
Day: TypeAlias = Annotated[date, BeforeValidator(_day)]
"""A date."""


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
        msg = f"{shown}: is larger than such a file may be, at most {yaml_reader.MOST_BYTES:,} bytes"
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
