"""Two samples in the space of a Gaussian kernel: how far their means lie apart, what chance makes of that, and a permutation test.

Where rows have contexts, the current sample is compared with the reference reweighted to the current mix of contexts, and rows change
places, and spread, within their context alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.errors import CannotMeasure
from audit.stats import MeanDiscrepancy

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    Table = NDArray[np.floating[Any]]

EXACT = 4000
"""Rows of both samples up to which values are kept in double precision and the median is that of all pairs of rows."""
_SOME = 2000
"""Rows, evenly spaced, whose pairs give the median where there are more."""
_LEAST = 2
_FAR = 1e3
"""Squared length of a row, in median squared distances, from which single precision would lose its distance to rows near it."""
_TILE = 512
_DENSE = 400
"""Rows of both samples up to which every eigenvalue is worked out."""
_BLOCK, _PASSES = 32, 2
"""Of the block Krylov iteration: vectors of a block, and products with the matrix before the last one."""
_ROUNDING = 1e-6


def gaussian(
    reference: NDArray[np.float64], current: NDArray[np.float64], contexts: NDArray[np.int64] | None = None, bandwidth: float | None = None
) -> Kernel:
    """exp(-d^2 / 2 s^2), with s^2 half the median squared distance between two rows (the median heuristic) where no bandwidth is given.

    `contexts`, (n + m,), are codes from 0 of the rows' contexts, the reference first; each needs two rows of both samples.
    """
    sizes = len(reference), len(current)
    if min(sizes) < _LEAST:
        msg = f"a discrepancy needs two rows a side, got {sizes[0]} and {sizes[1]}"
        raise CannotMeasure(msg)
    rows = np.vstack([reference, current])
    rows -= rows.mean(axis=0)  # near the origin the products below lose no digits
    length = np.einsum("ij,ij->i", rows, rows)
    squared = _median(rows, length) if bandwidth is None else 2 * bandwidth**2
    single = len(rows) > EXACT and float(length.max()) <= _FAR * squared
    table = _exponentials(rows / np.sqrt(squared), np.float32 if single else np.float64)
    return Kernel(table, sizes[0], float(np.sqrt(squared / 2)), np.zeros(len(rows), dtype=np.int64) if contexts is None else contexts)


def _median(rows: NDArray[np.float64], length: NDArray[np.float64]) -> float:
    """Median squared distance between two rows, of `_SOME` rows where there are more than `EXACT`; their mean where it is 0."""
    some = np.linspace(0, len(rows) - 1, len(rows) if len(rows) <= EXACT else _SOME).round().astype(int)
    squared = np.maximum(0.0, length[some, None] + length[some] - 2 * rows[some] @ rows[some].T)
    pairs = squared[np.tri(len(some), k=-1, dtype=bool)]
    median = float(np.median(pairs, overwrite_input=True)) or 2 * float(length.sum()) / (len(rows) - 1)  # most pairs may be equal
    if median <= 0:
        msg = "every row of both windows is the same: there is nothing to compare"
        raise CannotMeasure(msg)
    return median


def _exponentials(rows: NDArray[np.float64], kind: type[np.float32 | np.float64]) -> Table:
    """exp(-d^2) between all rows, tile by tile: one product of matrices gives the exponents."""
    length = np.einsum("ij,ij->i", rows, rows)[:, None]
    one, root = np.ones_like(length), np.sqrt(2) * rows
    left: Table = np.hstack([root, length, one]).astype(kind)
    right: Table = np.hstack([root, -one, -length]).astype(kind)
    table: Table = np.empty((len(rows), len(rows)), dtype=kind)
    for i in range(0, len(rows), _TILE):
        for j in range(i, len(rows), _TILE):
            tile = left[i : i + _TILE] @ right[j : j + _TILE].T
            np.exp(np.minimum(tile, 0, out=tile), out=tile)
            table[i : i + _TILE, j : j + _TILE] = tile
            table[j : j + _TILE, i : i + _TILE] = tile.T
    np.fill_diagonal(table, 1)
    return table


@dataclass(frozen=True, eq=False)
class Kernel:
    """The kernel's values among the rows of two samples, the reference first."""

    table: Table  # (n + m, n + m)
    reference: int
    bandwidth: float
    contexts: NDArray[np.int64]  # (n + m,)

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """(n + m,) of the difference of means: 1/m of current rows; of reference rows minus their context's current share over its rows."""
        before, now = self.contexts[: self.reference], self.contexts[self.reference :]
        rows = [np.bincount(side, minlength=int(self.contexts.max()) + 1) for side in (before, now)]
        return np.concatenate([-(rows[1] / len(now) / np.maximum(1, rows[0]))[before], np.full(len(now), 1 / len(now))])

    @cached_property
    def squared_distance(self) -> float:
        """Of the two empirical mean embeddings."""
        return max(0.0, float(self.squares(self.weights[:, None])[0]))

    def squares(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """(k,) squared norms of weighted sums of the embedded rows; weights are (n + m, k)."""
        found: NDArray[np.float64] = np.einsum("ij,ij->j", weights, self._product(weights))
        return found

    def squared(self) -> float:
        """Unbiased squared discrepancy; without contexts that of Gretton et al. (JMLR 2012, equation 3)."""
        return self.squared_distance - self._trace

    def estimate(self, rng: Generator) -> MeanDiscrepancy:
        """With what its interval needs."""
        moments, leading = self.error(rng)
        worth = int(1 / (self.weights[: self.reference] ** 2).sum() + _ROUNDING)
        current = len(self.table) - self.reference
        return MeanDiscrepancy(self.squared(), float(np.sqrt(self.squared_distance)), moments, leading, worth, current)

    def permuted(self, permutations: int, rng: Generator) -> NDArray[np.float64]:
        """(permutations,) squared distances where rows change sides at random, within their context alone."""
        weights = np.empty((len(self.table), permutations))
        for context in np.unique(self.contexts):
            rows = np.flatnonzero(self.contexts == context)
            weights[rows] = rng.permuted(np.tile(self.weights[rows, None], permutations), axis=0)
        return self.squares(weights)

    def error(self, rng: Generator) -> tuple[tuple[float, float, float], float]:
        """Of the difference of mean embeddings: sums of its covariance's eigenvalues, their squares and cubes, and its largest deviation.

        That is its standard deviation along the direction in which it is largest. The first two sums are exact. So is the third up to
        `_DENSE` rows; beyond, eigenvalues that are not worked out count as the smallest of those that are, which makes the error's tail
        heavier, never lighter.
        """
        first, second = self._trace, self._trace_of_square
        largest = self._largest(rng)
        rest = max(0.0, second - float((largest**2).sum())) if len(largest) < len(self.table) else 0.0
        third = float((largest**3).sum()) + rest * float(largest[-1])
        return (first, second, third), float(np.sqrt(largest[0]))

    @cached_property
    def _strata(self) -> NDArray[np.int64]:
        """(n + m,) one code for each sample and context that has rows."""
        codes = 2 * self.contexts + (np.arange(len(self.table)) >= self.reference)
        found: NDArray[np.int64] = np.unique(codes, return_inverse=True)[1]
        return found

    @cached_property
    def _scale(self) -> NDArray[np.float64]:
        """(n + m,) what a row, taken from its stratum's mean, adds to the error, with the variance unbiased."""
        size = np.bincount(self._strata)[self._strata]
        found: NDArray[np.float64] = np.abs(self.weights) * np.sqrt(size / (size - 1))
        return found

    @cached_property
    def _means(self) -> NDArray[np.float64]:
        """(n + m, strata) each row's mean kernel value with the rows of a stratum."""
        shares = np.eye(int(self._strata.max()) + 1)[self._strata]
        return self._product(shares / shares.sum(axis=0))

    @cached_property
    def _trace(self) -> float:
        """Of the covariance: the sum of its eigenvalues."""
        own = np.take_along_axis(self._means, self._strata[:, None], axis=1)[:, 0]
        return float(self._scale**2 @ (1 - own))

    @cached_property
    def _trace_of_square(self) -> float:
        """Sum of the squared entries of the table, centred within strata and scaled."""
        scale = self._scale**2
        parts = [(self.table[i : i + _TILE] ** 2) @ scale.astype(self.table.dtype) for i in range(0, len(self.table), _TILE)]
        rows = np.array([scale[self._strata == stratum].sum() for stratum in range(self._means.shape[1])])
        both = np.stack([self._means[self._strata == stratum].mean(axis=0) for stratum in range(len(rows))])
        of_rows = float(scale @ (self._means**2 @ rows))
        return max(0.0, float(scale @ np.concatenate(parts)) - 2 * of_rows + float(rows @ both**2 @ rows))

    def _covariance(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """(n + m, k) the covariance of the error times some vectors."""
        scaled = self._centred(self._scale[:, None] * vectors)
        return self._scale[:, None] * self._centred(self._product(scaled))

    def _centred(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        shares = np.eye(int(self._strata.max()) + 1)[self._strata]
        means: NDArray[np.float64] = (shares.T @ vectors) / shares.sum(axis=0)[:, None]
        return vectors - means[self._strata]

    def _product(self, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        return (self.table @ vectors.astype(self.table.dtype)).astype(np.float64)

    def _largest(self, rng: Generator) -> NDArray[np.float64]:
        """The largest eigenvalues of the covariance, descending: all of a small one, else by a block Krylov iteration.

        Musco & Musco, Randomized block Krylov methods, NeurIPS 2015.
        """
        n = len(self.table)
        if n <= _DENSE:
            return np.maximum(0.0, np.linalg.eigvalsh(self._covariance(np.eye(n)))[::-1])
        blocks = [np.linalg.qr(rng.normal(size=(n, _BLOCK)))[0]]
        for _ in range(_PASSES):
            blocks.append(np.linalg.qr(self._covariance(blocks[-1]))[0])
        basis = np.linalg.qr(np.hstack(blocks))[0]
        found = np.linalg.eigvalsh(basis.T @ self._covariance(basis))[::-1][:_BLOCK]
        return np.maximum(0.0, found)
