"""The ledger in a SQLite file."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audit.canonical_text import canonical_json
from audit.errors import InputError, ToolError
from audit.ledger.checksum import Checksum

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

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
"""
START = "0" * 64
"""What the first entry names as its predecessor."""


def ledger_path(out: Path) -> Path:
    """Where the ledger lies: `AUDIT_LEDGER`, else beside the bundles."""
    named = os.environ.get("AUDIT_LEDGER")
    if named and "://" in named:
        msg = f"AUDIT_LEDGER: {named.partition('://')[0]}://...: this release keeps its ledger in a SQLite file: name its path"
        raise InputError(msg)
    return Path(named) if named else out / "ledger.sqlite"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened."""

    number: int
    """Counted from 1, without gaps."""
    time: str
    """ISO 8601, UTC."""
    kind: str
    """`run`, `look`; later `sign-off`, `promotion`, `rollback`."""
    payload: str
    """Canonical JSON."""
    previous: str
    digest: str
    """SHA-256 of all the above."""

    def computed(self) -> str:
        """The digest that the entry ought to have."""
        text = json.dumps([self.number, self.time, self.kind, self.payload, self.previous])
        return hashlib.sha256(text.encode()).hexdigest()


class Ledger:
    """An append-only file of entries. Several processes may append at once."""

    def __init__(self, path: Path, *, patience: float = 30) -> None:
        self.path = path
        self._patience = patience  # seconds to wait for another process that writes

    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first. A file that is no ledger is refused; an empty one is a first entry that was never finished."""
        if not self.path.exists() or self.path.stat().st_size == 0:
            return ()
        try:
            return self._read("rw" if self._unfinished() else "ro")
        except sqlite3.Error as error:
            if _is_busy(error):
                raise self._busy() from error
            msg = f"{self.path}: not a readable ledger ({error}): restore it from a copy, or name another with AUDIT_LEDGER"
            raise ToolError(msg) from error

    def _unfinished(self) -> bool:
        """Whether a writer is at work or was killed: SQLite takes back what that one left half written, unless it may only read."""
        file = self.path.resolve()
        return file.with_name(f"{file.name}-journal").exists()

    def _read(self, mode: str) -> tuple[Entry, ...]:
        with closing(sqlite3.connect(f"{self.path.resolve().as_uri()}?mode={mode}", timeout=self._patience, uri=True)) as database:
            return _all(database)

    def head(self) -> str | None:
        """Digest of the newest entry; None for an empty ledger. A broken chain is refused."""
        entries = self.verified()
        return entries[-1].digest if entries else None

    def verify(self) -> int:
        """The number of entries, after checking every link; a broken chain is refused with the first bad entry."""
        return len(self.verified())

    def verified(self) -> tuple[Entry, ...]:
        """All entries, oldest first, after checking every link."""
        entries = self.entries()
        self._verify(entries)
        return entries

    def _verify(self, entries: tuple[Entry, ...]) -> None:
        previous = START
        for number, entry in enumerate(entries, start=1):
            if entry.number != number or entry.previous != previous or entry.digest != entry.computed():
                msg = f"{self.path}: the chain is broken at entry {number}: it was changed after it was written; restore it from a copy"
                raise ToolError(msg)
            previous = entry.digest

    @property
    def has_checksum(self) -> bool:
        """Whether the file's bytes can be checked: an earlier release kept no checksum."""
        return Checksum(self.path).exists

    def changed_bytes(self) -> str | None:
        """Why the file's bytes are not known to be those that its last writer left; None where they are."""
        return Checksum(self.path).problem()

    def append(self, time: str, kind: str, payload: Mapping[str, object]) -> Entry:
        """One more entry, linked to the newest one."""
        return self._append(time, kind, lambda _database: payload)

    def extend(
        self,
        time: str,
        kind: str,
        payload_of: Callable[[tuple[Entry, ...]], Mapping[str, object]],
        *,
        before_commit: Callable[[Entry], None] = lambda _entry: None,
    ) -> tuple[tuple[Entry, ...], Entry]:
        """All entries before, and one more whose payload follows from them.

        They are read and checked, the payload is made, and `before_commit` does what must be done before the entry counts, while no
        other process may append: two runs never take one number.
        """
        before: tuple[Entry, ...] = ()

        def following(database: sqlite3.Connection) -> Mapping[str, object]:
            nonlocal before
            before = _all(database)
            self._verify(before)
            return payload_of(before)

        entry = self._append(time, kind, following, before_commit)
        return before, entry

    def settle(self, missing: Callable[[tuple[Entry, ...]], Sequence[Entry]]) -> tuple[Entry, ...]:
        """All entries, after adding as they are those that `missing` finds to be missing; no other process may append meanwhile."""
        with self._writing() as database:
            before = _all(database)
            self._verify(before)
            added = tuple(missing(before))
            self._verify((*before, *added))
            for entry in added:
                _insert(database, entry)
        return (*before, *added)

    def _append(
        self,
        time: str,
        kind: str,
        payload_of: Callable[[sqlite3.Connection], Mapping[str, object]],
        before_commit: Callable[[Entry], None] = lambda _entry: None,
    ) -> Entry:
        with self._writing() as database:
            payload = payload_of(database)
            row = database.execute("SELECT number, digest FROM entries ORDER BY number DESC LIMIT 1").fetchone()
            number, previous = (row[0] + 1, row[1]) if row else (1, START)
            text = canonical_json(payload)
            entry = Entry(number, time, kind, text, previous, Entry(number, time, kind, text, previous, "").computed())
            _insert(database, entry)
            before_commit(entry)
        return entry

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """The file while no other process may write it; what was written counts once the block ends well."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with (
                Checksum(self.path).kept(self._patience, self._busy, self.verify) as killed,
                closing(sqlite3.connect(self.path, timeout=self._patience, isolation_level=None)) as database,
            ):
                database.executescript(_SCHEMA)
                database.execute("BEGIN IMMEDIATE")
                if killed:  # the checksum is made anew of a file whose chain is whole
                    self._verify(_all(database))
                yield database
                database.execute("COMMIT")
        except (sqlite3.Error, OSError) as error:
            if _is_busy(error):
                raise self._busy() from error
            msg = f"{self.path}: the ledger cannot be written ({error}): the run is not recorded, so it does not count"
            raise ToolError(msg) from error

    def _busy(self) -> ToolError:
        return ToolError(f"{self.path}: another process has been writing the ledger for {self._patience:g} s: wait for it, then run again")


def _is_busy(error: Exception) -> bool:
    """Whether a file is only locked by another process, and not broken."""
    code = getattr(error, "sqlite_errorcode", 0)  # text that is no UTF-8 raises an error without one
    return isinstance(error, sqlite3.OperationalError) and code & 0xFF in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}


def _insert(database: sqlite3.Connection, entry: Entry) -> None:
    database.execute("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", astuple(entry))


def _all(database: sqlite3.Connection) -> tuple[Entry, ...]:
    rows = database.execute("SELECT number, time, kind, payload, previous, digest FROM entries ORDER BY number").fetchall()
    return tuple(Entry(*row) for row in rows)
