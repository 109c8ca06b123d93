"""A whole policy file is read, merged with those that it extends: all its mistakes at once, each at its place."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import yaml

from audit import files
from audit.datasets.addresses import LOCAL, Address, is_address
from audit.datasets.parts import Location
from audit.errors import InputError, Mistake, PolicyError
from audit.policy import consistency, paths, shape, yaml_reader
from audit.policy.schema import Policy
from audit.policy.yaml_reader import SCALARS, Node, Place, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from audit.policy.schema import DatasetSpec
    from audit.policy.shape import Draft
    from audit.policy.yaml_reader import Loc, Marks, Tree


Rules: TypeAlias = "Callable[[Draft, Marks], Iterable[Mistake]]"
"""Rules beyond the file's own shape and meaning."""
_LONGEST_CHAIN = 8
"""Policies that may extend one another."""


@dataclass(frozen=True, slots=True)
class Base:
    """A policy that another one extends, with what it extends itself."""

    name: str
    """As `extends` names it."""
    tree: Tree
    above: Tree
    """The policy that extends it, merged with it."""
    place: Place
    """Of its name."""
    may_loosen: bool


@dataclass(frozen=True, slots=True)
class LoadedPolicy:
    """A policy and where each of its parts stands."""

    policy: Policy
    path: Path
    """As it was named."""
    text: str
    """The file's text; with `extends`, the merged policy written out."""
    sha256: str
    """Of `text` as UTF-8: without `extends`, of the file's very bytes."""
    marks: Marks
    project: Path
    """Where relative paths start."""
    allow_outside: bool = False
    bases: tuple[Base, ...] = ()
    """What it extends, the nearest first."""

    def where(self, *path: str | int) -> tuple[str, int, int]:
        """File, line and column of a value; of the nearest parent where it is missing."""
        place = self.marks.at(path)
        return place.file, place.line, place.column

    def resolve(self, name: str) -> Path:
        """A path of the policy, absolute. InputError where it leaves the project and that was not allowed."""
        return self.project / name if self.allow_outside else paths.inside(self.project, name)

    def location(self, spec: DatasetSpec) -> Location:
        """Where a data set lies. InputError where that is outside of the project and that was not allowed."""
        within = None if self.allow_outside else self.project
        if not is_address(spec.path) and "${" not in spec.path:
            return Location(self.resolve(spec.path), within, spec.sql)
        address = Address.of(spec.path)
        return Location(self.resolve(str(address.local_path)) if address.protocol in LOCAL else address, within, spec.sql)


@dataclass(slots=True)
class _Merged:
    """A policy with all that it extends."""

    root: Node
    texts: list[str]
    files: list[str]
    mistakes: list[Mistake]
    bases: tuple[Base, ...] = ()


def load(path: Path | str, *, allow_outside: bool = False, also: Rules | None = None) -> LoadedPolicy:
    """A policy file, read and checked, by further rules too where some are given. PolicyError names every mistake."""
    path = Path(path)
    project = paths.project_folder(path)
    merged = _read(path, project, allow_outside=allow_outside)
    tree, marks = yaml_reader.flatten(merged.root)
    tree = shape.normal(tree)
    found = merged.mistakes
    if not merged.root.broken:
        found += _mistakes(tree, marks, also)
        found += _outside(marks, tree, project, allow_outside=allow_outside)
    if found:
        raise PolicyError(tuple(dict.fromkeys(found)))
    text = merged.texts[0] if len(merged.texts) == 1 else _written(merged.root, merged.files)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return LoadedPolicy(shape.typed(Policy, tree), path, text, sha256, marks, project, allow_outside, merged.bases)


def _mistakes(tree: Tree, marks: Marks, also: Rules | None) -> list[Mistake]:
    found = list(shape.mistakes(tree, marks))
    draft = shape.draft(tree, marks)
    if isinstance(tree, dict) and tree.get("require") == []:
        found.append(marks.mistake(("require",), "is empty; a policy that asks for nothing proves nothing: add a requirement"))
    found += [marks.mistake(loc, text) for loc, text in consistency.problems(draft) if not draft.rests_on_unread(loc)]
    return found + list(also(draft, marks)) if also is not None else found


def _outside(marks: Marks, tree: Tree, project: Path, *, allow_outside: bool) -> Iterator[Mistake]:
    for loc in marks.values:
        if paths.is_path(loc) and isinstance(name := _value(tree, loc), str):
            problem = paths.checked(project, loc, name, allow_outside=allow_outside)
            if problem is not None:
                yield marks.mistake(loc, problem)


