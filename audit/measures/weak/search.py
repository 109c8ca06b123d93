"""The search for slices of many errors: conditions and their crossings, best first, each among the rows that no earlier slice explains.

Sequential covering over a lattice of conditions, after SliceFinder (Chung et al., ICDE 2019) and SliceLine (Sagadeeva & Boehm,
SIGMOD 2021); the least size of a slice is SliceLine's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure
from audit.evidence import Slice
from audit.stats import MeanDifference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from audit.measures.weak.attributes import Attribute
    from audit.measures.weak.halves import Halves

BEAM = 40
"""Attributes that are crossed: those with the condition that is most often wrong."""
FRESH = 0.5
"""Share of a slice's searched rows that no earlier slice may hold: less is the same slice again."""
SMALL, SHARE = 32, 0.01
"""A slice has at least so many rows, and this share, of each half; so has the rest. Mean errors need as many as their interval does."""

_ROUNDING = 1e-6
"""Of parts of entities that make up whole ones."""
_TABLES = dict[tuple[int, ...], "NDArray[np.float64]"]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A slice that the search proposes."""

    name: Slice
    rows: NDArray[np.bool_]
    """(n,) of both halves."""


@dataclass(frozen=True, slots=True, order=True)
class _Candidate:
    """Sorted best first, larger ones before smaller, then in the order of the attributes."""

    loss: float
    """How little it stands out: minus its deviance, with the price of its depth."""
    fewer: float
    """Minus its rows."""
    places: tuple[int, ...]
    conditions: tuple[int, ...]
    deviance: float


@dataclass(frozen=True, slots=True, eq=False)
class _Left:
    """The searched rows that no earlier slice holds."""

    rows: NDArray[np.int64]
    sums: NDArray[np.float64]
    """(k, rows) of the halves."""
    total: NDArray[np.float64]
    """(k,) of all these rows."""


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What is searched, and how small a slice may be."""

    attributes: Sequence[Attribute]
    halves: Halves
    least: int
    """Rows, or entities, that a slice and its rest have in each half."""

    def found(self, k: int) -> tuple[Found, ...]:
        """At most k slices, worst served first; which they are depends on the labels of the searched half alone.

        Slices that are served better than the rest, whether or not earlier slices count, are no weak ones; one of them stands in
        where there is no other.
        """
        covered = np.zeros(len(self.halves.search), dtype=bool)
        sizes: _TABLES = {}
        chosen: list[Found] = []
        while len(chosen) < k:
            best = next((one for one in self._ranked(covered, sizes) if one.deviance >= 0 or not chosen), None)
            if best is None:
                break
            chosen.append(self._built(best))
            covered |= chosen[-1].rows
        return tuple(chosen)

    def count(self) -> int:
        """Single conditions that are large enough to be looked at."""
        sizes: _TABLES = {}
        return sum(int(self._sized((place,), sizes)[1].sum()) for place in range(len(self.attributes)))

    def _ranked(self, covered: NDArray[np.bool_], sizes: _TABLES) -> list[_Candidate]:
        """The best condition of each attribute and the best crossing of each two, by the rows that are not covered.

        A crossing pays for how many there are (Foster & George, Annals of Statistics 1994): by chance alone the best of so
        many would stand out by about twice the logarithm of their number.
        """
        rows = np.flatnonzero(self.halves.search & ~covered)
        sums = self.halves.sums[:, rows]
        left = _Left(rows, sums, sums.sum(axis=1))
        singles = [self._best((place,), left, sizes) for place in range(len(self.attributes))]
        ranked = sorted((one[0].loss, place) for place, one in enumerate(singles) if one is not None)
        beam = sorted(place for _, place in ranked[:BEAM])
        crossed = [self._best(pair, left, sizes) for pair in combinations(beam, 2)]
        return sorted([*_priced(singles), *_priced(crossed)])

    def _best(self, places: tuple[int, ...], left: _Left, sizes: _TABLES) -> tuple[_Candidate, int] | None:
        """The worst served condition (or crossing) of these attributes, and how many of them were large enough."""
        whole, large = self._sized(places, sizes)
        size = whole[..., 0]
        if len(left.rows) < self.halves.total[0]:
            large = large & (self.halves.score(whole, self.halves.total) >= 0)
        if not large.any():
            return None
        inside = self._tables(places, left.sums, left.rows)
        large = large & (inside[..., 0] >= FRESH * size) & (inside[..., self.halves.unit] >= self.least - _ROUNDING)
        if not large.any():
            return None
        score = self.halves.score(inside, left.total)
        at = int(np.lexsort((-size[large], -score[large]))[0])
        place = tuple(int(axis[at]) for axis in np.nonzero(large))
        return _Candidate(-float(score[place]), -float(size[place]), places, place, float(score[place])), int(large.sum())

    def _sized(self, places: tuple[int, ...], sizes: _TABLES) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Sums of the searched rows of every condition, and which conditions are large enough in both halves."""
        search, unit = self.halves.search, self.halves.unit
        if places not in sizes:
            sums = self.halves.sums
            known = np.vstack([np.where(search, 0.0, sums[unit]), np.where(search, sums, 0.0)])
            sizes[places] = self._tables(places, known, np.arange(len(search)))
        judged, searched = sizes[places][..., 0], sizes[places][..., 1:]
        inside = np.stack([judged, searched[..., unit]], axis=-1)
        rest = np.array([self.halves.sums[unit].sum() - self.halves.total[unit], self.halves.total[unit]]) - inside
        return searched, np.minimum(inside, rest).min(axis=-1) >= self.least - _ROUNDING

    def _tables(self, places: tuple[int, ...], sums: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(conditions of the first, conditions of the second, k) totals of the (k, n) sums of these rows."""
        chosen = [self.attributes[place] for place in places]
        cell = np.zeros(len(rows), dtype=np.int64)
        for one in chosen:
            cell = cell * one.bins + one.codes[rows]
        shape = tuple(one.bins for one in chosen)
        totals = [np.bincount(cell, one, minlength=int(np.prod(shape))) for one in sums]
        table = np.stack(totals, axis=-1).reshape(*shape, -1).astype(np.float64)
        for axis, one in enumerate(chosen):
            table = np.moveaxis(np.tensordot(one.matrix(), table, axes=(1, axis)), 0, axis)
        return table

    def _built(self, candidate: _Candidate) -> Found:
        name, rows = Slice(), np.ones(len(self.halves.search), dtype=bool)
        for place, condition in zip(candidate.places, candidate.conditions, strict=True):
            attribute = self.attributes[place]
            name = name.further(attribute.name, attribute.conditions[condition][0])
            rows &= attribute.mask(condition)
        return Found(name, rows)


def _priced(found: Sequence[tuple[_Candidate, int] | None]) -> Iterator[_Candidate]:
    there = [one for one in found if one is not None]
    price = 2 * float(np.log(max(1, sum(count for _, count in there))))
    for one, _ in there:
        yield replace(one, loss=one.loss + price)


def least_rows(halves: Halves, asked: int | None = None) -> int:
    """Rows that a slice has in each half at least; fewer than the interval of a difference of means asks for are refused."""
    small = SMALL if halves.flags else MeanDifference.least
    if asked is not None and not halves.flags and asked < small:
        msg = f"min_rows is {asked}: mean errors of fewer than {small} rows are too unsure to compare: "
        raise CannotMeasure(msg + f"set min_rows to {small} or more, or leave it out")
    return asked or max(small, int(np.ceil(SHARE * min(halves.search.sum(), (~halves.search).sum()))))
