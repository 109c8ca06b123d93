"""Registries by what `--to` says of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from audit.registry.interface import Registry

FORMS = "folder:PATH or mlflow:URI"


def open_registry(target: str) -> Registry:
    """The registry that `folder:PATH` or `mlflow:URI` names."""
    scheme, colon, place = target.partition(":")
    if not colon or scheme not in _OPEN or not place.strip():
        msg = f"{target!r} names no registry: write {FORMS}"
        raise InputError(msg)
    return _OPEN[scheme](place)


def _folder(place: str) -> Registry:
    from audit.registry.folder import Folder

    return Folder(Path(place))


def _mlflow(place: str) -> Registry:
    from audit.registry.mlflow import Mlflow

    return Mlflow(place)


_OPEN: dict[str, Callable[[str], Registry]] = {"folder": _folder, "mlflow": _mlflow}
