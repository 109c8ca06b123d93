"""Times of the ledger, compared with the clock."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from audit.formatting import moment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from audit.ledger import Entry


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
