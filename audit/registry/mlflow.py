"""A registry of MLflow: aliases and tags of registered models, never stages.

MLflow moves one alias at a time and compares nothing. Here a move holds a lock: an empty registered model `NAME--promotion-lock`, which
only one process can create. Its tags say what is moved. `previous` is moved first and `champion` last, so that a move has taken place
exactly if `champion` stands where it leads; whoever finds the lock of a dead process completes or undoes the move by that.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from audit.errors import InputError, MissingExtra, ToolError
from audit.ledger import times
from audit.registry import artefact, processes
from audit.registry.interface import MANIFEST, MODEL, Aliases, Move, MovedMeanwhile, NotPromoted, Version, read_version, refuse_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CHAMPION, PREVIOUS = "champion", "previous"
"""The aliases."""
EXPERIMENT = "model promotions"
"""Of the runs that hold the files of versions."""
_SCHEMES = ("http", "https", "sqlite")
_LOCK = "--promotion-lock"
_MADE_BY = "audit.move"
"""Tag of a version and of its run: the promotion that made them."""
_DONE = "audit.moved."
"""Beginning of a tag of the registered model, with the id of a move that took place and where the aliases came to stand."""
_PATIENCE = 30
"""Seconds to wait for another process."""
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",  # its own seven take minutes where no server answers
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
}
"""Read by MLflow when it is imported; nothing is sent but to the server that was named."""
_NOTHING = frozenset({"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"})
"""What a server answers of a model, a version or an alias that is not there."""


class Mlflow:
    """A registry on a tracking server."""

    def __init__(self, uri: str) -> None:
        parts = urlsplit(uri)
        if parts.scheme not in _SCHEMES or (parts.scheme != "sqlite" and not parts.hostname):
            msg = f"mlflow:{parts.scheme}: names no tracking server: write mlflow:http://HOST:PORT, or mlflow:sqlite:///FILE"
            raise InputError(msg)
        if parts.username or parts.password or parts.query or parts.fragment:
            msg = (
                f"mlflow:{parts.scheme}://{parts.hostname}: write no user, password or query into the address: "
                "set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD"
            )
            raise InputError(msg)
        self._uri = f"sqlite:///{Path(uri.removeprefix('sqlite:///')).absolute()}" if parts.scheme == "sqlite" else uri.rstrip("/")
        self._made: Any = None

    @property
    def target(self) -> str:
        """The server's address."""
        return f"mlflow:{self._uri}"

    def aliases(self, name: str) -> Aliases:
        """As the server says."""
        found = self._model(name)
        return Aliases() if found is None else _aliases(found)

    def version(self, name: str, number: str) -> Version:
        """What its `version.json` says, which must agree with its tags."""
        with tempfile.TemporaryDirectory(prefix="audit-") as scratch:
            return self._version(name, number, Path(scratch))[0]

    def put(self, name: str, version: Version, files: Mapping[str, Path]) -> str:
        """Logged to a run of its own, downloaded again to compare digests, then registered."""
        refuse_name(name)
        if self._model(name) is None:
            self._tolerate("RESOURCE_ALREADY_EXISTS", lambda: self._client.create_registered_model(name))
        run = self._ask(
            lambda: self._client.create_run(self._experiment(), run_name=f"{name} {version.run}", tags={_MADE_BY: version.move})
        )
        self._upload(run.info.run_id, version, files)
        tags = {**version.tags, _MADE_BY: version.move}
        made = self._ask(
            lambda: self._client.create_model_version(
                name, f"{run.info.artifact_uri}/{MODEL}", run.info.run_id, tags=tags, await_creation_for=_PATIENCE
            )
        )
        return str(made.version)

    def move(self, name: str, move: Move) -> None:
        """Under the lock; `previous` first."""
        refuse_name(name)
        with self._locked(name, move):
            if self.aliases(name) != move.before:
                msg = f"{self.target}: {name}: another process moved its aliases meanwhile: nothing was moved; look at them, then try again"
                raise MovedMeanwhile(msg)
            self._point(name, PREVIOUS, move.after.previous)
            self._refuse_lost(name, move)
            self._point(name, CHAMPION, move.after.champion)
            self._mark(name, move)

    def settle(self, name: str, move: str) -> Aliases | None:
        """A move took place if the model has its mark; otherwise its version and run are taken away."""
        refuse_name(name)
        lock = self._lock(name)
        if lock is not None and lock.move.id == move:
            self._break(name, lock)
        found = self._model(name)
        mark = None if found is None else found.tags.get(f"{_DONE}{move}")
        if mark is not None:
            said = json.loads(mark)
            return Aliases(said[CHAMPION], said[PREVIOUS])
        if found is not None:
            made = self._ask(lambda: self._client.search_model_versions(f"name='{name}' and tags.`{_MADE_BY}` = '{move}'"))
            if _aliases(found).champion in {str(one.version) for one in made}:  # somebody took the mark away
                return _aliases(found)
            for one in made:
                self._tolerate("RESOURCE_DOES_NOT_EXIST", partial(self._client.delete_model_version, name, one.version))
        for run in self._ask(lambda: self._client.search_runs([self._experiment()], f"tags.`{_MADE_BY}` = '{move}'")):
            self._tolerate("RESOURCE_DOES_NOT_EXIST", partial(self._client.delete_run, run.info.run_id))
        return None

    def model(self, name: str, number: str, scratch: Path) -> Path:
        """Downloaded. Files that the server adds or lacks are the caller's to find."""
        _, run_id = self._version(name, number, scratch)
        return self._download(run_id, scratch)

    @property
    def _client(self) -> Any:
        if self._made is None:
            for name, value in _SETTINGS.items():
                os.environ.setdefault(name, value)
            os.environ["MLFLOW_DISABLE_TELEMETRY"] = os.environ["DO_NOT_TRACK"] = "true"
            try:
                from mlflow import MlflowClient
            except ModuleNotFoundError as error:
                part = "MLflow's client"
                raise MissingExtra(part, "mlflow") from error
            self._made = MlflowClient(tracking_uri=self._uri, registry_uri=self._uri)
        return self._made

    def _ask(self, question: Callable[[], Any]) -> Any:
        """The server's answer; ToolError for whatever it refuses, and where it does not answer."""
        found, error = self._answer(question, frozenset())
        if error is not None:
            raise error
        return found

    def _tolerate(self, code: str, question: Callable[[], Any]) -> bool:
        """Whether it was done, and not refused with this code."""
        found, error = self._answer(question, frozenset({code}))
        if error is not None:
            raise error
        return found is not _REFUSED

    def _answer(self, question: Callable[[], Any], allowed: frozenset[str]) -> tuple[Any, ToolError | None]:
        _ = self._client
        from mlflow.exceptions import MlflowException

        try:
            return question(), None
        except MlflowException as error:
            if error.error_code in allowed:
                return _REFUSED, None
            said = " ".join(str(error).split())[:300]
            return None, ToolError(f"{self.target}: {said}")
        except OSError as error:  # of an upload or download
            return None, ToolError(f"{self.target}: {' '.join(str(error).split())[:300]}")

    def _model(self, name: str) -> Any:
        """The registered model; None where there is none."""
        refuse_name(name.removesuffix(_LOCK))
        found, error = self._answer(lambda: self._client.get_registered_model(name), frozenset({"RESOURCE_DOES_NOT_EXIST"}))
        if error is not None:
            raise error
        return None if found is _REFUSED else found

    def _experiment(self) -> str:
        found = self._ask(lambda: self._client.get_experiment_by_name(EXPERIMENT))
        if found is None:
            self._tolerate("RESOURCE_ALREADY_EXISTS", lambda: self._client.create_experiment(EXPERIMENT))
            found = self._ask(lambda: self._client.get_experiment_by_name(EXPERIMENT))
        return str(found.experiment_id)

    def _upload(self, run_id: str, version: Version, files: Mapping[str, Path]) -> None:
        """The files under `model/`, and `version.json`; compared by their digests as the server gives them back."""
        with tempfile.TemporaryDirectory(prefix="audit-") as scratch:
            place = Path(scratch)
            manifest = place / MANIFEST
            manifest.write_text(version.text(), encoding="utf-8")
            self._ask(lambda: self._client.log_artifact(run_id, str(manifest)))
            for one in version.files:
                folder = f"{MODEL}/{one.name}".rpartition("/")[0]
                self._ask(partial(self._client.log_artifact, run_id, str(files[one.name]), folder))
            if problems := artefact.problems(version, self._download(run_id, place)):
                msg = f"{self.target}: {'; '.join(problems)}: changed while it was uploaded; nothing was moved, promote again"
                raise ToolError(msg)

    def _download(self, run_id: str, scratch: Path) -> Path:
        there = {one.path for one in self._ask(lambda: self._client.list_artifacts(run_id))}
        if MODEL in there:
            return Path(self._ask(lambda: self._client.download_artifacts(run_id, MODEL, str(scratch))))
        (scratch / MODEL).mkdir(exist_ok=True)
        return scratch / MODEL

    def _version(self, name: str, number: str, scratch: Path) -> tuple[Version, str]:
        """A version, and its run."""
        found = self._ask(lambda: self._client.get_model_version(name, number))
        if _MADE_BY not in found.tags or not found.run_id:
            msg = f"{self.target}: {name} version {number}: was not promoted by `audit promote`, so that its files cannot be verified"
            raise NotPromoted(msg)
        place = Path(self._ask(lambda: self._client.download_artifacts(found.run_id, MANIFEST, str(scratch))))
        version = read_version(place.read_bytes(), f"{self.target}: {name} version {number}: {MANIFEST}")
        if any(found.tags.get(key) != value for key, value in {**version.tags, _MADE_BY: version.move}.items()):
            msg = f"{self.target}: {name} version {number}: its tags and its {MANIFEST} differ: find out who changed one of them"
            raise ToolError(msg)
        place.unlink()
        return version, str(found.run_id)

    def _point(self, name: str, alias: str, number: str | None) -> None:
        if number is None:
            self._answer(lambda: self._client.delete_registered_model_alias(name, alias), _NOTHING)
        else:
            self._ask(lambda: self._client.set_registered_model_alias(name, alias, number))

    def _mark(self, name: str, move: Move) -> None:
        stand = json.dumps({CHAMPION: move.after.champion, PREVIOUS: move.after.previous})
        self._ask(lambda: self._client.set_registered_model_tag(name, f"{_DONE}{move.id}", stand))

    @contextmanager
    def _locked(self, name: str, move: Move) -> Iterator[None]:
        """While this process alone moves the aliases of a model."""
        tags = _Held(move, processes.this_process(), times.now().isoformat(timespec="seconds")).tags
        for _ in range(_PATIENCE * 4):
            if self._tolerate("RESOURCE_ALREADY_EXISTS", lambda: self._client.create_registered_model(f"{name}{_LOCK}", tags=tags)):
                break
            lock = self._lock(name)
            if lock is not None and not processes.is_alive(lock.process, lock.since):
                self._break(name, lock)
            else:
                time.sleep(0.25)
        else:
            msg = f"{self.target}: {name}: another promotion or rollback has been under way for {_PATIENCE} s: wait for it, then try again"
            raise ToolError(msg)
        try:
            yield
        except MovedMeanwhile:
            self._release_own(name, move)
            raise
        self._release_own(name, move)  # after any other error the lock stays, and says what `settle` is to complete or undo

    def _refuse_lost(self, name: str, move: Move) -> None:
        """Refuse to go on where another process took this one for dead, undid its move and holds the lock itself."""
        if self._holder(name) != move.id:
            msg = f"{self.target}: {name}: another process took over its lock: nothing was moved; look at its aliases, then try again"
            raise MovedMeanwhile(msg)

    def _lock(self, name: str) -> _Held | None:
        """The lock of a model; None where it is free."""
        found = self._model(f"{name}{_LOCK}")
        return None if found is None else _Held.read(found.tags, self.target)

    def _holder(self, name: str) -> str | None:
        lock = self._lock(name)
        return None if lock is None else lock.move.id

    def _release_own(self, name: str, move: Move) -> None:
        if self._holder(name) == move.id:
            self._tolerate("RESOURCE_DOES_NOT_EXIST", lambda: self._client.delete_registered_model(f"{name}{_LOCK}"))

    def _break(self, name: str, lock: _Held) -> None:
        """Complete or undo what a dead process began, and take its lock away."""
        move, stand = lock.move, self.aliases(name)
        if stand.champion == move.after.champion and stand.champion != move.before.champion:
            self._point(name, PREVIOUS, move.after.previous)
            self._mark(name, move)
        elif stand.champion == move.before.champion and stand.previous != move.before.previous:
            self._point(name, PREVIOUS, move.before.previous)
        self._release_own(name, move)


