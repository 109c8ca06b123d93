"""Rows of one data set that stand in another, or earlier in their own, by the values that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets.kinds import to_numbers
from audit.errors import CannotMeasure
from audit.metrics.rows import comparison, normalise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    from audit.datasets import Dataset
    from audit.metrics.rows import Comparison

_BEYOND = 2.0
"""How many times as many pairs of rows must agree as chance would give, before a column in which none agree is left out."""
_QUANTITIES = frozenset({"number", "day", "time", "duration"})
SHINGLE = 5
"""Characters in a shingle (Broder, Compression and Complexity of Sequences 1997); a shorter text is filled up with spaces."""
_SHARED = 8
"""Rare shingles that two texts must share before they are compared in full: more means a longer index and fewer comparisons."""
_SLACK = 1e-9
_BLOCK = 4_000_000
"""Candidate pairs that are held in memory at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Where the rows of one data set stand in another."""

    place: NDArray[np.int64]
    """(n,) row of the other data set, -1 where there is none."""
    columns: tuple[str, ...]
    """What rows were compared by."""
    beyond_chance: bool
    """Whether more pairs of rows agree than rows with these values would by chance."""
    notes: tuple[str, ...]
    """Sentences on the columns that were left out, and on rows that were not compared."""

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows that stand in the other data set too."""
        return np.flatnonzero(self.place >= 0)


def repeats(compared: Comparison) -> NDArray[np.int64]:
    """(n,) the first row of the data set that says the same as an earlier one, -1 where a row is the first or says nothing."""
    (key,) = compared.keys(compared.columns)
    rows = np.arange(len(key))
    first = np.empty(int(key.max(initial=0)) + 2, dtype=np.int64)  # the last one is for -1
    first[key[::-1]] = rows[::-1]  # of rows with one key the earliest is written last
    return np.where((key >= 0) & (first[key] < rows), first[key], -1)


def matches(data: Dataset, other: Dataset, named: Sequence[str] | None = None) -> Matches:
    """Rows of `data` that stand in `other`, by the columns of `comparison`.

    A column in which no row can agree (it shares no value, or differs in every row) may number the rows or say which file they
    are in. It is left out where the other columns agree far more often than chance explains.
    """
    tables = (data, other)
    compared = comparison(tables, named)
    notes = (*compared.left_out, *blank_notes(compared, tables))
    separate = tuple(name for name in compared.columns if _shares_nothing(compared, name))
    distinct = tuple(name for name in compared.columns if name not in separate and compared.differs_in_every_row(name))
    measured = frozenset(name for name in (*separate, *distinct) if _tells_rows_apart(compared, name, tables))
    for without in dict.fromkeys(((), separate, (*separate, *distinct))) if named is None else ((),):
        kept = tuple(name for name in compared.columns if name not in without)
        keys = compared.keys(kept)
        if kept and len(measured.intersection(without)) <= 1 and _beyond_chance(*keys):
            return Matches(_places(*keys), kept, beyond_chance=True, notes=(*notes, *_left_out_notes(without, separate)))
    unlike = tuple(name for name in separate if name not in measured)
    kept = tuple(name for name in compared.columns if name not in unlike)
    place = _places(*compared.keys(kept))
    varied = [name for name in unlike if any(len(np.unique(codes)) > 1 for codes in compared.of(name))]  # else it names the file
    if not kept or (varied and measured.isdisjoint(separate) and (place >= 0).any()):
        raise CannotMeasure(_no_common_column(tables, unlike, kept))
    apart = [name for name in separate if name in measured]
    if apart:
        notes += (f"{', '.join(apart)}: no value stands in both data sets. A column that numbers the rows belongs under columns.id.",)
    return Matches(place, kept, beyond_chance=False, notes=(*notes, *_left_out_notes(unlike, separate)))


def near_places(tables: Sequence[Dataset], threshold: float) -> NDArray[np.int64]:
    """(n,) for each text of the last data set one of the first, or an earlier one of the only data set, that is nearly the same, else -1.

    Blank texts are like no other.
    """
    for data in tables:
        if data.columns.text is None:
            msg = f"{data.role}: `near` compares texts, and no column is named under columns.text: leave `near` out"
            raise CannotMeasure(msg)
    texts = [normalise(text) for data in tables for text in data.texts()]
    start = sum(data.rows for data in tables[:-1])
    found = first_near(texts, threshold, start=start)
    found[np.array([not text for text in texts], dtype=bool)] = -1
    return found[start:]


def _places(key: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    known, place = np.unique(other, return_index=True)
    at = np.minimum(np.searchsorted(known, key), len(known) - 1)
    return np.where((key >= 0) & (known[at] == key), place[at], -1)


def _shares_nothing(compared: Comparison, name: str) -> bool:
    one, other = (np.unique(codes[codes > 0]) for codes in compared.of(name))
    return name != compared.text and not len(np.intersect1d(one, other, assume_unique=True))


def _tells_rows_apart(compared: Comparison, name: str, tables: Sequence[Dataset]) -> bool:
    """Whether it says that no row is the same where no value of a column is: of a text, and of numbers or times of one range."""
    if not all(data.kind(name).name in _QUANTITIES for data in tables):
        return name == compared.text or compared.differs_in_every_row(name)
    one, other = (to_numbers(data.cells.column(name)) for data in tables)
    return bool(np.nanmin(one) <= np.nanmax(other) and np.nanmin(other) <= np.nanmax(one))


def _beyond_chance(key: NDArray[np.int64], other: NDArray[np.int64]) -> bool:
    """Whether more pairs of rows agree across the data sets than within them.

    By Cauchy and Schwarz two unrelated rows agree across at most as often as the root of how often they agree within each. Counts
    within are taken at an upper limit of their Poisson noise.
    """
    sizes = max(int(key.max(initial=0)), int(other.max(initial=0))) + 1
    counts = [np.bincount(one[one >= 0], minlength=sizes).astype(float) for one in (key, other)]
    rows = [one.sum() for one in counts]
    if min(rows) < 2:  # noqa: PLR2004  # a pair
        return False
    rates = []
    for one, n in zip(counts, rows, strict=True):
        pairs = float((one * (one - 1)).sum() / 2)
        rates.append(min(1.0, (pairs + 2 * np.sqrt(pairs) + 3) / (n * (n - 1) / 2)))
    expected = rows[0] * rows[1] * np.sqrt(rates[0] * rates[1])
    return bool(float(counts[0] @ counts[1]) > _BEYOND * expected)


def blank_notes(compared: Comparison, tables: Sequence[Dataset]) -> Iterator[str]:
    """Sentences on rows that have nothing to compare."""
    if compared.text is None:  # only texts can be blank and nothing else
        return
    for key, data in zip(compared.keys(compared.columns), tables, strict=True):
        if (key < 0).any():
            yield f"{int((key < 0).sum()):,} rows of {data.role} have no text: they are the same as no other row."


def _left_out_notes(names: Sequence[str], separate: Sequence[str]) -> Iterator[str]:
    for name in names:
        why = "shares no value between the two data sets" if name in separate else "differs in every row"
        yield f"{name} is left out: it {why}, so that no row could be found by it."


def _no_common_column(tables: Sequence[Dataset], unlike: Sequence[str], kept: Sequence[str]) -> str:
    """Why nothing is left that tells rows apart, and what to do."""
    rest = f"and {', '.join(kept)} cannot tell rows apart" if kept else "and nothing else is there to compare"
    msg = f"{' and '.join(data.role for data in tables)} share no value of {', '.join(unlike)}, {rest}: "
    return msg + "write these columns alike in both files, or name the columns to compare under `columns`"


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
