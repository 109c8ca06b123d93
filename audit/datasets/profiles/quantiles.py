"""Quantiles of any number of values in a few thousand numbers: a KLL sketch whose error is known, and the same for the same values."""

from __future__ import annotations

import base64
import binascii
import hashlib
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

WORKING = 4096
"""Size of a sketch while rows are read."""
MISSED = 1e-4
"""Chance that a share of rows lies beyond the stated error anywhere: far below the level of any interval's end."""
_GRID = 10_000
"""Places at which the error is bounded by chance; between two of them it grows by at most the share of rows that lies there."""
_BINS = 100
"""Most bins of a check."""
_SHRINK, _LEAST = 2 / 3, 8
"""Ratio of the capacities of a level and the one above it, and the least capacity."""
_MOST_LEVELS, _MOST_ITEMS = 60, 200_000
"""Of a file that is read."""


@dataclass(frozen=True, slots=True, eq=False)
class Quantiles:
    """A sample of values in levels: an item of level h stands for 2^h rows (Karnin, Lang & Liberty, FOCS 2016).

    A full level is sorted, and every second item moves up. A digest of the items decides which half moves, so the same values in the
    same batches give the same sketch, and the order of two sketches that are merged makes no difference.
    Each such step errs by at most one item's rows, up or down with equal chance, so Hoeffding's inequality bounds the sum of the errors.
    """

    levels: tuple[NDArray[np.float64], ...] = ()
    noise: int = 0
    """Four times the sum of the squares of the steps' largest errors, in rows."""

    @property
    def rows(self) -> int:
        """Categories that were added."""
        return sum(len(items) << level for level, items in enumerate(self.levels))

    def added(self, values: NDArray[np.float64]) -> Quantiles:
        """With further values, none of them NaN. A large batch is thinned in one step, which errs less than one by one."""
        if not len(values):
            return self
        items = np.sort(values) + 0.0  # no -0.0
        level = max(0, int(math.log2(len(items) / WORKING)))
        step = 1 << level
        thinned = len(items) // step * step
        levels = [*self.levels, *(np.empty(0) for _ in range(level + 1 - len(self.levels)))]
        levels[0] = np.concatenate([levels[0], items[thinned:]])
        kept = items[:thinned][_offset(items, step, self.rows) :: step]
        levels[level] = np.concatenate([levels[level], kept])
        return Quantiles(tuple(levels), self.noise + (4**level if level else 0)).fitted(WORKING)

    def merged(self, other: Quantiles) -> Quantiles:
        """Of the values of both."""
        levels = [
            np.concatenate([one.levels[level] for one in (self, other) if level < len(one.levels)])
            for level in range(max(len(self.levels), len(other.levels)))
        ]
        return Quantiles(tuple(levels), self.noise + other.noise).fitted(WORKING)

    def fitted(self, size: int) -> Quantiles:
        """Within the size, which is that of the highest level."""
        levels, noise = list(self.levels), self.noise
        while levels:
            room = [max(_LEAST, math.ceil(size * _SHRINK ** (len(levels) - 1 - level))) for level in range(len(levels))]
            if sum(map(len, levels)) <= sum(room):
                break
            level = next(level for level, items in enumerate(levels) if len(items) > room[level])
            items = np.sort(levels[level])
            even = len(items) // 2 * 2
            if level + 1 == len(levels):
                levels.append(np.empty(0))
            levels[level + 1] = np.concatenate([levels[level + 1], items[:even][_offset(items, 2, self.rows) :: 2]])
            levels[level] = items[even:]
            noise += 4 * 4**level
        return replace(self, levels=tuple(levels), noise=noise)

    def items(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(k,) sorted values and the (k,) rows that each stands for."""
        if not self.levels:
            return np.empty(0), np.empty(0, dtype=np.int64)
        weights = np.concatenate([np.full(len(items), 1 << level, dtype=np.int64) for level, items in enumerate(self.levels)])
        values = np.concatenate(self.levels)
        order = np.argsort(values, kind="stable")
        return values[order], weights[order]

    @property
    def rank_error(self) -> float:
        """How far the share of rows up to any value may be off, at most, but for a chance of `MISSED`."""
        return self._deviation(_GRID) + 1 / _GRID if self.noise else 0.0

    @property
    def share_error(self) -> float:
        """The same of the share of rows between any two values."""
        return self._deviation(_GRID * _GRID) + 2 / _GRID if self.noise else 0.0

    @property
    def bin_error(self) -> float:
        """The same of the share of rows in any of a hundred bins that were chosen without a look at the sketch."""
        return self._deviation(_BINS) if self.noise else 0.0

    def _deviation(self, places: int) -> float:
        return math.sqrt(2 * self.noise / 4 * math.log(2 * places / MISSED)) / self.rows

    def to_json(self, size: int) -> dict[str, object]:
        """As a file holds it."""
        fitted = self.fitted(size)
        levels = [base64.b85encode(np.sort(items).astype("<f8").tobytes()).decode() for items in fitted.levels]
        return {"noise": fitted.noise, "levels": levels}

    @classmethod
    def of_counts(cls, counts: Mapping[float, int]) -> Quantiles:
        """Of values with the rows that hold each, without any error: a value stands in the level of every bit of its count."""
        deepest = max(counts.values(), default=0).bit_length()
        levels = [np.array([value for value, count in counts.items() if count >> level & 1]) for level in range(deepest)]
        return cls(tuple(levels))

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Quantiles:
        """What `to_json` wrote; ValueError where it cannot have."""
        noise, levels = stored["noise"], stored["levels"]
        if type(noise) is not int or noise < 0 or not isinstance(levels, list) or len(levels) > _MOST_LEVELS:
            msg = "no sketch of quantiles"
            raise ValueError(msg)
        try:
            found = tuple(np.frombuffer(base64.b85decode(text), dtype="<f8").astype(np.float64) for text in levels)
        except (TypeError, AttributeError, binascii.Error) as error:
            msg = "a sketch's numbers cannot be read"
            raise ValueError(msg) from error
        if sum(map(len, found)) > _MOST_ITEMS or any(np.isnan(items).any() for items in found):
            msg = "a sketch holds too many numbers, or one that is none"
            raise ValueError(msg)
        return cls(found, noise)


def _offset(items: NDArray[np.float64], step: int, rows: int) -> int:
    """A number below the step, a power of 2, that the sorted items decide, and the rows so far: copies of a batch must not err alike."""
    digest = hashlib.blake2b(items.tobytes(), digest_size=8, salt=rows.to_bytes(16)).digest()
    return int.from_bytes(digest) % step
