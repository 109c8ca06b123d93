"""The search for slices of many errors: conditions and their crossings, best first, each among the rows that no earlier slice explains.

Sequential covering over a lattice of conditions, after SliceFinder (Chung et al., ICDE 2019) and SliceLine (Sagadeeva & Boehm,
SIGMOD 2021); the least size of a slice is SliceLine's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure
from audit.evidence import Slice
from audit.stats import MeanDifference

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from audit.checks.fairness._slice_discovery.attributes import Attribute
    from audit.checks.fairness._slice_discovery.holdout import Halves

BEAM = 40
"""Attributes that are crossed: those with the condition that is most often wrong."""
FRESH = 0.5
"""Share of a slice's searched rows that no earlier slice may hold: less is the same slice again."""
SMALL, SHARE = 32, 0.01
"""A slice has at least so many rows, and this share, of each half; so has the rest. Mean errors need as many as their interval does."""

TRIES = 4
"""Conditions of an attribute, or of a crossing, that are tried at a time where the worst ones have too few entities."""


@dataclass(frozen=True, slots=True, eq=False)
class ProposedSlice:
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
class _Sizes:
    """How large the conditions of an attribute or a crossing are."""

    searched: NDArray[np.float64]
    """(conditions, ..., k) sums of the searched rows."""
    enough: NDArray[np.bool_]
    """(conditions, ...) whether they may be large enough in both halves; where rows belong to entities, their own count decides."""


@dataclass(frozen=True, slots=True, eq=False)
class _Memory:
    """What is known from earlier rounds."""

    sizes: dict[tuple[int, ...], _Sizes] = field(default_factory=dict)
    small: dict[tuple[int, ...], set[tuple[int, ...]]] = field(default_factory=dict)
    """Conditions that have too few entities."""


