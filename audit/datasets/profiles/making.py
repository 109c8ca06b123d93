"""Profiles made from rows, a batch at a time: memory does not grow with the rows, and time grows with nothing else."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.canonical_text import canonical, is_missing
from audit.datasets import kinds
from audit.datasets.kinds import Tally
from audit.datasets.profiles import joint as joint_counts
from audit.datasets.profiles.categories import Categories, name_of
from audit.datasets.profiles.columns import SCALES, Column, Numbers
from audit.datasets.profiles.profile import Profile
from audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from audit.datasets.columns import Columns
    from audit.datasets.kinds import KindName
    from audit.datasets.profiles.joint import Joint

BATCH = 1 << 18
"""Rows that are in memory at once."""
_SECONDS_A_DAY = 86_400.0
_PART_OF_DTYPE = {"b": "boolean", "i": "number", "u": "number", "f": "number", "M": "time", "m": "duration"}
_HASH_OF_FILE = 32
"""Letters of a file's digest that tell it from any other."""


@dataclass(frozen=True)
class Plan:
    """What is kept of a table."""

    names: tuple[str, ...]
    roles: Columns
    slices: tuple[str, ...] = ()
    """Columns by which labels and predictions are counted together."""
    types: Mapping[str, KindName] = field(default_factory=dict)
    text: Mapping[str, Callable[[str], float]] = field(default_factory=dict)
    """What is measured of each text, by its name."""
    read_with: str = ""

    @property
    def untold(self) -> frozenset[str]:
        """Columns of which nothing but empty cells is kept, since what stands in them tells rows or people apart."""
        roles = self.roles
        named = (roles.id, roles.text, roles.output, roles.group, roles.time, roles.weight)
        return frozenset(name for name in named if name is not None) | {name for name, kind in self.types.items() if kind == "text"}

    @property
    def counted_together(self) -> tuple[str, ...]:
        """Label, prediction and slices."""
        named = (self.roles.label, self.roles.prediction, *self.slices)
        return tuple(dict.fromkeys(name for name in named if name is not None))


def of_frames(frames: Iterable[pd.DataFrame], plan: Plan, digests: Sequence[str]) -> Profile:
    """The profile of rows that come in tables. The same tables give the same profile, to the bit."""
    readings = {name: _Reading(plan.types.get(name)) for name in plan.names}
    text = dict.fromkeys(plan.text if plan.roles.text is not None else (), Numbers())
    joint: Joint | None = None
    rows = 0
    for frame in frames:
        rows += len(frame)
        for name, reading in readings.items():
            reading.add(frame[name])
        joint = _together(joint, frame, plan)
        if text:
            written = ["" if is_missing(cell) else str(cell) for cell in frame[plan.roles.text]]
            text = {name: text[name].added(np.array([measure(one) for one in written])) for name, measure in plan.text.items()}
    if not rows or joint is None:
        msg = "holds no rows: there is nothing to profile"
        raise InputError(msg)
    columns = {name: reading.column() for name, reading in readings.items()}
    span = _span(columns.get(plan.roles.time or ""))
    told = {name: _untold(column, plan.roles, name) if name in plan.untold else column for name, column in columns.items()}
    parts = tuple(sorted(digest[:_HASH_OF_FILE] for digest in digests))
    return Profile(rows, plan.roles, told, text, joint, span, parts, plan.read_with)


class _Reading:
    """One column while it is read."""

    def __init__(self, declared: KindName | None) -> None:
        self._declared = declared
        self._tally = Tally(Counter())
        self._numbers: dict[str, Numbers] = {}
        self._values = Categories()

    def add(self, cells: pd.Series[Any]) -> None:
        """Further cells."""
        part = None if str(cells.dtype) == "category" else _PART_OF_DTYPE.get(cells.dtype.kind)
        if part is None or part == "boolean":
            self._add_words(cells)
            return
        numbers = kinds.to_numbers(cells)
        there = numbers[~np.isnan(numbers)]
        self._tally = self._tally.plus(Tally(Counter({part: len(there), "blank": len(numbers) - len(there)}), only_text=False))
        self._add_numbers(part, there)

    def _add_words(self, cells: pd.Series[Any]) -> None:
        parts = kinds.parts_of(cells)
        self._tally = self._tally.plus(Tally.of(parts))
        rows = np.bincount(parts.codes[parts.codes >= 0], minlength=len(parts.distinct))
        counts: Counter[str] = Counter()
        for value, count in zip(parts.distinct, rows.tolist(), strict=True):
            if (text := canonical(value)) is not None:
                counts[name_of(text)] += count
        self._values = self._values.merged(Categories(counts))
        of_row = np.append(parts.kinds, "blank")[parts.codes]
        for part in SCALES & set(parts.kinds):
            numbers = parts.numbers[parts.codes[of_row == part]]
            self._add_numbers(part, numbers * (_SECONDS_A_DAY if part == "day" else 1.0))

    def _add_numbers(self, part: str, numbers: NDArray[np.float64]) -> None:
        self._numbers[part] = self._numbers.get(part, Numbers()).added(numbers)

    def column(self) -> Column:
        """What was read."""
        rows, kind = self._tally.rows.total(), self._declared or self._tally.kind
        declared, codes = self._declared is not None, bool(self._tally.rows["code"])
        if kind in SCALES:
            numbers = self._numbers.get(kind, Numbers())
            if kind == "time":
                numbers = numbers.merged(self._numbers.get("day", Numbers()))
            blank = self._tally.rows["blank"]
            return Column(kind, rows, blank, rows - blank - numbers.rows, declared, codes, numbers=numbers)
        if kind == "blank":
            return Column(kind, rows, rows, declared=declared, codes=codes)
        return Column(kind, rows, rows - self._values.rows, declared=declared, codes=codes, categories=self._values)


def _untold(column: Column, roles: Columns, name: str) -> Column:
    kind: KindName = "text" if name in {roles.text, roles.output} else column.kind
    return Column(kind, column.rows, column.blank, column.odd, column.declared, column.codes)


def _together(joint: Joint | None, frame: pd.DataFrame, plan: Plan) -> Joint:
    """With the rows of a further table, and without labels or predictions that are no classes but numbers."""
    columns = plan.counted_together if joint is None else joint.columns
    many = [name for name in columns if name not in plan.slices and _are_many_numbers(frame[name])]
    further = joint_counts.of_frame(frame, [name for name in columns if name not in many])
    found = further if joint is None else joint.merged(further)
    many = [
        name
        for name in found.columns
        if name not in plan.slices and frame[name].dtype.kind in "iuf" and found.different(name) > joint_counts.MOST_CLASSES
    ]
    found = found.without(many) if many else found
    if len(found.cells) > joint_counts.MOST:
        most = max(found.columns, key=found.different)
        msg = f"{' and '.join(found.columns)} together hold more than {joint_counts.MOST:,} combinations, {most!r} the most different "
        msg += "values: leave a column out of --by, or take its role away (--column label= or --column prediction=)"
        raise InputError(msg)
    return found


def _are_many_numbers(cells: pd.Series[Any]) -> bool:
    return cells.dtype.kind in "iuf" and cells.nunique() > joint_counts.MOST_CLASSES


def _span(column: Column | None) -> tuple[str, str] | None:
    """First and last time, as text."""
    if column is None or column.numbers is None or column.kind not in {"day", "time"} or not column.numbers.moments.rows:
        return None
    start = datetime(1970, 1, 1, tzinfo=UTC)
    ends = (column.numbers.moments.low, column.numbers.moments.high)
    first, last = ((start + timedelta(seconds=end)).isoformat() for end in ends)
    return first, last
