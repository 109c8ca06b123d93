"""Figures that are tables: counts by name, and the confusion table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import svg, words

if TYPE_CHECKING:
    from audit.evidence import Bars, Confusion

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
class Cell:
    """A cell of a confusion table."""

    count: str
    right: bool
    """On the diagonal."""


@dataclass(frozen=True, slots=True)
class ConfusionTable:
    """True classes by predicted ones."""

    title: str
    classes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    foot: str


def bars(figure: Bars, foot: str) -> BarTable:
    """In the order given."""
    most = max(figure.counts, default=0) or 1
    shown = list(zip(figure.labels, figure.counts, strict=True))
    rest = f"{len(shown) - MOST:,} more names, {sum(n for _, n in shown[MOST:]):,} in all. " if len(shown) > MOST else ""
    rows = tuple(Bar(label, f"{count:,}", svg.number(100 * count / most)) for label, count in shown[:MOST])
    return BarTable(words.sentence(figure.title), rows, rest + foot)


def confusion(figure: Confusion, foot: str) -> ConfusionTable:
    """The first classes where there are too many to read."""
    k = min(len(figure.classes), MOST)
    rows = tuple((figure.classes[i], tuple(Cell(f"{figure.counts[i][j]:,}", i == j) for j in range(k))) for i in range(k))
    left_out = f"The first {MOST} of {len(figure.classes)} classes. " if len(figure.classes) > MOST else ""
    return ConfusionTable("Rows: true class. Columns: predicted class", figure.classes[:k], rows, left_out + foot)
