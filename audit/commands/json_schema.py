"""The JSON Schema of policies, each check's own parameters included, so that editors complete and check the file."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from audit.candidates import kinds
from audit.policy.schema import ROLE, Policy
from audit.policy.shape import LOAD_KEYS, RESERVED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.check import Check

_BOUNDED = {"anyOf": [{"required": ["min"]}, {"required": ["max"]}, {"required": ["against", "margin"]}]}
"""A requirement without a bound always passes."""


def schema_json(catalog: Mapping[str, Check]) -> dict[str, Any]:
    """The schema of a policy file as it is written: short forms allowed, parameters beside the check they belong to."""
    schema = Policy.model_json_schema(mode="validation")
    definitions = schema["$defs"]
    requirement = definitions["Requirement"]
    del requirement["properties"]["params"]
    requirement["required"] = ["check"]
    requirement["properties"]["check"]["enum"] = list(catalog)
    del requirement["additionalProperties"]
    requirement["allOf"] = [_branch(check_id, check, definitions) for check_id, check in catalog.items()]
    _name_kinds(definitions["Load"], definitions)
    schema["properties"]["require"]["minItems"] = 1
    schema["properties"]["datasets"]["propertyNames"] = {"pattern": ROLE}
    trust = schema["properties"]["trust"]
    schema["properties"]["trust"] = {"anyOf": [{"const": "pickle"}, {"$ref": trust.pop("$ref")}], **trust}
    whole = ["policy", "candidate", "require"]
    del schema["required"]
    # under `extends` the base may say all this
    schema |= {
        "if": {"required": ["extends"]},
        "else": {"required": whole, "properties": {"require": {"items": _BOUNDED}}},
    }
    tidy: dict[str, Any] = _without_titles({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": ""})
    return {"$schema": tidy.pop("$schema"), "title": "audit policy", **tidy}


def _name_kinds(load: dict[str, Any], definitions: dict[str, Any]) -> None:
    """The kinds of `load`, and the own keys of each beside those that all have."""
    del load["properties"]["options"], load["additionalProperties"]
    load["properties"]["kind"]["enum"] = [*kinds.discover(), *kinds.PLANNED]
    allowed = dict.fromkeys(sorted(LOAD_KEYS), True)
    branches = []
    for name, kind in kinds.discover().items():
        own = kind.options.model_json_schema(ref_template=f"#/$defs/{name}.{{model}}")
        definitions |= {f"{name}.{key}": one for key, one in own.get("$defs", {}).items()}
        then = {"properties": allowed | own.get("properties", {}), "additionalProperties": False}
        if own.get("required"):
            then["required"] = own["required"]
        branches.append({"if": {"properties": {"kind": {"const": name}}, "required": ["kind"]}, "then": then})
    load["allOf"] = branches


def _branch(check_id: str, check: Check, definitions: dict[str, Any]) -> dict[str, Any]:
    """What a requirement of this check may say."""
    params = check.params.model_json_schema(ref_template=f"#/$defs/{check_id.replace('/', '.')}.{{model}}")
    definitions |= {f"{check_id.replace('/', '.')}.{name}": one for name, one in params.get("$defs", {}).items()}
    allowed: dict[str, Any] = dict.fromkeys(sorted(RESERVED), True)
    allowed["min"] = _finite({"exclusiveMinimum": check.lowest, "maximum": check.highest})
    allowed["max"] = _finite({"minimum": check.lowest, "exclusiveMaximum": check.highest})
    if check.compare is None:
        allowed |= {"against": False, "margin": False}
    if check.by == "none":
        allowed["by"] = False
    then = {"properties": allowed | params.get("properties", {}), "additionalProperties": False}
    if params.get("required"):
        then["required"] = params["required"]
    return {"if": {"properties": {"check": {"const": check_id}}, "required": ["check"]}, "then": then}


def _finite(limits: dict[str, float]) -> dict[str, float]:
    return {name: value for name, value in limits.items() if math.isfinite(value)}


def _without_titles(tree: Any) -> Any:
    """Pydantic's titles repeat the names of the keys."""
    if isinstance(tree, dict):
        return {key: _without_titles(one) for key, one in tree.items() if not (key == "title" and isinstance(one, str))}
    return [_without_titles(one) for one in tree] if isinstance(tree, list) else tree
