"""A profile as a whole: its columns, what their roles are, and the file that holds it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import ValidationError

from audit import __version__
from audit.canonical_text import canonical_json
from audit.datasets.columns import Columns
from audit.datasets.file_bytes import Unreadable
from audit.datasets.profiles.categories import ROOM
from audit.datasets.profiles.columns import Column, Numbers
from audit.datasets.profiles.joint import Joint
from audit.errors import InputError
from audit.files import read_at_most

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

SCHEMA = "audit.profile/1"
MOST_BYTES = 1_000_000
"""Of a profile that is written."""
_MOST_READ = 4 * MOST_BYTES
_SKETCHES, _SMALLEST, _LARGEST = 20_000, 64, 600
"""Size of all sketches of quantiles together, and of one."""
_LETTERS = 250_000
"""Of the values that all columns list together."""
_START = b'{"audit": "'
"""How every profile begins."""
_REMEDY = "make the profile anew with `audit profile`"


@dataclass(frozen=True, slots=True)
class Profile:
    """What is kept of some rows."""

    rows: int
    roles: Columns
    columns: Mapping[str, Column]
    """By name, in their file's order."""
    text: Mapping[str, Numbers] = field(default_factory=dict)
    """What was measured of each row's text, by its name."""
    joint: Joint = field(default_factory=lambda: Joint((), {}))
    """Rows by label, prediction and declared slices."""
    span: tuple[str, str] | None = None
    """First and last time under `columns.time`."""
    parts: tuple[str, ...] = ()
    """Beginnings of the digests of the files that were read, sorted."""
    read_with: str = ""
    """The keys that decided how the files were read, as JSON."""

    def merged(self, other: Profile) -> Profile:
        """Of the rows of both. InputError where these are no two parts of one table."""
        self._refuse_other(other)
        columns = {}
        for name, column in self.columns.items():
            try:
                columns[name] = column.merged(other.columns[name])
            except ValueError as error:
                msg = f"column {name!r} holds {error}: profile both files with one type for it, such as --read 'types={{{name}: category}}'"
                raise InputError(msg) from error
        spans = [span for span in (self.span, other.span) if span is not None]
        return Profile(
            self.rows + other.rows,
            self.roles,
            columns,
            {name: numbers.merged(other.text[name]) for name, numbers in self.text.items()},
            self.joint.merged(other.joint),
            (min(start for start, _ in spans), max(end for _, end in spans)) if spans else None,
            tuple(sorted((*self.parts, *other.parts))),
            self.read_with,
        )

    def _refuse_other(self, other: Profile) -> None:
        if twice := set(self.parts) & set(other.parts):
            msg = f"the same file is in both (its SHA-256 begins with {min(twice)}): rows would count twice; merge each file once"
            raise InputError(msg)
        if lacking := set(self.columns) ^ set(other.columns):
            msg = f"one of them has no column {min(lacking)!r}: merge profiles of files with the same columns"
            raise InputError(msg)
        if self.roles != other.roles or set(self.text) != set(other.text) or self.read_with != other.read_with:
            msg = "their columns have different roles, or their files were read with different options: make both with the same options"
            raise InputError(msg)

    @property
    def sketch_size(self) -> int:
        """Size of one sketch of quantiles in the file, so that all together stay small."""
        sketches = [*(column.numbers for column in self.columns.values() if column.numbers is not None), *self.text.values()]
        return min(_LARGEST, max(_SMALLEST, _SKETCHES // max(1, sum(one.counts is None for one in sketches))))

    @property
    def largest_error(self) -> float:
        """How far a share of the rows up to a number may be off in the file, at most, over all columns."""
        sketches = [column.numbers.quantiles for column in self.columns.values() if column.numbers and column.numbers.counts is None]
        return max((one.fitted(self.sketch_size).rank_error for one in sketches), default=0.0)

    def rows_sha256(self, without: Collection[str]) -> str:
        """Digest of what is known of the rows but for some columns: the same for the same rows with other predictions."""
        columns = {name: column.to_json(_SMALLEST, ROOM) for name, column in sorted(self.columns.items()) if name not in without}
        return _digest([self.rows, columns, self.joint.without(list(without)).to_json()])

    def to_json(self) -> dict[str, object]:
        """As a file holds it, but for its digest."""
        size = self.sketch_size
        room = min(ROOM, _LETTERS // max(1, sum(column.categories is not None for column in self.columns.values())))
        return {
            "schema": SCHEMA,
            "rows": self.rows,
            "roles": self.roles.model_dump(mode="json", exclude_defaults=True),
            "columns": [[name, column.to_json(size, room)] for name, column in self.columns.items()],
            "text": {name: numbers.to_json(size) for name, numbers in self.text.items()},
            "joint": self.joint.to_json(),
            "span": self.span,
            "parts": list(self.parts),
            "read_with": self.read_with,
        }

    def dump(self) -> str:
        """The file's text."""
        profile = self.to_json()
        document = {"audit": __version__, "sha256": _digest(profile), "profile": profile}
        text = json.dumps(document, ensure_ascii=True, allow_nan=False, separators=(",", ": ")) + "\n"
        if len(text) > MOST_BYTES:
            msg = f"the profile would have {len(text):,} bytes, more than {MOST_BYTES:,}, with {len(self.columns):,} columns: "
            msg += "name the columns to keep, as in --column 'features=[age, income]'"
            raise InputError(msg)
        return text

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Profile:
        """What `to_json` wrote; ValueError, KeyError or TypeError where it cannot have."""
        rows, parts, span = stored["rows"], tuple(stored["parts"]), stored["span"]
        if type(rows) is not int or rows < 1 or not all(isinstance(part, str) for part in (*parts, *(span or ()))):
            msg = "it says no number of rows, or no digests"
            raise ValueError(msg)
        columns = {str(name): Column.from_json(column, rows) for name, column in stored["columns"]}
        text = {name: Numbers.from_json(numbers) for name, numbers in stored["text"].items()}
        if len(columns) < len(stored["columns"]) or any(numbers.rows != rows for numbers in text.values()):
            msg = "its columns do not add up"
            raise ValueError(msg)
        joint = Joint.from_json(stored["joint"], rows)
        if not set(joint.columns) <= set(columns) or len(set(joint.columns)) < len(joint.columns):
            msg = "it counts columns together that it does not have"
            raise ValueError(msg)
        for end in span or ():
            datetime.fromisoformat(end)
        roles = Columns.model_validate_json(json.dumps(stored["roles"]))
        return cls(rows, roles, columns, text, joint, None if span is None else (span[0], span[1]), parts, str(stored["read_with"]))


def is_profile(path: Path) -> bool:
    """Whether a file is a profile, by its first bytes."""
    try:
        return read_at_most(path, len(_START) - 1) == _START
    except OSError:
        return False


def load(path: Path) -> tuple[Profile, str]:
    """The profile in a file, and its digest. Unreadable where it is damaged, was changed, or is of another version."""
    return parse(read_at_most(path, _MOST_READ))


def parse(raw: bytes) -> tuple[Profile, str]:
    """The profile in the bytes of a file, and its digest; errors as in `load`."""
    if len(raw) > _MOST_READ:
        _refuse(f"holds more than {_MOST_READ:,} bytes")
    try:
        document = json.loads(raw, parse_constant=_no_number)
        stored, digest = document["profile"], document["sha256"]
        schema = stored["schema"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        _refuse("is no whole profile", error)
    if schema != SCHEMA:
        what = f"is a profile of the kind {str(schema)[:40]!r} by audit {str(document.get('audit'))[:20]}, and this version reads {SCHEMA}"
        raise Unreadable(what, "make it anew with this version, or read it with that one")
    if _digest(stored) != digest:
        _refuse("was changed since it was made: its SHA-256 is another one")
    try:
        return Profile.from_json(stored), str(digest)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, ValidationError) as error:
        _refuse(f"is no sound profile ({error})", error)


def merge(profiles: Sequence[Profile]) -> Profile:
    """One profile of the rows of all."""
    found = profiles[0]
    for one in profiles[1:]:
        found = found.merged(one)
    return found


def _refuse(what: str, error: Exception | None = None) -> NoReturn:
    raise Unreadable(what, _REMEDY) from error


def _no_number(word: str) -> NoReturn:
    msg = f"{word} is not JSON"
    raise ValueError(msg)


def _digest(stored: object) -> str:
    return hashlib.sha256(canonical_json(stored).encode()).hexdigest()
