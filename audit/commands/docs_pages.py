"""Pages generated from the catalogue and the schema: `python -m audit.commands.docs_pages` writes them into docs/."""

from __future__ import annotations

import json
import math
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit import catalog
from audit.candidates import kinds
from audit.commands.explain import explain
from audit.policy.schema import Policy
from audit.policy.shape import LOAD_KEYS, RESERVED
from audit.policy.strict import ROLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from audit.check import Check
    from audit.commands.explain import Explanation


def _own() -> dict[str, Check]:
    """The tool's own checks, whatever else is installed."""
    return {check_id: check for check_id, check in catalog.discover().items() if not catalog.info(check_id).distribution}


def checks_page() -> str:
    """docs/checks.md: a table of all checks, then a section for each."""
    explained = [explain(check_id) for check_id in _own()]
    lines = [
        "# Checks",
        "",
        "Generated from the code by `python -m audit.commands.docs_pages`; `audit explain ID` says the same in the terminal.",
        "A check measures and never judges: the policy's bound and the interval decide.",
        "The bounds in the examples only show where a bound stands.",
        "",
        "| check | question | better |",
        "|---|---|---|",
        *(f"| [{one.id}](#{_anchor(one.id)}) | {_cell(dict(one.facts)['Question'])} | {dict(one.facts)['Better']} |" for one in explained),
    ]
    for family, members in groupby(explained, key=lambda one: one.id.split("/")[0]):
        lines += ["", f"## {family}"]
        for one in members:
            lines += ["", *_section(one)]
    return "\n".join(lines) + "\n"


def _section(one: Explanation) -> Iterator[str]:
    yield from (f"### {one.id}", "", one.summary, "", "| | |", "|---|---|")
    yield from (f"| {name} | {_cell(text)} |" for name, text in one.facts)
    if one.parameters:
        yield from ("", "| parameter | value | default | meaning |", "|---|---|---|---|")
        yield from (f"| `{each.name}` | {_cell(each.kind)} | {_cell(each.default)} | {_cell(each.meaning)} |" for each in one.parameters)
    yield from ("", *(line for heading, text in one.texts for line in (f"**{heading}.** {text}", "")))
    yield from ("```yaml", one.example, "```")


def _cell(text: str) -> str:
    """Text in a cell of a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def _anchor(check_id: str) -> str:
    """The anchor that Markdown readers give to a heading."""
    return "".join(letter for letter in check_id.lower() if letter.isalnum() or letter in "-_")


def schema_page(checks: Mapping[str, Check]) -> str:
    """The JSON Schema of policies that ask for these checks: of all that are installed, as `audit schema` prints it."""
    return json.dumps(schema_json(checks), indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def pages() -> dict[str, str]:
    """Every generated page by its name under docs/."""
    return {"checks.md": checks_page(), "policy.schema.json": schema_page(_own())}


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


def main(folder: Path = Path("docs")) -> None:
    """Write every page."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
