"""What other tools read of an audit: one file a format, each made from the stored record alone."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from audit.record import AuditRun

ALWAYS = ("html", "json")
"""Formats that every bundle has."""


@dataclass(frozen=True, slots=True)
class Export:
    """A format that `--format` names."""

    name: str
    what: str
    """For whom it is, in a few words."""
    files: Callable[[AuditRun], Mapping[str, str]]
    """The texts of its files, by their paths in the bundle."""
    prints: str = ""
    """The one among its files that standard output gets too; none where empty."""
    instead: bool = False
    """Whether that file takes the place of the table of requirements."""


@cache
def exports() -> Mapping[str, Export]:
    """Every format by its name. A module of this package exports `EXPORTS`."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_"))
    found = [one for name in names for one in import_module(f"audit.export.{name}").EXPORTS]
    return {one.name: one for one in found}


def chosen(names: Sequence[str]) -> tuple[Export, ...]:
    """The exports of `--format`, each once; `html` needs none.

    An unknown one is refused, and so are two that print in place of the table.
    """
    known = exports()
    unknown = [name for name in dict.fromkeys(names) if name not in known and name != "html"]
    if unknown:
        msg = f"--format {', '.join(unknown)}: there is html, {', '.join(known)}"
        raise InputError(msg)
    found = tuple(known[name] for name in dict.fromkeys(names) if name != "html")
    printing = [one.name for one in found if one.instead]
    if len(printing) > 1:
        msg = f"--format {' and '.join(printing)}: each prints to standard output in place of the table: name one of them"
        raise InputError(msg)
    return found
