"""A bundle read back, after the digest of each of its files was checked.

Beside the files that the run wrote, a bundle may hold what people add later: signatures and reviews, each covered by itself.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, ValidationError

from audit import record
from audit.canonical_text import without_surrogates
from audit.errors import InputError, ToolError
from audit.evidence.storage import table_from_bytes
from audit.governance import review, sign_off
from audit.policy import yaml_reader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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


_ADDED = {sign_off.FOLDER: sign_off.SUFFIX, review.FOLDER: review.SUFFIX}
"""How files end that may be added to a bundle after its run, by their folder."""
_NO_FILE = "no file"
"""In place of the digest of a device, or of a link, which may lead to other bytes tomorrow."""


def is_added(name: str) -> bool:
    """Whether a file is one that people add after the run: a signature or a review."""
    folder, _, file = name.rpartition("/")
    return folder in _ADDED and file.endswith(_ADDED[folder]) and not file.startswith(".")


def added(folder: Path) -> tuple[Path, ...]:
    """Signatures and reviews, in the order of their names."""
    return tuple(sorted(path for path in folder.rglob("*") if path.is_file() and is_added(path.relative_to(folder).as_posix())))


def list_text(entries: Sequence[Mapping[str, object]]) -> str:
    """`bundle.json`, in the one spelling in which a run writes it."""
    return json.dumps({"schema": "audit.bundle/1", "files": list(entries)}, indent=1) + "\n"


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _digest_of_file(path: Path) -> str:
    return file_digest(path) if path.is_file() and not path.is_symlink() else _NO_FILE


def digest(folder: Path) -> str:
    """SHA-256 that stands for the whole bundle: of its list of files."""
    return file_digest(folder / NAME)


def refuse_changed(folder: Path) -> None:
    """Refuse a folder that is no bundle, or one with a file that was changed, taken away or added."""
    try:
        sealed = _Sealed.model_validate_json((folder / NAME).read_bytes())
        paths = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
        digests = {
            path.relative_to(folder).as_posix(): _digest_of_file(path) for path in paths if path != folder / NAME or path.is_symlink()
        }
    except OSError as error:
        msg = f"{folder}: no bundle that can be read ({error.strerror}): name the folder that `audit run` wrote"
        raise InputError(msg) from error
    except ValidationError as error:
        msg = f"{folder}: its {NAME} cannot be read: name the folder that `audit run` wrote"
        raise InputError(msg) from error
    told = {one.name: one.sha256 for one in sealed.files}
    digests = {name: sha256 for name, sha256 in digests.items() if name in told or sha256 == _NO_FILE or not is_added(name)}
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


def table(folder: Path, name: str) -> dict[str, NDArray[np.generic]] | None:
    """A Parquet file of an unchanged bundle; None where there is none of that name. ToolError where it is no table that a run wrote."""
    path = folder / name
    try:
        return table_from_bytes(path.read_bytes()) if path.is_file() else None
    except (OSError, ValueError) as error:
        msg = f"{path}: cannot be read: {error}"
        raise ToolError(msg) from error


def release(folder: Path) -> sign_off.Release:
    """What a signature under a bundle is for, by its `results.json` and `policy.yaml`. The files are known to be unchanged.

    The record says more, but only to the release that wrote it; a signature is verified for longer than that.
    """
    try:
        return _release(folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        msg = f"{folder}: its results.json or policy.yaml is not of a form that this release reads ({type(error).__name__}: {error})"
        raise InputError(msg) from error


def _release(folder: Path) -> sign_off.Release:
    told: Any = without_surrogates(json.loads(results(folder)))
    policy = yaml_reader.plain(yaml_reader.parse((folder / "policy.yaml").read_text(encoding="utf-8"), "policy.yaml")[0])
    declared = policy if isinstance(policy, dict) else {}
    system = declared.get("system")
    author = system.get("author") if isinstance(system, dict) else None
    open_ids = {one["finding"] for one in told["conditions"]}
    effects = {one["id"]: _effect(one, open_ids) for one in told["findings"]}
    return sign_off.Release(
        run=told["run"]["id"],
        bundle_sha256=digest(folder),
        candidate_sha256=told["candidate"]["sha256"],
        tier=sign_off.tier_of(declared.get("tier")),
        author=None if author is None else str(author),
        facts={
            "run": told["run"]["id"],
            "policy": told["policy"],
            "datasets": {role: one["sha256"] for role, one in told["datasets"].items()},
            "decision": told["decision"],
            "conditions": told["conditions"],
            "conditions_sha256": sign_off.conditions_sha256(told),
            "reasons": told["reasons"],
            "valid_until": told["valid_until"],
            "results": {"name": "results.json", "digest": {"sha256": file_digest(folder / "results.json")}},
        },
        passed=tuple(name for name, effect in effects.items() if effect == "passed"),
        warned=tuple(name for name, effect in effects.items() if effect == "warned"),
        failed=tuple(name for name, effect in effects.items() if effect == "failed"),
        statuses={one["id"]: one["status"] for one in told["findings"]},
        waivers={one["id"]: one["expires_at"] for one in told["waivers"] if one["state"] == "in_force"},
    )


def _effect(finding: Mapping[str, Any], open_ids: set[str]) -> str | None:
    """How in-toto's test result sorts a finding; None for what does not apply, which has passed nothing."""
    if finding["status"] in {"pass", "not_applicable"}:
        return "passed" if finding["status"] == "pass" else None
    return "warned" if finding["id"] in open_ids or finding["enforce"] == "advisory" else "failed"
