"""A bundle read back, after the digest of each of its files was checked."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from audit import record
from audit.errors import InputError
from audit.evidence.storage import table_from_bytes

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

NAME = "bundle.json"
RECORD = "record.json"
"""The canonical record of the run, from which everything else in the bundle can be written again."""


class _File(BaseModel):
    model_config = ConfigDict(frozen=True)

    name: str
    sha256: str
    size: int


class _Sealed(BaseModel):
    files: tuple[_File, ...]


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest(folder: Path) -> str:
    """SHA-256 that stands for the whole bundle: of its list of files."""
    return file_digest(folder / NAME)


def refuse_changed(folder: Path) -> None:
    """Refuse a folder that is no bundle, or one with a file that was changed, taken away or added."""
    try:
        sealed = _Sealed.model_validate_json((folder / NAME).read_bytes())
        entries = (path for path in folder.rglob("*") if path != folder / NAME and (path.is_symlink() or not path.is_dir()))
        digests = {path.relative_to(folder).as_posix(): file_digest(path) if path.is_file() else "no file" for path in entries}
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


def audit_run(folder: Path, *, tables: bool = True) -> record.AuditRun:
    """The run that a bundle records, once its files are known to be unchanged; `tables` with the tables of the evidence."""
    refuse_changed(folder)

    def table(path: str) -> dict[str, NDArray[np.generic]]:
        return table_from_bytes((folder / path).read_bytes())

    try:
        return record.from_text((folder / RECORD).read_bytes(), table if tables else None)
    except FileNotFoundError as error:
        msg = f"{folder}: it has no {error.filename.rsplit('/', 1)[-1]}, which this release writes and reads: run the audit again"
        raise InputError(msg) from error
    except (OSError, ValueError) as error:
        msg = f"{folder}: its {RECORD} cannot be read: {error}"
        raise InputError(msg) from error
    except InputError as error:
        msg = f"{folder}: {error}"
        raise InputError(msg) from error
