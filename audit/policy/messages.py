"""Pydantic's errors in plain words: what is wrong and what to do."""

from __future__ import annotations

import json
import types
from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from audit.policy.schema import DIGEST, IDENTIFIER, NAME, WAIVER_ID, Policy
from audit.policy.strict import DURATION, ROLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from audit.policy.yaml_reader import Loc

_WANTED = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "tuple_type": "a list, such as [a, b]",
    "list_type": "a list, such as [a, b]",
    "dict_type": "a mapping, such as {key: value}",
    "model_type": "a mapping, such as {key: value}",
    "string_too_short": "some text",
}
"""Kind of mistake to what should stand there."""
_LIMITS = {
    "greater_than": ("gt", "above"),
    "greater_than_equal": ("ge", "at least"),
    "less_than": ("lt", "below"),
    "less_than_equal": ("le", "at most"),
}
_PRECISE = {
    "candidate": "candidate: {task: text-classification, load: {kind: transformers, path: models/mine}}",
    "require": "require: [{check: performance/accuracy, min: 0.8}]",
    "policy": "policy: my-model",
    "task": "task: text-classification",
    "check": "check: performance/accuracy",
    "path": "path: data/test.csv",
    "kind": "kind: transformers",
    "base": "base: minilm",
    "contact": "contact: team@example.org",
}
"""How a required key may look."""
_WHOLE = {
    "by": "a column, a list of columns, a list of such lists, or bands of numbers such as {age: [25, 45]} or {age: {bands: 4}}",
    "extends": "the path of a base policy, or {path: org.yaml, may: tighten}",
    "positive": "one class label",
    "scores": "a mapping from class to column, or a list of columns",
    "after": "alarm, watch, or the age of the candidate, such as 90d",
    "false_alarm_every": "a duration such as 365d, or {windows: N} for windows by count",
    "window": "hour, day, week, month, or {rows: N}",
    "trust": "pickle, {pickle: true} or {keys: [NAME.pub]}",
    "valid_for": "1 to 9,999 days, or text such as 90d or 12w",
    "validation": "a dataset role, or a fraction",
}
"""Keys of a policy that may be written in several ways, reported as one."""
_FORMS = {
    NAME: "use letters, digits, dots, dashes and underscores, beginning with a letter or digit",
    ROLE: "use letters, digits, dashes and underscores, beginning with a letter",
    IDENTIFIER: "use letters, digits, dots, dashes, underscores and slashes, beginning with a letter or digit",
    DIGEST: "give the SHA-256 of the file: 64 digits of 0-9 and a-f",
    WAIVER_ID: "give capital letters, a dash and a number, such as W-1",
    DURATION: "give days or weeks, such as 90d or 12w",
}
"""The patterns of the schema, in words."""


def format_value(value: object) -> str:
    """A value as a message quotes it: as JSON, cut when long."""
    text = json.dumps(value, ensure_ascii=True)
    return text if len(text) <= 60 else text[:57] + "..."  # noqa: PLR2004  # characters in a line


def nearest(word: str, known: Iterable[str], otherwise: str = "") -> str:
    """`did you mean 'x'?`; where nothing is near, what else is given, or the whole list."""
    names = sorted(known)
    tails = {name.rsplit("/", 1)[-1]: name for name in reversed(names)}  # of an id, the part without its family
    tail_of_word = word.lower().rsplit("/", 1)[-1]
    begun = sorted((tail for tail in tails if tail_of_word.startswith(f"{tail}_")), key=len)  # as f1_score begins with f1
    near = [tails[one] for one in begun[-1:] or get_close_matches(tail_of_word, tails, n=1)]
    if near:
        return f"did you mean {near[0]!r}?"
    return otherwise or ("there are none" if not names else f"known: {', '.join(names)}")


def messages(error: ValidationError, model: type[BaseModel], has: Callable[[Loc], bool]) -> list[tuple[Loc, str, bool]]:
    """Each mistake once: its place, its message, and whether it is about a key.

    `has` tells which key paths the file has: whatever else pydantic puts into a path names a branch of a union, and the
    branches are one mistake.
    """
    found: dict[Loc, list[ErrorDetails]] = {}
    for one in error.errors(include_url=False):
        found.setdefault(_located(one, model, has), []).append(one)
    return [(loc, *_message(loc, group, model)) for loc, group in found.items()]


