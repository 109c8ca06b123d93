"""Entries in a SQLite file, with the checksum of its bytes beside it."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from audit.errors import ToolError
from audit.ledger.chain import Entry
from audit.ledger.checksum import Checksum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from audit.ledger.chain import Following

_SCHEMA = """
CREATE TABLE IF NOT EXISTS entries (
    number INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    previous TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE
) STRICT;
CREATE TRIGGER IF NOT EXISTS no_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TABLE IF NOT EXISTS contents (sha256 TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS no_content_update BEFORE UPDATE ON contents BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS no_content_delete BEFORE DELETE ON contents BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""


class Sqlite:
    """A store in one file."""

    def __init__(self, path: Path, patience: float) -> None:
        self.path = path
        self._patience = patience  # seconds to wait for another process that writes

    def read(self) -> tuple[Entry, ...]:
        """All entries. A file that is no ledger is refused; an empty one is a first entry that was never finished."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return ()
        with self._reading() as database:
            return self._all(database)

    def append(
        self, following: Following, before_commit: Callable[[Entry], None], refuse_broken: Callable[[Sequence[Entry]], None]
    ) -> None:
        """Entries that follow from those before, in one transaction; the checksum is renewed before another process may write."""
        with self._writing(refuse_broken) as database:
            for entry in following(self._all(database)):
                database.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", entry.row)
                database.executemany("INSERT OR IGNORE INTO contents VALUES (?, ?)", entry.contents.items())
                before_commit(entry)

    def exists(self) -> bool:
        """Whether the file is there, or a link that leads nowhere."""
        return os.path.lexists(self.path)

    def changed_bytes(self) -> str | None:
        """Why the file's bytes are not known to be those that its last writer left; None where they are."""
        return Checksum(self.path).problem(self._patience, self._busy)

    def has_checksum(self) -> bool:
        """Whether the file's bytes can be checked: an earlier release kept no checksum."""
        return Checksum(self.path).exists

    def content(self, sha256: str) -> str | None:
        """A large value by its digest."""
        with self._reading() as database:
            row = database.execute("SELECT content FROM contents WHERE sha256 = ?", (sha256,)).fetchone()
        return None if row is None else str(row[0])

    def _all(self, database: sqlite3.Connection) -> tuple[Entry, ...]:
        rows = database.execute("SELECT number, time, kind, payload, previous, digest FROM entries ORDER BY number").fetchall()
        return tuple(Entry.stored(row, Contents(self.content)) for row in rows)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        mode = "rw" if self._unfinished() else "ro"
        try:
            with closing(sqlite3.connect(f"{self.path.resolve().as_uri()}?mode={mode}", timeout=self._patience, uri=True)) as database:
                yield database
        except (sqlite3.Error, UnicodeDecodeError) as error:
            if _is_busy(error):
                raise self._busy() from error
            msg = f"{self.path}: not a readable ledger ({error}): restore it from a copy, or name another with AUDIT_LEDGER"
            raise ToolError(msg) from error

    def _unfinished(self) -> bool:
        """Whether a writer is at work or was killed: SQLite takes back what that one left half written, unless it may only read."""
        file = self.path.resolve()
        return file.with_name(f"{file.name}-journal").exists()

    @contextmanager
    def _writing(self, refuse_broken: Callable[[Sequence[Entry]], None]) -> Iterator[sqlite3.Connection]:
        """The file while no other process may write it; what was written counts once the block ends well."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with (
                Checksum(self.path).kept(self._patience, self._busy, lambda: refuse_broken(self.read())) as killed,
                closing(sqlite3.connect(self.path, timeout=self._patience, isolation_level=None)) as database,
            ):
                database.executescript(_SCHEMA)
                database.execute("BEGIN IMMEDIATE")
                if killed:  # the checksum is made anew of a file whose chain is whole
                    refuse_broken(self._all(database))
                yield database
                database.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            if _is_busy(error):
                raise self._busy() from error
            msg = f"{self.path}: the ledger cannot be written ({error}): the run is not recorded, so it does not count"
            raise ToolError(msg) from error

    def _busy(self) -> ToolError:
        return ToolError(f"{self.path}: another process has been writing the ledger for {self._patience:g} s: wait for it, then run again")


class Contents(Mapping[str, str]):
    """Large values, each of which is read when it is asked for."""

    def __init__(self, content: Callable[[str], str | None]) -> None:
        self._content = content

    def __getitem__(self, sha256: str) -> str:
        found = self._content(sha256)
        if found is None:
            raise KeyError(sha256)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _is_busy(error: Exception) -> bool:
    """Whether a file is only locked by another process, and not broken."""
    code = getattr(error, "sqlite_errorcode", 0)  # Python's own errors, such as of text that is no UTF-8, have none
    return code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
