"""Where a stream of losses changed: detectors that propose a moment, and the difference before and after it with an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.e_process import Detector, log_share_bets, log_threshold
from audit.stats.interface import with_value
from audit.stats.proportion import Difference, Proportion
from audit.stats.sample_size import OfPart

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCK = 50
"""Rows of one window of the e-detector."""
BASELINE = 0.25
"""Share of the rows, the first ones, in which the e-detector learns what to expect."""
_MOST_BUCKETS = 5
_LEAST_ROWS, _GRACE = 5, 10
_BASELINE_ALPHA = 0.05


@dataclass(slots=True)
class Adwin:
    """The adaptive window of Bifet & Gavalda (SIAM Data Mining 2007), second version: a histogram of the rows since the last change.

    As in river, the oldest bucket is dropped as long as some cut of the window has means that differ by more than the bound allows.
    """

    delta: float = 0.002
    """Significance of a cut."""
    clock: int = 32
    """Rows between two looks for a cut."""
    width: int = 0
    """Rows in the window."""
    _buckets: list[list[tuple[int, float, float]]] = field(default_factory=lambda: [[]])
    """By size, which doubles from list to list: rows, sum and sum of squares of each bucket, the oldest first."""

    def update(self, value: float) -> bool:
        """Whether the window shrank with this value."""
        self._buckets[0].append((1, value, value * value))
        self.width += 1
        self._seen += 1
        for size, buckets in enumerate(self._buckets):
            if len(buckets) <= _MOST_BUCKETS:
                break
            (n, total, squares), (m, more, further) = buckets.pop(0), buckets.pop(0)
            if size + 1 == len(self._buckets):
                self._buckets.append([])
            self._buckets[size + 1].append((n + m, total + more, squares + further))
        if self._seen % self.clock or self.width <= _GRACE:
            return False
        shrank = False
        while self._differs():
            self._drop_oldest()
            shrank = True
        return shrank

    _seen: int = 0

    def _drop_oldest(self) -> None:
        self.width -= self._buckets[-1].pop(0)[0]
        if not self._buckets[-1] and len(self._buckets) > 1:
            self._buckets.pop()

    def _differs(self) -> bool:
        n, total, squares = np.array([bucket for buckets in reversed(self._buckets) for bucket in buckets]).T
        rows, sums = np.cumsum(n), np.cumsum(total)
        width, whole = float(rows[-1]), float(sums[-1])
        variance = max(0.0, (float(squares.sum()) - whole * whole / width) / width)
        cuts = (rows > _LEAST_ROWS) & (width - rows > _LEAST_ROWS)
        before, after = rows[cuts], width - rows[cuts]
        apart = np.abs(sums[cuts] / before - (whole - sums[cuts]) / after)
        recip = 1 / (before - _LEAST_ROWS + 1) + 1 / (after - _LEAST_ROWS + 1)
        level = math.log(2 * math.log(width) / self.delta)
        return bool(np.any(apart > np.sqrt(2 * recip * variance * level) + 2 / 3 * level * recip))


def adwin(values: NDArray[np.float64], *, delta: float, clock: int = 32) -> list[tuple[int, int]]:
    """Rows at which ADWIN finds a change, each with the row from which its window then goes on; it starts anew after each."""
    found, detector = [], Adwin(delta, clock)
    for row, value in enumerate(values.tolist()):
        if detector.update(value):
            found.append((row, row + 1 - detector.width))
            detector = Adwin(delta, clock)
    return found


def page_hinkley(
    values: NDArray[np.float64], *, threshold: float, tolerance: float, fading: float = 1 - 0.0001, least: int = 30
) -> list[tuple[int, int]]:
    """Rows at which Page's test (Biometrika 1954) of the mean so far finds a rise, each with the row after its sum was lowest.

    As in river, the sum fades and the test starts anew after each change.
    """
    found: list[tuple[int, int]] = []
    n, mean, total, lowest, since = 0, 0.0, 0.0, math.inf, 0
    for row, value in enumerate(values.tolist()):
        n += 1
        mean += (value - mean) / n
        total = fading * total + value - mean - tolerance
        if total <= lowest:
            lowest, since = total, row + 1
        if n >= least and total - lowest > threshold:
            found.append((row, min(since, row)))
            n, mean, total, lowest = 0, 0.0, 0.0, math.inf
    return found


def e_detector(errors: NDArray[np.bool_], *, false_alarm_every: float) -> list[tuple[int, int]]:
    """The row at which an e-detector over blocks of rows alarms, and that of the likely change; none where it does not alarm.

    The first quarter of the rows says what to expect: at most the upper end of its share of errors.
    """
    start = math.ceil(len(errors) * BASELINE)
    expected = Proportion.of(errors[:start]).bounds(0.5, _BASELINE_ALPHA)[1]
    limit, detector = log_threshold(false_alarm_every, 1.0), Detector()
    for row in range(start, len(errors) - BLOCK + 1, BLOCK):
        detector = detector.updated(log_share_bets(int(errors[row : row + BLOCK].sum()), BLOCK, expected))
        if detector.log_statistic >= limit:
            return [(row + BLOCK - 1, start + BLOCK * (detector.since or 0))]
    return []


def sharpest_cut(values: NDArray[np.float64] | NDArray[np.bool_], since: int, row: int) -> int:
    """The first row after the cut, between these two rows, at which the means of both sides differ most in their standard error."""
    n = len(values)
    cuts = np.arange(min(max(1, since), n - 1), min(max(1, row), n - 1) + 1)
    before = np.cumsum(values)[cuts - 1]
    apart = (values.sum() - before) / (n - cuts) - before / cuts
    return int(cuts[np.argmax(apart**2 * cuts * (n - cuts))])


@dataclass(frozen=True, slots=True)
class ChosenDifference(OfPart):
    """A difference after and before a moment that the data chose: each end has only its share of the level.

    With shares that sum to 1 over all moments that might have been chosen, the interval misses as rarely as it says (Bonferroni).
    """

    difference: Difference
    share: float
    """Of the level: 1 over twice the moments for a chosen one, one half for the middle, which stands where none is chosen."""
    min_support: ClassVar[int] = 1
    value_range: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            msg = f"a chosen difference has a share of the level above 0 and at most 1, got {self.share}"
            raise ValueError(msg)

    @property
    def value(self) -> float:
        """Rate after less rate before."""
        return self.difference.value

    @property
    def method(self) -> str:
        """Name of the interval."""
        return f"{self.difference.method}, at {self.share:.2g} of the level for the choice of the moment"

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        return self.difference.bounds(lower_alpha * self.share, upper_alpha * self.share)

    def with_sample_size(self, factor: float) -> ChosenDifference:
        """The same rates of `factor` times the rows."""
        return replace(self, difference=self.difference.with_sample_size(factor))

    def with_value(self, value: float) -> ChosenDifference | None:
        """Another difference of the same rows."""
        moved = with_value(self.difference, value)
        return replace(self, difference=moved) if isinstance(moved, Difference) else None
