"""The time of a run, and times of the ledger compared with the clock."""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from audit.errors import InputError
from audit.formatting import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from audit.ledger import Entry


def now() -> datetime:
    """UTC; `SOURCE_DATE_EPOCH` where that is set, so that a run can be repeated byte for byte."""
    fixed = os.environ.get("SOURCE_DATE_EPOCH")
    try:
        return datetime.fromtimestamp(int(fixed), UTC) if fixed else datetime.now(UTC)
    except (ValueError, OverflowError, OSError) as error:
        msg = f"SOURCE_DATE_EPOCH is {fixed!r}: set it to whole seconds since 1970, or take it away"
        raise InputError(msg) from error


def earliest(started: datetime) -> datetime:
    """The earlier of the two: a run that is given a time to come begins nothing before its day."""
    return min(started, datetime.now(UTC))


def latest(started: datetime, entries: Iterable[Entry] = ()) -> datetime:
    """The latest of a run's time, the clock's and the ledger's: an old time, or a clock that was set back, keeps nothing alive."""
    return max(started, datetime.now(UTC), *recorded(entries))


def recorded(entries: Iterable[Entry]) -> Iterator[datetime]:
    """Times of a ledger's entries."""
    for entry in entries:
        with contextlib.suppress(ValueError):
            time = datetime.fromisoformat(entry.time)
            if time.tzinfo is not None:
                yield time


def behind(entries: Iterable[Entry]) -> Iterator[str]:
    """That the clock is behind a ledger's newest entry, in words."""
    newest, now = max(recorded(entries), default=None), datetime.now(UTC)
    if newest is not None and newest > now:
        yield f"The clock says {now:%Y-%m-%d}, and the ledger's newest entry is of {moment(newest)}: waivers end by the later. Set it."
