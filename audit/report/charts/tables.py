"""Figures that are tables: counts by name, and the confusion table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import svg
from audit.report import text as prose
from audit.report.rows import FEWER

if TYPE_CHECKING:
    from audit.evidence import Bars, Confusion
    from audit.report.rows import CellView, Places

MOST = 20
"""Rows of bars, and classes of a confusion table, that are shown."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One count."""

    label: str
    count: str
    width: str
    """Percent of the widest."""


@dataclass(frozen=True, slots=True)
class BarTable:
    """Counts by name."""

    title: str
    bars: tuple[Bar, ...]
    foot: str


@dataclass(frozen=True, slots=True)
class ConfusionTable:
    """True classes by predicted ones."""

    title: str
    classes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[CellView, ...]], ...]
    foot: str


def bars(figure: Bars, foot: str) -> BarTable:
    """In the order given."""
    most = max(figure.counts, default=0) or 1
    shown = list(zip(figure.labels, figure.counts, strict=True))
    rest = f"{len(shown) - MOST:,} more names, {sum(n for _, n in shown[MOST:]):,} in all. " if len(shown) > MOST else ""
    rows = tuple(Bar(label, f"{count:,}", svg.number(100 * count / most)) for label, count in shown[:MOST])
    return BarTable(prose.sentence(figure.title), rows, rest + foot)


def confusion(figure: Confusion, foot: str, places: Places) -> ConfusionTable:
    """The first classes where there are too many to read; each cell leads to its rows."""
    shown = figure.classes[:MOST]
    one = shown[1] if len(shown) == 2 and shown[0] == f"not {shown[1]}" else None  # noqa: PLR2004  # a class and the rest
    rows = tuple(
        (true, tuple(places.cell(true, said, count, one=one) for said, count in zip(shown, counts, strict=False)))
        for true, counts in zip(shown, figure.counts, strict=False)
    )
    left_out = f"The first {MOST} of {len(figure.classes)} classes. " if len(figure.classes) > MOST else ""
    fewer = f"{FEWER}: so few could point to a person. " if any(cell.count == FEWER for _, cells in rows for cell in cells) else ""
    return ConfusionTable("Rows: true class. Columns: predicted class", shown, rows, left_out + fewer + foot)
