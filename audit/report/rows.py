"""Rows to look at, at the end of section 8: the confusion table of each data set, and a few rows of each cell and slice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.evidence import Slice
from audit.report import words
from audit.results import FEW
from audit.wording import rows_in_words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audit.evidence import Example, Name
    from audit.finding import Finding
    from audit.results import Sampled

MOST = 20
"""Classes of a confusion table that are shown."""


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

    role: str
    classes: tuple[str, ...]
    table: tuple[tuple[str, tuple[CellView, ...]], ...]
    parts: tuple[PartRows, ...]
    foot: str


@dataclass(frozen=True, slots=True)
class Rows:
    """Every data set's, and where a slice's rows stand."""

    number: str
    sets: tuple[RowsOf, ...]


def rows(sampled: Sequence[Sampled], classes: Sequence[str], number: str) -> Rows:
    """The parts that show rows, by data set."""
    anchored = _anchored(sampled)
    roles = dict.fromkeys(one.role for one in sampled)
    return Rows(number, tuple(_rows_of(role, [entry for entry in anchored if entry[1].role == role], classes) for role in roles))


def linked(sampled: Sequence[Sampled], finding: Finding) -> Callable[[Name], str]:
    """Where the rows of a member stand: those of the slice that its name begins with, by the columns that the policy cuts by."""
    on = finding.requirement.on
    places = {one.name.items: anchor for anchor, one in _anchored(sampled) if one.cell is None and one.role == on and one.examples}
    cut = {len(family) for family in finding.requirement.by}

    def anchor(name: Name) -> str:
        if not isinstance(name, Slice):
            return ""
        starts = (name.items[:length] for length in sorted(cut, reverse=True) if len(name.items) >= length)
        return next((places[items] for items in starts if items in places and _columns(items) in finding.requirement.by), "")

    return anchor


def example_view(example: Example, anchor: str = "") -> ExampleView:
    """A row's masked text."""
    return ExampleView(
        example.row,
        tuple(PartView(part.mark, part.text.replace("_", " ") if part.mark == "mask" else part.text) for part in example.parts),
        example.note,
        anchor,
    )


def _columns(items: Sequence[tuple[str, object]]) -> tuple[str, ...]:
    return tuple(column for column, _ in items)


def _anchored(sampled: Sequence[Sampled]) -> list[tuple[str, Sampled]]:
    return [(f"R-{number}", one) for number, one in enumerate(sampled, 1)]


def _rows_of(role: str, anchored: Sequence[tuple[str, Sampled]], classes: Sequence[str]) -> RowsOf:
    cells = {one.cell: (anchor, one) for anchor, one in anchored if one.cell is not None}
    shown = tuple(classes)[:MOST] if cells else ()
    table = tuple((true, tuple(_cell(cells.get((true, said)), right=true == said) for said in shown)) for true in shown)
    left_out = f"The first {MOST} of {len(classes)} classes. " if cells and len(classes) > MOST else ""
    first = "the wrong ones first" if cells else "those farthest off first"
    few = f"What has fewer than {words.word(FEW)} rows shows none, and a cell of them says 1–9: so few could point to a person."
    return RowsOf(
        role=role,
        classes=shown,
        table=table,
        parts=tuple(_part(anchor, one) for anchor, one in anchored if one.examples),
        foot=f"{left_out}A few rows of each part, {first}, else in the order of the file. {few} The evidence files hold every row.",
    )


def _cell(found: tuple[str, Sampled] | None, *, right: bool) -> CellView:
    if found is None:
        return CellView("0", right, "")
    anchor, one = found
    return CellView(f"{one.rows:,}" if one.rows >= FEW else "1–9", right, anchor if one.examples else "")


def _part(anchor: str, one: Sampled) -> PartRows:
    if one.cell is not None:
        true, said = one.cell
        name = f"Truly {true}, and called {said}" if true == said else f"Truly {true}, but called {said}"
    else:
        name = str(one.name) if one.name.items else "All rows"
    wrong = "" if one.wrong is None or one.cell is not None else f", {one.wrong:,} of them wrong"
    return PartRows(anchor, name, f"{rows_in_words(one.rows)}{wrong}", tuple(map(example_view, one.examples)))