@dataclass(frozen=True, slots=True, eq=False)
class _Uncovered:
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
    clusters: NDArray[np.int64] | None = None

    def propose(self, k: int) -> tuple[ProposedSlice, ...]:
        """At most k slices, worst served first; which they are depends on the labels of the searched half alone.

        Slices that are served better than the rest, whether or not earlier slices count, are no weak ones; one of them stands in
        where there is no other.
        """
        covered, seen = np.zeros(len(self.halves.search), dtype=bool), _Memory()
        chosen: list[ProposedSlice] = []
        while len(chosen) < k:
            one = self._next(covered, seen, any_at_all=not chosen)
            if one is None:
                break
            chosen.append(one)
            covered |= one.rows
        return tuple(chosen)

    def count(self) -> int:
        """Single conditions that are large enough to be looked at."""
        return sum(int(self._sized((place,), _Memory()).enough.sum()) for place in range(len(self.attributes)))

    def _next(self, covered: NDArray[np.bool_], seen: _Memory, *, any_at_all: bool) -> ProposedSlice | None:
        """The worst served slice among the rows that are not covered; `any_at_all` takes one that is served better too."""
        rows = np.flatnonzero(self.halves.search & ~covered)
        sums = self.halves.sums[:, rows]
        left = _Uncovered(rows, sums, sums.sum(axis=1))
        ranked = self._ranked(left, seen)
        tried: Counter[tuple[int, ...]] = Counter()
        while ranked:
            best = heappop(ranked)
            if best.deviance < 0 and not any_at_all:
                continue
            built = self._built(best)
            if self._large(built.rows, covered):
                return built
            seen.small.setdefault(best.places, set()).add(best.conditions)
            tried[best.places] += 1
            again = self._best(best.places, left, seen) if tried[best.places] < TRIES else None
            if again is not None:
                heappush(ranked, replace(again[0], loss=again[0].loss + best.loss + best.deviance))
        return None

    def _ranked(self, left: _Uncovered, seen: _Memory) -> list[_Candidate]:
        """The best condition of each attribute and the best crossing of each two, as a heap.

        A crossing pays for how many there are (Foster & George, Annals of Statistics 1994): by chance alone the best of so
        many would stand out by about twice the logarithm of their number.
        """
        singles = [self._best((place,), left, seen) for place in range(len(self.attributes))]
        ranked = sorted((one[0].loss, place) for place, one in enumerate(singles) if one is not None)
        beam = sorted(place for _, place in ranked[:BEAM])
        crossed = [self._best(pair, left, seen) for pair in combinations(beam, 2)]
        return sorted([*_priced(singles), *_priced(crossed)])

    def _best(self, places: tuple[int, ...], left: _Uncovered, seen: _Memory) -> tuple[_Candidate, int] | None:
        """The worst served condition (or crossing) of these attributes, and how many of them were large enough."""
        sizes = self._sized(places, seen)
        size, large = sizes.searched[..., 0], sizes.enough.copy()
        for small in seen.small.get(places, ()):
            large[small] = False
        if len(left.rows) < self.halves.total[0]:
            large &= self.halves.score(sizes.searched, self.halves.total) >= 0
        if not large.any():
            return None
        inside = self._tables(places, left.sums, left.rows)
        large &= inside[..., 0] >= np.maximum(FRESH * size, self.least)
        if not large.any():
            return None
        score = self.halves.score(inside, left.total)
        at = int(np.lexsort((-size[large], -score[large]))[0])
        place = tuple(int(axis[at]) for axis in np.nonzero(large))
        return _Candidate(-float(score[place]), -float(size[place]), places, place, float(score[place])), int(large.sum())

    def _sized(self, places: tuple[int, ...], seen: _Memory) -> _Sizes:
        """An entity counts once in every cell that it has a row in, which is as often as a condition holds it, or more often."""
        if places not in seen.sizes:
            search, counted = self.halves.search, self._counted(places)
            known = np.vstack([np.where(search, 0.0, counted), np.where(search, counted, 0.0), np.where(search, self.halves.sums, 0.0)])
            found = self._tables(places, known, np.arange(len(search)))
            inside = found[..., :2]
            rest = known[:2].sum(axis=1) - inside
            seen.sizes[places] = _Sizes(found[..., 2:], np.minimum(inside, rest).min(axis=-1) >= self.least)
        return seen.sizes[places]

    def _counted(self, places: tuple[int, ...]) -> NDArray[np.float64]:
        """(n,) 1 for each row, or for the first of its entity's rows in each cell."""
        n = len(self.halves.search)
        if self.clusters is None:
            return np.ones(n)
        cell, cells = self._cells(places, np.arange(n))
        counted = np.zeros(n)
        counted[np.unique(self.clusters * cells + cell, return_index=True)[1]] = 1
        return counted

    def _cells(self, places: tuple[int, ...], rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
        """(rows,) which combination of bins each row is in, and how many combinations there are."""
        cell, cells = np.zeros(len(rows), dtype=np.int64), 1
        for one in (self.attributes[place] for place in places):
            cell, cells = cell * one.bins + one.codes[rows], cells * one.bins
        return cell, cells

    def _tables(self, places: tuple[int, ...], sums: NDArray[np.float64], rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """(conditions of the first, conditions of the second, k) totals of the (k, n) sums of these rows."""
        chosen = [self.attributes[place] for place in places]
        cell, cells = self._cells(places, rows)
        totals = [np.bincount(cell, one, minlength=cells) for one in sums]
        table = np.stack(totals, axis=-1).reshape(*(one.bins for one in chosen), -1).astype(np.float64)
        for axis, one in enumerate(chosen):
            table = np.moveaxis(np.tensordot(one.matrix(), table, axes=(1, axis)), 0, axis)
        return table

    def _built(self, candidate: _Candidate) -> ProposedSlice:
        name, rows = Slice(), np.ones(len(self.halves.search), dtype=bool)
        for place, condition in zip(candidate.places, candidate.conditions, strict=True):
            attribute = self.attributes[place]
            name = name.further(attribute.name, attribute.conditions[condition][0])
            rows &= attribute.mask(condition)
        return ProposedSlice(name, rows)

    def _large(self, rows: NDArray[np.bool_], covered: NDArray[np.bool_]) -> bool:
        """Whether there are entities enough too, where rows belong to entities."""
        if self.clusters is None:
            return True
        search = self.halves.search
        parts = (rows & search & ~covered, rows & ~search, ~rows & search, ~rows & ~search)
        return all(len(np.unique(self.clusters[part])) >= self.least for part in parts)


def _priced(found: Sequence[tuple[_Candidate, int] | None]) -> Iterator[_Candidate]:
    there = [one for one in found if one is not None]
    price = 2 * float(np.log(max(1, sum(count for _, count in there))))
    for one, _ in there:
        yield replace(one, loss=one.loss + price)


def least_rows(halves: Halves, asked: int | None = None) -> int:
    """Rows that a slice has in each half at least; fewer than the interval of a difference of means asks for are refused."""
    small = SMALL if halves.flags else MeanDifference.min_support
    if asked is not None and not halves.flags and asked < small:
        msg = f"min_rows is {asked}: mean errors of fewer than {small} rows are too unsure to compare: "
        raise CannotMeasure(msg + f"set min_rows to {small} or more, or leave it out")
    return asked or max(small, int(np.ceil(SHARE * min(halves.search.sum(), (~halves.search).sum()))))
