"""How many rows hold each combination of label, prediction and declared slices: what shares of right answers follow from, exactly."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

MOST = 4_000
"""Combinations that a profile holds."""
MOST_CLASSES = 20
"""Different labels or predictions from which on numbers are no classes, as for data sets of rows."""
_NOTHING = "null"


@dataclass(frozen=True, slots=True)
class Joint:
    """Rows by the cells of some columns together."""

    columns: tuple[str, ...]
    cells: Mapping[tuple[str, ...], int]
    """Rows by the cells, each as JSON."""

    def without(self, columns: Sequence[str]) -> Joint:
        """Of the other columns alone."""
        places = [place for place, name in enumerate(self.columns) if name not in columns]
        rows: Counter[tuple[str, ...]] = Counter()
        for cells, count in self.cells.items():
            rows[tuple(cells[place] for place in places)] += count
        return Joint(tuple(self.columns[place] for place in places), rows)

    def merged(self, other: Joint) -> Joint:
        """Of the rows of both, by the columns that both have."""
        shared = [name for name in self.columns if name in other.columns]
        one, two = (joint.without([name for name in joint.columns if name not in shared]) for joint in (self, other))
        return Joint(one.columns, Counter(one.cells) + Counter(two.ordered(one.columns).cells))

    def ordered(self, columns: tuple[str, ...]) -> Joint:
        """The same with its columns in another order."""
        places = [self.columns.index(name) for name in columns]
        return Joint(columns, {tuple(cells[place] for place in places): count for cells, count in self.cells.items()})

    def different(self, column: str) -> int:
        """Different cells of a column."""
        place = self.columns.index(column)
        return len({cells[place] for cells in self.cells})

    def cell_of_each_row(self, column: str) -> tuple[list[object], list[int]]:
        """The column's cell of each combination, in one order for all columns, and the rows of each."""
        place, rising = self.columns.index(column), sorted(self.cells)
        return [json.loads(cells[place]) for cells in rising], [self.cells[cells] for cells in rising]

    def to_json(self) -> dict[str, object]:
        """As a file holds it."""
        return {"columns": list(self.columns), "rows": [[*cells, count] for cells, count in sorted(self.cells.items())]}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], rows: int) -> Joint:
        """What `to_json` wrote; ValueError where it cannot have, or where it holds another number of rows."""
        columns, found = tuple(stored["columns"]), {tuple(row[:-1]): row[-1] for row in stored["rows"]}
        sound = all(type(count) is int and count > 0 and len(cells) == len(columns) for cells, count in found.items())
        if not sound or sum(found.values()) != rows:
            msg = "its counts do not add up"
            raise ValueError(msg)
        for cell in {cell for cells in found for cell in cells}:
            if isinstance(json.loads(cell), (list, dict)):
                msg = "a cell is one value"
                raise TypeError(msg)
        return cls(columns, found)


def of_frame(frame: pd.DataFrame, columns: Sequence[str]) -> Joint:
    """Of the rows of a table."""
    import pandas as pd

    of_row, names = np.zeros(len(frame), dtype=np.int64), [()]
    for column in columns:
        codes, distinct = pd.factorize(frame[column].astype(object))
        known = [*(_as_json(value) for value in distinct), _NOTHING]
        there, of_row = np.unique(of_row * len(known) + codes % len(known), return_inverse=True)
        names = [(*names[place // len(known)], known[place % len(known)]) for place in there.tolist()]
    rows: Counter[tuple[str, ...]] = Counter()
    for cells, count in zip(names, np.bincount(of_row, minlength=len(names)).tolist(), strict=True):
        rows[cells] += count
    return Joint(tuple(columns), rows)


def _as_json(value: object) -> str:
    """A cell as JSON; whole numbers without a fraction, which blanks beside them add."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, float) and not np.isfinite(value):
        return json.dumps(str(value))
    return json.dumps(value if isinstance(value, (str, int, float)) else str(value))
