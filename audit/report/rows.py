"""Rows to look at, at the end of section 7: the confusion table of each data set, and a few rows of each cell and slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.evidence import Pair
from audit.formatting import rows_in_words
from audit.record import FEW
from audit.report import text as prose
from audit.report.entries import Link
from audit.report.phrases import label

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from audit.decision.finding import Finding
    from audit.evidence import Example, Name, Slice, Value
    from audit.record import Sampled

MOST = 20
"""Classes of a confusion table that are shown."""
_FEATURE = "column"
"""What the name of a feature begins with."""
FEWER = "1–9"
"""What a cell of fewer rows says."""


@dataclass(frozen=True, slots=True)
class PartView:
    """A stretch of an example's text and its mark."""

    mark: str
    text: str


@dataclass(frozen=True, slots=True)
class ExampleView:
    """One row."""

    row: str
    parts: tuple[PartView, ...]
    note: str
    anchor: str = ""
    """Its own, where something leads to it."""


@dataclass(frozen=True, slots=True)
class CellView:
    """A cell of the confusion table, and where its rows stand."""

    count: str
    right: bool
    anchor: str


@dataclass(frozen=True, slots=True)
class PartRows:
    """The rows of one cell or slice."""

    anchor: str
    name: str
    size: str
    rows: tuple[ExampleView, ...]


@dataclass(frozen=True, slots=True)
class RowsOf:
    """One data set's."""

    anchor: str
    role: str
    classes: tuple[str, ...]
    table: tuple[tuple[str, tuple[CellView, ...]], ...]
    parts: tuple[PartRows, ...]
    foot: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Every data set's, and where a slice's rows stand."""

    sets: tuple[RowsOf, ...]


def rows(sampled: Sequence[Sampled], classes: Sequence[str]) -> Rows:
    """The parts that show rows, by data set."""
    anchored = _anchored(sampled)
    sets = [
        _rows_of((anchor, role), [entry for entry in anchored if entry[1].role == role], classes) for role, anchor in _sets(sampled).items()
    ]
    return Rows(tuple(sets))


@dataclass(frozen=True, slots=True)
class Places:
    """Where the rows behind a finding's numbers stand."""

    everything: str
    """The part of its data set; empty where none is shown."""
    _slices: Mapping[tuple[tuple[str, Value], ...], str]
    _families: frozenset[tuple[str, ...]]
    """Columns that the policy cuts it by."""
    _cells: Mapping[tuple[str, str], tuple[str, Sampled]]

    @classmethod
    def of(cls, sampled: Sequence[Sampled], finding: Finding) -> Places:
        """Those of the data set that the finding was measured on."""
        on = finding.requirement.on
        anchored = [(anchor, one) for anchor, one in _anchored(sampled) if one.role == on]
        return cls(
            _sets(sampled).get(on, ""),
            {one.name.items: anchor for anchor, one in anchored if one.cell is None and one.examples},
            frozenset(finding.requirement.families),
            {one.cell: (anchor, one) for anchor, one in anchored if one.cell is not None},
        )

    def slice(self, name: Slice) -> str:
        """The rows of the slice that a member's name begins with, by the columns that the policy cuts by; of a feature those that grew."""
        if len(name.items) == 1 and name.items[0][0] == _FEATURE:
            return self._slices.get(name.items, "")
        for length in sorted({len(family) for family in self._families}, reverse=True):
            items = name.items[:length]
            if tuple(column for column, _ in items) in self._families:
                return self._slices.get(items, "")
        return ""

    def member(self, name: Name) -> tuple[Link, ...]:
        """A member's name; of a pair the names of both, each with its own rows."""
        sides = (name.first, name.second) if isinstance(name, Pair) else (name,)
        return tuple(Link(label(side), self.slice(side)) for side in sides)

    def cell(self, true: str, said: str, count: int, *, one: str | None) -> CellView:
        """A cell of a confusion table of all classes, or of `one` against the rest; where other rows were sampled it leads nowhere."""
        found = [
            entry
            for (truly, called), entry in self._cells.items()
            if ((truly, called) == (true, said) if one is None else (truly == one, called == one) == (true == one, said == one))
        ]
        right = true == said
        if sum(sampled.rows for _, sampled in found) != count:
            return _cell(None, count, right=right)
        if len(found) > 1:
            return CellView(small(count), right, self.everything if count >= FEW else "")
        return _cell(found[0] if found else None, count, right=right)


