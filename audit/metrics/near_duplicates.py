"""Near duplicates: rows whose texts share most of their character shingles, found exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

SHINGLE = 5
"""Characters in a shingle (Broder, Compression and Complexity of Sequences 1997); a shorter text is filled up with spaces."""
_SHARED = 8
"""Rare shingles that two texts must share before they are compared in full: more means a longer index and fewer comparisons."""
_SLACK = 1e-9
_BLOCK = 4_000_000
"""Candidate pairs that are held in memory at once."""


def first_near(texts: Sequence[str], threshold: float, start: int = 0) -> NDArray[np.int64]:
    """(n,) for each text from `start` on, an earlier text whose Jaccard similarity reaches the threshold, else -1.

    With `start` above 0 only texts before `start` count as earlier. Exact: pairs are drawn from an inverted index over the
    rarest shingles of each text, enough of them that two texts at the threshold must share several (prefix filter of Bayardo,
    Ma & Srikant, WWW 2007, with longer prefixes as in Wang, Li & Feng, SIGMOD 2012); each pair is then compared in full.
    """
    sets = _incidence(texts)  # (n, shingles) 0/1, columns from rare to frequent
    size = np.diff(sets.indptr)
    least = np.minimum(_SHARED, np.ceil(threshold * size - _SLACK)).astype(np.int32)  # (n,) rare shingles that a twin must share
    index = _prefixes(sets, size - np.ceil(threshold * size - _SLACK).astype(np.int64) + least)
    found = np.full(len(texts), -1, dtype=np.int64)
    earlier = index[:start] if start else index
    for rows in _blocks(index, earlier, start):
        pairs = (index[rows] @ earlier.T).tocoo()
        later, first = pairs.row + rows.start, pairs.col
        possible = pairs.data >= np.minimum(least[later], least[first])
        small, large = np.minimum(size[first], size[later]), np.maximum(size[first], size[later])
        possible &= (first < (start or later)) & (small >= threshold * large - _SLACK)
        for part in np.array_split(np.flatnonzero(possible), 1 + int(possible.sum()) // 100_000):
            one, two = later[part], first[part]
            shared = np.asarray(sets[one].multiply(sets[two]).sum(axis=1)).ravel()
            near = shared >= threshold * (size[one] + size[two] - shared) - _SLACK
            found[one[near]] = two[near]
    return found


def _incidence(texts: Sequence[str]) -> csr_matrix:
    """Which text holds which shingle; columns in the order of how many texts hold them, rarest first."""
    from scipy.sparse import csr_matrix

    padded = [text.ljust(SHINGLE) for text in texts]
    length = np.array([len(text) for text in padded])
    points = np.frombuffer("".join(padded).encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    row = np.repeat(np.arange(len(texts)), length)
    inside = np.arange(len(points)) <= np.repeat(np.cumsum(length), length) - SHINGLE
    code = _windows(np.unique(points, return_inverse=True)[1])[inside[: len(points) - SHINGLE + 1]]
    pairs = np.unique(row[inside] * (int(code.max()) + 1) + code)
    row, code = np.divmod(pairs, int(code.max()) + 1)
    rank = np.empty(int(code.max()) + 1, dtype=np.int64)
    rank[np.argsort(np.bincount(code), kind="stable")] = np.arange(len(rank))
    matrix = csr_matrix((np.ones(len(row), dtype=np.int32), (row, rank[code])), shape=(len(texts), len(rank)))
    matrix.sort_indices()
    return matrix


def _windows(symbols: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n - SHINGLE + 1,) a number for each window, equal where the windows are."""
    base = int(symbols.max()) + 1
    code = symbols.astype(np.int64)
    for offset in range(1, SHINGLE):
        code = code[:-1] * base + symbols[offset:]
        code = np.unique(code, return_inverse=True)[1].astype(np.int64)
    return code


def _prefixes(sets: csr_matrix, keep: NDArray[np.int64]) -> csr_matrix:
    """Each text's rarest shingles, as many as `keep` says."""
    from scipy.sparse import csr_matrix

    size = np.diff(sets.indptr)
    place = np.arange(sets.nnz) - np.repeat(sets.indptr[:-1], size)
    kept = place < np.repeat(keep, size)
    row = np.repeat(np.arange(len(size)), size)
    return csr_matrix((sets.data[kept], (row[kept], sets.indices[kept])), shape=sets.shape)


def _blocks(index: csr_matrix, earlier: csr_matrix, start: int) -> Iterator[slice]:
    """Runs of rows whose candidates fit into memory together."""
    holders = np.bincount(earlier.indices, minlength=index.shape[1])
    work = np.add.reduceat(holders[index.indices], index.indptr[:-1])
    total = np.cumsum(work[start:])
    begin = start
    while begin < index.shape[0]:
        done = total[begin - start - 1] if begin > start else 0
        end = max(begin + 1, start + int(np.searchsorted(total, done + _BLOCK, side="right")))
        yield slice(begin, end)
        begin = end
