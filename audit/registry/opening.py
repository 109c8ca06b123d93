"""The champion of a registry as a policy names it: its files, once they are known to be those that were promoted."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import InputError
from audit.registry import artefact
from audit.registry.targets import open_registry

if TYPE_CHECKING:
    from audit.registry.interface import Registry, Version


@dataclass(frozen=True, slots=True)
class Promoted:
    """A version with its files."""

    version: Version
    place: Path
    """The file or folder that a candidate of its kind is opened from."""


def promoted(target: str, name: str, cache: Path) -> Promoted:
    """The champion of a model. InputError where there is none, or where its files are not those that were promoted."""
    registry = open_registry(target)
    champion = registry.aliases(name).champion
    if champion is None:
        msg = f"{name} has no champion at {registry.target}: promote one first, or leave `registry` out"
        raise InputError(msg)
    version = registry.version(name, champion)
    if not version.files:
        msg = f"{name} version {champion} at {registry.target} was promoted from saved predictions: it has no file to open"
        raise InputError(msg)
    folder = _kept(registry, name, champion, version, cache)
    if problems := artefact.problems(version, folder):
        msg = f"{name} version {champion} at {registry.target}: {'; '.join(problems)}: find out who changed it"
        raise InputError(msg)
    return Promoted(version, artefact.opened_at(version, folder))


def _kept(registry: Registry, name: str, number: str, version: Version, cache: Path) -> Path:
    """The version's own folder; of one that has to be fetched, a copy in the cache, which is fetched once."""
    place = cache / "registry" / version.move
    if place.is_dir() and not artefact.problems(version, place):
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent) as scratch:
        folder = registry.model(name, number, Path(scratch))
        if not folder.is_relative_to(scratch):
            return folder
        shutil.rmtree(place, ignore_errors=True)
        folder.rename(place)
    return place
