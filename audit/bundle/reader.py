"""A bundle read back, after every one of its files was held against its digest."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from audit.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

NAME = "bundle.json"


class _File(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str
    size: int


class _Sealed(BaseModel):
    files: tuple[_File, ...]


def digest(folder: Path) -> str:
    """SHA-256 that stands for the whole bundle: of its list of files."""
    return hashlib.sha256((folder / NAME).read_bytes()).hexdigest()


def refuse_changed(folder: Path) -> None:
    """Refuse a folder that is no bundle, or one with a file that was changed, taken away or added."""
    try:
        sealed = _Sealed.model_validate_json((folder / NAME).read_bytes())
        found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file() and path != folder / NAME}
        digests = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in found.items()}
    except OSError as error:
        msg = f"{folder}: no bundle that can be read ({error.strerror}): name the folder that `audit run` wrote"
        raise InputError(msg) from error
    except ValidationError as error:
        msg = f"{folder}: its {NAME} cannot be read: name the folder that `audit run` wrote"
        raise InputError(msg) from error
    told = {one.name: one.sha256 for one in sealed.files}
    if wrong := sorted(name for name in told.keys() | digests.keys() if told.get(name) != digests.get(name)):
        msg = f"{folder}: {', '.join(wrong[:5])}: not as the run wrote it, by the digests in {NAME}: run the audit again"
        raise InputError(msg)


def results(folder: Path) -> bytes:
    """The text of `results.json` in a bundle that was not changed."""
    refuse_changed(folder)
    try:
        text = (folder / "results.json").read_bytes()
        json.loads(text)
    except (OSError, ValueError) as error:
        msg = f"{folder}: its results.json cannot be read: run the audit again"
        raise InputError(msg) from error
    return text
