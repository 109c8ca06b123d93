"""YAML read with the position of every key and value. Anything ambiguous is refused."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import yaml

from audit.errors import Mistake

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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


MOST_BYTES = 1_000_000
MOST_DEPTH = 24
MOST_NODES = 20_000
"""Counted after aliases are expanded, so that a small file cannot unfold into a huge one."""


def parse(text: str, file: str) -> tuple[Node, list[Mistake]]:
    """The tree of a file, and the mistakes that reading it showed. A file that is no YAML gives an empty tree."""
    reader = _Reader(file)
    try:
        root = _Loader(text).get_single_node()
        if root is None or (isinstance(root, yaml.ScalarNode) and not root.value):
            return _unreadable(file, "the file is empty; `audit init` writes a policy to start from")
        return reader.read(root, ()), reader.mistakes
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return _unreadable(file, _describe_error(error, text), mark.line + 1 if mark else 1, mark.column + 1 if mark else 1)
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        letter = error.character if isinstance(error.character, int) else ord(error.character)
        problem = f"character U+{letter:04X} may not stand in YAML; delete it"
        return _unreadable(file, problem, before.count("\n") + 1, len(before) - before.rfind("\n"))
    except (ValueError, OverflowError) as error:  # PyYAML lets these out on numbers too large, as in "\UFFFFFFFF"
        return _unreadable(file, f"not readable as YAML: {error}; mend the escapes and directives")


def _describe_error(error: yaml.MarkedYAMLError, text: str) -> str:
    """PyYAML's words, with a remedy where they have none."""
    what = ", ".join(part for part in (error.context, error.problem) if part)
    mark = error.problem_mark
    before = text[: mark.index] if mark else ""
    if before.endswith("$") and text[len(before) :].startswith("{"):
        return "a brace opens a mapping here; put text with ${...} in quotes"
    if text[len(before) :].startswith("\t"):
        return "a tab stands where indentation is read; indent with spaces"
    return what if ";" in what else f"not readable as YAML: {what}; mend the brackets, quotes or indentation here"


def _unreadable(file: str, text: str, line: int = 1, column: int = 1) -> tuple[Node, list[Mistake]]:
    place = Place(file, line, column, ())
    return Node(None, place, broken=True), [place.mistake(text)]


class _Loader(yaml.SafeLoader):
    """Scalars as in YAML 1.2, so that `on`, `no` and `yes` stay words; depth and size limited."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # PyYAML's own registry
    depth = 0
    nodes = 0

    def compose_node(self, parent: yaml.Node | None, index: object) -> yaml.Node | None:
        """As PyYAML, within the depth limit."""
        self.depth += 1
        self.nodes += 1
        if self.nodes > MOST_NODES:
            raise yaml.MarkedYAMLError(problem=f"more than {MOST_NODES:,} values; leave some out", problem_mark=self.get_mark())
        if self.depth > MOST_DEPTH:
            raise yaml.MarkedYAMLError(problem=f"nested deeper than {MOST_DEPTH} levels; write it flatter", problem_mark=self.get_mark())
        node: yaml.Node | None = super().compose_node(parent, index)  # type: ignore[arg-type]  # the stub wants an int where PyYAML passes None
        self.depth -= 1
        return node


SCALARS = (
    ("tag:yaml.org,2002:null", re.compile(r"(?:~|null|Null|NULL|)$"), "~nN\0"),
    ("tag:yaml.org,2002:bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)$"), "tTfF"),
    ("tag:yaml.org,2002:int", re.compile(r"[-+]?(?:0|[1-9][0-9]{0,39})$"), "-+0123456789"),
    (
        "tag:yaml.org,2002:float",
        re.compile(
            r"(?:[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]{0,39})(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$"
        ),
        "-+.0123456789",
    ),
)
"""Tag, form and first characters. A number with a leading zero is text: `007` is a name."""
for _tag, _form, _first in SCALARS:
    _Loader.add_implicit_resolver(_tag, _form, ["" if one == "\0" else one for one in _first])


class _Reader:
    """Turns composed nodes into the tree."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.mistakes: list[Mistake] = []
        self.nodes = 0

    def read(self, node: yaml.Node, path: Loc) -> Node:
        """A node and all below it."""
        place = self._place(node, path)
        self.nodes += 1
        if self.nodes > MOST_NODES or len(path) > MOST_DEPTH:
            problem = f"aliases unfold it beyond {MOST_NODES:,} values or {MOST_DEPTH} levels; write it without aliases"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        if node.tag.removeprefix(_PLAIN) not in _TAGS:
            return self._refuse(place, f"the tag {printable(node.tag)} is not read; write the value without a tag")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, place)
        if isinstance(node, yaml.SequenceNode):
            return Node([self.read(child, (*path, i)) for i, child in enumerate(node.value)], place)
        return self._scalar(node, place)

    def _place(self, node: yaml.Node, path: Loc) -> Place:
        return Place(self.file, node.start_mark.line + 1, node.start_mark.column + 1, path)

    def _refuse(self, place: Place, text: str) -> Node:
        self.mistakes.append(place.mistake(text))
        return Node(None, place, broken=True)

    def _mapping(self, node: yaml.MappingNode, place: Place) -> Node:
        found: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        for key, value in node.value:
            at = self._place(key, (*place.path, key.value) if isinstance(key, yaml.ScalarNode) else place.path)
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(at, "a list or mapping cannot be a key; name the key with a word")
            elif key.value in keys:
                self._refuse(at, f"given twice (first in line {keys[key.value].line}); keep one of them")
            elif key.value == "<<" and key.style is None:
                self._refuse(at, "merge keys are not read; write the keys out, or use `extends`")
            elif _half(key.value):
                self._refuse(place, _HALF)
            else:
                keys[key.value] = at
                found[key.value] = self.read(value, at.path)
        return Node(found, place, keys)

    def _scalar(self, node: yaml.Node, place: Place) -> Node:
        tag, text = node.tag.removeprefix(_PLAIN), node.value
        if _half(text):
            return self._refuse(place, _HALF)
        try:
            value = _VALUES[tag](text)
        except (KeyError, ValueError):
            return self._refuse(place, f"{printable(text)} does not fit its tag; write the value without a tag")
        if isinstance(value, float) and not math.isfinite(value):
            return self._refuse(place, f"{text} is not a finite number; give one, or leave the key out")
        return Node(value, place)


_VALUES: dict[str, Callable[[str], Scalar]] = {
    "null": lambda _text: None,
    "bool": lambda text: text.lower() == "true",
    "int": int,
    "float": lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan")),
    "str": str,
}
_PLAIN = "tag:yaml.org,2002:"
_TAGS = frozenset(_VALUES) | {"map", "seq"}


_HALF = "holds half of a surrogate pair; write the character itself"


def _half(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)
