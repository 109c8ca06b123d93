"""Rows of one data set that stand in another, or earlier in their own, by the values that they share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets.kinds import to_numbers
from audit.errors import CannotMeasure
from audit.metrics import near_duplicates
from audit.metrics.rows import comparison, normalise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.metrics.rows import Comparison

_BEYOND = 2.0
"""How many times as many pairs of rows must agree as chance would give, before a column in which none agree is left out."""
_QUANTITIES = frozenset({"number", "day", "time", "duration"})


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
    _, first, of_row = np.unique(key, return_index=True, return_inverse=True)
    return np.where((key >= 0) & (first[of_row] < np.arange(len(key))), first[of_row], -1)


def matches(data: Dataset, other: Dataset, named: Sequence[str] | None = None) -> Matches:
    """Rows of `data` that stand in `other`, by the columns of `comparison`.

    A column in which no row can agree (it shares no value, or differs in every row) may number the rows or say which file they
    are in. It is left out where the other columns agree far more often than chance explains.
    """
    tables = (data, other)
    compared = comparison(tables, named)
    notes = (*compared.left_out, *blank(compared, tables))
    separate = tuple(name for name in compared.columns if _shares_nothing(compared, name))
    distinct = tuple(name for name in compared.columns if name not in separate and compared.differs_in_every_row(name))
    measured = frozenset(name for name in (*separate, *distinct) if _tells_rows_apart(compared, name, tables))
    for without in dict.fromkeys(((), separate, (*separate, *distinct))) if named is None else ((),):
        kept = tuple(name for name in compared.columns if name not in without)
        keys = compared.keys(kept)
        if kept and len(measured.intersection(without)) <= 1 and _beyond_chance(*keys):
            return Matches(_places(*keys), kept, beyond_chance=True, notes=(*notes, *_left_out(without, separate)))
    unlike = tuple(name for name in separate if name not in measured)
    kept = tuple(name for name in compared.columns if name not in unlike)
    place = _places(*compared.keys(kept))
    varied = [name for name in unlike if any(len(np.unique(codes)) > 1 for codes in compared.of(name))]  # else it names the file
    if not kept or (varied and measured.isdisjoint(separate) and (place >= 0).any()):
        raise CannotMeasure(_untold(tables, unlike, kept))
    apart = [name for name in separate if name in measured]
    if apart:
        notes += (f"{', '.join(apart)}: no value stands in both data sets. A column that numbers the rows belongs under columns.id.",)
    return Matches(place, kept, beyond_chance=False, notes=(*notes, *_left_out(unlike, separate)))


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
    found = near_duplicates.first_near(texts, threshold, start=start)
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
    one, other = (to_numbers(data.frame[name]) for data in tables)
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


def blank(compared: Comparison, tables: Sequence[Dataset]) -> Iterator[str]:
    """Sentences on rows that have nothing to compare."""
    for key, data in zip(compared.keys(compared.columns), tables, strict=True):
        if (key < 0).any():
            yield f"{int((key < 0).sum()):,} rows of {data.role} have no text: they are the same as no other row."


def _left_out(names: Sequence[str], separate: Sequence[str]) -> Iterator[str]:
    for name in names:
        why = "shares no value between the two data sets" if name in separate else "differs in every row"
        yield f"{name} is left out: it {why}, so that no row could be found by it."


def _untold(tables: Sequence[Dataset], unlike: Sequence[str], kept: Sequence[str]) -> str:
    """Why nothing is left that tells rows apart, and what to do."""
    rest = f"and {', '.join(kept)} cannot tell rows apart" if kept else "and nothing else is there to compare"
    msg = f"{' and '.join(data.role for data in tables)} share no value of {', '.join(unlike)}, {rest}: "
    return msg + "write these columns alike in both files, or name the columns to compare under `columns`"
