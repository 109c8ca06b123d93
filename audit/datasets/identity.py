"""Rows known again: a test set in another file, by the digest of its rows, and copies of a row in its own file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.canonical_text import canonical, canonical_values
from audit.datasets.guessed_roles import identifies_rows
from audit.datasets.values import value_codes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from audit.datasets.column_store import ColumnStore
    from audit.datasets.table import Dataset


MOST_CELLS = 5_000_000
"""Cells of a set up to which its rows are written out for their digest, as ledgers know it; larger sets are hashed by number."""


def rows_sha256(data: Dataset, *, without: Collection[str] = ()) -> str:
    """SHA-256 of what the rows are, in whatever order they stand, without what a candidate says of them.

    A file that also holds saved predictions is another file for each candidate, and the same test set; so is one whose rows
    were shuffled. Rows are told apart by text and label, or by id and label, whatever these columns are called; where there
    is neither text nor id, by every column but those of predictions and scores. `without` names columns of other candidates.
    """
    if data.cells.profile is not None:
        said = {data.columns.prediction, data.columns.score, *_columns_of_scores(data), *without}
        return data.cells.profile.rows_sha256({column for column in said if column is not None})
    telling = _telling(data, without)
    digest = hashlib.sha256(json.dumps([data.rows, list(telling)]).encode())
    if data.rows * len(telling) > MOST_CELLS:
        for hashes in _row_hashes(data.cells, telling):
            hashes.sort()
            digest.update(hashes.astype("<u8", copy=False).data)
        return digest.hexdigest()
    columns = [canonical_values(data.cells.column(column).to_list()) for column in telling.values()]
    for row in sorted(json.dumps(cells) for cells in zip(*columns, strict=True)):
        digest.update(row.encode())
    return digest.hexdigest()


def cells_sha256(data: Dataset, *, without: Collection[str] = ()) -> str:
    """SHA-256 of hashes of the cells of all columns but those named, in whatever order rows and columns stand.

    Fractions count to seven digits: readers and writers of CSV differ in the last ones.
    """
    if data.cells.profile is not None:
        return data.cells.profile.rows_sha256(set(without))
    telling = {column: column for column in sorted(data.cells.names) if column not in without}
    digest = hashlib.sha256(json.dumps([data.rows, list(telling)]).encode())
    for hashes in _row_hashes(data.cells, telling, rounded=True):
        digest.update(np.sort(hashes).astype("<u8", copy=False).data)
    return digest.hexdigest()


def _telling(data: Dataset, without: Collection[str]) -> dict[str, str]:
    """Columns that tell rows apart, under names that do not change with the file."""
    roles = data.columns
    if roles.id is not None or roles.text is not None:
        named = {"id": roles.id} if roles.text is None else {"text": roles.text}
        named |= {"label": roles.label}
        return {role: column for role, column in named.items() if column is not None and column in data.cells.names}
    said = {roles.prediction, roles.score, *_columns_of_scores(data), *without}
    return {column: column for column in sorted(data.cells.names) if column not in said}


def _columns_of_scores(data: Dataset) -> Iterator[str]:
    yield from (column for role, column in data.columns.named().items() if role.startswith("scores"))


_LEAST = 20
"""Different values, and changes of the label along them, below which a column could be alike in other rows by chance."""
_FEWEST_COLUMNS = 16
"""Columns that are looked at in any case; further ones up to `MOST_CELLS`."""


def columns_sha256(data: Dataset) -> tuple[str, ...]:
    """One digest of each column that tells rows apart, together with the label, whatever the roles, names and order of all others are.

    Two sets that share one are the same rows: nobody gets a fresh test set by declaring other roles. Left out are columns of few
    values. Numbers that only count rows, and texts, which may do so too, need a label that changes along them.
    """
    if data.cells.profile is not None:
        return ()
    label = data.columns.label
    labels = None if label is None or label not in data.cells.names else _word_hashes(data.cells, label)
    names = sorted(data.cells.names)[: max(_FEWEST_COLUMNS, MOST_CELLS // max(data.rows, 1))]
    digests = [_column_sha256] if data.rows * len(names) <= MOST_CELLS else []
    if data.rows * _FEWEST_COLUMNS > MOST_CELLS:  # with further columns the set would be a large one: it must be known then too
        digests.append(_large_column_sha256)
    telling = [name for name in names if name != label and _tells(data.cells, name)]
    found = {digest(data.cells, name, labels) for name in telling for digest in digests}
    return tuple(sorted(digest for digest in found if digest is not None))


def _tells(store: ColumnStore, name: str) -> bool:
    """Whether a column has many different values."""
    needed = max(_LEAST, store.rows // 4)
    if store.dtype(name).kind in "Ob" and len(store.codes(name)[1]) < needed:  # known without a look at the cells
        return False
    values = store.column(name)
    if (
        len(values)
        and isinstance(values.dtype, np.dtype)
        and values.dtype.kind in "iu"
        and int(values.max()) - int(values.min()) + 1 < needed
    ):
        return False
    try:
        return values.nunique() >= needed
    except TypeError:  # lists, which cannot be counted
        return False


def _column_sha256(store: ColumnStore, name: str, labels: NDArray[np.uint64] | None) -> str | None:
    cells: NDArray[Any] | None = _numbers(store.column(name))
    counts_rows = cells is None or bool(np.all(np.diff(np.sort(cells)) == 1))
    if cells is None:
        cells = _word_hashes(store, name)
    else:
        with np.errstate(over="ignore"):
            cells = cells.astype(np.float32)  # readers differ in the last digits
    codes = np.zeros(len(cells), dtype=np.uint64) if labels is None else labels
    order = np.lexsort((codes, cells))
    if counts_rows and np.count_nonzero(codes[order][1:] != codes[order][:-1]) < _LEAST:
        return None
    return hashlib.sha256(cells[order].tobytes() + codes[order].tobytes()).hexdigest()


def _large_column_sha256(store: ColumnStore, name: str, labels: NDArray[np.uint64] | None) -> str | None:
    """The same of a set whose columns are too long to be sorted: two sums, modulo 2**64, of a mixed hash of each row's cell and label.

    A column that counts rows is put into their order by counting; one of texts is sorted, since nothing else tells how its labels change.
    """
    numbers = _numbers(store.column(name))
    if numbers is None:
        cells = _word_hashes(store, name)
    else:
        with np.errstate(over="ignore"):
            narrow = numbers.astype(np.float32)  # readers differ in the last digits
        narrow[np.isnan(narrow)] = np.nan
        cells = narrow.view(np.uint32).astype(np.uint64)
    codes = np.zeros(store.rows, dtype=np.uint64) if labels is None else labels
    order = np.lexsort((codes, cells)) if numbers is None else _counted(numbers)
    if order is not None and np.count_nonzero(codes[order][1:] != codes[order][:-1]) < _LEAST:
        return None
    sums = [
        sum(int(_mix(_mix(cells[part] ^ np.uint64(salt)) ^ codes[part]).sum()) for part in _parts_of(store.rows)) % 2**64 for salt in _SALTS
    ]
    return hashlib.sha256(json.dumps([store.rows, sums]).encode()).hexdigest()


def _counted(numbers: NDArray[np.float64]) -> NDArray[np.int64] | None:
    """The rows in the order of numbers of which each is one more than the one before; None where they are others."""
    if not len(numbers) or numbers.max() - numbers.min() + 1 != len(numbers):  # NaN is equal to nothing
        return None
    places = numbers - numbers.min()
    if not np.array_equal(places, np.floor(places)):
        return None
    order = np.full(len(numbers), -1)
    order[places.astype(np.int64)] = np.arange(len(numbers))
    return None if (order < 0).any() else order


def _parts_of(rows: int) -> Iterator[slice]:
    yield from (slice(start, start + _AT_ONCE) for start in range(0, rows, _AT_ONCE))


def _numbers(values: pd.Series[Any]) -> NDArray[np.float64] | None:
    """(n,) a column's numbers, also where a role had them read as text; None where some are none."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(values):
        return None
    numeric = pd.to_numeric(values, errors="coerce")
    if numeric.isna().sum() > values.isna().sum():
        return None
    found: NDArray[np.float64] = numeric.to_numpy(dtype=np.float64, na_value=np.nan) + 0.0  # no -0.0
    return found


