"""The ledger: entries that are only ever added, each with the digest of the one before, in a store that several processes share."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias
from urllib.parse import urlsplit

from audit.canonical_text import canonical_json
from audit.errors import ToolError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Address:
    """The address of a database."""

    url: str

    def __str__(self) -> str:
        """As a message may show it: without the password."""
        parts = urlsplit(self.url)
        user = f"{parts.username}@" if parts.username else ""
        return f"{parts.scheme}://{user}{parts.netloc.rpartition('@')[2]}{parts.path}"


Place: TypeAlias = Path | Address
"""Where a ledger is kept."""
START = "0" * 64
"""What the first entry names as its predecessor."""
BUNDLED = frozenset({"run", "window"})
"""Kinds of entries that have a bundle."""
_CONTENT = "content_sha256"


def ledger_path(out: Path) -> Place:
    """Where the ledger lies: `AUDIT_LEDGER`, a file or an address such as `postgresql://host/audits`, else beside the bundles."""
    named = os.environ.get("AUDIT_LEDGER")
    if named and "://" in named:
        return Address(named)
    return Path(named) if named else out / "ledger.sqlite"


@dataclass(frozen=True, slots=True)
class Large:
    """A value of a payload that is kept beside the entries, which every run reads: a policy, keys, a reference profile."""

    value: object


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened."""

    number: int
    """Counted from 1, without gaps."""
    time: str
    """ISO 8601, UTC."""
    kind: str
    """`run`, `window`, `look`, `sign-off`, `review`, `promotion`, `rollback`, `rollback-drill`."""
    payload: str
    """Canonical JSON; in the place of a `Large` value stands its digest."""
    previous: str
    digest: str
    """SHA-256 of all the above."""
    contents: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Large values by their digest."""

    @property
    def row(self) -> tuple[int, str, str, str, str, str]:
        """As a store keeps it."""
        return (self.number, self.time, self.kind, self.payload, self.previous, self.digest)

    @classmethod
    def stored(cls, row: Sequence[Any], contents: Mapping[str, str]) -> Entry:
        """As a store gives it back."""
        number, time, kind, payload, previous, digest = row
        return cls(number, time, kind, payload, previous, digest, contents)

    def computed(self) -> str:
        """The digest that the entry ought to have."""
        return hashlib.sha256(json.dumps(self.row[:-1]).encode()).hexdigest()

    def value(self, key: str) -> Any:
        """A value of the payload, wherever it stands. One that is not what its digest says is refused."""
        value = json.loads(self.payload)[key]
        if not isinstance(value, dict) or set(value) != {_CONTENT}:
            return value
        text = self.contents.get(value[_CONTENT], "")
        if _digest(text) != value[_CONTENT]:
            msg = f"the ledger's entry {self.number}: its {key} is missing or was changed; restore the ledger from a copy"
            raise ToolError(msg)
        return json.loads(text)

    def whole(self) -> dict[str, Any]:
        """The payload with every large value in its place."""
        return {key: self.value(key) for key in json.loads(self.payload)}


Following: TypeAlias = "Callable[[tuple[Entry, ...]], Sequence[Entry]]"
"""Makes the entries that follow from those before."""


class Store(Protocol):
    """Where entries are kept. Adding one to the tool is one file with these methods."""

    def read(self) -> tuple[Entry, ...]:
        """All entries, oldest first; none of a store that is not there yet."""

    def append(
        self, following: Following, before_commit: Callable[[Entry], None], refuse_broken: Callable[[Sequence[Entry]], None]
    ) -> None:
        """Entries that follow from those before, while no other process may append; kept only if `before_commit` returns."""

    def exists(self) -> bool:
        """Whether the store is there; a database is taken to be."""

    def changed_bytes(self) -> str | None:
        """Why the store's own bytes are not known to be those that its last writer left; None where they are, or are a server's."""

    def has_checksum(self) -> bool:
        """Whether the store's bytes can be checked."""


