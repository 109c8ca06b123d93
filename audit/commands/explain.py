"""A check in words: its facts, its parameters, an example requirement."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audit import catalog
from audit.errors import InputError, pip_install
from audit.formatting import limit
from audit.policy.messages import nearest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

    from audit.check import Check

_MEMBERS = {
    "slices": "slices of rows, named by `by`; all rows where it is absent",
    "groups": "ordered pairs of groups, named by `by`, which it needs",
    "features": "features, or those named by `by`",
    "none": "one number; `by` is refused",
}
_COMPARES = "with the champion, the base model or a model under `models` (against, margin)"
_NEEDS = {
    "labels": "true labels (columns.label)",
    "positive": "a positive class (columns.positive, or labels that are 0/1 or true/false)",
    "targets": "true numbers (columns.label)",
    "predictions": "the candidate's predictions",
    "values": "the candidate's predicted numbers",
    "scores": "the candidate's probabilities",
    "ranking": "the candidate's scores, probabilities or raw",
    "text": "texts (columns.text)",
    "features": "feature columns",
    "base": "a candidate that is fine-tuned here (candidate.fine_tune)",
    "model": "a candidate that can score changed rows, which saved predictions cannot",
    "reference": "a second data set (reference)",
}
_USUAL_FLOOR, _USUAL_CEILING = 0.8, 0.1
"""Bounds of an example where the check's range holds them."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One of a check's own parameters."""

    name: str
    kind: str
    default: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about a check."""

    id: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    parameters: tuple[Parameter, ...]
    texts: tuple[tuple[str, str], ...]
    """Heading and paragraph: purpose, risk, limitations, reference, remedy."""
    example: str
    """A line of `require`."""


def explain(check_id: str) -> Explanation:
    """A check of the catalogue in words; an unknown id is refused with the nearest."""
    check = catalog.discover().get(check_id)
    if check is None:
        msg = f"there is no check {check_id!r}; {nearest(check_id, catalog.discover(), '`audit checks` lists all there are')}"
        raise InputError(msg)
    text = catalog.documentation(check_id)
    headings = ("Purpose", "Risk", "Limitations", "Reference")
    return Explanation(
        id=check_id,
        summary=text["Summary"],
        facts=(*_facts(check), *_source(check_id)),
        parameters=_parameters(check),
        texts=(*((heading, text[heading]) for heading in headings), ("Remedy", check.remedy)),
        example=example(check_id, check),
    )


def _source(check_id: str) -> tuple[tuple[str, str], ...]:
    """The distribution of a check that is not the tool's own."""
    distribution = catalog.info(check_id).distribution
    return (("Distribution", distribution),) if distribution else ()


def _needs(check: Check) -> Iterator[str]:
    yield from (text for need, text in _NEEDS.items() if need in check.needs)
    if check.by == "groups":
        yield "groups (by)"


def _facts(check: Check) -> tuple[tuple[str, str], ...]:
    span = f"from {limit(check.lowest)}" + (f" to {limit(check.highest)}" if math.isfinite(check.highest) else " upwards")
    span = span if math.isfinite(check.lowest) else "any number"
    return (
        ("Question", check.question),
        ("Unit", f"{check.unit}, {span}"),
        ("Better", check.better),
        ("Members", _MEMBERS[check.by]),
        ("Compares", _COMPARES if check.compare else "no two models: `against` is refused"),
        ("Needs", ", ".join(_needs(check)) or "nothing but rows"),
        ("Tasks", ", ".join(check.tasks) if check.tasks else "all"),
        ("Claim", "census: about the very rows at hand, without sampling error" if check.census else "sample: judged on an interval"),
        ("NIST AI RMF 1.0", ", ".join(check.rmf)),
        ("Covers", ", ".join(check.characteristics)),
        ("Extra", pip_install(check.extra) if check.extra else "none"),
    )


def _parameters(check: Check) -> tuple[Parameter, ...]:
    schema = check.params.model_json_schema()
    required = schema.get("required", ())
    return tuple(
        Parameter(name, _kind(one, schema), "required" if name in required else _default(one.get("default")), one.get("description", ""))
        for name, one in schema.get("properties", {}).items()
    )


def _kind(one: dict[str, Any], schema: dict[str, Any]) -> str:
    """What may be written, in words."""
    if "$ref" in one:
        return _kind(schema["$defs"][one["$ref"].rsplit("/", 1)[-1]], schema)
    if "anyOf" in one:
        return _either([_kind(branch, schema) for branch in one["anyOf"] if branch.get("type") != "null"])
    if "enum" in one or "const" in one:
        return _either([str(word) for word in one.get("enum", [one.get("const")])])
    if one.get("type") == "array":
        return f"list of {_kind(one.get('items', {}), schema)}"
    words = {"integer": "whole number", "number": "number", "boolean": "true or false", "string": "text", "object": "mapping"}
    limits = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    kind = words.get(one.get("type", ""), "value")
    return ", ".join([kind, *(f"{word} {limit(one[name])}" for name, word in limits.items() if name in one)])


def _either(words: list[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return " or ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)


def _default(value: object) -> str:
    if value is None or value == []:
        return "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)


def example(check_id: str, check: Check) -> str:
    """A requirement that the loader takes."""
    parts = [f"check: {check_id}"]
    if check.by == "groups" or check.groups_in is not None:
        parts.append("by: [gender]")
    if "reference" in check.needs:
        parts.append("reference: train")
    parts += [f"{name}: {_sample(field)}" for name, field in check.params.model_fields.items() if field.is_required()]
    return "- {" + ", ".join([*parts, _bound(check)]) + "}"


def _sample(field: FieldInfo) -> str:
    if field.examples:
        return str(field.examples[0])
    kind: Any = field.annotation
    return {int: "10", float: "0.5", bool: "true"}.get(kind, "name")


def _bound(check: Check) -> str:
    if check.better == "higher":
        usual = _USUAL_FLOOR if check.lowest < _USUAL_FLOOR <= check.highest else _inside(check)
        return f"min: {usual:g}"
    if check.census and check.lowest == 0:
        return "max: 0"
    usual = _USUAL_CEILING if check.lowest <= _USUAL_CEILING < check.highest else _inside(check)
    return f"max: {usual:g}"


def _inside(check: Check) -> float:
    """A value that the check can take on both sides of: one above the lowest, or the middle of a narrower range."""
    return min(check.lowest + 1, (check.lowest + check.highest) / 2)
