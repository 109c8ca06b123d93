"""Squared maximum mean discrepancy: the distance between two windows as wholes.

Purpose      Show whether texts, or whole rows of a table, come from another distribution than the reference window's, in any
             way that the kernel sees: topics, wording, features and how they go together.
Risk         High: the model answers for cases unlike those it was tested on, and its measured quality no longer speaks for them.
Limitations  Tells that something moved, not what: drift/ks and drift/psi name features. Texts are compared as the candidate's
             encoder sees them, so a change that it is blind to is not found. Change is not harm. At most `max_rows` rows a side.
Reference    Gretton et al., A kernel two-sample test, JMLR 2012. Gaussian kernel, median heuristic.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.checks.drift import _alibi, _drawn, drift_check
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Evidence, Member
from audit.metrics import windows
from audit.stats import MeanDiscrepancy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.check import Need
    from audit.checks.drift._drawn import Matrices
    from audit.datasets import Columns
    from audit.evidence import Unmeasured
    from audit.subject import Subject

_LEAST = 2
_CHUNK = 1000
"""Resamples multiplied at once: bounds the memory."""


class MmdParams(Params):
    """What is compared, on how many rows, by which part."""

    columns: tuple[str, ...] | None = None
    """Columns of a table; for texts the text as a whole is compared where absent."""
    max_rows: Annotated[int, Field(ge=50, le=10_000)] = 2000
    """Rows of each window, drawn at random where there are more."""
    resamples: Annotated[int, Field(ge=1000, le=100_000)] = 4000
    """Bootstrap draws of the error."""
    backend: _alibi.Backend = "audit"
    """Whose code measures; alibi-detect comes with the extra `drift`, and its licence limits production use."""


def measure(subject: Subject, params: MmdParams, rng: Generator) -> Evidence:
    """The unbiased estimate, with an interval of our own bootstrap whichever part measured it."""
    reference, current = windows.pair(subject)
    drawn = [_drawn.rows(subject, data, params.max_rows, rng) for data in (reference, current)]
    (before, now), unmeasured = _matrices(subject, params, drawn)
    seen = gaussian(before, now)
    squared, notes = seen.squared(), [f"Gaussian kernel, bandwidth {seen.bandwidth:.4g} (median heuristic)."]
    if params.backend == "alibi-detect":
        squared, p = _alibi.squared_discrepancy(before, now, seen.bandwidth, rng)
        notes += [_alibi.licence(), f"Its test of {_alibi.PERMUTATIONS} permutations gives p = {p:.3g}; the interval is ours."]
    norms = tuple(float(norm) for norm in seen.error_norms(params.resamples, rng))
    members = (Member(OVERALL, MeanDiscrepancy(squared, seen.distance(), norms, len(before), len(now), seen.leading_error())),)
    return Evidence(
        members=members,
        unit="squared MMD",
        rows=len(before) + len(now),
        unmeasured=unmeasured,
        notes=(*windows.change_notes(members), *notes, *_drawn.notes(drawn, (reference, current))),
        backend=_alibi.name(params.backend),
    )


def _matrices(subject: Subject, params: MmdParams, drawn: Sequence[NDArray[np.int64]]) -> tuple[Matrices, tuple[Unmeasured, ...]]:
    """The drawn rows as vectors: the candidate's embedding of the text, else the encoded columns; and columns that cannot be used."""
    if params.columns is None and subject.data.columns.text is not None:
        return _drawn.embeddings(subject, drawn), ()
    return _drawn.matrices(subject, params.columns, drawn)


def _also_needs(columns: Columns, params: MmdParams) -> frozenset[Need]:
    """An encoder, where texts are compared."""
    return frozenset({"embeddings"} if columns.text is not None and params.columns is None else ())


def _sampled(subject: Subject, params: MmdParams) -> int:
    """Rows of both windows after drawing."""
    return _drawn.sampled(subject, params.max_rows)


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
    off = np.concatenate([line[place + 1 :] for place, line in enumerate(squared)])
    median = float(np.median(off, overwrite_input=True)) or float(off.mean())  # more than half of the pairs may be equal
    if median <= 0:
        msg = "every row of both windows is the same: there is nothing to compare"
        raise CannotMeasure(msg)
    squared /= -median
    return Kernel(np.exp(squared, out=squared), len(reference), float(np.sqrt(median / 2)))


CHECK = drift_check(
    measure=measure,
    question="Do today's cases still look like those of the test set?",
    remedy="Find what moved with drift/psi and drift/ks; label a sample of the new window, test on it, and fine-tune again if it fails.",
    unit="squared MMD",
    also_needs=_also_needs,
    params=MmdParams,
    highest=2.0,
    expected_rows=_sampled,
)