def _value(tree: Tree, loc: Loc) -> Tree:
    for part in loc:
        tree = tree[part]  # type: ignore[index]  # the marks were made from this tree
    return tree


def _read(path: Path, project: Path, *, allow_outside: bool) -> _Merged:
    """A policy merged with all that it extends."""
    latest = merged = _read_one(path, str(path))
    chain, parts, named = [path.resolve()], [merged.root], list[tuple[str, Place, bool]]()
    while (base := _extends(latest.root)) is not None:
        name = str(base.value)
        problem = paths.checked(project, ("extends",), name, allow_outside=allow_outside) or _unusable(project / name, chain, project, name)
        if problem:
            merged.mistakes.append(base.place.mistake(problem))
            merged.root = replace(merged.root, broken=True)  # what the base would hold is not known
            break
        chain.append((project / name).resolve())
        latest = _read_one(project / name, name)
        if not latest.root.broken and not isinstance(latest.root.value, dict):
            latest.mistakes.append(latest.root.place.mistake("is no mapping, so it is no policy; name another base"))
        parts.append(latest.root)
        named.append((name, base.place, not _tightens(parts[-2])))
        merged = _under(merged, latest)
    merged.bases = tuple(_bases(parts, named))
    return merged


def _extends(root: Node) -> Node | None:
    """The path of the base policy."""
    base = root.value.get("extends") if isinstance(root.value, dict) else None
    if base is not None and isinstance(base.value, dict):
        base = base.value.get("path")
    return base if base is not None and isinstance(base.value, str) else None


def _tightens(root: Node) -> bool:
    """Whether a policy says that it asks no less than its base."""
    base = root.value.get("extends") if isinstance(root.value, dict) else None
    return base is not None and isinstance(base.value, dict) and "may" in base.value


def _bases(parts: Sequence[Node], named: Sequence[tuple[str, Place, bool]]) -> Iterator[Base]:
    """Each base and the policy above it, both merged with all that they extend; none where a part is no mapping."""
    if not named:
        return
    merged = [parts[-1]]
    for part in reversed(parts[:-1]):
        merged.insert(0, _over(merged[0], part))
    trees = [shape.normal(plain(root)) for root in merged]
    for (name, place, may_loosen), above, tree in zip(named, trees, trees[1:], strict=False):
        yield Base(name, tree, above, place, may_loosen)


def _unusable(path: Path, chain: list[Path], project: Path, name: str) -> str | None:
    """Why a base policy cannot be read."""
    if not path.is_file():
        return paths.missing(project, chain[-1], name)
    if path.resolve() in chain:
        return "goes round in a circle: this policy already extends that one; take one `extends` out"
    return f"more than {_LONGEST_CHAIN} policies extend one another; merge some of them" if len(chain) > _LONGEST_CHAIN else None


def _under(top: _Merged, base: _Merged) -> _Merged:
    root = base.root
    if isinstance(root.value, dict):  # what the base extends is read by itself
        root = replace(root, value={key: child for key, child in root.value.items() if key != "extends"})
    return _Merged(_over(root, top.root), top.texts + base.texts, top.files + base.files, top.mistakes + base.mistakes)


def _read_one(path: Path, shown: str) -> _Merged:
    text = _text(path, shown)
    root, mistakes = yaml_reader.parse(text, shown)
    mistakes += _repeated(root)
    root, unset = paths.substitute(root, os.environ)
    return _Merged(root, [text], [shown], mistakes + unset)


def _text(path: Path, shown: str) -> str:
    try:
        raw = files.read_at_most(path, yaml_reader.MOST_BYTES)
    except OSError as error:
        msg = f"{shown}: the policy cannot be read ({error.strerror}); {paths.alike(path)}"
        raise InputError(msg) from error
    if len(raw) > yaml_reader.MOST_BYTES:
        msg = f"{shown}: is larger than a policy may be, at most {yaml_reader.MOST_BYTES:,} bytes"
        raise InputError(msg)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        text = f"byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise PolicyError((Mistake(shown, line, error.start - raw.rfind(b"\n", 0, error.start), text),)) from error


def _over(base: Node, top: Node) -> Node:
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


def _repeated(root: Node) -> list[Mistake]:
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


def _written(root: Node, files: list[str]) -> str:
    """The merged policy as one file of its own."""
    tree = plain(root)
    if isinstance(tree, dict):
        tree.pop("extends", None)
    head = f"# {files[0]} laid over {', '.join(files[1:])}, as it was run\n"
    return head + yaml.dump(tree, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
