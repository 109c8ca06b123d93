"""Two windows of data side by side: the reference and the one under audit, feature by feature."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets import canonical
from audit.datasets.kinds import to_numbers
from audit.datasets.profiles.categories import name_of
from audit.errors import CannotMeasure
from audit.evidence import Slice, Unmeasured
from audit.metrics import profiled_windows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.evidence import Member
    from audit.metrics.profiled_windows import Profiled
    from audit.subject import Subject


_SCALES = frozenset({"number", "duration", "day", "time"})
"""Kinds of columns that are compared as numbers."""
_TIMES = frozenset({"day", "time"})
_CODE = re.compile(r"[+-]?0\d+")
DAY = 86_400.0
"""Seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """One column, or one fact derived from the text, in both windows."""

    name: str
    numeric: bool
    reference: NDArray[np.float64] | NDArray[np.object_]
    """(n,) numbers with NaN where missing, or text with None where missing."""
    current: NDArray[np.float64] | NDArray[np.object_]
    unreadable: int = 0
    """Cells that are no number in a column of numbers; they count as missing."""
    whose: NDArray[np.object_] | None = None
    """(n,) the entity of each row of the reference, where rows belong to some."""
    tells_time: bool = False
    """Whether its numbers are seconds since 1970."""
    profiled: tuple[Profiled | None, Profiled | None] = (None, None)
    """What the profile of the reference and of the current window says of their values; None where the window has rows."""

    @property
    def is_profiled(self) -> bool:
        """Whether one of its windows is a profile."""
        return self.profiled != (None, None)

    def refuse_profiles(self) -> None:
        """CannotMeasure where one of its windows is a profile."""
        for side in self.profiled:
            if side is not None:
                raise side.needs_rows

    def rows_of_values(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Rows that each value of the reference and of the current window stands for."""
        sides = zip((self.reference, self.current), self.profiled, strict=True)
        reference, current = (np.ones(len(values), dtype=np.int64) if side is None else side.rows for values, side in sides)
        return reference, current

    @property
    def slice(self) -> Slice:
        """Its name as a member."""
        return Slice((("column", self.name),))

    def rows(self, reference: NDArray[np.int64], current: NDArray[np.int64]) -> Feature:
        """The same feature on some rows of each window."""
        self.refuse_profiles()
        whose = None if self.whose is None else self.whose[reference]
        return replace(self, reference=self.reference[reference], current=self.current[current], unreadable=0, whose=whose)


def _letters(text: str) -> float:
    return sum(map(str.isalpha, text)) / max(1, len(text))


DERIVED: dict[str, Callable[[str], float]] = {
    "text (words)": lambda text: float(len(text.split())),
    "text (characters)": lambda text: float(len(text)),
    "text (share of letters)": _letters,
}
"""What is measured of a text, by the name of the feature."""


def pair(subject: Subject) -> tuple[Dataset, Dataset]:
    """The reference window and the current one. A window compared with itself is refused: it never drifts."""
    reference, current = subject.reference, subject.data
    if reference is None:
        msg = "nothing to compare with: name the data set of the reference window under `reference`"
        raise CannotMeasure(msg)
    if reference.sha256 == current.sha256:
        msg = f"{reference.role} and {current.role} are the same file, which cannot show drift: name another data set under `reference`"
        raise CannotMeasure(msg)
    for data in (reference, current):
        if not data.rows:
            msg = f"{data.role}: the data set has no rows"
            raise CannotMeasure(msg)
    return reference, current


def rows_of_both(subject: Subject, _params: object) -> int:
    """Rows that a comparison of two windows must examine."""
    return subject.data.rows + (0 if subject.reference is None else subject.reference.rows)


def effective_rows(subject: Subject, data: Dataset) -> int:
    """Independent rows: all, or with entities (sum of sizes) squared over sum of squares (Kish, Survey Sampling 1965)."""
    clusters = subject.clusters(data)
    if clusters is None:
        return data.rows
    size = np.bincount(clusters).astype(float)
    return max(1, int(size.sum() ** 2 / (size**2).sum()))


def entities(subject: Subject) -> dict[str, NDArray[np.int64] | None]:
    """Each window's entities by its role, one that has rows in both under one code; None where rows are independent."""
    windows = pair(subject)
    codes = {data.role: subject.clusters(data) for data in windows}
    groups = [data.columns.group for data in windows]
    if None in groups:
        return codes
    names = [[str(value) for value in data.values(group)] for data, group in zip(windows, groups, strict=True) if group is not None]
    together = np.unique(names[0] + names[1], return_inverse=True)[1].astype(np.int64)
    return dict(zip(codes, np.split(together, [len(names[0])]), strict=True))


def cluster_notes(subject: Subject) -> tuple[str, ...]:
    """What a reader must know of n where rows belong to entities."""
    windows = [data for data in (subject.reference, subject.data) if data is not None]
    groups = dict.fromkeys(data.columns.group for data in windows if data.columns.group is not None)
    return tuple(f"Rows of one {group} move together, so n counts as many rows as are worth independent ones." for group in groups)


def change_notes(members: Sequence[Member]) -> tuple[str, ...]:
    """Which members have moved by more than chance, whatever the bound says of how much that is."""
    if not members:
        return ()
    moved = [str(member.name) for member in members if member.estimate.bounds(0.025, 0.025)[0] > 0]
    if not moved:
        return ("No change beyond what chance alone gives (95 % interval).",)
    return (f"Changed beyond what chance alone gives (95 % interval): {'; '.join(moved)}. The bound says how much change matters.",)


def chosen_columns(subject: Subject, columns: Sequence[str] | None) -> tuple[str, ...] | None:
    """The features that the policy names, under `by` or under `columns`; None where it names none and all are compared."""
    if not subject.by:
        return None if columns is None else tuple(columns)
    if columns is not None:
        msg = "`by` and `columns` both name the features: leave one of them out"
        raise CannotMeasure(msg)
    crossed = next((family for family in subject.by if len(family) > 1), None)
    if crossed is not None:
        msg = f"one feature at a time is compared, and `by` crosses {', '.join(crossed)}: name each by itself"
        raise CannotMeasure(msg)
    return tuple(column for (column,) in subject.by)


def features(reference: Dataset, current: Dataset, columns: Sequence[str] | None) -> tuple[tuple[Feature, ...], tuple[Unmeasured, ...]]:
    """The named columns, else every feature column and what is derived from the text; and those that one window lacks."""
    names = columns if columns is not None else _default(reference, current)
    found, lacking = [], []
    for name in names:
        absent = [data.role for data in (reference, current) if not _there(data, name)]
        if absent and columns is not None and len(absent) == 2:  # noqa: PLR2004  # both windows
            msg = f"no column {name!r} in {reference.role} and {current.role}: mend the name"
            raise CannotMeasure(msg)
        if absent:
            lacking.append(Unmeasured(Slice((("column", name),)), f"{absent[0]} has no column {name!r}"))
            continue
        feature = _feature(reference, current, name)
        if isinstance(feature, str):
            lacking.append(Unmeasured(Slice((("column", name),)), feature))
        else:
            found.append(feature)
    return tuple(found), tuple(lacking)


def _default(reference: Dataset, current: Dataset) -> tuple[str, ...]:
    derived = tuple(DERIVED) if any(data.columns.text is not None for data in (reference, current)) else ()
    return tuple(dict.fromkeys((*reference.feature_names(), *current.feature_names(), *derived)))


def _there(data: Dataset, name: str) -> bool:
    if name in DERIVED and data.cells.profile is not None:
        return name in data.cells.profile.text and data.columns.text == data.cells.profile.roles.text
    return name in data.cells.names or (name in DERIVED and data.columns.text is not None)


def _feature(reference: Dataset, current: Dataset, name: str) -> Feature | str:
    """The feature, or why a profile cannot give it."""
    if any(data.cells.profile is not None for data in (reference, current)):
        return _profiled_feature(reference, current, name)
    if name not in reference.cells.names:
        values = [np.array([DERIVED[name](text) for text in data.texts()]) for data in (reference, current)]
        return Feature(name, numeric=True, reference=values[0], current=values[1])
    whose = None if reference.columns.group is None else reference.values(reference.columns.group)
    kinds = [data.kind(name) for data in (reference, current)]
    if not _is_numeric(reference, current, name):
        return Feature(name, numeric=False, reference=_categories(reference, name), current=_categories(current, name), whose=whose)
    before, now = (_quantities(data, name) for data in (reference, current))
    unreadable = sum(int(np.isnan(values).sum()) - kind.blank for values, kind in zip((before, now), kinds, strict=True))
    tells_time = all(kind.name in {*_TIMES, "blank"} for kind in kinds)
    return Feature(name, numeric=True, reference=before, current=now, unreadable=unreadable, whose=whose, tells_time=tells_time)


def _is_numeric(reference: Dataset, current: Dataset, name: str) -> bool:
    """Whether a column is compared as numbers."""
    kinds = [data.kind(name) for data in (reference, current)]
    declared = any(kind.declared and not kind.is_ordered for kind in kinds)
    codes = any(kind.name == "category" and _holds_codes(data, name) for data, kind in zip((reference, current), kinds, strict=True))
    return not declared and not codes and any(kind.name in _SCALES for kind in kinds)


def _profiled_feature(reference: Dataset, current: Dataset, name: str) -> Feature | str:
    """One column of two windows of which at least one is a profile, or why it cannot be compared."""
    derived = name not in reference.cells.names
    numeric = derived or _is_numeric(reference, current, name)
    sides: list[tuple[NDArray[np.float64] | NDArray[np.object_], Profiled | None]] = []
    for data in (reference, current):
        side = (_side_of_rows if data.cells.profile is None else profiled_windows.side_of)(data, name, numeric=numeric)
        if side is None:
            held = f"{name!r} is compared as {'numbers' if numeric else 'categories'}, and the profile of {data.role} keeps none of it"
            return f"{held}: profile that file with a type for it (--read types=...), or give the file itself"
        sides.append(side)
    kinds = [] if derived else [data.kind(name) for data in (reference, current)]
    return Feature(
        name,
        numeric,
        sides[0][0],
        sides[1][0],
        unreadable=sum(0 if kind.odd is None else kind.odd.rows for kind in kinds) if numeric else 0,
        tells_time=bool(kinds) and numeric and all(kind.name in {*_TIMES, "blank"} for kind in kinds),
        profiled=(sides[0][1], sides[1][1]),
    )


def answers(name: str, pairs: Sequence[tuple[Dataset, str | None]], of_rows: Callable[[Dataset], NDArray[np.float64]]) -> Feature:
    """True or predicted numbers of both windows, of which each has a column; `of_rows` gives those of a window of rows."""
    sides: list[tuple[NDArray[np.float64] | NDArray[np.object_], Profiled | None]] = []
    for data, column in pairs:
        if data.cells.profile is None:
            sides.append((of_rows(data), None))
            continue
        side = None if column is None else profiled_windows.side_of(data, column, numeric=True)
        if column is None or side is None:
            raise data.cells.needs_rows(column)
        if gone := int(side[1].rows[np.isnan(side[0].astype(float))].sum()):
            msg = f"{data.role}: column {column!r} holds no number in {gone:,} of {data.rows:,} rows: "
            msg += "leave these rows out of the file and profile it again"
            raise CannotMeasure(msg)
        sides.append(side)
    return Feature(name, numeric=True, reference=sides[0][0], current=sides[1][0], profiled=(sides[0][1], sides[1][1]))


def _side_of_rows(data: Dataset, name: str, *, numeric: bool) -> tuple[NDArray[np.float64] | NDArray[np.object_], None]:
    """The values of a window of rows, named as profiles name them."""
    if name not in data.cells.names:
        return np.array([DERIVED[name](text) for text in data.texts()]), None
    if numeric:
        return _quantities(data, name), None
    return np.array([None if value is None else name_of(value) for value in _categories(data, name)], dtype=object), None


def _holds_codes(data: Dataset, name: str) -> bool:
    """Whether numbers in a column are written with a zero before their first digit, such as 01234: they are codes in any window."""
    if data.cells.profile is not None:
        return data.cells.profile.columns[name].codes
    return any(isinstance(cell, str) and _CODE.fullmatch(cell.strip()) for cell in data.cells.column(name).unique())


def _quantities(data: Dataset, name: str) -> NDArray[np.float64]:
    """A column's numbers; days in seconds, as times are."""
    return to_numbers(data.cells.column(name)) * (DAY if data.kind(name).name == "day" else 1.0)


def _categories(data: Dataset, name: str) -> NDArray[np.object_]:
    """(n,) a column's values as text; None where missing."""
    import pandas as pd

    codes, values = pd.factorize(data.cells.column(name).astype(object))
    text = np.array([*(canonical(value) for value in values), None], dtype=object)
    return text[codes]
