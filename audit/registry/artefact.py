"""The artefact of an audited candidate: its files, and whether they still are the ones that were audited."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit import disk_cache
from audit.candidates import kinds
from audit.candidates.capabilities import TrainingRecord
from audit.candidates.folder import model_files
from audit.datasets.addresses import is_address
from audit.errors import AuditError, InputError
from audit.policy import paths
from audit.registry.interface import File

if TYPE_CHECKING:
    from collections.abc import Mapping

    from audit.record import AuditRun
    from audit.registry.interface import Version


@dataclass(frozen=True, slots=True)
class Artefact:
    """The candidate's files, by their names in a registry."""

    kind: str
    max_length: int | None
    files: Mapping[str, Path]

    @property
    def listed(self) -> tuple[File, ...]:
        """With digests, in the order of their names."""
        entries = sorted(self.files.items())
        return tuple(File(name=name, sha256=disk_cache.digest(path), size=path.stat().st_size) for name, path in entries)


def of_bundle(audit: AuditRun, named: Path | None) -> Artefact:
    """The files of the candidate that a run audited; none of saved predictions. InputError where they are not the audited ones.

    `named` is where they lie now; otherwise they are looked for where the policy names them or, of a fine-tuned candidate, in the cache.
    """
    load, kind = audit.policy.candidate.load, audit.candidate.kind
    if load is not None and not _has_file(kind):
        if named is not None:
            msg = f"--artefact {named}: a candidate of kind {kind} has no artefact: leave the option out"
            raise InputError(msg)
        return Artefact(kind, None, {})
    max_length = audit.training.max_length if load is None and audit.training is not None else load.max_length if load else None
    place = named or (_tuned(audit) if load is None else _declared(audit))
    found = Artefact(kind, max_length, files_at(place))
    digest = _digest(kind, place, max_length)
    if digest != audit.candidate.sha256:
        remedy = "promote the audited file (--artefact), or audit this one"
        msg = f"{place}: its digest is {digest}, and {audit.candidate.sha256} was audited: {remedy}"
        raise InputError(msg)
    return found


def files_at(place: Path) -> dict[str, Path]:
    """A file, or all files of a folder that can determine outputs, by their names."""
    if place.is_file():
        return {place.name: place}
    return {path.relative_to(place).as_posix(): path for path in model_files(place)}


def problems(version: Version, folder: Path) -> list[str]:
    """What of a promoted version's files is not as it was promoted, by digest; where all are, whether they are the audited candidate."""
    there = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_symlink() or not path.is_dir()}
    listed = {one.name: one for one in version.files}
    found = [f"{name}: {what}" for name in sorted(listed.keys() | there.keys()) if (what := _harm(listed.get(name), there.get(name)))]
    if found or not listed:
        return found
    try:
        digest = _digest(version.kind, opened_at(version, folder), version.max_length)
    except AuditError as error:
        return [str(error)]
    return [] if digest == version.candidate_sha256 else [f"its digest is {digest}, and {version.candidate_sha256} was audited"]


def _harm(listed: File | None, path: Path | None) -> str | None:
    if path is None:
        return "is missing"
    if listed is None:
        return "was added"
    same = not path.is_symlink() and path.is_file() and disk_cache.digest(path) == listed.sha256
    return None if same else "was changed"


def opened_at(version: Version, folder: Path) -> Path:
    """Where a candidate of this kind is opened: the folder of the files, or the one file in it."""
    (only, *others) = version.files
    return folder / only.name if not others and "/" not in only.name else folder


def _has_file(kind: str) -> bool:
    found = kinds.discover().get(kind)
    return found is None or found.has_file


def _digest(kind: str, place: Path, max_length: int | None) -> str:
    found = kinds.discover().get(kind)
    if found is None:
        msg = f"candidates of kind {kind} are not served by this release: use the release that audited it"
        raise InputError(msg)
    try:
        return found.digest(place, max_length)
    except OSError as error:
        msg = f"{place}: cannot be read ({error.strerror}): name the audited file with --artefact"
        raise InputError(msg) from error


def _declared(audit: AuditRun) -> Path:
    """Where the policy names the candidate's file, as the run read it."""
    load = audit.policy.candidate.load
    named = None if load is None else load.path
    if named is None or is_address(named):
        msg = f"the candidate is at {named}, which is no file here: fetch it, and name it with --artefact"
        raise InputError(msg)
    place = paths.project_folder(Path(audit.policy_path)) / named
    if not place.exists():
        msg = f"{place}: the candidate is not there: name its file or folder with --artefact"
        raise InputError(msg)
    return place


def _tuned(audit: AuditRun) -> Path:
    """The folder of the tuned model in the cache; the record beside the weights says which it is."""
    training = audit.training
    for path in sorted((disk_cache.root() / "finetune").glob("*/training.json")) if training is not None else ():
        try:
            weights = TrainingRecord.model_validate_json(path.read_bytes()).weights_sha256
            if (
                training
                and weights == training.weights_sha256
                and _digest("transformers", path.parent, training.max_length) == audit.candidate.sha256
            ):
                return path.parent
        except (ValueError, OSError, AuditError):
            continue
    msg = "the tuned model is no longer in the cache as it was audited: run the audit again, or name its folder with --artefact"
    raise InputError(msg)
