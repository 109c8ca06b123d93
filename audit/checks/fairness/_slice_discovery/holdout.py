"""Rows in two halves: one is searched, the other tests. What was found by searching is never tested on the rows that were searched."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from audit.candidates.capabilities import Values
from audit.checks.fairness._means import difference, mean
from audit.errors import CannotMeasure
from audit.metrics.groups import part
from audit.metrics.losses import residuals
from audit.stats import Difference, MeanDifference, Proportion
from audit.stats.hypothesis_tests import benjamini_hochberg, false_coverage, more_hits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.checks.fairness._slice_discovery.search import ProposedSlice
    from audit.evidence import Slice
    from audit.stats import Estimate
    from audit.subject import Subject

BROKEN = 1e150
"""Errors beyond have a square that is no number."""
Gap: TypeAlias = Difference | MeanDifference
"""Share right of the rest minus that of the slice; of numbers, mean absolute error of the slice minus that of the rest."""
Q = 0.05
"""Share of the named slices that may be expected to be named by chance."""
_STEPS = 60
_STILL = 1e-12
"""Squared standard error, in searched standard deviations, below which only rounding is left."""


def losses(subject: Subject) -> NDArray[np.bool_] | NDArray[np.float64]:
    """(n,) whether a row is answered wrong; of predicted numbers the absolute error."""
    if subject.candidate.get(Values) is None:
        return np.asarray(subject.y_true() != subject.y_pred(), dtype=bool)
    found: NDArray[np.float64] = np.abs(residuals(subject))
    if found.max(initial=0) > BROKEN:
        where = f"row {subject.data.shown(int(np.argmax(found)))} is off by {found.max():.0e}"
        msg = f"{subject.data.role}: {where}, which no interval can hold: mend it or leave it out of the file"
        raise CannotMeasure(msg)
    return found


@dataclass(frozen=True, eq=False)
class Halves:
    """Which rows are searched, and how badly each of all is served."""

    search: NDArray[np.bool_]
    loss: NDArray[np.bool_] | NDArray[np.float64]
    """(n,) whether a row is answered wrong; of predicted numbers how far off each is."""

    @classmethod
    def of(cls, loss: NDArray[np.bool_] | NDArray[np.float64], clusters: NDArray[np.int64] | None, rng: Generator) -> Halves:
        """A random half of the rows, or of the entities with all their rows."""
        units = np.arange(len(loss)) if clusters is None else clusters
        n = int(units.max(initial=-1)) + 1
        chosen = np.zeros(n, dtype=bool)
        chosen[rng.permutation(n)[: n // 2]] = True
        return cls(chosen[units], loss)

    @property
    def flags(self) -> bool:
        """Whether answers are right or wrong, and not near or far."""
        return self.loss.dtype == np.bool_

    @cached_property
    def sums(self) -> NDArray[np.float64]:
        """(k, n) what a slice is scored by the sums of: 1, the loss, and of numbers its square, in units of the searched rows' spread."""
        ones, loss = np.ones(len(self.loss)), self.loss.astype(float)
        if self.flags:
            return np.stack([ones, loss])
        seen = loss[self.search]
        spread = float(seen.std())
        apart = (loss - seen.mean()) / (spread if spread > 0 else 1.0)
        return np.stack([ones, apart, np.square(apart)])

    @cached_property
    def total(self) -> NDArray[np.float64]:
        """(k,) of the searched rows."""
        return np.asarray(self.sums[:, self.search].sum(axis=1))

    def score(self, inside: NDArray[np.float64], every: NDArray[np.float64]) -> NDArray[np.float64]:
        """(...) how clearly slices of (..., k) sums are served worse than the rest: chi-squared of one degree of freedom, signed."""
        if self.flags:
            return signed_deviance(inside[..., 1], inside[..., 0], float(every[1]), float(every[0]))
        return signed_square(inside, every)

    def excess(self, rows: NDArray[np.int64]) -> float:
        """How much worse the searched ones among some rows are served than the other searched ones, as `score`."""
        inside = rows[self.search[rows]]
        return float(self.score(self.sums[:, inside].sum(axis=1), self.total))


def signed_deviance(hits: NDArray[np.float64], n: NDArray[np.float64], all_hits: float, all_n: float) -> NDArray[np.float64]:
    """Likelihood-ratio statistic of two rates, the slice's and the rest's, against one; negative where the slice's is the lower."""
    from scipy.special import xlogy

    rest_hits, rest = all_hits - hits, all_n - n

    def likelihood(k: NDArray[np.float64], m: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(xlogy(k, k) + xlogy(m - k, m - k) - xlogy(m, m), dtype=float)

    together = likelihood(np.array(all_hits), np.array(all_n))
    found = 2 * np.maximum(0.0, likelihood(hits, n) + likelihood(rest_hits, rest) - together)
    return np.where(hits * rest >= rest_hits * n, found, -found)


def signed_square(inside: NDArray[np.float64], every: NDArray[np.float64]) -> NDArray[np.float64]:
    """Square of Welch's t (Biometrika 1947) of two means, the slice's and the rest's; negative where the slice's is the lower.

    From (..., 3) counts, sums and sums of squares. The slice's own spread is in it, so that one row that is far off makes no
    slice. 0 where a side has fewer than two rows.
    """
    sides = [np.moveaxis(side, -1, 0) for side in (inside, every - inside)]
    means = [total / np.maximum(n, 1.0) for n, total, _ in sides]
    spreads = [np.maximum(squares / np.maximum(n, 1.0) - mean**2, 0.0) for (n, _, squares), mean in zip(sides, means, strict=True)]
    variance = sum(spread / np.maximum(n - 1, 1.0) for (n, _, _), spread in zip(sides, spreads, strict=True))
    apart = means[0] - means[1]
    found = np.sign(apart) * apart**2 / np.maximum(variance, _STILL)
    return np.where(np.minimum(sides[0][0], sides[1][0]) >= 2, found, 0.0)  # noqa: PLR2004  # a spread needs two rows


@dataclass(frozen=True, slots=True, eq=False)
class TestedSlice:
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


def tested(found: Sequence[ProposedSlice], halves: Halves, clusters: NDArray[np.int64] | None) -> tuple[TestedSlice, ...]:
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
        TestedSlice(one.name, one.rows, gap, float(p), chosen, interval)
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
        of_rest, of_slice = (Proportion.of(right[side], part(clusters, side)) for side in (rest, inside))
        return Difference(of_rest, of_slice)
    errors = mean(halves.loss.astype(float), low=0.0)
    one, other = errors.of(inside, clusters), errors.of(rest, clusters)
    if one is None or other is None:
        msg = "a gap is of a slice and a rest that have rows"
        raise ValueError(msg)
    return difference(one, other)


def _p_apart(rows: NDArray[np.bool_], judged: NDArray[np.bool_], halves: Halves, clusters: NDArray[np.int64] | None) -> float:
    """Its p-value among the rows that are left; 1 where the slice or the rest has none."""
    if not (judged & rows).any() or not (judged & ~rows).any():
        return 1.0
    return p_value(_gap(rows, judged, halves, clusters))
