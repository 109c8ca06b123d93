"""A data set: a table, the roles of its columns, and the digest of the file it was read from."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from audit.canonical_text import canonical, is_blank, is_missing
from audit.datasets import kinds
from audit.datasets.column_store import Table, Texts
from audit.datasets.kinds import ColumnKind, NumberColumn
from audit.datasets.notation import EXACT, mark_advice
from audit.errors import CannotMeasure
from audit.redaction.masking import looks_personal, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from audit.datasets.addresses import Address
    from audit.datasets.bands import Bands
    from audit.datasets.column_store import ColumnStore, Inputs
    from audit.datasets.columns import Columns
    from audit.datasets.identity import Copies
    from audit.datasets.kinds import KindName
    from audit.datasets.sampling import Sample
    from audit.evidence import Value


MOST_CLASSES = 20
"""Labels with more different values are taken for numbers, where nothing says what they are."""
_PLURALS: dict[KindName, str] = {
    "number": "numbers",
    "category": "categories",
    "text": "texts",
    "day": "days",
    "time": "times",
    "duration": "durations",
    "boolean": "true and false",
    "blank": "no value",
}
_IN_SECONDS = "write them as numbers of one unit, such as seconds"
_NOT_NUMBERS: dict[KindName, str] = {
    "boolean": "name another column",
    "day": _IN_SECONDS,
    "time": _IN_SECONDS,
    "duration": _IN_SECONDS,
}
"""Kinds that are no target of a regression, with what to do."""


def _plain(value: object) -> Value:
    """A cell as a JSON value."""
    if is_missing(value):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    return value if isinstance(value, (str, int, float, bool)) else str(value)


@dataclass(frozen=True)
class Dataset:
    """Rows in their file's order."""

    role: str
    """The policy's name for it: `train`, `test`, `production`."""
    path: Path | Address
    cells: ColumnStore
    columns: Columns
    sha256: str
    """Of the file's bytes."""
    source: str | None = None
    licence: str | None = None
    whole: Dataset | None = None
    """What it was cut from, where it is only the first rows or a sample."""
    aside: frozenset[str] = frozenset()
    """Columns that no model reads as features, such as another model's answers."""
    places: NDArray[np.int64] | None = None
    """(n,) places in the file, from 0, of rows that were picked out of it; None where all are there, or the first ones."""
    remarks: tuple[str, ...] = ()
    """Sentences on how the file was read that a reader of the decision must know."""
    types: Mapping[str, KindName] = field(default_factory=dict)
    """Kinds of columns that the policy declares."""
    read_with: str = ""
    """The keys that decided how the file was read, as JSON: with others, the same bytes give other cells."""
    origin: Dataset | None = None
    """The data set with all rows, whose kinds of columns hold for these ones."""
    sample: Sample | None = None
    """What its rows stand for, where they are a sample of more rows."""
    label_map: Mapping[str, str] = field(default_factory=dict)
    """The policy's `labels.map`: the class that is meant by each spelling that it names."""

    @property
    def content_key(self) -> dict[str, object]:
        """All that decides what its rows hold, for the keys of caches: bytes, roles, and how cells and labels are read."""
        return {
            "sha256": self.sha256,
            "rows": self.rows,
            "columns": self.columns.model_dump(mode="json"),
            "read_with": self.read_with,
            "label_map": dict(self.label_map),
            "aside": sorted(self.aside),
            "sample": self.sample and (self.sample.population, self.sample.at_random),
        }

    @property
    def rows(self) -> int:
        """Number of rows."""
        return self.cells.rows

    @cached_property
    def ids(self) -> NDArray[np.str_]:
        """Names of the rows: `columns.id`, else their numbers counted from 1, as text."""
        return self.ids_of(np.arange(self.rows))

    def ids_of(self, rows: NDArray[np.int64]) -> NDArray[np.str_]:
        """(len(rows),) names of some rows; a profile has none."""
        if self.columns.id is None or self.cells.profile is not None:
            return self.numbers_of(rows).astype(str)
        return np.array([str(value) for value in self.cells.column(self.columns.id).iloc[rows]], dtype=str)

    def numbers_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """(len(rows),) numbers of some rows in the file, from 1."""
        return (rows if self.places is None else self.places[rows]) + 1

    def shown(self, row: int) -> str:
        """A row's id as a report may print it, or its number and file; one that looks personal gives way to `number 7`, from 1."""
        name = (self.origin or self).cells.name_of_row(int(self._places[row]))
        name = str(self._places[row] + 1) if "@" in name else name  # a file may be called by an address
        if self.columns.id is None or self.cells.profile is not None:
            return name
        found = str(self.ids_of(np.array([row]))[0])
        return f"number {name}" if looks_personal(found) else found

    def written(self, column: str, row: int) -> str:
        """`, which says 'NA'`, of a cell that holds a word; nothing of an empty one."""
        cell = self.cells.column(column).iloc[row]
        return f", which says {quoted(cell.strip())}" if isinstance(cell, str) and cell.strip() else ""

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
        codes, distinct = self.cells.codes(column)
        texts = [*map(self.class_name, distinct), None]
        missing = np.flatnonzero(np.array([text is None for text in texts])[codes])
        if missing.size:
            msg = (
                f"{self.role}: column {column!r} has no value in {missing.size} of {self.rows} rows (first: row "
                f"{self.shown(int(missing[0]))}): fill it or leave these rows out of the file"
            )
            msg += "; `unlabelled: drop` leaves them out here" if column == self.columns.label else ""
            raise CannotMeasure(msg)
        self._refuse_as_classes(column, distinct)
        return np.array(texts, dtype=object)[codes]

    def _refuse_as_classes(self, column: str, distinct: Sequence[object]) -> None:
        """Days, times and durations, and whole numbers whose last digits a float has lost, name no class."""
        kind = self.kind(column)
        if kind.name in {"day", "time", "duration"} and not all(isinstance(value, str) for value in distinct):
            msg = f"{self.role}: column {column!r} holds {_PLURALS[kind.name]}, which are no classes: name the column of the classes"
            raise CannotMeasure(msg)
        large = next((value for value in distinct if isinstance(value, float) and value.is_integer() and abs(value) >= EXACT), None)
        if large is not None:
            msg = f"{self.role}: column {column!r} has a number near {large:.0f}, read beside blanks or fractions: "
            msg += "its last digits are lost, so it names no class; write these numbers as text"
            raise CannotMeasure(msg)

    def kind(self, column: str) -> ColumnKind:
        """What a column is made of, and how many of its cells are empty or something else. Every check asks here."""
        if column not in self._kinds:
            self._kinds[column] = self._find_kind(column)
        return self._kinds[column]

    @cached_property
    def _kinds(self) -> dict[str, ColumnKind]:
        return {}

    def _find_kind(self, column: str) -> ColumnKind:
        if self.cells.profile is not None:
            return self.cells.profile.columns[column].column_kind
        cells = self.cells.column(column)
        if column not in self.types and column in {self.columns.text, self.columns.output}:
            return ColumnKind("text", len(cells), int(cells.isna().sum()))
        if self.origin is not None:
            return kinds.count(cells, self.origin.kind(column), lambda: self.cells.codes(column))
        return kinds.kind_of(cells, self.types.get(column), lambda: self.cells.codes(column))

    def as_numbers(self, column: str) -> NumberColumn:
        """A column's numbers, with NaN where a cell is empty or odd; days in days, times and durations in seconds.

        Categories and texts are refused: their cells have no order.
        """
        kind = self.kind(column)
        if not kind.is_ordered and kind.name != "blank":
            msg = f"{self.role}: column {column!r} holds {_PLURALS[kind.name]}, not numbers: name another column"
            raise CannotMeasure(msg)
        return NumberColumn(kinds.to_numbers(self.cells.column(column)), kind)

    def has_cells(self, column: str) -> bool:
        """Whether it is known what each row says in a column, as it is not of most columns of a profile."""
        return self.cells.profile is None or column in self.cells.profile.joint.columns

    def blank(self, column: str) -> NDArray[np.bool_]:
        """(n,) whether a cell holds nothing, or nothing that can be seen. Of a profile only their number is known."""
        if self.cells.profile is not None and not self.has_cells(column):
            return np.arange(self.rows) < self.cells.profile.columns[column].blank
        codes, distinct = self.cells.codes(column)
        return np.array([*map(is_blank, distinct), True], dtype=bool)[codes]

    @cached_property
    def copies(self) -> Copies | None:
        """Rows that are copies of each other, where these dominate the file; a profile does not know them."""
        from audit.datasets.identity import dominating_copies

        return None if self.cells.profile is not None else dominating_copies(self)

    @cached_property
    def common_words(self) -> frozenset[str]:
        """The words of its texts that may be shown: so many texts, and texts of so many entities, hold them."""
        from audit.redaction.masking import common_words

        return common_words(self.texts(), None if self.columns.group is None else self.values(self.columns.group).tolist())

    def entities(self) -> NDArray[np.int64] | None:
        """(n,) code of each row's entity under `columns.group`; None where no column names one. A row without an entity is refused."""
        if self.columns.group is None:
            return None
        values = self.values(self.columns.group)
        missing = np.flatnonzero([value is None for value in values])
        if missing.size:
            msg = f"{self.role}: row {self.shown(int(missing[0]))} names no entity in column {self.columns.group!r}: "
            msg += "name one in every row, or leave columns.group out"
            raise CannotMeasure(msg)
        return np.unique([str(value) for value in values], return_inverse=True)[1].astype(np.int64)

    def class_name(self, value: object) -> str | None:
        """The class that a value means, as text; None for a missing one, and for a text in which nothing can be seen."""
        text = canonical(value)
        return None if text is None else self.label_map.get(text, None if is_blank(text) else text)

    def class_counts(self, column: str) -> dict[str, tuple[int, int]]:
        """Every class that a column names, in the order of its first row, with its number of rows and that row; none of unknown cells."""
        if not self.has_cells(column):
            return {}
        codes, distinct = self.cells.codes(column)
        names = [*map(self.class_name, distinct), None]
        places = {name: place for place, name in enumerate(dict.fromkeys(name for name in names if name is not None))}
        of_row = np.array([-1 if name is None else places[name] for name in names], dtype=np.int64)[codes]
        counts = np.bincount(of_row[of_row >= 0], minlength=len(places))
        first = np.zeros(len(places), dtype=np.int64)
        backwards = np.flatnonzero(of_row >= 0)[::-1]
        first[of_row[backwards]] = backwards
        found = {name: (int(counts[place]), int(first[place])) for name, place in places.items()}
        return dict(sorted(found.items(), key=lambda item: item[1][1]))

    def continuous(self, column: str) -> bool:
        """Whether a column holds numbers that are no classes: more different ones than there are classes."""
        return self.many_numbers(column) and self.kind(column).odd is None

    def many_numbers(self, column: str) -> bool:
        """Whether a column of numbers holds more different ones than there are classes."""
        if self.kind(column).name != "number":
            return False
        if not self.has_cells(column):
            return True
        return self.cells.column(column).nunique() > MOST_CLASSES

    def numbers(self, column: str) -> NDArray[np.float64]:
        """(n,) a column of finite numbers. A cell that is none is refused: no error can be reckoned from it."""
        import pandas as pd

        kind, cells = self.kind(column), self.cells.column(column)
        if kind.name in _NOT_NUMBERS:
            gaps = np.flatnonzero(cells.isna())
            blank = f", and no value in {gaps.size:,} of {self.rows:,} rows (first: row {self.shown(int(gaps[0]))})" if gaps.size else ""
            msg = f"{self.role}: column {column!r} holds {_PLURALS[kind.name]}{blank}, and numbers are needed: {_NOT_NUMBERS[kind.name]}"
            raise CannotMeasure(msg)
        values = pd.to_numeric(cells, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            row = int(bad[0])
            msg = (
                f"{self.role}: column {column!r} holds no number in {bad.size:,} of {self.rows:,} rows (first: row "
                f"{self.shown(row)}{self.written(column, row)}): mend it or leave these rows out of the file{mark_advice(cells.iloc[row])}"
            )
            raise CannotMeasure(msg)
        return np.asarray(values, dtype=np.float64)

    def texts(self) -> list[str]:
        """The text of every row; a missing one is the empty text."""
        if self.columns.text is None:
            msg = f"{self.role}: no text column: name it under columns.text"
            raise CannotMeasure(msg)
        return ["" if _plain(value) is None else str(value) for value in self.cells.column(self.columns.text)]

    def inputs(self) -> Inputs:
        """What a model reads of its rows: texts where a text column is named and features are not, else the feature columns."""
        if self.columns.text is not None and self.columns.features is None:
            return Texts(self.texts)
        return Table(lambda: self.cells.frame(self.feature_names()))

    def feature_names(self) -> tuple[str, ...]:
        """Columns that a tabular model reads: `columns.features`, else every column without another role."""
        if self.columns.features is not None:
            return self.columns.features
        taken = (set(self.columns.named().values()) - set(self.columns.sensitive)) | self.aside
        return tuple(column for column in self.cells.names if column not in taken)

    def coded(self, column: str) -> tuple[NDArray[np.int64], list[Value]]:
        """(n,) places of the rows' cells in a list of JSON values, which may hold a value more than once; its last is that of no value.

        Whole numbers stay so where blanks made them 3.0.
        """
        codes, distinct = self.cells.codes(column)
        found = [_plain(value) for value in distinct]
        if all(value is None or (isinstance(value, float) and value.is_integer() and abs(value) < EXACT) for value in found):
            found = [None if value is None else int(value) for value in found]
        return codes % (len(found) + 1), [*found, None]

    def values(self, column: str) -> NDArray[np.object_]:
        """(n,) a column's cells as JSON values; missing ones are None."""
        codes, found = self.coded(column)
        return np.array(found, dtype=object)[codes]

    def crossed(
        self, columns: tuple[str, ...], bands: Mapping[str, Bands] = MappingProxyType({})
    ) -> tuple[NDArray[np.int64], tuple[tuple[Value, ...], ...]]:
        """(n,) places of the rows' cells of several columns, or of their bands, among the crossings that occur.

        Infinity is named by its text.
        """
        key = tuple(bands.get(column, column) for column in columns)
        if key not in self._crossings:
            of_row = np.zeros(self.rows, dtype=np.int64)
            cells: list[tuple[Value, ...]] = [()]
            for column in columns:
                codes, names = self._named(column) if column not in bands else (bands[column].codes(self), [*bands[column].names, None])
                there, of_row = np.unique(of_row * len(names) + codes, return_inverse=True)
                cells = [(*cells[one // len(names)], names[one % len(names)]) for one in there.tolist()]
            of_row.flags.writeable = False
            self._crossings[key] = (of_row, tuple(cells))
        return self._crossings[key]

    def _named(self, column: str) -> tuple[NDArray[np.int64], list[Value]]:
        """(n,) places of the rows' cells in a list that holds each name once."""
        codes, values = self.coded(column)
        names = [str(value) if isinstance(value, float) and math.isinf(value) else value for value in values]  # no number of JSON
        places = {name: place for place, name in enumerate(dict.fromkeys(names))}
        return np.array([places[name] for name in names], dtype=np.int64)[codes], list(places)

    @cached_property
    def _crossings(self) -> dict[tuple[str | Bands, ...], tuple[NDArray[np.int64], tuple[tuple[Value, ...], ...]]]:
        """Of the columns that were crossed so far, since many requirements ask for the same slices."""
        return {}

    def head(self, rows: int) -> Dataset:
        """The same data set cut to its first rows, under a digest of its own."""
        digest = hashlib.sha256(f"{self.sha256}:first {rows} rows".encode()).hexdigest()
        return replace(self, cells=self.cells.head(rows), sha256=digest, whole=self, origin=self.origin or self)

    def where(self, mask: NDArray[np.bool_]) -> Dataset:
        """The rows that a mask marks, under their own names and a digest of their own."""
        digest = hashlib.sha256(f"{self.sha256}:rows ".encode() + np.packbits(mask).tobytes()).hexdigest()
        picked = self._places[mask]
        return replace(self, cells=self.cells.where(mask), sha256=digest, places=picked, origin=self.origin or self)
