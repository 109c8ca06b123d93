"""Estimates from sketches of the data: what is seen, and the least and the most that the data themselves may say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, TypeAlias, TypeVar

import numpy as np

from audit.stats import interface
from audit.stats.distance import KolmogorovSmirnov, StabilityIndex
from audit.stats.distribution_distance import BinnedDistance, squared_divergence
from audit.stats.proportion import Proportion

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from audit.stats.distribution_distance import Divergence

    Range: TypeAlias = tuple[NDArray[np.float64], NDArray[np.float64]]
    """(k,) least and (k,) most share of each bin."""

Plain: TypeAlias = KolmogorovSmirnov | StabilityIndex | BinnedDistance | Proportion
P = TypeVar("P", KolmogorovSmirnov, StabilityIndex, BinnedDistance, Proportion)


@dataclass(frozen=True, slots=True)
class Sketched:
    """An estimate that sketches of the data leave open: its interval runs from the lower end of the least to the upper end of the most."""

    seen: Plain
    least: Plain
    """The same figure where the sketches' errors have made it as much too large as they can."""
    most: Plain
    min_support: ClassVar[int] = 1

    @classmethod
    def of(cls, seen: P, least: P, most: P) -> Sketched | P:
        """What is seen itself, where the sketches are exact."""
        return seen if least == most == seen else cls(seen, least, most)

    @property
    def value(self) -> float:
        """What is seen."""
        return self.seen.value

    @property
    def n(self) -> int:
        """Rows behind the number."""
        return self.seen.n

    @property
    def support(self) -> float:
        """Of what is seen."""
        return self.seen.support

    @property
    def method(self) -> str:
        """How the interval is made."""
        return f"{self.seen.method}, with the error of the profiles"

    @property
    def value_range(self) -> tuple[float, float]:
        """Of what is seen."""
        return interface.value_range(self.seen)

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower end of the least and upper end of the most."""
        return self.least.bounds(lower_alpha, upper_alpha)[0], self.most.bounds(lower_alpha, upper_alpha)[1]

    def with_sample_size(self, factor: float) -> Sketched:
        """Of sketches with the same errors of `factor` times the rows."""
        return Sketched(*(one.with_sample_size(factor) for one in (self.seen, self.least, self.most)))

    def with_value(self, value: float) -> Sketched:
        """The same errors at another value."""
        low, high = interface.value_range(self.seen)
        shift = value - self.value
        least, most = (one.with_value(min(high, max(low, one.value + shift))) for one in (self.least, self.most))
        return Sketched(self.seen.with_value(value), least, most)


def kolmogorov_smirnov(distance: float, error: float, sizes: tuple[int, int]) -> Sketched | KolmogorovSmirnov:
    """The distance between two functions that may be off by `error` together."""
    ends = (distance, max(0.0, distance - error), min(1.0, distance + error))
    return Sketched.of(*(KolmogorovSmirnov(end, *sizes) for end in ends))


def largest_distance(one: tuple[NDArray[np.float64], NDArray[np.int64]], other: tuple[NDArray[np.float64], NDArray[np.int64]]) -> float:
    """Of two distribution functions, at any value: of values and the rows that each stands for."""
    sides = []
    for values, rows in (one, other):
        order = np.argsort(values, kind="stable")
        sides.append((values[order], np.concatenate([[0], np.cumsum(rows[order])]) / rows.sum()))
    places = np.concatenate([values for values, _ in sides])
    shares = [below[np.searchsorted(values, places, side="right")] for values, below in sides]
    return float(np.abs(shares[0] - shares[1]).max())


def stability_index(index: float, ranges: tuple[Range, Range], sizes: tuple[int, int]) -> Sketched | StabilityIndex:
    """The index of shares that lie within these ranges; a share of nothing counts as half a row."""
    floored = [tuple(np.maximum(end, 0.5 / size) for end in shares) for shares, size in zip(ranges, sizes, strict=True)]
    least, most = _extremes(lambda p, q: (q - p) * np.log(q / p), (floored[0][0], floored[0][1]), (floored[1][0], floored[1][1]))
    ends = (index, min(index, least), max(index, most))
    return Sketched.of(*(StabilityIndex(end, len(ranges[0][0]), *sizes) for end in ends))


def binned_distance(seen: BinnedDistance, ranges: tuple[Range, Range]) -> Sketched | BinnedDistance:
    """The distance between shares that lie within these ranges."""
    own, chi = (_divergence_extremes(kind, *ranges) for kind in (seen.divergence, "chi_squared"))
    least = replace(seen, squared=min(seen.squared, own[0]), squared_chi=min(seen.squared_chi, chi[0]))
    most = replace(seen, squared=max(seen.squared, own[1]), squared_chi=max(seen.squared_chi, chi[1]))
    return Sketched.of(seen, least, most)


def _divergence_extremes(kind: Divergence, p: Range, q: Range) -> tuple[float, float]:
    def of_each(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.array([_term(kind, a, b) for a, b in zip(one, other, strict=True)])

    least, most = _extremes(of_each, p, q)
    return least, min(1.0, most)


def _term(kind: Divergence, p: float, q: float) -> float:
    """What one bin adds to a squared divergence."""
    return 0.0 if p == q else squared_divergence(kind, np.array([p]), np.array([q]))


def _extremes(term: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]], p: Range, q: Range) -> tuple[float, float]:
    """The least and the most that terms add up to, each of which grows as its two shares move apart."""
    apart = np.where(p[0] > q[1], term(p[0], q[1]), np.where(q[0] > p[1], term(p[1], q[0]), 0.0))
    far = np.maximum(term(p[0], q[1]), term(p[1], q[0]))
    return float(apart.sum()), float(far.sum())
