"""Calls of a model by several processes of one run: each answer is computed once, and a model that hangs is asked once.

A process waits for another by a file lock, which the system takes from a process that ends, however it ends.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from audit.errors import AuditError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_Answer = TypeVar("_Answer")
_SHARE = 0.25
"""Share of a check's limit that one call must have taken for the model to count as hung, and not the check."""


class ModelHangs(AuditError):
    """An earlier check asked the same of the model, and waited until its limit."""


@dataclass
class ModelCalls:
    """The calls that one worker process makes."""

    folder: Path
    """Shared by all processes of the run."""
    on_wait: Callable[[bool], None]
    """Called with True before it waits for another process, and with False afterwards."""
    worker: str
    """Names this process among all that share the folder, on other machines too."""
    requirement: str = ""
    """What is being measured."""
    answered: set[str] = field(default_factory=set)
    """Keys of the answers that a check has asked for and got."""

    @contextmanager
    def exclusive(self, key: str, lock: Path) -> Iterator[None]:
        """One process at a time; ModelHangs where an earlier one was stopped while it waited for the model."""
        lock.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self.on_wait(True)
                fcntl.flock(handle, fcntl.LOCK_EX)
                self.on_wait(False)
            with self.marked(key):
                yield
        finally:
            os.close(handle)

    @contextmanager
    def marked(self, key: str) -> Iterator[None]:
        """Leave a mark for as long as a call takes, so that whoever kills this process knows of it."""
        hung = self.folder / f"{key}.hung"
        if hung.exists():
            raise ModelHangs(hung.read_text(encoding="utf-8"))
        mark = self.folder / f"{key}.{self.worker}.call"
        mark.write_text(self.requirement, encoding="utf-8")
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)


current: ModelCalls | None = None
"""Those of this process, where it is a worker."""


def guarded(key: str, call: Callable[[], _Answer]) -> _Answer:
    """What a call of the model returns; ModelHangs where the same was asked before and never answered."""
    if current is None:
        return call()
    with current.marked(key):
        return call()


def settle(folder: Path, worker: str, limit: float | None) -> None:
    """Take away the marks of a process that is about to be killed at its limit, or that has ended in another way (None)."""
    for mark in folder.glob(f"*.{worker}.call"):
        try:
            begun, requirement = mark.stat().st_mtime, mark.read_text(encoding="utf-8")
        except FileNotFoundError:  # the call has just ended
            continue
        if limit is not None and time.time() - begun >= _SHARE * limit:
            text = f"the model gave {requirement} no answer within {limit:g} seconds, so that it is not asked the same again: "
            text += "find out what it waits for, or raise that requirement's `limit`"
            (folder / f"{mark.name.split('.')[0]}.hung").write_text(text, encoding="utf-8")
        mark.unlink(missing_ok=True)