def _word_hashes(store: ColumnStore, name: str) -> NDArray[np.uint64]:
    """(n,) eight bytes of the digest of each cell's text, which is the same in every format."""
    codes, distinct = store.codes(name)
    return np.array([_text_hashes(str(canonical(value)))[0] for value in (*distinct, None)], dtype=np.uint64)[codes]


def _text_hashes(text: str) -> tuple[int, int]:
    """Two numbers of 64 bits from the digest of a text."""
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8]), int.from_bytes(digest[8:16])


_AT_ONCE = 1 << 20
"""Rows that are hashed at once."""
_SALTS = _text_hashes("\0column of a large set")
_NO_CELL = _text_hashes("\0no cell")
_EXACT = float(2**53)
"""Whole numbers up to it are floats without loss."""


def _row_hashes(store: ColumnStore, telling: Mapping[str, str], *, rounded: bool = False) -> list[NDArray[np.uint64]]:
    """Two (n,) arrays of one number a row: the sum, modulo 2**64, of a hash of each cell and the name of its column.

    A cell is hashed as its canonical text, so that formats and types of numbers make no difference: the bits of a float stand for
    the text of that number, and eight bytes of SHA-256 for any other text.
    """
    found = [np.zeros(store.rows, dtype=np.uint64) for _ in range(2)]
    for name, column in telling.items():
        cells = _cell_hasher(store, column, rounded=rounded)
        for lane, (hashes, salt) in enumerate(zip(found, _text_hashes(f"column {name}"), strict=True)):
            for part in _parts_of(store.rows):
                hashes[part] += _mix(cells(part, lane) ^ np.uint64(salt))
    return found