_REFUSED: Any = object()
"""In place of an answer: what the caller allowed to be refused."""


class _Held:
    """A lock, and the move that it is held for."""

    def __init__(self, move: Move, process: str, since: str) -> None:
        self.move, self.process, self.since = move, process, since

    @property
    def tags(self) -> dict[str, str]:
        """As the lock's tags."""
        stand = [self.move.before.champion, self.move.before.previous, self.move.after.champion, self.move.after.previous]
        return {"audit.lock": json.dumps([self.move.id, self.move.kind, *stand]), "audit.process": self.process, "audit.since": self.since}

    @classmethod
    def read(cls, tags: Mapping[str, str], target: str) -> _Held:
        """As `tags` wrote it."""
        try:
            identity, kind, *stand = json.loads(tags["audit.lock"])
            before, after = Aliases(stand[0], stand[1]), Aliases(stand[2], stand[3])
            return cls(Move(identity, kind, before, after), tags["audit.process"], tags["audit.since"])
        except (KeyError, ValueError, TypeError, IndexError) as error:
            msg = f"{target}: its promotion lock is not one of this release: delete that registered model if no promotion is under way"
            raise ToolError(msg) from error


def _aliases(model: Any) -> Aliases:
    """Of a registered model. A server gives numbers of versions as text, a database as whole numbers."""
    champion, previous = (None if number is None else str(number) for number in map(model.aliases.get, (CHAMPION, PREVIOUS)))
    return Aliases(champion, previous)
