"""Maximum mean discrepancy with a Gaussian kernel, and the bootstrap of its error as one matrix product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

_LEAST = 2
_CHUNK = 1000
"""Resamples multiplied at once: bounds the memory."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """The kernel's values among the rows of two samples, the reference first."""

    table: NDArray[np.float64]  # (n + m, n + m)
    reference: int
    bandwidth: float

    @property
    def current(self) -> int:
        """Rows of the current sample."""
        return len(self.table) - self.reference

    def squared(self) -> float:
        """Unbiased squared discrepancy (Gretton et al., JMLR 2012, equation 3)."""
        n, m = self.reference, self.current
        within, other, across = self.table[:n, :n], self.table[n:, n:], self.table[:n, n:]
        return float(
            (within.sum() - np.trace(within)) / (n * (n - 1)) + (other.sum() - np.trace(other)) / (m * (m - 1)) - 2 * across.mean()
        )

    def distance(self) -> float:
        """Distance of the two empirical mean embeddings."""
        weight = np.repeat([1 / self.reference, -1 / self.current], [self.reference, self.current])
        return float(np.sqrt(max(0.0, weight @ self.table @ weight)))

    def leading_error(self) -> float:
        """Standard deviation of the error of the difference of mean embeddings along the direction in which it is largest."""
        from scipy.sparse.linalg import LinearOperator, eigsh

        parts = (slice(0, self.reference), slice(self.reference, None))
        weight = np.concatenate([np.full(n, 1 / np.sqrt(n * (n - 1))) for n in (self.reference, self.current)])

        def centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
            found = values.copy()
            for part in parts:
                found[part] -= found[part].mean()
            return found

        def spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
            found: NDArray[np.float64] = weight * centred(self.table @ centred(weight * values.ravel()))
            return found

        n = len(self.table)
        start = np.cos(np.arange(n, dtype=float))  # the same in every run, and not the direction that centring takes out
        largest = eigsh(LinearOperator((n, n), matvec=spread, dtype=float), k=1, v0=start, tol=1e-6, return_eigenvectors=False)
        return float(np.sqrt(max(0.0, float(largest[0]))))

    def error_norms(self, resamples: int, rng: Generator) -> NDArray[np.float64]:
        """(resamples,) sorted norms of the bootstrapped error of the difference of mean embeddings, each sample drawn by itself.

        The factor n / (n - 1) undoes the bootstrap's own underestimate of the variance.
        """
        parts = []
        for start in range(0, resamples, _CHUNK):
            size = min(_CHUNK, resamples - start)
            error = np.hstack([_error(k, size, rng) * sign for k, sign in ((self.reference, 1.0), (self.current, -1.0))])
            parts.append(np.einsum("ij,ij->i", error @ self.table, error))
        squares: NDArray[np.float64] = np.maximum(0.0, np.concatenate(parts))
        return np.sort(np.sqrt(squares))


def _error(n: int, size: int, rng: Generator) -> NDArray[np.float64]:
    """(size, n) weights of a resample's mean less those of the sample's."""
    drawn = rng.multinomial(n, np.full(n, 1 / n), size=size)
    return np.asarray((drawn - 1.0) / n * np.sqrt(n / (n - 1)), dtype=float)


def gaussian(reference: NDArray[np.float64], current: NDArray[np.float64]) -> Kernel:
    """exp(-d^2 / 2 s^2), with s^2 half the median squared distance between two rows (the median heuristic)."""
    if min(len(reference), len(current)) < _LEAST:
        msg = f"a discrepancy needs two rows a side, got {len(reference)} and {len(current)}"
        raise CannotMeasure(msg)
    rows = np.vstack([reference, current])
    rows = rows - rows.mean(axis=0)  # near the origin the product below loses no digits
    length = np.einsum("ij,ij->i", rows, rows)
    squared = np.maximum(0.0, length[:, None] + length[None, :] - 2 * rows @ rows.T)
    np.fill_diagonal(squared, 0.0)
    off = squared[np.triu_indices(len(rows), 1)]
    median = float(np.median(off)) or float(off.mean())  # more than half of the pairs may be equal
    if median <= 0:
        msg = "every row of both windows is the same: there is nothing to compare"
        raise CannotMeasure(msg)
    return Kernel(np.exp(-squared / median), len(reference), float(np.sqrt(median / 2)))