def _exact_floats(values: pd.Series[Any]) -> NDArray[np.float64] | None:
    """(n,) a column's numbers, where its type says that it holds nothing else and each is exact as a float; else None."""
    if not isinstance(values.dtype, np.dtype) or values.dtype.kind not in "iuf":
        return None
    found = values.to_numpy()
    if found.dtype.kind in "iu" and found.size and (float(found.max()) > _EXACT or float(found.min()) < -_EXACT):
        return None
    return found.astype(np.float64, copy=False)


def _number_hashes(numbers: NDArray[np.float64], lane: int) -> NDArray[np.uint64]:
    hashes = (numbers + 0.0).view(np.uint64)  # no -0.0
    return np.where(np.isnan(numbers), np.uint64(_NO_CELL[lane]), hashes)


def _cell_hasher(store: ColumnStore, column: str, *, rounded: bool = False) -> Callable[[slice, int], NDArray[np.uint64]]:
    """What gives the hashes of some rows' cells, in one of two lanes. `rounded`: of fractions as short floats."""
    numbers = _exact_floats(store.column(column)) if store.dtype(column).kind in "iuf" else None
    if numbers is not None:
        if rounded and store.dtype(column).kind == "f":
            with np.errstate(over="ignore"):
                numbers = numbers.astype(np.float32).astype(np.float64)
        return lambda part, lane: _number_hashes(numbers[part], lane)
    codes, distinct = store.codes(column)
    hashes = [*map(_cell_hashes, distinct), _NO_CELL]
    tables = [np.array([pair[lane] for pair in hashes], dtype=np.uint64) for lane in range(2)]
    return lambda part, lane: tables[lane][codes[part]]


def _cell_hashes(value: object) -> tuple[int, int]:
    text = canonical(value)
    if text is None:
        return _NO_CELL
    try:
        number = float(text)
    except ValueError:
        return _text_hashes(text)
    if canonical(number) != text:  # such as 007, or a whole number beyond the exact ones
        return _text_hashes(text)
    bits = int(np.float64(number).view(np.uint64))
    return bits, bits


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea & Flood, Fast splittable pseudorandom number generators, OOPSLA 2014), in place."""
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        values ^= values >> np.uint64(shift)
        values *= np.uint64(factor)
    values ^= values >> np.uint64(31)
    return values


DOMINATE = 0.5
"""Share of a file's rows that its rows are worth, by Kish's measure, from which on downwards copies dominate it."""


@dataclass(frozen=True, slots=True, eq=False)
class Copies:
    """Rows by what they say."""

    codes: NDArray[np.int64]
    """(n,) the same number for copies of one row."""
    distinct: int
    most: int
    """Rows that are copies of the commonest one."""
    first: int
    """The first of these."""


def dominating_copies(data: Dataset) -> Copies | None:
    """Copies, where they dominate the file; None where they do not, or where nothing tells one case from another.

    Rows are copies where they agree in the text, or in every feature, and in label and prediction. Where rows that agree in the
    features differ in label or prediction, the features are too coarse to tell cases apart, and nothing is said.
    """
    answers = [column for column in (data.columns.label, data.columns.prediction) if column is not None]
    if data.columns.label is None or data.rows < 2:  # noqa: PLR2004  # one row has no copy
        return None
    codes, sizes = np.zeros(data.rows, dtype=np.int64), np.array([], dtype=np.int64)
    for column in _features(data):
        codes = _joined(codes, value_codes((data,), column))
        sizes = np.bincount(codes)
        if data.rows / float(sizes @ sizes) * data.rows > DOMINATE * data.rows:
            return None
    if not sizes.size:
        return None
    both = reduce(_joined, (value_codes((data,), column) for column in answers), codes)
    if both.max() > codes.max():
        return None
    common = int(sizes.argmax())
    return Copies(codes, len(sizes), int(sizes[common]), int(np.flatnonzero(codes == common)[0]))


def copies_remark(data: Dataset) -> tuple[str, ...]:
    """That copies dominate a data set, where they do and no column says which rows belong together."""
    found = data.copies if data.columns.group is None else None
    if found is None:
        return ()
    different = f"{found.distinct:,} different one{'s' if found.distinct > 1 else ''}"
    text = f"{data.rows:,} rows hold {different} (row {data.shown(found.first)} is there {found.most:,} times): copies count as one"
    return (f"{text} observation in every interval. Leave them out, or name what tells the cases apart.",)


def _features(data: Dataset) -> Iterator[str]:
    """What tells one case from another: the text, else the features but for identifiers and groups; numbers with fractions first."""
    if data.columns.text is not None:
        yield data.columns.text
        return
    names = [name for name in data.feature_names() if name in data.cells.names and name not in data.columns.sensitive]
    for name in sorted(names, key=lambda name: data.cells.dtype(name).kind != "f"):
        if not identifies_rows((data,), name):
            yield name


def _joined(codes: NDArray[np.int64], more: NDArray[np.int64]) -> NDArray[np.int64]:
    joined: NDArray[np.int64] = np.unique(codes * (int(more.max()) + 1) + more, return_inverse=True)[1].astype(np.int64)
    return joined
