"""An input that cannot be used, reported at the line of the policy that names it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from audit.errors import PolicyError
from audit.policy.schema import comparator_place

if TYPE_CHECKING:
    from audit.errors import InputError
    from audit.policy.loading import LoadedPolicy
    from audit.policy.yaml_reader import Loc

_KEY = re.compile(r"((?:candidate|datasets)(?:\.[A-Za-z][A-Za-z0-9_-]*)*)(?:: | )")
"""The key path with which a message may begin."""
_COLUMN = re.compile(r": columns\.(.+?): no column ")
"""The role whose column a file lacks."""
_TYPED = re.compile(r": types\.(.+?): no column ")
"""The column that a file lacks and whose type is declared."""
_COMPARATOR = re.compile(r"((?:champion|models\.[A-Za-z][A-Za-z0-9_-]*)(?:\.(?:load|columns))?(?:\.[a-z0-9]+)?): ")
"""The key path of a comparator with which a message may begin."""


def of_data(loaded: LoadedPolicy, role: str, error: InputError) -> PolicyError:
    """A data set that cannot be read."""
    if isinstance(error, PolicyError):
        return error
    text = str(error).removeprefix(f"datasets.{role}: ")
    if (column := _COLUMN.search(text)) is not None:
        parts = tuple(int(part) if part.isdigit() else part for part in column[1].split("."))
        places: list[Loc] = [("datasets", role, "columns", *parts), ("columns", *parts)]
        for place in places:
            if place in loaded.marks.values:
                return _at(loaded, place, text)
    if (typed := _TYPED.search(text)) is not None and (place := ("datasets", role, "types", typed[1])) in loaded.marks.values:
        return _at(loaded, place, text)
    for key in ("sql", "sample"):
        if f": {key}: " in text and (place := ("datasets", role, key)) in loaded.marks.values:
            return _at(loaded, place, text)
    return _at(loaded, ("datasets", role, "path"), text + _start(loaded, loaded.policy.datasets[role].path))


def of_candidate(loaded: LoadedPolicy, error: InputError) -> PolicyError:
    """A candidate that cannot be opened: at the key that the message begins with, at the model's path, else at the candidate."""
    if isinstance(error, PolicyError):
        return error
    text, spec = str(error), loaded.policy.candidate
    if (key := _KEY.match(text)) is not None:
        return _at(loaded, tuple(key[1].split(".")), text[key.end() :])
    named: list[tuple[Loc, str | None]] = [
        (("load", "path"), spec.load.path if spec.load else None),
        (("fine_tune", "base"), spec.fine_tune.base if spec.fine_tune else None),
    ]
    for place, name in named:
        if name is not None and text.startswith((str(loaded.project / name), repr(name))):
            return _at(loaded, ("candidate", *place), text + _start(loaded, name))
    return _at(loaded, ("candidate",), text)


def of_comparator(loaded: LoadedPolicy, name: str, error: InputError) -> PolicyError:
    """A comparator that cannot be opened: at its path where the message begins with it, else where it is declared."""
    if isinstance(error, PolicyError):
        return error
    place, spec = comparator_place(name), loaded.policy.comparators[name]
    text = str(error).replace("candidate.load.", f"{'.'.join(place)}.load.").removeprefix("candidate: ")
    path = spec.load.path if spec.load else None
    if path is not None and text.startswith(str(loaded.project / path)):
        return _at(loaded, (*place, "load", "path"), text + _start(loaded, path))
    if (key := _COMPARATOR.match(text)) is not None:
        return _at(loaded, tuple(key[1].split(".")), text[key.end() :])
    return _at(loaded, place, text)


def of_model(loaded: LoadedPolicy, error: InputError) -> PolicyError:
    """A model that breaks while it is asked: a comparator where the message begins with its path, else the candidate."""
    load = loaded.policy.candidate.load
    own = None if load is None else load.path
    for name, spec in loaded.policy.comparators.items():
        path = spec.load.path if spec.load else None
        if path is not None and path != own and str(error).startswith(f"{loaded.project / path}: "):
            return of_comparator(loaded, name, error)
    return of_candidate(loaded, error)


def _at(loaded: LoadedPolicy, place: Loc, text: str) -> PolicyError:
    return PolicyError((loaded.marks.mistake(place, text),))


def _start(loaded: LoadedPolicy, name: str) -> str:
    """Where a path that leads nowhere was looked for."""
    exists = (loaded.project / name).exists()
    return "" if exists or name.startswith("/") else f" (relative paths start in {loaded.project})"
