"""Entries in a PostgreSQL database, for several machines that share one ledger. `pg8000` comes with the extra `postgres`."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from audit.errors import InputError, MissingExtra, ToolError
from audit.ledger.chain import Entry
from audit.ledger.sqlite import Contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from audit.ledger.chain import Address, Following

_SCHEMES = ("postgresql", "postgres")
_ENTRIES = """
CREATE TABLE IF NOT EXISTS audit_entries (
    number BIGINT PRIMARY KEY,
    time TEXT NOT NULL,
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,
    previous TEXT NOT NULL,
    digest TEXT NOT NULL UNIQUE
)"""
_CONTENTS = "CREATE TABLE IF NOT EXISTS audit_contents (sha256 TEXT PRIMARY KEY, content TEXT NOT NULL)"
_REFUSE = """
CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"""
_TRIGGER = """
CREATE OR REPLACE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {}
FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"""
_TABLES = (_ENTRIES, _CONTENTS, _REFUSE, _TRIGGER.format("audit_entries"), _TRIGGER.format("audit_contents"))
_SETUP_LOCK = 0x6175646974
"""Number of the advisory lock under which the tables are made, since `IF NOT EXISTS` fails where two make one at once."""
_LOCK_NOT_AVAILABLE = "55P03"


class Postgres:
    """A store in one database: the tables `audit_entries` and `audit_contents`, which are made when first written to."""

    def __init__(self, address: Address, patience: float) -> None:
        parts = urlsplit(address.url)
        if parts.scheme not in _SCHEMES:
            msg = f"AUDIT_LEDGER: {parts.scheme}://...: a ledger is a SQLite file or postgresql://USER@HOST:PORT/DATABASE"
            raise InputError(msg)
        if not parts.path.strip("/"):
            msg = f"AUDIT_LEDGER: {address}: names no database: postgresql://USER@HOST:PORT/DATABASE"
            raise InputError(msg)
        try:
            int(parts.port or os.environ.get("PGPORT") or 5432)
        except ValueError as error:
            msg = "AUDIT_LEDGER: its port, or PGPORT, is no number: postgresql://USER@HOST:PORT/DATABASE"
            raise InputError(msg) from error
        self.name = str(address)
        self._parts = parts
        self._patience = patience

    def read(self) -> tuple[Entry, ...]:
        """All entries; none where the tables are not there yet."""
        with self._transaction("cannot be read") as cursor:
            return self._all(cursor) if _exists(cursor) else ()

    def append(self, following: Following, before_commit: Callable[[Entry], None], _refuse_broken: object) -> None:
        """Entries that follow from those before, in one transaction that locks the table against other writers."""
        with self._transaction("cannot be written") as cursor:
            if not _exists(cursor):
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", (_SETUP_LOCK,))
                for statement in _TABLES:
                    cursor.execute(statement)
            cursor.execute("LOCK TABLE audit_entries IN EXCLUSIVE MODE")
            for entry in following(self._all(cursor)):
                cursor.execute("INSERT INTO audit_entries VALUES (%s, %s, %s, %s, %s, %s)", entry.row)
                for content in entry.contents.items():
                    cursor.execute("INSERT INTO audit_contents VALUES (%s, %s) ON CONFLICT DO NOTHING", content)
                before_commit(entry)

    def exists(self) -> bool:
        """A server that does not answer is told of when it is asked."""
        return True

    def changed_bytes(self) -> str | None:
        """The bytes are the server's."""
        return None

    def has_checksum(self) -> bool:
        """The bytes are the server's."""
        return True

    def content(self, sha256: str) -> str | None:
        """A large value by its digest."""
        with self._transaction("cannot be read") as cursor:
            cursor.execute("SELECT content FROM audit_contents WHERE sha256 = %s", (sha256,))
            row = cursor.fetchone()
        return None if row is None else str(row[0])

    def _all(self, cursor: Any) -> tuple[Entry, ...]:
        cursor.execute("SELECT number, time, kind, payload, previous, digest FROM audit_entries ORDER BY number")
        return tuple(Entry.stored(row, Contents(self.content)) for row in cursor.fetchall())

    @contextmanager
    def _transaction(self, what: str) -> Iterator[Any]:
        """A cursor in a transaction, which is committed once the block ends well."""
        try:
            from pg8000 import dbapi
            from pg8000.exceptions import DatabaseError, InterfaceError
        except ImportError as error:
            raise MissingExtra("pg8000", "postgres") from error
        try:
            connection = dbapi.connect(**self._options())
            try:
                cursor = connection.cursor()
                cursor.execute(f"SET lock_timeout = {round(self._patience * 1000)}")
                yield cursor
                connection.commit()
            finally:
                connection.close()  # what is not committed is taken back
        except DatabaseError as error:
            about = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
            if about.get("C") == _LOCK_NOT_AVAILABLE:
                msg = f"{self.name}: another process has been writing the ledger for {self._patience:g} s: wait for it, then run again"
                raise ToolError(msg) from error
            raise self._broken(what, about.get("M", type(error).__name__)) from error
        except (InterfaceError, OSError) as error:
            raise self._broken(what, str(error)) from error

    def _broken(self, what: str, why: object) -> ToolError:
        return ToolError(f"{self.name}: the ledger {what} ({why}): check AUDIT_LEDGER and the server; nothing was recorded")

    def _options(self) -> dict[str, Any]:
        parts, query = self._parts, parse_qs(self._parts.query)
        return {
            "user": unquote(parts.username or os.environ.get("PGUSER") or os.environ.get("USER") or "postgres"),
            "password": unquote(parts.password) if parts.password else os.environ.get("PGPASSWORD"),
            "host": parts.hostname or os.environ.get("PGHOST") or "localhost",
            "port": parts.port or int(os.environ.get("PGPORT") or 5432),
            "database": unquote(parts.path.strip("/")),
            "timeout": max(self._patience + 10, 10),
            "ssl_context": True if query.get("sslmode", [""])[0] in {"require", "verify-ca", "verify-full"} else None,
        }


def _exists(cursor: Any) -> bool:
    cursor.execute("SELECT to_regclass('audit_entries') IS NOT NULL AND to_regclass('audit_contents') IS NOT NULL")
    return bool(cursor.fetchone()[0])
