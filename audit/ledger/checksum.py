"""The checksum of a ledger's file, kept beside it: one changed bit is found, also where SQLite does not look.

The chain of digests covers what entries say. It does not cover free pages, unused bytes of a page or fields of the file's header.
`ledger.sqlite.sha256` does, in the form of `sha256sum`. It is written under a lock of its own, after each transaction. While a
transaction is under way the old one is called `ledger.sqlite.sha256.writing`: where only that is there, a writer was killed.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from audit import files
from audit.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_PAUSE = 0.02
"""Seconds between two attempts to get the lock."""


class Checksum:
    """The checksum of one file, which several processes may write."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._place, self._writing, self._lock = (path.with_name(path.name + end) for end in (".sha256", ".sha256.writing", ".lock"))

    @property
    def exists(self) -> bool:
        """Whether a writer has left one, or its lock: it left one then, or was killed before it could."""
        return any(os.path.lexists(path) for path in (self._place, self._writing, self._lock))

    def problem(self, patience: float, busy: Callable[[], ToolError]) -> str | None:
        """Why the file is not as its last writer left it; None where it is. A writer at work is waited for."""
        if not self._lock.exists():  # nothing was ever written here, or only the ledger and its checksum were copied
            return self._problem()
        with self._locked(patience, busy, fcntl.LOCK_SH):
            return self._problem()

    def _problem(self) -> str | None:
        if self._writing.exists():
            return f"{self._path}: a writer was killed: `audit run` or `audit sign` again completes it"
        if not self._place.exists():
            return f"{self._path}: there is no {self._place.name}, so its bytes cannot be checked: the next entry writes one"
        if self._place.read_bytes() != self._text().encode():
            return (
                f"{self._path}: its bytes are not those of {self._place.name}: it was changed after it was written; restore it from a copy"
            )
        return None

    @contextmanager
    def kept(self, patience: float, busy: Callable[[], ToolError], on_changed: Callable[[], object]) -> Iterator[bool]:
        """Nobody else writes the file meanwhile; afterwards the checksum is that of the new bytes. Whether a writer was killed before.

        A file that is not as its last writer left it is refused, so that no later checksum covers what was changed; `on_changed` may
        say first what was changed.
        """
        with self._locked(patience, busy):
            killed = self._writing.exists()
            if not killed and self._place.exists() and self._path.exists():  # of a ledger that is gone, the bundles tell
                if (problem := self._problem()) is not None:
                    on_changed()
                    raise ToolError(problem)
                self._place.rename(self._writing)
            elif not killed:
                self._writing.touch()
            try:
                yield killed
            finally:  # whatever ended the transaction, SQLite has left a whole file
                if self._path.exists():
                    files.replace(self._place, self._text())
                self._writing.unlink(missing_ok=True)

    @contextmanager
    def _locked(self, patience: float, busy: Callable[[], ToolError], kind: int = fcntl.LOCK_EX) -> Iterator[None]:
        file = os.open(self._lock, os.O_RDWR | os.O_CREAT if kind == fcntl.LOCK_EX else os.O_RDONLY, 0o666)
        try:
            until = time.monotonic() + patience
            while True:
                try:
                    fcntl.flock(file, kind | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() > until:
                        raise busy() from error
                    time.sleep(_PAUSE)
            yield
        finally:
            os.close(file)

    def _text(self) -> str:
        with self._path.open("rb") as file:
            return f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {self._path.name}\n"
