"""Where a requirement stands in the policy file, for formats that point to a line."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from audit.policy import yaml_reader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.policy.yaml_reader import Node
    from audit.record import AuditRun


@dataclass(frozen=True, slots=True)
class Location:
    """A place in the policy file."""

    path: str
    """With forward slashes; relative to the folder where the audit ran, where the policy lies below it."""
    line: int
    """Counted from 1."""
    column: int
    """Counted from 1."""
    end_line: int

    @property
    def uri(self) -> str:
        """The path as a relative reference, or as a file's URI where it is absolute."""
        path = quote(self.path, errors="surrogateescape")
        return f"file://{path}" if path.startswith("/") else path


def locations(audit: AuditRun) -> Mapping[str | None, Location]:
    """Of every requirement by its id, and under None of the policy.

    Of a policy that extends others the record holds the merged text, whose lines are not the file's: all stand at its first line.
    """
    path = _relative(audit.policy_path)
    if audit.policy.extends is not None:
        return dict.fromkeys([None, *(one.id for one in audit.findings)], Location(path, 1, 1, 1))
    root, _mistakes = yaml_reader.parse(audit.policy_text, path)
    found: dict[str | None, Location] = {None: Location(path, 1, 1, 1)}
    if not isinstance(root.value, dict):
        return dict.fromkeys([None, *(one.id for one in audit.findings)], found[None])
    beginning = root.keys.get("policy") or root.place
    found[None] = Location(path, beginning.line, beginning.column, beginning.line)
    required = root.value.get("require")
    for node in required.value if required is not None and isinstance(required.value, list) else []:
        if isinstance(node.value, dict) and (name := _id(node.value)) is not None:
            found[name] = Location(path, node.place.line, node.place.column, _last_line(node))
    return {**{one.id: found[None] for one in audit.findings}, **found}


def _id(entry: Mapping[str, Node]) -> str | None:
    named = entry.get("id") or entry.get("check")
    return named.value if named is not None and isinstance(named.value, str) else None


def _last_line(node: Node) -> int:
    below = node.value.values() if isinstance(node.value, dict) else node.value if isinstance(node.value, list) else ()
    return max([node.place.line, *(one.line for one in node.keys.values()), *map(_last_line, below)])


def _relative(path: str) -> str:
    place = Path(os.path.normpath(path))
    if place.is_absolute() and place.is_relative_to(Path.cwd()):
        place = place.relative_to(Path.cwd())
    return place.as_posix()
