"""Where runs, windows and moves stand over time: one axis for all pictures of a policy."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.report.history.past import Past


@dataclass(frozen=True, slots=True)
class Tick:
    """A date at a place of the axis, from 0 to 1."""

    place: float
    label: str
    anchor: str
    """Which end of the label stands at the place, in the words of SVG."""


@dataclass(frozen=True, slots=True)
class Axis:
    """Places from 0 to 1. Windows stand at their dates; runs alone stand side by side in their order, since they come in bursts."""

    places: tuple[float, ...]
    """Of the runs and windows, oldest first."""
    ticks: tuple[Tick, ...]
    _times: tuple[float, ...]

    @classmethod
    def of(cls, past: Sequence[Past]) -> Axis:
        """For runs and windows, oldest first."""
        times = tuple(map(seconds, (one.time for one in past)))
        span = times[-1] - times[0] if times else 0.0
        last = max(len(times) - 1, 1)
        by_date = span > 0 and any(one.kind == "window" for one in past)
        places = tuple((time - times[0]) / span if by_date else i / last for i, time in enumerate(times))
        return cls(places, tuple(_ticks(past, places)), times)

    def at(self, time: str) -> float:
        """The place of a moment: between its neighbours, at the ends where it lies beyond them."""
        moment = seconds(time)
        after = bisect_right(self._times, moment)
        if not 0 < after < len(self._times):
            return 0.0 if after == 0 else 1.0
        low, high = self._times[after - 1], self._times[after]
        share = (moment - low) / (high - low)
        return self.places[after - 1] + share * (self.places[after] - self.places[after - 1])


def seconds(time: str) -> float:
    """A moment as a number; 0 for text that is none."""
    try:
        when = datetime.fromisoformat(time)
        return (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return 0.0


_APART = 0.3
"""Between the labels of two ticks."""


def _ticks(past: Sequence[Past], places: Sequence[float]) -> list[Tick]:
    """The dates of the first and the last, and of the one in the middle if there is room."""
    if not past:
        return []
    first, last = Tick(places[0], _day(past[0].time), "start"), Tick(places[-1], _day(past[-1].time), "end")
    middle = min(range(len(past)), key=lambda i: abs(places[i] - 0.5))
    if first.label == last.label:
        return [first]
    if _APART <= places[middle] <= 1 - _APART and _day(past[middle].time) not in {first.label, last.label}:
        return [first, Tick(places[middle], _day(past[middle].time), "middle"), last]
    return [first, last]


def _day(time: str) -> str:
    """`2 Jun 2026`."""
    try:
        when = datetime.fromisoformat(time)
    except ValueError:
        return time[:10]
    return f"{when.day} {when:%b %Y}"
