"""The catalogue of checks: the tree under `audit/checks`, and checks of other distributions by the entry point `audit.checks`."""

from __future__ import annotations

import importlib
import pkgutil
import re
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, get_args

from audit.check import Characteristic, Check, CheckInfo
from audit.errors import InputError, ToolError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType

GROUP = "audit.checks"
"""Entry points whose name is the id of a check, `vendor/name`, and whose value is its module."""
_HEADINGS = ("Purpose", "Risk", "Limitations", "Reference")
_ID = re.compile(r"[a-z][a-z0-9_-]*(/[a-z][a-z0-9_]*)+")


@dataclass(frozen=True, slots=True)
class _Entry:
    """A check with the module that defines it."""

    check: Check
    module: ModuleType
    distribution: str = ""
    """Name and version of the distribution that brings it; empty for the tool's own."""


@cache
def discover() -> Mapping[str, Check]:
    """Every check by its id, in the order of their ids. A module without a `CHECK` is refused with its name."""
    return {check_id: entry.check for check_id, entry in _entries().items()}


@cache
def _entries() -> Mapping[str, _Entry]:
    own = dict(_own())
    found = dict(own)
    families = {check_id.split("/")[0] for check_id in own}
    for point in sorted(metadata.entry_points(group=GROUP), key=lambda point: point.name):
        entry = _plugin(point, families)
        if point.name in found:
            msg = f"{entry.distribution} and {found[point.name].distribution} both bring the check {point.name}: uninstall one of them"
            raise InputError(msg)
        found[point.name] = entry
    return dict(sorted(found.items()))


def _own() -> Iterator[tuple[str, _Entry]]:
    import audit.checks as tree

    for found in pkgutil.walk_packages(tree.__path__, prefix="audit.checks."):
        if found.ispkg or "._" in found.name:  # `_name.py` stands beside the checks that it helps
            continue
        module = importlib.import_module(found.name)
        check = getattr(module, "CHECK", None)
        if not isinstance(check, Check):
            msg = f"{found.name}: a check's module defines `CHECK = Check(...)`"
            raise ToolError(msg)
        yield "/".join(found.name.split(".")[2:]), _Entry(check, module)


def _plugin(point: metadata.EntryPoint, families: set[str]) -> _Entry:
    """A check of another distribution. A broken one ends the command: to leave it out would be to audit less than was installed."""
    source = "a distribution without a name" if point.dist is None else f"{point.dist.name} {point.dist.version}"
    remedy = f"mend the distribution or uninstall it ({source})"
    if not _ID.fullmatch(point.name):
        msg = f"{source}: the entry point {point.name!r} is no id of a check: name it vendor/name in lower case; {remedy}"
        raise InputError(msg)
    vendor = point.name.split("/")[0]
    if vendor in families:
        msg = f"{source}: the check {point.name} takes the prefix {vendor}/ of the tool's own checks: use one of your own; {remedy}"
        raise InputError(msg)
    try:
        module = importlib.import_module(point.module)
    except (Exception, SystemExit) as error:  # whatever foreign code raises while it is imported, an exit too, is its fault
        msg = f"{source}: the check {point.name} cannot be imported ({type(error).__name__}: {error}): {remedy}"
        raise ToolError(msg) from error
    check = getattr(module, point.attr or "CHECK", None)
    if not isinstance(check, Check):
        msg = f"{source}: {point.value} of the check {point.name} defines no `CHECK = Check(...)`: {remedy}"
        raise InputError(msg)
    unknown = sorted(set(check.characteristics) - set(get_args(Characteristic)))
    if unknown:
        msg = f"{source}: the check {point.name} covers {', '.join(unknown)}, which is no characteristic; {remedy}"
        raise InputError(msg)
    lacking = [heading for heading in _HEADINGS if not _headings(module).get(heading)]
    if lacking:
        msg = f"{source}: the docstring of {point.module} lacks {', '.join(lacking)}; {remedy}"
        raise InputError(msg)
    return _Entry(check, module, source)


@cache
def info(check_id: str) -> CheckInfo:
    """What a reader needs to know of a check: its facts and the four headings of its docstring."""
    entry = _entries()[check_id]
    return CheckInfo.of(check_id, entry.check, documentation(check_id), entry.distribution)


def documentation(check_id: str) -> dict[str, str]:
    """The docstring of a check by heading; `Summary` is its first paragraph. A missing heading is refused."""
    found = _headings(_entries()[check_id].module)
    missing = [heading for heading in _HEADINGS if not found.get(heading)]
    if missing:
        msg = f"{check_id}: its docstring lacks {', '.join(missing)}"
        raise ToolError(msg)
    return found


def _headings(module: ModuleType) -> dict[str, str]:
    summary, _, rest = (module.__doc__ or "").partition("\n\n")
    parts = re.split(rf"^({'|'.join(_HEADINGS)})\b", rest, flags=re.MULTILINE)
    found = {"Summary": " ".join(summary.split())}
    return found | {heading: " ".join(body.split()) for heading, body in zip(parts[1::2], parts[2::2], strict=True)}
