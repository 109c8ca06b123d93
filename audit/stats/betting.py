"""Means of bounded losses with intervals that stay valid however often they are looked at, by betting."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.sample_size import OfUnits, scale, scale_units

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

STAKES = tuple(3.6 / 2**k for k in range(10))
"""Stakes of the bets: large ones for few rows and rare losses, small ones for up to a million rows."""
LEVELS = (*(0.5 + 0.25 * k for k in range(22)), *(6.0 + k for k in range(25)))
"""Evidence, as minus the logarithm of an end's level, for which ends are kept; another level has the next wider end."""
_POINTS = 96
"""Values between the mean and the farthest end at which the evidence is known."""
_HALVINGS = 30
_GRID = 1 << 16
"""Parts of the range on which more different losses are rounded."""
_CELLS = 1 << 20
"""Numbers that are in memory at once."""


@dataclass(frozen=True, slots=True)
class BettingMean(OfUnits):
    """Mean of losses within a range, by the capital of bets that it is elsewhere (Waudby-Smith & Ramdas, JRSS B 2024).

    The capital against a value m is the mean over fixed stakes s of the product of 1 + s (x - m), losses scaled to 0 to 1; against a value
    above the mean, of 1 - s (x - m). An end lies where the capital reaches 1 over its level. By Ville (1939) the chance that it ever misses
    a mean that stays, at any of all looks, is at most that level. Where the mean moves, the end holds at each single look for the average
    over independent rows. With entities, all rows of one enter together, over the rows of the largest.
    """

    mean: float
    units: float
    """Rows, or entities where rows belong to some."""
    rows: int
    low: float
    """The least that a loss can be."""
    high: float
    """The most that a loss can be."""
    lower: tuple[float, ...]
    """The lower end at each of `LEVELS`, falling."""
    upper: tuple[float, ...]
    """The upper end at each of `LEVELS`, rising."""
    min_support: ClassVar[int] = 1
    method: ClassVar[str] = "betting confidence sequence (Waudby-Smith & Ramdas 2024)"

    @classmethod
    def of(
        cls, losses: NDArray[np.float64], clusters: NDArray[np.int64] | None = None, *, low: float = 0.0, high: float = 1.0
    ) -> BettingMean:
        """From one loss a row; the order of the rows does not matter. ValueError where a loss leaves its range."""
        below, above = (Bets.of(losses, clusters, low=low, high=high, rounded=way) for way in (np.floor, np.ceil))
        lower, upper = np.array(_ends(below, floor=True)), np.array(_ends(above, floor=False))
        spread = high - low
        return cls(
            float(np.mean(losses)), float(below.counts.sum()), len(losses), low, high,
            tuple((low + spread * lower).tolist()), tuple((low + spread * upper).tolist()),
        )  # fmt: skip

    def __post_init__(self) -> None:
        if len(self.lower) != len(LEVELS) or len(self.upper) != len(LEVELS):
            msg = f"a mean by betting has {len(LEVELS)} lower and upper ends, got {len(self.lower)} and {len(self.upper)}"
            raise ValueError(msg)

    @property
    def value(self) -> float:
        """The mean loss."""
        return self.mean

    @property
    def value_range(self) -> tuple[float, float]:
        """That of one loss."""
        return self.low, self.high

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; beyond the last level the range's own."""
        places = [int(np.searchsorted(LEVELS, -math.log(alpha) - 1e-12)) for alpha in (lower_alpha, upper_alpha)]
        return (*self.lower, self.low)[places[0]], (*self.upper, self.high)[places[1]]

    def with_sample_size(self, factor: float) -> BettingMean:
        """The same mean of `factor` times the rows: its ends come nearer by the root, which leaves out a slowly growing factor."""
        root = math.sqrt(factor)
        lower, upper = (tuple(self.mean + (end - self.mean) / root for end in ends) for ends in (self.lower, self.upper))
        lower, upper = tuple(max(self.low, end) for end in lower), tuple(min(self.high, end) for end in upper)
        return replace(scale(self, factor, "rows"), units=scale_units(self.units, self.rows, factor), lower=lower, upper=upper)

    def with_value(self, value: float) -> BettingMean:
        """Another mean with ends as far away."""
        by = min(self.high, max(self.low, value)) - self.mean
        lower, upper = tuple(max(self.low, end + by) for end in self.lower), tuple(min(self.high, end + by) for end in self.upper)
        return replace(self, mean=self.mean + by, lower=lower, upper=upper)


