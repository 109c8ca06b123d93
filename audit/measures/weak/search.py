"""The search for slices of many errors: conditions and their crossings, best first, each among the rows that no earlier slice explains.

Sequential covering over a lattice of conditions, after SliceFinder (Chung et al., ICDE 2019) and SliceLine (Sagadeeva & Boehm,
SIGMOD 2021); the least size of a slice is SliceLine's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from audit.evidence import Slice
from audit.measures.weak.halves import signed_deviance

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
"""A slice has at least so many rows, and this share, of each half; so has the rest."""

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
class Search:
    """What is searched, and how small a slice may be."""

    attributes: Sequence[Attribute]
    halves: Halves
    least: int
    """Rows, or entities, that a slice and its rest have in each half."""
    clusters: NDArray[np.int64] | None = None

    def found(self, k: int) -> tuple[Found, ...]:
        """At most k slices, worst served first; which they are depends on the labels of the searched half alone.

        Slices that are served better than the rest, whether or not earlier slices count, are no weak ones; one of them stands in
        where there is no other.
        """
        covered = np.zeros(len(self.halves.search), dtype=bool)
        sizes: _TABLES = {}
        chosen: list[Found] = []
        while len(chosen) < k:
            weak = (one for one in self._ranked(covered, sizes) if one.deviance >= 0 or not chosen)
            one = next((new for new in map(self._built, weak) if self._large(new.rows, covered)), None)
            if one is None:
                break
            chosen.append(one)
            covered |= one.rows
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
        left = np.flatnonzero(self.halves.search & ~covered)
        singles = [self._best((place,), left, sizes) for place in range(len(self.attributes))]
        ranked = sorted((one[0].loss, place) for place, one in enumerate(singles) if one is not None)
        beam = sorted(place for _, place in ranked[:BEAM])
        crossed = [self._best(pair, left, sizes) for pair in combinations(beam, 2)]
        return sorted([*_priced(singles), *_priced(crossed)])

    def _best(self, places: tuple[int, ...], left: NDArray[np.int64], sizes: _TABLES) -> tuple[_Candidate, int] | None:
        """The worst served condition (or crossing) of these attributes, and how many of them were large enough."""
        size, large = self._sized(places, sizes)
        if len(left) < self.halves.search.sum():
            large = large & (signed_deviance(sizes[places][..., 2], size, *self._overall()) >= 0)
        if not large.any():
            return None
        wrong, rows = self._tables(places, self.halves.wrong[left].astype(np.int64), left, 2)[..., 1], len(left)
        there = self._tables(places, np.zeros(rows, dtype=np.int64), left, 1)[..., 0]
        large = large & (there >= np.maximum(FRESH * size, self.least))
        if not large.any():
            return None
        score = signed_deviance(wrong, there, float(self.halves.wrong[left].sum()), float(rows))
        at = int(np.lexsort((-size[large], -score[large]))[0])
        place = tuple(int(axis[at]) for axis in np.nonzero(large))
        return _Candidate(-float(score[place]), -float(size[place]), places, place, float(score[place])), int(large.sum())

    def _sized(self, places: tuple[int, ...], sizes: _TABLES) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Searched rows of every condition, and which of them are large enough in both halves."""
        search = self.halves.search
        if places not in sizes:
            sizes[places] = self._tables(places, np.where(search, 1 + self.halves.wrong, 0), np.arange(len(search)), 3)
        inside = np.stack([sizes[places][..., 0], sizes[places][..., 1:].sum(axis=-1)], axis=-1)
        rest = np.array([np.sum(~search), np.sum(search)]) - inside
        return inside[..., 1], np.minimum(inside, rest).min(axis=-1) >= self.least

    def _overall(self) -> tuple[float, float]:
        """Searched rows that are answered wrong, and all of them."""
        search = self.halves.search
        return float(self.halves.wrong[search].sum()), float(search.sum())

    def _tables(self, places: tuple[int, ...], state: NDArray[np.int64], rows: NDArray[np.int64], states: int) -> NDArray[np.float64]:
        """(conditions of the first, conditions of the second, states) rows in each state."""
        chosen = [self.attributes[place] for place in places]
        cell = np.zeros(len(rows), dtype=np.int64)
        for one in chosen:
            cell = cell * one.bins + one.codes[rows]
        shape = (*(one.bins for one in chosen), states)
        table = np.bincount(cell * states + state, minlength=int(np.prod(shape))).reshape(shape).astype(float)
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


def least_rows(halves: Halves) -> int:
    """Rows that a slice has in each half at least."""
    return max(SMALL, int(np.ceil(SHARE * min(halves.search.sum(), (~halves.search).sum()))))