class Ledger:
    """An append-only chain of entries. Several processes may append at once."""

    def __init__(self, place: Place, *, patience: float = 30) -> None:
        self.place = place
        self._store = _store(place, patience)

    @property
    def name(self) -> str:
        """Its file or address, without a password."""
        return str(self.place)

    @property
    def identity(self) -> str:
        """The same for the same ledger, wherever a process stands."""
        return str(self.place.resolve()) if isinstance(self.place, Path) else self.name

    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first."""
        return self._store.read()

    def head(self) -> str | None:
        """Digest of the newest entry; None for an empty ledger. A broken chain is refused."""
        entries = self.verified()
        return entries[-1].digest if entries else None

    def verify(self) -> int:
        """The number of entries, after checking every link; a broken chain is refused with the first bad entry."""
        return len(self.verified())

    def verified(self) -> tuple[Entry, ...]:
        """All entries, oldest first, after checking every link. Large values are checked when they are asked for."""
        entries = self.entries()
        self._verify(entries)
        return entries

    def exists(self) -> bool:
        """Whether there is anything to read."""
        return self._store.exists()

    def verified_whole(self) -> tuple[Entry, ...]:
        """All entries as `verified`, after checking every large value too; what `audit verify` asks."""
        entries = self.verified()
        for entry in entries:
            entry.whole()
        return entries

    @property
    def has_checksum(self) -> bool:
        """Whether the bytes can be checked: an earlier release kept no checksum, and those of a database are the server's."""
        return self._store.has_checksum()

    def changed_bytes(self) -> str | None:
        """Why the bytes are not known to be those that its last writer left; None where they are."""
        return self._store.changed_bytes()

    def _verify(self, entries: Sequence[Entry]) -> None:
        previous = START
        for number, entry in enumerate(entries, start=1):
            if entry.number != number or entry.previous != previous or entry.digest != entry.computed():
                msg = f"{self.name}: the chain is broken at entry {number}: it was changed after it was written; restore it from a copy"
                raise ToolError(msg)
            previous = entry.digest

    def append(self, time: str, kind: str, payload: Mapping[str, object]) -> Entry:
        """One more entry, linked to the newest one."""
        return self.extend(time, kind, lambda _before: payload)[1]

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
        seen: list[tuple[Entry, ...]] = []
        made: list[Entry] = []

        def following(before: tuple[Entry, ...]) -> Sequence[Entry]:
            self._verify(before)
            seen.append(before)
            made.append(following_entry(before, time, kind, payload_of(before)))
            return made

        self._store.append(following, before_commit, self._verify)
        return seen[0], made[0]

    def settle(self, missing: Callable[[tuple[Entry, ...]], Sequence[Entry]]) -> tuple[Entry, ...]:
        """All entries, after adding as they are those that `missing` finds to be missing; no other process may append meanwhile."""
        after: list[Entry] = []

        def following(before: tuple[Entry, ...]) -> Sequence[Entry]:
            self._verify(before)
            added = tuple(missing(before))
            self._verify((*before, *added))
            after.extend((*before, *added))
            return added

        self._store.append(following, lambda _entry: None, self._verify)
        return tuple(after)


def following_entry(before: Sequence[Entry], time: str, kind: str, payload: Mapping[str, object]) -> Entry:
    """The entry that a payload makes after those before."""
    contents: dict[str, str] = {}
    kept: dict[str, object] = {}
    for key, value in payload.items():
        kept[key] = value
        if isinstance(value, Large):
            text = canonical_json(value.value)
            kept[key] = {_CONTENT: _digest(text)}
            contents[_digest(text)] = text
    unsigned = Entry(len(before) + 1, time, kind, canonical_json(kept), before[-1].digest if before else START, "", contents)
    return replace(unsigned, digest=unsigned.computed())


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _store(place: Place, patience: float) -> Store:
    if isinstance(place, Path):
        from audit.ledger.sqlite import Sqlite

        return Sqlite(place, patience)
    from audit.ledger.postgres import Postgres

    return Postgres(place, patience)
