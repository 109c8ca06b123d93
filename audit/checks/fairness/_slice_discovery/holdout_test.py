"""Slices that the search proposed, tested on the other half: how much worse each is than the rest, and which are so beyond chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from audit.checks.fairness._error_gaps import Means
from audit.stats import Difference, MeanDifference, Proportion
from audit.stats.fisher import more_hits
from audit.stats.multiplicity import benjamini_hochberg, false_coverage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from audit.checks.fairness._slice_discovery.search import Found
    from audit.checks.fairness._slice_discovery.split import Halves
    from audit.evidence import Slice
    from audit.stats import Estimate

Gap: TypeAlias = Difference | MeanDifference
"""Share right of the rest minus that of the slice; of numbers, mean absolute error of the slice minus that of the rest."""
Q = 0.05
"""Share of the named slices that may be expected to be named by chance."""
_STEPS = 60


@dataclass(frozen=True, slots=True, eq=False)
class Weak:
    """One slice after its test."""

    name: Slice
    rows: NDArray[np.bool_]
    """(n,) of both halves."""
    gap: Gap
    """On the judging half."""
    p: float
    """Adjusted by Benjamini and Hochberg's procedure over the list."""
    named: bool
    interval: tuple[float, float]
    """Of a named slice at the level that holds the false coverage rate, else plain at 95 %."""

    @property
    def inside(self) -> Estimate:
        """The slice's own share right, or mean absolute error."""
        return self.gap.second if isinstance(self.gap, Difference) else self.gap.first

    @property
    def rest(self) -> Estimate:
        """That of the rows outside."""
        return self.gap.first if isinstance(self.gap, Difference) else self.gap.second


def tested(found: Sequence[Found], halves: Halves, clusters: NDArray[np.int64] | None) -> tuple[Weak, ...]:
    """Every proposed slice in its order. A slice is named if it is worse than the rest also without the rows of those before it."""
    judged, seen = ~halves.search, np.zeros(len(halves.search), dtype=bool)
    gaps, p_values = [], []
    for one in found:
        gaps.append(_gap(one.rows, judged, halves, clusters))
        p_values.append(max(p_value(gaps[-1]), _p_apart(one.rows, judged & ~seen, halves, clusters)))
        seen |= one.rows
    adjusted, level = benjamini_hochberg(p_values), false_coverage(p_values, Q)
    named = [bool(p <= Q) for p in adjusted]
    ends = [gap.bounds(level, level) if chosen else gap.bounds(0.025, 0.025) for gap, chosen in zip(gaps, named, strict=True)]
    return tuple(
        Weak(one.name, one.rows, gap, float(p), chosen, interval)
        for one, gap, p, chosen, interval in zip(found, gaps, adjusted, named, ends, strict=True)
    )


def p_value(gap: Gap) -> float:
    """Chance of such a gap were there none: the level at which the interval's lower end reaches 0.

    Of shares of independent rows it is at least Fisher's exact one.
    """
    if gap.bounds(0.5, 0.5)[0] <= 0:
        return 1.0
    low, high = -40.0, float(np.log(0.5))
    for _ in range(_STEPS):
        middle = (low + high) / 2
        low, high = (low, middle) if gap.bounds(float(np.exp(middle)), 0.5)[0] > 0 else (middle, high)
    inverted = float(np.exp(high))
    if isinstance(gap, MeanDifference) or gap.first.entities is not None:
        return inverted
    return max(inverted, more_hits(_missed(gap.second), _missed(gap.first)))


def _missed(right: Proportion) -> Proportion:
    return Proportion(right.n - right.hits, right.n)


def _gap(rows: NDArray[np.bool_], judged: NDArray[np.bool_], halves: Halves, clusters: NDArray[np.int64] | None) -> Gap:
    inside, rest = judged & rows, judged & ~rows
    if halves.flags:
        right: NDArray[np.bool_] = ~halves.loss.astype(bool)
        of_rest, of_slice = (Proportion.of(right[part], None if clusters is None else clusters[part]) for part in (rest, inside))
        return Difference(of_rest, of_slice)
    errors = Means(halves.loss.astype(float), low=0.0)
    one, other = errors.of(inside, clusters), errors.of(rest, clusters)
    if one is None or other is None:
        msg = "a gap is of a slice and a rest that have rows"
        raise ValueError(msg)
    return one.minus(other)


def _p_apart(rows: NDArray[np.bool_], judged: NDArray[np.bool_], halves: Halves, clusters: NDArray[np.int64] | None) -> float:
    """Its p-value among the rows that are left; 1 where the slice or the rest has none."""
    if not (judged & rows).any() or not (judged & ~rows).any():
        return 1.0
    return p_value(_gap(rows, judged, halves, clusters))
