"""A registry in a folder: `PATH/NAME/versions/N/` with a version's files, and both aliases in one file that is replaced whole."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pydantic import ValidationError

from audit import files
from audit.errors import ToolError
from audit.policy.strict import Strict
from audit.registry import artefact
from audit.registry.interface import MANIFEST, MODEL, Aliases, Move, MovedMeanwhile, Version, read_version, refuse_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_SCHEMA = "audit.registry/1"
_ALIASES, _LOCK, _VERSIONS, _PARTIAL = "aliases.json", ".lock", "versions", ".partial-"
_PATIENCE = 30
"""Seconds to wait for another process."""


class _Moved(Strict):
    """A move that took place, and where the aliases came to stand."""

    move: str
    kind: str
    champion: str | None
    previous: str | None


class _State(Strict):
    """`aliases.json`."""

    champion: str | None = None
    previous: str | None = None
    moves: tuple[_Moved, ...] = ()


class Folder:
    """A registry below one folder, which several processes of one machine share."""

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    @property
    def target(self) -> str:
        """With an absolute path."""
        return f"folder:{self._path}"

    def aliases(self, name: str) -> Aliases:
        """As the file says."""
        state = self._state(name)
        return Aliases(state.champion, state.previous)

    def version(self, name: str, number: str) -> Version:
        """What its `version.json` says."""
        place = self._version(name, number) / MANIFEST
        try:
            return read_version(place.read_bytes(), str(place))
        except OSError as error:
            msg = f"{place}: cannot be read ({error.strerror}): restore it from a copy"
            raise ToolError(msg) from error

    def put(self, name: str, version: Version, files: Mapping[str, Path]) -> str:
        """Copied beside its place first, and put there whole."""
        with self._guarded(name):
            partial = self._partial(name, version.move)
            partial.mkdir(parents=True)
            _copy(version, files, partial / MODEL)
            _write(partial / MANIFEST, version.text().encode())
            _sync(partial)
            with self._locked(name):
                number = str(1 + max((int(one) for one in self._numbers(name)), default=0))
                self._version(name, number).parent.mkdir(exist_ok=True)
                partial.rename(self._version(name, number))
                _sync(self._version(name, number).parent)
            return number

    def move(self, name: str, move: Move) -> None:
        """Both aliases in one replacement of their file."""
        with self._guarded(name), self._locked(name):
            state = self._state(name)
            if (state.champion, state.previous) != (move.before.champion, move.before.previous):
                msg = f"{self.target}: {name}: another process moved its aliases meanwhile: nothing was moved; look at them, then try again"
                raise MovedMeanwhile(msg)
            after = {"champion": move.after.champion, "previous": move.after.previous}
            moves = (*state.moves, _Moved(move=move.id, kind=move.kind, **after))
            tree = {"schema": _SCHEMA, **_State(moves=moves, **after).model_dump(mode="json")}
            files.replace(self._folder(name) / _ALIASES, json.dumps(tree, indent=1) + "\n")
            _sync(self._folder(name))

    def settle(self, name: str, move: str) -> Aliases | None:
        """A move took place if the file of the aliases lists it; otherwise its version is taken away."""
        if not self._folder(name).is_dir():
            return None
        with self._guarded(name), self._locked(name):
            done = next((one for one in self._state(name).moves if one.move == move), None)
            partial = self._partial(name, move)
            for number in () if done else self._numbers(name):
                if self._made_by(name, number) == move:
                    shutil.rmtree(partial, ignore_errors=True)
                    self._version(name, number).rename(partial)  # whole, so that no half version stands there
            shutil.rmtree(partial, ignore_errors=True)
            return None if done is None else Aliases(done.champion, done.previous)

    def model(self, name: str, number: str, scratch: Path) -> Path:  # noqa: ARG002  # nothing is copied
        """Its own folder."""
        return self._version(name, number) / MODEL

    def _folder(self, name: str) -> Path:
        refuse_name(name)
        return self._path / name

    def _version(self, name: str, number: str) -> Path:
        return self._folder(name) / _VERSIONS / number

    def _partial(self, name: str, move: str) -> Path:
        return self._folder(name) / f"{_PARTIAL}{move}"

    def _numbers(self, name: str) -> list[str]:
        place = self._folder(name) / _VERSIONS
        return sorted((one.name for one in place.iterdir() if one.name.isdecimal()), key=int) if place.is_dir() else []

    def _made_by(self, name: str, number: str) -> str | None:
        """The move that made a version; None where that cannot be read, so that it is left alone."""
        try:
            return self.version(name, number).move
        except ToolError:
            return None

    def _state(self, name: str) -> _State:
        place = self._folder(name) / _ALIASES
        try:
            tree = json.loads(place.read_bytes())
            if not isinstance(tree, dict) or tree.pop("schema", None) != _SCHEMA:
                msg = f"{place}: is no {_SCHEMA}, which this release reads"
                raise ToolError(msg)
            return _State.model_validate_json(json.dumps(tree))
        except FileNotFoundError:
            return _State()
        except (OSError, ValueError, ValidationError) as error:
            msg = f"{place}: cannot be read: restore it from a copy"
            raise ToolError(msg) from error

    @contextmanager
    def _guarded(self, name: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            msg = f"{self.target}: {name}: cannot be written ({error.strerror or error}): nothing was moved"
            raise ToolError(msg) from error

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """While no other process changes this model; the kernel lets go for a killed one."""
        file = os.open(self._folder(name) / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            for _ in range(_PATIENCE * 20):
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    time.sleep(0.05)
            else:
                msg = f"{self.target}: {name}: another process has been changing it for {_PATIENCE} s: wait for it, then try again"
                raise ToolError(msg)
            yield
        finally:
            os.close(file)


def _copy(version: Version, files: Mapping[str, Path], folder: Path) -> None:
    """Copies on the disk whose digests are those of the version and of the audited candidate."""
    folder.mkdir()
    for one in version.files:
        place = folder / one.name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(files[one.name], place)
        with place.open("rb") as copied:
            os.fsync(copied.fileno())
    for below in (*(path for path in folder.rglob("*") if path.is_dir()), folder):
        _sync(below)
    if problems := artefact.problems(version, folder):
        msg = f"{folder}: {'; '.join(problems)}: changed while it was copied; nothing was moved, promote again when nothing writes to it"
        raise ToolError(msg)


def _write(place: Path, content: bytes) -> None:
    with place.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """The entries of a folder, to the disk."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
