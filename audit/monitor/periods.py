"""Hours, days, weeks and months of a time zone, and the moments that a column of times names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from audit.datasets.kinds import distinct_cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from audit.policy.monitoring import Period

BIN = 900
"""Seconds of a stretch that lies within one period: the clocks of all zones differ by quarters of an hour."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}.*")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """One period; periods are ordered by their start."""

    start: datetime
    """At the offset of the policy's time zone."""
    end: datetime
    """The moment after it."""
    key: str


def zone(name: str) -> tzinfo:
    """The time zone of that name."""
    return UTC if name == "UTC" else ZoneInfo(name)


def span_of(moment: float, kind: Period, where: tzinfo) -> Span:
    """The period that holds a moment, in seconds since 1970."""
    local = datetime.fromtimestamp(moment, where)
    if kind == "hour":
        begun = moment - (local.minute * 60 + local.second + local.microsecond / 1e6)
        start, end = (_fixed(datetime.fromtimestamp(one, where)) for one in (begun, begun + 3600))
        return Span(start, end, f"{start:%Y-%m-%dT%H}{_offset(start)}")
    day = local.date()
    if kind == "day":
        return _days(day, day + timedelta(days=1), where, day.isoformat())
    if kind == "week":
        year, week, weekday = day.isocalendar()
        monday = day - timedelta(days=weekday - 1)
        return _days(monday, monday + timedelta(days=7), where, f"{year}-W{week:02d}")
    first = day.replace(day=1)
    return _days(first, (first + timedelta(days=32)).replace(day=1), where, f"{first:%Y-%m}")


def _days(first: date, after: date, where: tzinfo, key: str) -> Span:
    """From midnight to midnight; a day on which clocks change has 23 or 25 hours."""
    start, end = (_fixed(datetime(one.year, one.month, one.day, tzinfo=where)) for one in (first, after))
    return Span(start, end, key)


def _fixed(moment: datetime) -> datetime:
    """The same moment at its own offset: two moments of one zone are compared by what their clocks show."""
    return moment.astimezone(timezone(moment.utcoffset() or timedelta()))


def _offset(moment: datetime) -> str:
    """`+01:00`: the hour that comes twice when clocks are set back is told apart by it."""
    text = f"{moment:%z}"
    return f"{text[:3]}:{text[3:5]}"


def between(first: Span, last: Span, kind: Period, where: tzinfo) -> Iterator[Span]:
    """The periods after one and before another."""
    now = span_of(first.end.timestamp(), kind, where)
    while now.start < last.start:
        yield now
        now = span_of(now.end.timestamp(), kind, where)


def moments(cells: pd.Series[Any], where: tzinfo) -> NDArray[np.float64]:
    """(n,) seconds since 1970; NaN where a cell is no time. Times without an offset are those of the zone, days their midnight."""
    if cells.dtype.kind == "M":
        return _of_stamps(cells, where)
    codes, distinct = distinct_cells(cells)
    return np.append(np.array([_moment(value, where) for value in distinct], dtype=np.float64), np.nan)[codes]


def _of_stamps(cells: pd.Series[Any], where: tzinfo) -> NDArray[np.float64]:
    if cells.dt.tz is None:  # of an hour that comes twice the first one is meant
        earlier = np.ones(len(cells), dtype=bool)
        cells = cells.dt.tz_localize(where, ambiguous=earlier, nonexistent="shift_forward")
    since = cells.dt.tz_convert("UTC") - datetime(1970, 1, 1, tzinfo=UTC)
    return np.asarray(since.dt.total_seconds().to_numpy(dtype=float), dtype=np.float64)


def _moment(value: object, where: tzinfo) -> float:
    found = value
    if isinstance(value, str):
        found = _of_text(value.strip())
    if isinstance(found, datetime):
        try:
            return (found if found.tzinfo else found.replace(tzinfo=where)).timestamp()
        except (ValueError, OverflowError):  # NaT, and years that no clock knows
            return float("nan")
    if isinstance(found, date):
        return datetime(found.year, found.month, found.day, tzinfo=where).timestamp()
    return float("nan")


def _of_text(text: str) -> date | None:
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        return datetime.fromisoformat(text) if _MOMENT.fullmatch(text) else None
    except ValueError:
        return None
