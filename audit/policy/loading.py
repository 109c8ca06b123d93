"""A whole policy file is read: all its mistakes at once, each at its place."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from audit import files
from audit.errors import InputError, Mistake, PolicyError
from audit.policy import consistency, extending, paths, positions, roles, shape, yaml_reader
from audit.policy.schema import Policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from audit.policy.positions import Marks, Node, Tree
    from audit.policy.shape import Draft

Rules: TypeAlias = "Callable[[Draft, Marks], Iterable[Mistake]]"
"""Rules beyond the file's own shape and meaning."""
_LONGEST_CHAIN = 8
"""Policies that may extend one another."""


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

    def where(self, *path: str | int) -> tuple[str, int, int]:
        """File, line and column of a value; of the nearest parent where it is missing."""
        place = self.marks.at(path)
        return place.file, place.line, place.column

    def resolve(self, name: str) -> Path:
        """A path of the policy, absolute. InputError where it leaves the project and that was not allowed."""
        return self.project / name if self.allow_outside else paths.inside(self.project, name)


@dataclass(slots=True)
class _Merged:
    """A policy with all that it extends."""

    root: Node
    texts: list[str]
    files: list[str]
    mistakes: list[Mistake]


def load(path: Path | str, *, allow_outside: bool = False, also: Rules | None = None) -> LoadedPolicy:
    """A policy file, read and checked, by further rules too where some are given. PolicyError names every mistake."""
    path = Path(path)
    project = paths.project_folder(path)
    merged = _read(path, project, allow_outside=allow_outside)
    tree, marks = positions.flatten(merged.root)
    tree = shape.normal(tree)
    found = merged.mistakes
    if not merged.root.broken:
        found += _mistakes(tree, marks, also)
        found += _outside(marks, tree, project, allow_outside=allow_outside)
    if found:
        raise PolicyError(tuple(dict.fromkeys(found)))
    text = merged.texts[0] if len(merged.texts) == 1 else extending.written(merged.root, merged.files)
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return LoadedPolicy(shape.typed(Policy, tree), path, text, sha256, marks, project, allow_outside)


def _mistakes(tree: Tree, marks: Marks, also: Rules | None) -> list[Mistake]:
    found = list(shape.mistakes(tree, marks))
    draft = shape.draft(tree, marks)
    if isinstance(tree, dict) and tree.get("require") == []:
        found.append(marks.mistake(("require",), "is empty; a policy that asks for nothing proves nothing: add a requirement"))
    found += [marks.mistake(loc, text) for loc, text in _contradictions(draft) if not draft.rests_on_unread(loc)]
    return found + list(also(draft, marks)) if also is not None else found


def _contradictions(draft: Draft) -> Iterator[consistency.Problem]:
    yield from consistency.problems(draft)
    yield from roles.problems(draft)


def _outside(marks: Marks, tree: Tree, project: Path, *, allow_outside: bool) -> Iterator[Mistake]:
    for loc in marks.values:
        if paths.is_path(loc) and isinstance(name := _value(tree, loc), str):
            problem = paths.checked(project, loc, name, allow_outside=allow_outside)
            if problem is not None:
                yield marks.mistake(loc, problem)


def _value(tree: Tree, loc: positions.Loc) -> Tree:
    for part in loc:
        tree = tree[part]  # type: ignore[index]  # the marks were made from this tree
    return tree


def _read(path: Path, project: Path, *, allow_outside: bool) -> _Merged:
    """A policy merged with all that it extends."""
    latest = merged = _read_one(path, str(path))
    chain = [path.resolve()]
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
        merged = _under(merged, latest)
    return merged


def _extends(root: Node) -> Node | None:
    base = root.value.get("extends") if isinstance(root.value, dict) else None
    return base if base is not None and isinstance(base.value, str) else None


def _unusable(path: Path, chain: list[Path], project: Path, name: str) -> str | None:
    """Why a base policy cannot be read."""
    if not path.is_file():
        return paths.missing(project, chain[-1], name)
    if path.resolve() in chain:
        return "goes round in a circle: this policy already extends that one; take one `extends` out"
    return f"more than {_LONGEST_CHAIN} policies extend one another; merge some of them" if len(chain) > _LONGEST_CHAIN else None


def _under(top: _Merged, base: _Merged) -> _Merged:
    return _Merged(extending.over(base.root, top.root), top.texts + base.texts, top.files + base.files, top.mistakes + base.mistakes)


def _read_one(path: Path, shown: str) -> _Merged:
    text = _text(path, shown)
    root, mistakes = yaml_reader.parse(text, shown)
    mistakes += extending.repeated(root)
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