def example_view(example: Example, anchor: str = "") -> ExampleView:
    """A row's masked text."""
    return ExampleView(
        example.row,
        tuple(PartView(part.mark, part.text.replace("_", " ") if part.mark == "mask" else part.text) for part in example.parts),
        example.note,
        anchor,
    )


def _anchored(sampled: Sequence[Sampled]) -> list[tuple[str, Sampled]]:
    return [(f"R-{number}", one) for number, one in enumerate(sampled, 1)]


def _sets(sampled: Sequence[Sampled]) -> dict[str, str]:
    """Where the rows of each data set begin."""
    return {role: f"S-{number}" for number, role in enumerate(dict.fromkeys(one.role for one in sampled), 1)}


def _rows_of(named: tuple[str, str], anchored: Sequence[tuple[str, Sampled]], classes: Sequence[str]) -> RowsOf:
    """The part of one data set, by its anchor and its role."""
    cells = {one.cell: (anchor, one) for anchor, one in anchored if one.cell is not None}
    shown = tuple(classes)[:MOST] if cells else ()
    table = tuple((true, tuple(_cell(cells.get((true, said)), 0, right=true == said) for said in shown)) for true in shown)
    left_out = f"The first {MOST} of {len(classes)} classes. " if cells and len(classes) > MOST else ""
    if all(_of_feature(one) for _, one in anchored):
        order = "in the order of the file"
    else:
        order = f"{'the wrong ones' if cells else 'those farthest off'} first, else in the order of the file"
    return RowsOf(
        anchor=named[0],
        role=named[1],
        classes=shown,
        table=table,
        parts=tuple(_part(anchor, one) for anchor, one in anchored if one.examples),
        foot=f"{left_out}A few rows of each part, {order}. {_few(anchored)} The evidence files hold all.",
    )


def _of_feature(one: Sampled) -> bool:
    """Whether it shows where a feature has moved."""
    return tuple(column for column, _ in one.name.items) == (_FEATURE,) and one.cell is None and one.wrong is None


def _few(anchored: Sequence[tuple[str, Sampled]]) -> str:
    """Which parts show no rows, and why."""
    if any(one.entities is not None for _, one in anchored):
        told = f"What has rows of fewer than {prose.word(FEW)} different entities shows none; a cell of them says 1–9, or few"
    else:
        told = f"What has fewer than {prose.word(FEW)} rows shows none, and a cell of them says 1–9"
    return f"{told}: so few could point to a person."


def _cell(found: tuple[str, Sampled] | None, count: int, *, right: bool) -> CellView:
    """A cell's count, without its rows where there are few; `count` is what stands in it where nothing was sampled."""
    if found is None:
        return CellView(small(count), right, "")
    anchor, one = found
    told = small(one.rows)
    return CellView("few" if one.few and told != FEWER else told, right, anchor if one.examples else "")


def small(count: int) -> str:
    """A count of rows of a cell, unless it is so small that it could point to a person."""
    return FEWER if 0 < count < FEW else f"{count:,}"


def _part(anchor: str, one: Sampled) -> PartRows:
    if one.cell is not None:
        true, said = one.cell
        name = f"Truly {true}, and called {said}" if true == said else f"Truly {true}, but called {said}"
    elif _of_feature(one):
        name = f"{one.name.items[0][1]}: what became more frequent"
    else:
        name = label(one.name) if one.name.items else "All rows"
    wrong = "" if one.wrong is None or one.cell is not None else f", {one.wrong:,} of them wrong"
    return PartRows(anchor, name, f"{rows_in_words(one.rows)}{wrong}", tuple(map(example_view, one.examples)))
