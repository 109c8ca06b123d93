"""Which windows of a file count, which were counted already, and which contradict what was counted."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NoReturn

from audit.decision.finding import Reason
from audit.errors import InputError
from audit.formatting import moment
from audit.monitor.periods import Span, between, zone
from audit.policy.strict import days

if TYPE_CHECKING:
    from collections.abc import Iterator

    from audit.monitor.scope import Scope
    from audit.monitor.state import Counted, History
    from audit.monitor.window import Window

_NAMED = 3
"""Windows that are named where several are late."""


def due(window: Window, history: History, scope: Scope) -> frozenset[str]:
    """Requirements for which a window still has to count. InputError where it contradicts what was counted."""
    before = history.of(window.key)
    if not before:
        _refuse_overlap(window, history)
    for one in before:
        _refuse_other(window, one)
    counted = {name for one in before for name in one.requirements}
    measured = (one.id for one in scope.policy.require if window.labelled or one.id not in scope.labelled)
    return frozenset(measured) - counted


def _refuse_other(window: Window, before: Counted) -> None:
    when = moment(datetime.fromisoformat(before.time))
    if window.rows_sha256 != before.rows_sha256:
        _refuse(
            window, f"it was counted on {when} with other rows, and a window counts once", "give these rows in the window of a later time"
        )
    if None not in (window.labels_sha256, before.labels_sha256) and window.labels_sha256 != before.labels_sha256:
        _refuse(window, f"it was counted on {when} with other labels, and labels count once", "corrected labels count in later windows")


def _refuse_overlap(window: Window, history: History) -> None:
    """Windows of another length or zone may hold rows that were counted; two by count are told apart by their rows."""
    if window.start is None or window.end is None:
        return
    for one in history.counted:
        if _by_count(window) and _by_count(one):
            continue
        if one.start is not None and one.end is not None and one.start < window.end and window.start < one.end and one.key != window.key:
            _refuse(window, f"it overlaps window {one.key}, which was counted", "keep monitor.window and monitor.time_zone as they were")


def _by_count(one: Window | Counted) -> bool:
    return one.key == one.rows_sha256[: len(one.key)]


def _refuse(window: Window, what: str, remedy: str) -> NoReturn:
    msg = f"--window {window.data.path}: window {window.key}: {what}: {remedy}"
    raise InputError(msg)


def is_late(window: Window, history: History) -> bool:
    """Whether a later window was counted before."""
    return window.start is not None and any(one.start is not None and one.start > window.start for one in history.counted)


def labels_due(window: Window, history: History, scope: Scope, today: date) -> date | None:
    """The day until which labels may come; None where they have come, are not needed, or may not be late."""
    delay = days(scope.spec.labels_delay)
    if window.labelled or not scope.labelled or delay is None:
        return None
    before = history.of(window.key)
    first = datetime.fromisoformat(before[0].time).date() if before else today
    return (window.end.date() if window.end is not None else first) + timedelta(days=delay)


def overdue(history: History, scope: Scope, now: Window, today: date) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """What stands against a window because labels of others have not come, and remarks.

    Only the newest window whose labels should be here counts: one gap does not keep a monitor from its work for ever.
    """
    delay = days(scope.spec.labels_delay)
    if delay is None or not scope.labelled:
        return (), ()
    newest = {one.key: one for one in history.counted if one.key != now.key}
    ended = {one.key: one.end or datetime.fromisoformat(one.time) for one in reversed(history.counted)}  # without a time, when it came
    passed = [one for one in newest.values() if _is_before(ended[one.key], today, delay)]
    lacking = sorted((one for one in passed if one.labels_due is not None), key=lambda one: _seconds(ended[one.key]))
    if not lacking:
        return (), ()
    names = ", ".join(one.key for one in lacking[-_NAMED:])
    more = f" and {len(lacking) - _NAMED:,} earlier ones" if len(lacking) > _NAMED else ""
    text = f"Labels of {names}{more} were due and have not come: give these windows again with their labels."
    reason = Reason("labels-overdue", None, text)
    ends = [*(ended[one.key] for one in passed), *([now.end] if _is_before(now.end, today, delay) else ())]
    return ((reason,), ()) if _seconds(ended[lacking[-1].key]) == max(map(_seconds, ends)) else ((), (reason,))


def _is_before(end: datetime | None, today: date, delay: int) -> bool:
    """Whether the labels of a window that ended then should be here."""
    return end is not None and end.date() + timedelta(days=delay) < today


def _seconds(end: datetime | None) -> float:
    return 0.0 if end is None else end.timestamp()


def missing(history: History, window: Window, scope: Scope) -> tuple[str, ...]:
    """Keys of the periods between the first window and the last that never came."""
    return tuple(_missing(history, window, scope))


def _missing(history: History, window: Window, scope: Scope) -> Iterator[str]:
    kind = scope.spec.window
    if not isinstance(kind, str):
        return
    spans = [Span(one.start, one.end, one.key) for one in history.counted if one.start is not None and one.end is not None]
    if window.start is not None and window.end is not None:
        spans.append(Span(window.start, window.end, window.key))
    there = {one.key for one in spans}
    yield from (one.key for one in between(min(spans), max(spans), kind, zone(scope.spec.time_zone)) if one.key not in there)
