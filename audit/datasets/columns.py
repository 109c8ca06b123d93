"""What a policy says of a data set's columns: the roles that they play, and how their cells are read."""

from __future__ import annotations

import codecs
import json
import re
from typing import Annotated, Literal, TypeAlias

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    StrictInt,
    StrictStr,
    WithJsonSchema,
    field_validator,
)
from pydantic_core import PydanticCustomError

from audit.evidence import Value


class Columns(BaseModel):
    """Which column is what. A data set's own `columns` are laid over the policy's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str | None = Field(None, description="unique name of a row; the row number where absent")
    text: str | None = Field(None, description="the text that a text model reads")
    label: str | None = Field(None, description="the true class or value")
    positive: Value = Field(None, description="the favourable or target class")
    time: str | None = Field(None, description="when the row came to be")
    group: str | None = Field(None, description="entity key: rows of one entity are one cluster in every interval")
    sensitive: tuple[str, ...] = Field((), description="columns that name protected groups")
    features: tuple[str, ...] | None = Field(None, description="columns that a tabular model reads; all others where absent")
    prediction: str | None = Field(None, description="the predicted class or value, for saved predictions")
    score: str | None = Field(None, description="probability of the positive class, for saved predictions")
    scores: dict[str, str] | tuple[str, ...] | None = Field(
        None,
        description="one probability column per class: a mapping from class to column, or columns named after their classes; or one column"
        " that holds a list in every row, as [column]",
    )
    output: str | None = Field(None, description="what a generating model wrote")
    weight: str | None = Field(None, description="how many rows of the population a row stands for")

    @field_validator("scores", mode="before")
    @classmethod
    def _one_column(cls, scores: object) -> object:
        """`scores: column` is short for `scores: [column]`; read strictly, what this returns must be a tuple."""
        return (scores,) if isinstance(scores, str) else tuple(scores) if isinstance(scores, list) else scores

    def over(self, base: Columns) -> Columns:
        """These roles before a base's: what is set here wins."""
        return base.model_copy(update={name: getattr(self, name) for name in self.model_fields_set})

    def named(self) -> dict[str, str]:
        """Every column that a role names, by `role` or `role.entry`, for telling which is not there."""
        found = {role: column for role in _SINGLE if (column := getattr(self, role)) is not None}
        found |= {f"sensitive.{i}": column for i, column in enumerate(self.sensitive)}
        found |= {f"features.{i}": column for i, column in enumerate(self.features or ())}
        if isinstance(self.scores, dict):
            found |= {f"scores.{name}": column for name, column in self.scores.items()}
        else:
            found |= {f"scores.{i}": column for i, column in enumerate(self.scores or ())}
        return found


_SINGLE = ("id", "text", "label", "time", "group", "prediction", "score", "output", "weight")


TypeName: TypeAlias = Literal["text", "category", "number", "day", "date", "time"]
MissingWord: TypeAlias = StrictStr | StrictInt | FiniteFloat | None
_SEPARATOR = {"anyOf": [{"type": "string", "minLength": 1, "maxLength": 1}, {"enum": ["tab", "\\t", None]}]}
_NULL = ("null", "NULL", "Null")
"""What YAML reads as null where a policy lists it as a word."""


def _known_encoding(name: str | None) -> str | None:
    if name is None:
        return None
    try:
        "a".encode(name)  # finds out too whether it is one of text
        return codecs.lookup(name).name
    except (LookupError, UnicodeError) as error:
        kind, msg = "encoding", "give an encoding that Python knows, such as utf-8, utf-16 or cp1252"
        raise PydanticCustomError(kind, msg) from error


def _sign(value: object) -> object:
    """A tab may be written as a word, since a shell hands none over."""
    if value in ("tab", "\\t"):
        return "\t"
    if isinstance(value, str) and (len(value) != 1 or value in '\n\r"'):
        kind, msg = "separator", "give one character that ends neither a line nor a cell, such as ; or tab"
        raise PydanticCustomError(kind, msg)
    return value


def quote(word: str) -> str:
    """A word as it is written in a policy's list or mapping."""
    return word if re.fullmatch(r"[A-Za-z_][\w./-]*|-?[1-9]\d*", word) else json.dumps(word, ensure_ascii=False)


class ReadOptions(BaseModel):
    """Keys of a data set that decide how its cells are read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    missing: tuple[MissingWord, ...] = Field((), description="words that stand for an empty cell, such as [NA, NULL, -999]; none in texts")
    separator: Annotated[Annotated[str, Field(min_length=1, max_length=1)] | None, BeforeValidator(_sign), WithJsonSchema(_SEPARATOR)] = (
        Field(None, description="one character between the cells of a CSV, or the word tab; found by itself where only one fits")
    )
    decimal: Literal[".", ","] | None = Field(None, description="decimal mark of a CSV's numbers; found by itself where only one fits")
    encoding: Annotated[str | None, AfterValidator(_known_encoding)] = Field(
        None, description="of a CSV or JSON lines; UTF-8, or what a byte order mark says, where absent"
    )
    types: dict[str, TypeName] = Field(
        default_factory=dict, description="what a column holds, for every check and model: text, category, number, day (or date), time"
    )

    unlabelled: Literal["drop"] | None = Field(
        None, description="drop: rows without a label are left out and counted in a remark; they are refused where absent"
    )

    def to_json(self) -> str:
        """The keys that are set; empty where none is."""
        given = self.model_dump(mode="json", include=set(ReadOptions.model_fields), exclude_defaults=True)
        return json.dumps(given, sort_keys=True) if given else ""

    @property
    def missing_words(self) -> tuple[str, ...]:
        """The words that stand for an empty cell, as they are written in a file."""
        words = [word for value in self.missing for word in (_NULL if value is None else (str(value),))]
        return tuple(dict.fromkeys(words))
