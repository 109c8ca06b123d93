"""Paths of a policy: where relative ones start, `${ENV}` in them, and the wall around the project."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

from audit.datasets import addresses
from audit.datasets.addresses import VARIABLE, Address, is_address
from audit.errors import InputError
from audit.policy.messages import format_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.errors import Mistake
    from audit.policy.yaml_reader import Loc, Node

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
BUILT_IN_BASES = frozenset({"minilm"})
"""Base models named by an alias, which is no path."""


def project_folder(policy: Path) -> Path:
    """Where relative paths start: the current directory when the policy lies below it, else the policy's folder."""
    folder, here = policy.parent.resolve(), Path.cwd().resolve()
    return here if folder.is_relative_to(here) else folder


def is_path(loc: Loc) -> bool:
    """Whether the value under a key path names a file, a folder or an address."""
    match loc:
        case ("extends",) | ("extends", "path") | ("waivers",) | ("datasets", _, "path") | ("candidate", "fine_tune", "base"):
            return True
        case ("candidate" | "champion", "load", "path") | ("models", _, "load", "path") | ("trust", "keys", _):
            return True
        case ("monitor", "retrain", "policy") | ("monitor", "notify", "prometheus" | "gitlab") | ("monitor", "notify", "email", "file"):
            return True
    return False


def is_secret(loc: Loc) -> bool:
    """Whether `${ENV}` under a key path stays as it is written until it is used, so that no record holds what it stands for."""
    return loc == ("monitor", "notify", "webhook")


def inside(project: Path, name: str) -> Path:
    """A path of the policy, absolute. One that leaves the project, by `..` or by a link, is refused."""
    path = project / name
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(project)):
        msg = f"{name!r} lies outside the project folder {project}; move it inside, or run with --allow-outside"
        raise InputError(msg)
    return path


def checked(project: Path, loc: Loc, name: str, *, allow_outside: bool) -> str | None:
    """What is wrong with a path, if anything."""
    if not name.strip() or not name.isprintable():
        return f"{name!r} is no path; name a file or folder"
    if loc[-1] == "base" and name in BUILT_IN_BASES:
        return None
    if _is_data(loc) and (is_address(name) or "${" in name):
        local, wrong = _of_data(name)
        if local is None:
            return wrong
        name = local
    elif is_address(name):
        checked_by_its_kind = loc[-2:] == ("load", "path")
        return None if checked_by_its_kind else f"{name!r} is an address, and this release reads files; fetch it and name the file"
    try:
        if not allow_outside:
            inside(project, name)
    except InputError as error:
        return str(error)
    return _unreachable(project / name, name)


def _of_data(name: str) -> tuple[str | None, str | None]:
    """The path of this machine that an address of data names, if it does; and what is wrong with it, if anything."""
    try:
        wrong, address = addresses.problem(name), Address.of(name)
    except InputError as error:
        return None, str(error)
    if wrong is not None or address.protocol not in addresses.LOCAL:
        return None, wrong
    return str(address.local_path), None


def _is_data(loc: Loc) -> bool:
    return loc[:1] == ("datasets",) and loc[-1] == "path"


def _unreachable(path: Path, name: str) -> str | None:
    """Why nothing can ever lie at a path; None where something does or may."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:
        return f"{format_value(name)} cannot be looked up ({error.strerror}); mend the path or the link"
    return None


def missing(project: Path, policy: Path, name: str) -> str:
    """What to do about a file that is not there."""
    beside = policy.parent / name
    if beside.is_file():
        return f"{name!r} is not in {project}, where relative paths start; write {os.path.relpath(beside, project)!r}"
    return f"there is no file {name!r} in {project}; {alike(project / name)}"


def alike(path: Path) -> str:
    """Which policy beside a missing one may have been meant."""
    near = get_close_matches(path.name, [one.name for one in path.parent.glob("*.y*ml")], n=1, cutoff=0.7)
    return f"did you mean {near[0]!r}?" if near else "mend the path"


def variables(text: str) -> set[str]:
    """Names that stand in a text as `${NAME}`."""
    return {found[1] for found in VARIABLE.finditer(text)}


def substitute(root: Node, environment: Mapping[str, str]) -> tuple[Node, list[Mistake]]:
    """The tree with `${ENV}` filled in where a path stands, and refused anywhere else. In an address of data it stays as it is written."""
    mistakes: list[Mistake] = []

    def filled(node: Node) -> Node:
        if isinstance(node.value, dict):
            return replace(node, value={key: filled(child) for key, child in node.value.items()})
        if isinstance(node.value, list):
            return replace(node, value=[filled(child) for child in node.value])
        if not isinstance(node.value, str) or "${" not in node.value or is_secret(node.place.path):
            return node
        problem = _refused(node, environment)
        if problem:
            mistakes.append(node.place.mistake(problem))
            return replace(node, value=None, broken=True)
        value = VARIABLE.sub(lambda found: environment[found[1]], node.value)
        if _is_data(node.place.path) and is_address(value):  # filled in where it is read: what it holds is never shown or kept
            return node
        return replace(node, value=value)

    return filled(root), mistakes


def _refused(node: Node, environment: Mapping[str, str]) -> str | None:
    if not is_path(node.place.path):
        return "${...} is read only in paths and addresses; write the value itself"
    for found in VARIABLE.finditer(str(node.value)):
        if not _NAME.fullmatch(found[1]) or not found[0].endswith("}"):
            return f"{found[0]!r} is not the name of an environment variable; write ${{NAME}}"
        if not environment.get(found[1]):
            return f"the environment variable {found[1]} is not set; set it, or write the path itself"
    return None
