"""The tree of a policy file and the place of every key and value in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from audit.errors import Mistake

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Loc: TypeAlias = tuple[str | int, ...]
Scalar: TypeAlias = str | int | float | bool | None
Tree: TypeAlias = Scalar | list["Tree"] | dict[str, "Tree"]
"""What the YAML says, as JSON values."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands."""

    file: str
    line: int
    """Counted from 1."""
    column: int
    """Counted from 1."""
    path: Loc
    """The key path in that file."""

    def mistake(self, text: str, *rest: str | int) -> Mistake:
        """A mistake here; `rest` names keys below that the file does not have."""
        name = ".".join(printable(part) for part in self.path + rest)
        return Mistake(self.file, self.line, self.column, f"{name}: {text}" if name else text)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the file."""

    value: Scalar | list[Node] | dict[str, Node]
    place: Place
    keys: Mapping[str, Place] = field(default_factory=dict)
    """Of a mapping: where its keys stand."""
    broken: bool = False
    """Already reported as a mistake; its value means nothing."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The place of every key path."""

    values: Mapping[Loc, Place]
    keys: Mapping[Loc, Place]
    broken: frozenset[Loc] = frozenset()

    def at(self, loc: Loc) -> Place:
        """Where a value stands; the nearest parent's place where it is missing."""
        return self.values[self.known(loc)]

    def known(self, loc: Loc) -> Loc:
        """The longest part of a key path that the file has."""
        while loc not in self.values:
            loc = loc[:-1]
        return loc

    def mistake(self, loc: Loc, text: str, *, key: bool = False) -> Mistake:
        """A mistake at a value, or at its key."""
        if key and loc in self.keys:
            return self.keys[loc].mistake(text)
        known = self.known(loc)
        return self.values[known].mistake(text, *loc[len(known) :])

    def is_broken(self, loc: Loc) -> bool:
        """Whether a mistake was already told at, above or below this path."""
        return any(loc[: len(one)] == one or one[: len(loc)] == loc for one in self.broken)


def printable(part: str | int) -> str:
    """A key as a message shows it, control characters spelt out."""
    return text if (text := str(part)).isprintable() else repr(text)[1:-1]


def flatten(root: Node) -> tuple[Tree, Marks]:
    """The plain values, and the place of every key path."""
    values: dict[Loc, Place] = {}
    keys: dict[Loc, Place] = {}
    broken: set[Loc] = set()
    for loc, node in _walk(root, ()):
        values[loc] = node.place
        keys.update({(*loc, name): place for name, place in node.keys.items()})
        if node.broken:
            broken.add(loc)
    return plain(root), Marks(values, keys, frozenset(broken))


def plain(node: Node) -> Tree:
    """A node as JSON values."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    return [plain(child) for child in node.value] if isinstance(node.value, list) else node.value


def _walk(node: Node, loc: Loc) -> Iterator[tuple[Loc, Node]]:
    yield loc, node
    children: Sequence[tuple[str | int, Node]] = ()
    if isinstance(node.value, dict):
        children = list(node.value.items())
    elif isinstance(node.value, list):
        children = list(enumerate(node.value))
    for key, child in children:
        yield from _walk(child, (*loc, key))
