"""`extends`: a base policy with the policy laid over it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import yaml

from audit.policy.positions import Node, plain
from audit.policy.yaml_reader import SCALARS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.errors import Mistake
    from audit.policy.positions import Place


def over(base: Node, top: Node) -> Node:
    """Two policies as one: mappings are merged, requirements matched by their ids, everything else replaced."""
    merged = _mapping(base, top)
    first, second = _requirements(base), _requirements(top)
    if first is None or second is None or not isinstance(merged.value, dict):
        return merged
    return replace(merged, value=merged.value | {"require": replace(merged.value["require"], value=_matched(first, second))})


def _requirements(root: Node) -> list[Node] | None:
    """The requirements of a policy; None where it has no list of them."""
    listed = root.value.get("require") if isinstance(root.value, dict) else None
    return listed.value if listed is not None and isinstance(listed.value, list) else None


def _mapping(base: Node, top: Node) -> Node:
    if not isinstance(base.value, dict) or not isinstance(top.value, dict):
        return replace(top, broken=base.broken or top.broken) if top.place.path == () else top
    value = dict(base.value)
    for key, child in top.value.items():
        value[key] = _mapping(value[key], child) if key in value else child
    keys: Mapping[str, Place] = {**base.keys, **top.keys}
    return replace(top, value=value, keys=keys, broken=base.broken or top.broken)


def requirement_id(node: Node) -> str | None:
    """What a requirement is called: its id, else its check."""
    if not isinstance(node.value, dict):
        return None
    for key in ("id", "check"):
        named = node.value.get(key)
        if named is not None:
            return named.value if isinstance(named.value, str) else None
    return None


def _matched(base: list[Node], top: list[Node]) -> list[Node]:
    """The base's requirements in their order, each under what the policy says of the same id; then the policy's others."""
    found = list(base)
    places = {name: index for index, one in enumerate(base) if (name := requirement_id(one)) is not None}
    for one in top:
        name = requirement_id(one)
        if name in places:
            found[places[name]] = _mapping(found[places[name]], one)
        else:
            found.append(one)
    return found


def repeated(root: Node) -> list[Mistake]:
    """Requirements of one file that go by the same id: the second would hide the first."""
    first: dict[str, int] = {}
    mistakes = []
    for one in _requirements(root) or []:
        name = requirement_id(one)
        if name is None or not isinstance(one.value, dict):
            continue
        if name in first:
            written = one.value.get("id") or one.value["check"]
            text = f"{name!r} is the id of another requirement (line {first[name]}); give this one an `id` of its own"
            mistakes.append(written.place.mistake(text))
        first.setdefault(name, one.place.line)
    return mistakes


class _Dumper(yaml.SafeDumper):
    """Quotes whatever this loader or a YAML 1.1 reader would not take for text."""

    yaml_implicit_resolvers = {letter: list(forms) for letter, forms in yaml.SafeDumper.yaml_implicit_resolvers.items()}  # noqa: RUF012  # PyYAML's own


for _tag, _form, _first in SCALARS:
    _Dumper.add_implicit_resolver(_tag, _form, ["" if one == "\0" else one for one in _first])


def written(root: Node, files: list[str]) -> str:
    """The merged policy as one file of its own."""
    tree = plain(root)
    if isinstance(tree, dict):
        tree.pop("extends", None)
    head = f"# {files[0]} laid over {', '.join(files[1:])}, as it was run\n"
    return head + yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