def _located(error: ErrorDetails, model: type[BaseModel], has: Callable[[Loc], bool]) -> Loc:
    loc: Loc = ()
    for part in error["loc"]:
        if has((*loc, part)):
            loc = (*loc, part)
        if part in _WHOLE and model is Policy:
            return loc
    return (*loc, error["loc"][-1]) if error["type"] == "missing" else loc


def _message(loc: Loc, errors: Sequence[ErrorDetails], model: type[BaseModel]) -> tuple[str, bool]:
    first = errors[0]
    if first["type"] == "extra_forbidden":
        return f"unknown key; {nearest(str(loc[-1]), keys_at(model, loc[:-1]))}", True
    if first["type"] == "missing":
        example = _PRECISE.get(str(loc[-1]))
        return "is missing; add it" + (f", such as `{example}`" if example else ""), False
    return f"is {format_value(_as_written(first['input']))}; {_remedy(loc, errors, model)}", first["loc"][-1:] == ("[key]",)


def _as_written(value: Any) -> object:
    """Bands of `by` as a policy writes them; any other value as it is."""
    if isinstance(value, dict) and value.keys() == {"column", "edges"}:
        return {value["column"]: value["edges"]}
    if isinstance(value, dict) and value.keys() == {"column", "bands"}:
        return {value["column"]: {"bands": value["bands"]}}
    return value["unreadable"] if isinstance(value, dict) and value.keys() == {"unreadable"} else value


def _remedy(loc: Loc, errors: Sequence[ErrorDetails], model: type[BaseModel]) -> str:
    first = errors[0]
    kind, context, given = first["type"], first.get("ctx", {}), first["input"]
    if loc and loc[-1] in _WHOLE and model is Policy:
        return f"give {_WHOLE[str(loc[-1])]}"
    if kind == "literal_error":
        return _choice(given, [str(one) for one in _words_at(model, loc)])
    if kind in _LIMITS:
        name, word = _LIMITS[kind]
        return f"give a number {word} {context[name]:g}"
    if kind == "string_pattern_mismatch":
        return _FORMS.get(context["pattern"]) or f"it has to match {context['pattern']}"
    wanted = dict.fromkeys(_WANTED[error["type"]] for error in errors if error["type"] in _WANTED)
    if wanted.keys() == {"text"} and isinstance(given, (bool, int, float)):
        return f"put it in quotes: '{format_value(given)}'"
    return f"give {' or '.join(wanted)}" if wanted else first["msg"][:1].lower() + first["msg"][1:]


def _choice(given: object, known: Sequence[str]) -> str:
    near = get_close_matches(str(given).lower(), known, n=1)
    return f"did you mean {near[0]!r}?" if near else f"give one of {', '.join(known)}"


def keys_at(model: type[BaseModel], loc: Loc) -> tuple[str, ...]:
    """Keys that a mapping of the file may have."""
    return tuple(name for one in _kinds_at(model, loc) if _is_model(one) for name in one.model_fields if name != "params")


def _words_at(model: type[BaseModel], loc: Loc) -> tuple[object, ...]:
    """The words that may stand at a place."""
    return tuple(value for one in _kinds_at(model, loc) if get_origin(one) is Literal for value in get_args(one))


def _kinds_at(model: type[BaseModel], loc: Loc) -> list[Any]:
    """The types that a place may have."""
    kinds: list[Any] = [model]
    for part in loc:
        kinds = [kind for one in kinds for kind in _below(one, part)]
    return kinds


def _below(kind: Any, part: str | int) -> list[Any]:
    if _is_model(kind):
        inner = kind.model_fields.get(part)
        return [] if inner is None else _alternatives(inner.annotation)
    if get_origin(kind) in {tuple, list}:
        return _alternatives(get_args(kind)[0])
    return _alternatives(get_args(kind)[1]) if get_origin(kind) in {dict, Mapping} else []


def _alternatives(kind: Any) -> list[Any]:
    if get_origin(kind) in {Union, types.UnionType}:
        return [one for branch in get_args(kind) for one in _alternatives(branch)]
    return _alternatives(get_args(kind)[0]) if get_origin(kind) is Annotated else [kind]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