@dataclass(frozen=True, slots=True, eq=False)
class Bets:
    """What is bet on: the distinct sums of a unit's scaled losses, its weight, and how many units are alike."""

    sums: NDArray[np.float64]
    weights: NDArray[np.float64]
    counts: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        losses: NDArray[np.float64],
        clusters: NDArray[np.int64] | None,
        *,
        low: float,
        high: float,
        rounded: Callable[[NDArray[np.float64]], NDArray[np.float64]] = np.floor,
    ) -> Bets:
        """From one loss a row and the entity of each. Many different losses are rounded to a fine grid, the way that widens the end."""
        if not len(losses) or not low < high or not (np.all(losses >= low) and np.all(losses <= high)):
            what = f"losses from {np.min(losses)} to {np.max(losses)}" if len(losses) else "no losses"
            msg = f"a mean by betting needs losses within a range [{low}, {high}], got {what}"
            raise ValueError(msg)
        scaled = (losses - low) / (high - low)
        if clusters is None:
            sums, counts = np.unique(scaled, return_counts=True)
            if len(sums) > _GRID:
                sums, counts = np.unique(np.clip(rounded(scaled * _GRID) / _GRID, 0.0, 1.0), return_counts=True)
            return cls(sums, np.ones(len(sums)), counts.astype(float))
        codes = np.unique(clusters, return_inverse=True)[1]
        sizes = np.bincount(codes).astype(float)
        return cls(np.bincount(codes, weights=scaled) / sizes.max(), sizes / sizes.max(), np.ones(len(sizes)))

    @property
    def mean(self) -> float:
        """Of all rows, scaled."""
        return float(self.counts @ self.sums) / float(self.counts @ self.weights)

    def log_capital(self, values: NDArray[np.float64], *, floor: bool) -> NDArray[np.float64]:
        """(v,) logarithms of the capital against a mean of at most each value (`floor`), or of at least it.

        A stake that one unit could lose all of is not bet.
        """
        rows = max(1, _CELLS // len(self.sums))
        parts = [self._capital(values[start : start + rows], floor=floor) for start in range(0, len(values), rows)]
        return np.concatenate(parts)

    def _capital(self, values: NDArray[np.float64], *, floor: bool) -> NDArray[np.float64]:
        gains = (self.sums - self.weights * values[:, None]) * (1.0 if floor else -1.0)  # (v, d)
        most = values if floor else 1.0 - values
        each = np.full((len(STAKES), len(values)), -np.inf)
        for place, stake in enumerate(STAKES):
            bet = stake * most < 1
            each[place, bet] = np.log1p(stake * gains[bet]) @ self.counts
        found: NDArray[np.float64] = np.logaddexp.reduce(each, axis=0) - math.log(len(STAKES))
        return found


def _ends(bets: Bets, *, floor: bool) -> list[float]:
    """The end at each level: the value nearest to the mean, of those looked at, whose capital reaches it; else the range's."""
    farthest, most = (0.0 if floor else 1.0), LEVELS[-1]

    def exceeds(value: float) -> bool:
        return bool(bets.log_capital(np.array([value]), floor=floor)[0] > most)

    inner, outer = bets.mean, farthest
    if exceeds(farthest):
        for _ in range(_HALVINGS):
            middle = (inner + outer) / 2
            inner, outer = (inner, middle) if exceeds(middle) else (middle, outer)
    values = np.linspace(outer, bets.mean, _POINTS)
    known = np.minimum.accumulate(bets.log_capital(values, floor=floor))  # falls towards the mean, rounding apart
    places = [int(np.searchsorted(-known, -level, side="right")) - 1 for level in LEVELS]
    return [float(values[place]) if place >= 0 else farthest for place in places]
