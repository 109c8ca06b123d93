"""What the ledger holds of the windows that were counted: which they are, and the evidence so far."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from audit.errors import ToolError
from audit.ledger import Large
from audit.stats.e_process import Detector

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.ledger import Entry
    from audit.monitor.window import Window

KIND = "window"
"""Kind of an entry of the ledger that counts a window."""
STATE = "state"
"""Key of its payload with the evidence after it, which is read of the newest entry alone."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One entry: a window that was counted, or its labels that came later."""

    number: int
    """Of the entry in the ledger."""
    time: str
    key: str
    start: datetime | None
    end: datetime | None
    rows_sha256: str
    labels_sha256: str | None
    labels_due: str | None
    """ISO date; None where all its labels have come, or none are needed."""
    requirements: Mapping[str, str]
    """Requirements that it counted for, each with the digest of what its evidence is about."""
    run: str
    outcome: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class MemberState:
    """The evidence over time of one member at one bound."""

    name: Any
    """As JSON."""
    floor: bool
    first: int
    """Windows of the requirement that were counted before this member was first measured."""
    detector: Detector
    since: str | None = None
    """Key of the window from which on it alarms."""

    @property
    def key(self) -> str:
        """Tells members of one requirement apart."""
        return json.dumps([self.name, self.floor], sort_keys=True)


@dataclass(frozen=True, slots=True)
class RequirementState:
    """The evidence over time of one requirement."""

    about: str
    """Digest of what it is about: where that changes, it begins anew."""
    windows: int = 0
    """How many were counted."""
    members: Mapping[str, MemberState] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class History:
    """The windows of one policy that a ledger holds, in the order in which they came."""

    counted: tuple[Counted, ...] = ()
    requirements: Mapping[str, RequirementState] = field(default_factory=dict)

    @property
    def newest(self) -> int:
        """The number of the newest entry; 0 where there is none."""
        return self.counted[-1].number if self.counted else 0

    @property
    def keys(self) -> tuple[str, ...]:
        """Of all windows, each once."""
        return tuple(dict.fromkeys(one.key for one in self.counted))

    def of(self, key: str) -> tuple[Counted, ...]:
        """The entries of one window."""
        return tuple(one for one in self.counted if one.key == key)

    def windows_of(self, requirement: str, about: str) -> list[str]:
        """Keys of the windows that a requirement's evidence rests on, in the order in which they came."""
        found: list[str] = []
        for one in reversed(self.counted):
            told = one.requirements.get(requirement)
            if told is not None and told != about:
                break
            found += [one.key] if told == about else []
        return found[::-1]


def read(entries: Sequence[Entry], policy: str) -> History:
    """The windows of a policy of this name. ToolError where an entry is none that this release can read."""
    own = [(one, told) for one in entries if one.kind == KIND and (told := json.loads(one.payload)).get("policy") == policy]
    if not own:
        return History()
    try:
        return History(tuple(_counted(one, told) for one, told in own), _requirements(own[-1][0].value(STATE)))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        msg = f"the ledger's entries of kind {KIND} of {policy} cannot be read ({type(error).__name__}: {error}): read them with the "
        msg += "release that wrote them, or restore the ledger from a copy"
        raise ToolError(msg) from error


def _counted(entry: Entry, told: Mapping[str, Any]) -> Counted:
    return Counted(
        number=entry.number,
        time=entry.time,
        key=str(told["key"]),
        start=None if told["start"] is None else datetime.fromisoformat(told["start"]),
        end=None if told["end"] is None else datetime.fromisoformat(told["end"]),
        rows_sha256=str(told["rows_sha256"]),
        labels_sha256=told["labels_sha256"],
        labels_due=told["labels_due"],
        requirements=dict(told["requirements"]),
        run=str(told["run"]),
        outcome=str(told["outcome"]),
        exit_code=int(told["exit_code"]),
    )


def _requirements(told: Mapping[str, Any]) -> dict[str, RequirementState]:
    return {
        name: RequirementState(one["about"], int(one["windows"]), {member.key: member for member in map(_member, one["members"])})
        for name, one in told.items()
    }


def _member(told: Sequence[Any]) -> MemberState:
    name, floor, first, since, numbers = told
    return MemberState(name, bool(floor), int(first), Detector.of(numbers), since)


def to_json(requirements: Mapping[str, RequirementState]) -> Large:
    """All evidence, as the newest entry keeps it."""
    return Large(
        {
            name: {
                "about": one.about,
                "windows": one.windows,
                "members": [[m.name, m.floor, m.first, m.since, m.detector.to_list()] for m in one.members.values()],
            }
            for name, one in requirements.items()
        }
    )


def window_to_json(window: Window) -> dict[str, object]:
    """What an entry keeps of its window."""
    return {
        "key": window.key,
        "start": None if window.start is None else window.start.isoformat(),
        "end": None if window.end is None else window.end.isoformat(),
        "rows": window.data.rows,
        "rows_sha256": window.rows_sha256,
        "labels_sha256": window.labels_sha256,
    }
