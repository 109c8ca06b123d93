"""A data set: a table, the roles of its columns, and the digest of the file it was read from."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from audit.datasets.columns import Columns
    from audit.evidence import Value


_PERSONAL = re.compile(r"@|(?:\d[ ()./+-]*){7}")
"""An at sign, or seven digits, with or without what people write between them."""

MOST_CLASSES = 20
"""Labels with more different values are taken for numbers, where nothing says what they are."""
EXACT = 2**53
"""Whole numbers below it are told apart as floats too."""
_TRUTHS = frozenset({"True", "TRUE", "False", "FALSE"})
"""Words that a CSV's reader takes for booleans, as it does true and false."""


def _missing(value: object) -> bool:
    """None, NaN, NaT, and pandas' own NA, which cannot be compared."""
    return value is None or type(value).__name__ == "NAType" or bool(value != value)  # noqa: PLR0124  # NaN is unequal to itself


def canonical(value: object) -> str | None:
    """A class label as text, the same whether it was read as 1, 1.0 or "1", as true or "True"; None for a missing value."""
    if _missing(value):
        return None
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        return str(int(value))
    text = str(value)
    return text.lower() if text in _TRUTHS else text


def _plain(value: object) -> Value:
    """A cell as a JSON value."""
    if _missing(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _told_apart(cells: pd.Series) -> tuple[NDArray[np.int64], list[object]]:
    """(n,) places in a list of cells, -1 where there is none: each value once, or every cell where values of several kinds are mixed.

    In such a mixture 1, 1.0 and True would count as one value, and a list could not be looked up.
    """
    import pandas as pd

    if cells.dtype != object or pd.api.types.infer_dtype(cells, skipna=True) in {"string", "boolean"}:
        codes, distinct = pd.factorize(cells)
        return codes.astype(np.int64), pd.Series(distinct).to_list()
    return np.arange(len(cells)), cells.to_list()


@dataclass(frozen=True)
class Dataset:
    """Rows in their file's order."""

    role: str
    """The policy's name for it: `train`, `test`, `production`."""
    path: Path
    frame: pd.DataFrame
    columns: Columns
    sha256: str
    """Of the file's bytes."""
    source: str | None = None
    licence: str | None = None
    whole: Dataset | None = None
    """What it was cut from, where it is only the first rows."""
    aside: frozenset[str] = frozenset()
    """Columns that no model reads as features, such as another model's answers."""
    places: NDArray[np.int64] | None = None
    """(n,) places in the file, from 0, of rows that were picked out of it; None where all are there, or the first ones."""
    remarks: tuple[str, ...] = ()
    """Sentences on how the file was read that a reader of the decision must know."""

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.frame)

    @cached_property
    def ids(self) -> NDArray[np.str_]:
        """Names of the rows: `columns.id`, else their numbers counted from 1, as text."""
        if self.columns.id is None:
            return (self._places + 1).astype(str)
        return np.array([str(value) for value in self.frame[self.columns.id]], dtype=str)

    def shown(self, row: int) -> str:
        """A row's id as a report may print it; one that looks like an address or a telephone number gives way to `number 7`, from 1."""
        found = str(self.ids[row])
        return f"number {self._places[row] + 1}" if self.columns.id is not None and _PERSONAL.search(found) else found

    @property
    def _places(self) -> NDArray[np.int64]:
        return np.arange(self.rows) if self.places is None else self.places

    def labels(self, column: str) -> NDArray[np.object_]:
        """(n,) a column's class labels as text, not to be written to. A missing label is refused: it can be neither right nor wrong."""
        if column not in self._labels:
            self._labels[column] = self._read_labels(column)
            self._labels[column].flags.writeable = False
        return self._labels[column]

    @cached_property
    def _labels(self) -> dict[str, NDArray[np.object_]]:
        """Of the columns that were read so far, since most checks ask for the same ones."""
        return {}

    def _read_labels(self, column: str) -> NDArray[np.object_]:
        codes, distinct = _told_apart(self.frame[column])
        texts = [*map(canonical, distinct), None]
        missing = np.flatnonzero(np.array([text is None for text in texts])[codes])
        if missing.size:
            msg = (
                f"{self.role}: column {column!r} has no value in {missing.size} of {self.rows} rows (first: row "
                f"{self.shown(int(missing[0]))}): fill it or leave these rows out of the file"
            )
            raise CannotMeasure(msg)
        return np.array(texts, dtype=object)[codes]

    def continuous(self, column: str) -> bool:
        """Whether a column holds numbers that are no classes: more different ones than there are classes."""
        from pandas.api import types

        cells = self.frame[column]
        return types.is_numeric_dtype(cells) and not types.is_bool_dtype(cells) and cells.nunique() > MOST_CLASSES

    def numbers(self, column: str) -> NDArray[np.float64]:
        """(n,) a column of finite numbers. A cell that is none is refused: no error can be reckoned from it."""
        import pandas as pd

        cells = self.frame[column]
        if pd.api.types.is_bool_dtype(cells):
            msg = f"{self.role}: column {column!r} holds true and false, and numbers are needed: name another column"
            raise CannotMeasure(msg)
        values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            msg = (
                f"{self.role}: column {column!r} holds no number in {bad.size:,} of {self.rows:,} rows (first: row "
                f"{self.shown(int(bad[0]))}): mend it or leave these rows out of the file"
            )
            raise CannotMeasure(msg)
        return np.asarray(values, dtype=np.float64)

    def texts(self) -> list[str]:
        """The text of every row; a missing one is the empty text."""
        if self.columns.text is None:
            msg = f"{self.role}: no text column: name it under columns.text"
            raise CannotMeasure(msg)
        return ["" if _plain(value) is None else str(value) for value in self.frame[self.columns.text]]

    def feature_names(self) -> tuple[str, ...]:
        """Columns that a tabular model reads: `columns.features`, else every column without another role."""
        if self.columns.features is not None:
            return self.columns.features
        taken = (set(self.columns.named().values()) - set(self.columns.sensitive)) | self.aside
        return tuple(str(column) for column in self.frame.columns if column not in taken)

    def coded(self, column: str) -> tuple[NDArray[np.int64], list[Value]]:
        """(n,) places of the rows' cells in a list of JSON values, which may hold a value more than once; its last is that of no value.

        Whole numbers stay so where blanks made them 3.0.
        """
        codes, distinct = _told_apart(self.frame[column])
        found = [_plain(value) for value in distinct]
        if all(value is None or (isinstance(value, float) and value.is_integer() and abs(value) < EXACT) for value in found):
            found = [None if value is None else int(value) for value in found]
        return codes % (len(found) + 1), [*found, None]

    def values(self, column: str) -> NDArray[np.object_]:
        """(n,) a column's cells as JSON values; missing ones are None."""
        codes, found = self.coded(column)
        return np.array(found, dtype=object)[codes]

    def crossed(self, columns: tuple[str, ...]) -> tuple[NDArray[np.int64], tuple[tuple[Value, ...], ...]]:
        """(n,) places of the rows' cells of several columns among the crossings that occur. Infinity is named by its text."""
        if columns not in self._crossings:
            of_row = np.zeros(self.rows, dtype=np.int64)
            cells: list[tuple[Value, ...]] = [()]
            for column in columns:
                codes, names = self._named(column)
                there, of_row = np.unique(of_row * len(names) + codes, return_inverse=True)
                cells = [(*cells[one // len(names)], names[one % len(names)]) for one in there.tolist()]
            of_row.flags.writeable = False
            self._crossings[columns] = (of_row, tuple(cells))
        return self._crossings[columns]

    def _named(self, column: str) -> tuple[NDArray[np.int64], list[Value]]:
        """(n,) places of the rows' cells in a list that holds each name once."""
        codes, values = self.coded(column)
        names = [str(value) if isinstance(value, float) and math.isinf(value) else value for value in values]  # no number of JSON
        places = {name: place for place, name in enumerate(dict.fromkeys(names))}
        return np.array([places[name] for name in names], dtype=np.int64)[codes], list(places)

    @cached_property
    def _crossings(self) -> dict[tuple[str, ...], tuple[NDArray[np.int64], tuple[tuple[Value, ...], ...]]]:
        """Of the columns that were crossed so far, since many requirements ask for the same slices."""
        return {}

    def head(self, rows: int) -> Dataset:
        """The same data set cut to its first rows, under a digest of its own."""
        digest = hashlib.sha256(f"{self.sha256}:first {rows} rows".encode()).hexdigest()
        return replace(self, frame=self.frame.head(rows), sha256=digest, whole=self)

    def where(self, mask: NDArray[np.bool_]) -> Dataset:
        """The rows that a mask marks, under their own names and a digest of their own."""
        digest = hashlib.sha256(f"{self.sha256}:rows ".encode() + np.packbits(mask).tobytes()).hexdigest()
        picked = self._places[mask]
        return replace(self, frame=self.frame[mask].reset_index(drop=True), sha256=digest, places=picked)
