"""How many rows hold each value of a column: exact for few values, else a lower count and by how much each may be too low."""

from __future__ import annotations

import hashlib
import heapq
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from audit.redaction.masking import COMMON

if TYPE_CHECKING:
    from collections.abc import Mapping

WORKING = 1 << 16
"""Different values that are counted while rows are read."""
ROOM = 9_000
"""Letters of the values that a file lists."""
_LONG, _SHOWN = 120, 80
_MOST_DIGITS = 18


def name_of(value: str) -> str:
    """A value as profiles name it: a long one by its beginning and a digest."""
    if len(value) <= _LONG:
        return value
    return f"{value[:_SHOWN]}… sha256:{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Categories:
    """Rows by value. Summaries merge as Misra and Gries's do (Agarwal et al., Mergeable summaries, PODS 2012)."""

    counts: Mapping[str, int] = field(default_factory=dict)
    """Rows that surely hold each listed value."""
    short: Mapping[str, int] = field(default_factory=dict)
    """By how many rows a listed count may be too low, where it may be."""
    other: int = 0
    """Rows whose value is not listed, or not told for certain."""
    unlisted: int = 0
    """Rows that any one value that is not listed has at most."""
    hidden: int = 0
    """Different values that are not listed, at most."""

    @property
    def rows(self) -> int:
        """Rows with a value."""
        return sum(self.counts.values()) + self.other

    def shortfall(self, value: str) -> int:
        """By how many rows the count of a value may be too low."""
        return self.short.get(value, 0) if value in self.counts else self.unlisted

    def merged(self, other: Categories) -> Categories:
        """Of the rows of both."""
        names = {**self.counts, **other.counts}
        counts = {name: self.counts.get(name, 0) + other.counts.get(name, 0) for name in names}
        short = {name: low for name in names if (low := self.shortfall(name) + other.shortfall(name))}
        found = Categories(counts, short, self.other + other.other, self.unlisted + other.unlisted, self.hidden + other.hidden)
        return found if len(counts) <= WORKING else found._cut()

    def _cut(self) -> Categories:
        """The most frequent half: each count pays what the first one that goes had, so that no error passes rows over values."""
        half = WORKING // 2
        pay = heapq.nlargest(half + 1, self.counts.values())[-1]
        kept = {name: count - pay for name, count in self.counts.items() if count > pay}
        short = {name: self.shortfall(name) + pay for name in kept}
        worst = max(self.count_at_most(name) for name in self.counts if name not in kept)
        gone = sum(self.counts.values()) - sum(kept.values())
        return Categories(kept, short, self.other + gone, max(self.unlisted, worst), self.hidden + len(self.counts) - len(kept))

    def count_at_most(self, value: str) -> int:
        """Rows that hold a value, at most."""
        return self.counts.get(value, 0) + self.shortfall(value)

    def disclosed(self, room: int = ROOM, fewest: int = COMMON) -> Categories:
        """Without the names of values of fewer rows than may be told, and of so many values that a file would grow too large."""
        kept: dict[str, int] = {}
        letters = 0
        for name, count in sorted(self.counts.items(), key=lambda item: (-item[1], item[0])):
            letters += len(json.dumps(name)) + len(str(count))
            if count < fewest or letters > room:
                break
            kept[name] = count
        gone = [name for name in self.counts if name not in kept]
        if not gone:
            return self
        short = {name: low for name, low in self.short.items() if name in kept}
        lost = sum(self.counts[name] for name in gone)
        unlisted = max(self.unlisted, *(self.count_at_most(name) for name in gone))
        return Categories(kept, short, self.other + lost, unlisted, self.hidden + len(gone))

    def to_json(self, room: int = ROOM, fewest: int = COMMON) -> dict[str, object]:
        """As a file holds it, without the names that may not be told."""
        told = self.disclosed(room, fewest)
        rows = [[name, count, *([told.short[name]] if name in told.short else [])] for name, count in sorted(told.counts.items())]
        return {"values": rows, "other": told.other, "unlisted": told.unlisted, "hidden": told.hidden}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Categories:
        """What `to_json` wrote; ValueError where it cannot have."""
        rows = stored["values"]
        numbers = [stored["other"], stored["unlisted"], stored["hidden"], *(number for _, *counts in rows for number in counts)]
        names = [row[0] for row in rows]
        if not all(type(number) is int and 0 <= number < 10**_MOST_DIGITS for number in numbers) or len(set(names)) < len(names):
            msg = "counts of values are whole numbers, one for each value"
            raise ValueError(msg)
        if not all(isinstance(name, str) and len(row) in {2, 3} for name, row in zip(names, rows, strict=True)):
            msg = "values are texts with one count each"
            raise ValueError(msg)
        short = {row[0]: row[2] for row in rows if len(row) > 2}  # noqa: PLR2004  # value, count, and by how much it may be too low
        return cls({row[0]: row[1] for row in rows}, short, stored["other"], stored["unlisted"], stored["hidden"])
