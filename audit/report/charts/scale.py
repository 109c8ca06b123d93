"""Axes: round ticks, and numbers turned into places."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Scale:
    """Numbers from `low` to `high` laid over places from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value; values beyond the ends, infinite ones too, stay at the ends."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Whether the value lies on the scale."""
        return self.low <= value <= self.high


def step(span: float, most: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts the span into at most so many parts."""
    raw = span / most
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))


def ticks(low: float, high: float, most: int = 5) -> tuple[tuple[float, str], ...]:
    """Round values between two ends, and how they are written."""
    by = step(high - low, most)
    decimals = max(0, -math.floor(math.log10(by)))
    first = math.ceil(low / by - 1e-9)
    places = [round((first + i) * by, 10) for i in range(math.floor((high / by + 1e-9) - first) + 1)]
    return tuple((place + 0.0, f"{place:,.{decimals}f}".replace("-", "−")) for place in places)


def around(values: Iterable[float], *, within: tuple[float, float] | None = None, margin: float = 0.06) -> tuple[float, float]:
    """Ends that hold all finite values with some room, never beyond `within`."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite), max(finite)
    room = (high - low) * margin or abs(high) * 0.1 or 1.0
    low, high = low - room, high + room
    return (low, high) if within is None else (max(low, within[0] - 0.02), min(high, within[1] + 0.02))
