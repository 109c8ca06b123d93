"""Figures that are tables or bars: numbers by name and by two names, rates by category."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.formatting import number
from audit.report import text as prose
from audit.report.charts import drawing as svg
from audit.report.charts.drawing import LEFT, RIGHT, WIDTH, Drawing, Scale, frame, plate, ticks
from audit.report.entries import Link
from audit.report.rows import FEWER, CellView
from audit.report.text import percent

if TYPE_CHECKING:
    from markupsafe import Markup

    from audit.evidence import Bars, Grid, RateTable
    from audit.report.rows import Places

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
    """True classes by predicted ones, or any two names by each other."""

    title: str
    classes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[CellView, ...]], ...]
    foot: str


def bars(figure: Bars, foot: str) -> BarTable | Drawing:
    """In the order given; beside another sample's shares as two outlines over the same bins."""
    if figure.reference:
        return _two_samples(figure, foot)
    most = max(figure.counts, default=0) or 1
    shown = list(zip(figure.labels, figure.counts, strict=True))
    rest = f"{len(shown) - MOST:,} more names, {_cell(sum(n for _, n in shown[MOST:]))} in all. " if len(shown) > MOST else ""
    rows = tuple(Bar(label, _cell(count), svg.number(100 * count / most)) for label, count in shown[:MOST])
    return BarTable(prose.sentence(figure.title), rows, rest + foot)


BOTTOM, HEIGHT = 176.0, 216.0
LETTER = 6.6
"""Width of a letter of a tick label, at most."""


def _two_samples(figure: Bars, foot: str) -> Drawing:
    """Shares, so that samples of different size compare."""
    (reference, current), k = figure.samples, len(figure.labels)
    top = max(*figure.reference, *figure.counts, 1e-9)
    x, y = plate((0.0, float(k)), (0.0, top * 1.08), BOTTOM)
    x_ticks = _labels(figure.labels)
    y_ticks = [(at, percent(at)) for at, _ in ticks(0.0, y.high, 4)]
    parts = [_filled(i, share, x, y) for i, share in enumerate(figure.counts)]
    parts += frame(x, y, x_ticks=x_ticks, y_ticks=y_ticks, x_label=prose.clip(figure.title, 40), y_label="share of rows")
    parts.append(svg.path(_outline(figure.reference, x, y), "inkl"))
    widest = max(range(k), key=lambda i: (abs(figure.counts[i] - figure.reference[i]), -i))
    column = prose.clip(figure.title, 60)
    title = f"{column}, furthest apart: {prose.clip(figure.labels[widest], 30)}"
    apart = (
        f"Furthest apart: {prose.clip(figure.labels[widest], 30)}, with {percent(figure.reference[widest])} of {reference} "
        f"and {percent(figure.counts[widest])} of {current}."
    )
    if max(abs(a - b) for a, b in zip(figure.reference, figure.counts, strict=True)) < 0.0005:  # noqa: PLR2004  # less than is printed
        title, apart = f"{column}: no difference", "The shares are the same."
    said = "; ".join(
        f"{label}: {percent(a)}, {percent(b)}" for label, a, b in zip(figure.labels, figure.reference, figure.counts, strict=True)
    )
    return Drawing(
        title,
        f"Line: {reference}. Filled: {current}.",
        svg.figure(WIDTH, HEIGHT, f"{column}: {apart}", f"Shares of {reference} and {current}. {said}", *parts),
        f"{apart} {foot}",
    )


def _filled(i: int, share: float, x: Scale, y: Scale) -> Markup:
    return svg.el("rect", x=x(i), y=y(share), width=x(i + 1) - x(i), height=BOTTOM - y(share), class_="dataf")


def _outline(shares: tuple[float, ...], x: Scale, y: Scale) -> list[tuple[float, float]]:
    points = [(LEFT, BOTTOM)]
    for i, share in enumerate(shares):
        points += [(x(i), y(share)), (x(i + 1), y(share))]
    return [*points, (RIGHT, BOTTOM)]


def _labels(labels: tuple[str, ...]) -> list[tuple[float, str]]:
    """As many labels as fit under the axis, at the middle of their bins."""
    said = [prose.clip(label, 22) for label in labels]
    bin_width = (RIGHT - LEFT) / len(labels)
    every = math.ceil((max(map(len, said)) + 2) * LETTER / bin_width)
    wanted = [(i + 0.5, label) for i, label in enumerate(said) if i % every == 0]
    return [(at, label) for at, label in wanted if LETTER * len(label) / 2 <= min(LEFT + at * bin_width, WIDTH - LEFT - at * bin_width)]


def grid(figure: Grid, foot: str, places: Places) -> ConfusionTable:
    """In the order given, the first rows and columns where there are too many to read; cells of predictions lead to their rows."""
    columns = figure.columns[:MOST]
    one = columns[1] if len(columns) == 2 and columns[0] == f"not {columns[1]}" else None  # noqa: PLR2004  # a class and the rest

    def cell(row: str, column: str, value: float | None) -> CellView:
        if figure.predictions:
            return places.cell(row, column, int(value or 0), one=one)
        return CellView("–" if value is None else _cell(value), right=False, anchor="")

    rows = tuple(
        (row, tuple(cell(row, column, value) for column, value in zip(columns, cells, strict=False)))
        for row, cells in zip(figure.rows[:MOST], figure.cells, strict=False)
    )
    sizes = (("rows", len(figure.rows)), ("columns", len(figure.columns)))
    left_out = "".join(f"The first {MOST} of {size} {name}. " for name, size in sizes if size > MOST)
    fewer = f"{FEWER}: so few could point to a person. " if any(one.count == FEWER for _, cells in rows for one in cells) else ""
    return ConfusionTable(prose.sentence(figure.title), columns, rows, left_out + fewer + foot)


def _cell(value: float) -> str:
    """A count as it is, another number to the digits that a reader can use."""
    return f"{value:,}" if isinstance(value, int) else prose.figure(value)


FOUR_FIFTHS = 0.8
"""Where regulators begin to ask: 29 CFR 1607.4 D."""
MOST_CATEGORIES = 60
"""Categories that are shown; the evidence files hold all."""


@dataclass(frozen=True, slots=True)
class RateRow:
    """One category."""

    name: Link
    """With where a few of its rows stand."""
    rows: str
    hits: str
    rate: str
    ratio: str
    interval: str
    p: str
    said: str
    """Which side of the four-fifths line it is on, or why it is in no ratio."""
    under: bool


@dataclass(frozen=True, slots=True)
class Rates:
    """The table."""

    title: str
    subtitle: str
    head: str
    hit: str
    rows: tuple[RateRow, ...]
    foot: str


def rates(figure: RateTable, foot: str, places: Places) -> Rates:
    """In the order given."""
    selection = figure.rate == "selection"
    cut = prose.listed(figure.columns)
    of = f" of the class {figure.of}" if figure.of else ""
    left_out = f"The first {MOST_CATEGORIES} of {len(figure.names)} categories. " if len(figure.names) > MOST_CATEGORIES else ""
    return Rates(
        title=f"{'Selection' if selection else 'Scoring'} rates and impact ratios by {cut}{of}",
        subtitle="Ratio: the category's rate over the highest one, with its 95\u00a0% interval.",
        head=cut,
        hit="selected" if selection else "above the median",
        rows=tuple(_rate_row(figure, i, places) for i in range(min(len(figure.names), MOST_CATEGORIES))),
        foot=f"{left_out}{_unknown(figure)} Four fifths ({FOUR_FIFTHS:g}) is a screening line, no proof of discrimination. {foot}",
    )


def _rate_row(figure: RateTable, i: int, places: Places) -> RateRow:
    ratio, low, high, p = figure.ratios[i], figure.lower[i], figure.upper[i], figure.exact_p[i]
    name = ", ".join("null" if value is None else str(value) for _, value in figure.names[i].items)
    return RateRow(
        name=Link(name, places.slice(figure.names[i])),
        rows=f"{figure.rows[i]:,}",
        hits=f"{figure.hits[i]:,}",
        rate=f"{figure.hits[i] / figure.rows[i]:.1%}",
        ratio="–" if ratio is None else number(ratio),
        interval="" if low is None or high is None else prose.bracket((low, high)),
        p="–" if p is None else _chance(p),
        said=_four_fifths(figure, i),
        under=ratio is not None and ratio < FOUR_FIFTHS,
    )


def _four_fifths(figure: RateTable, i: int) -> str:
    if figure.apart[i] == "unknown":
        return "unknown category, not in the calculation"
    if figure.apart[i] == "small":
        return f"left out: under {100 * figure.below:g}% of the rows of known category"
    ratio, high = figure.ratios[i], figure.upper[i]
    if ratio is None:
        return "no ratio: none is selected"
    if high is None:
        return "the highest rate"
    if ratio >= FOUR_FIFTHS:
        return "not under four fifths"
    return "under four fifths" if math.isfinite(high) and high < FOUR_FIFTHS else "under four fifths, perhaps by chance"


def _unknown(figure: RateTable) -> str:
    left = sum(rows for rows, apart in zip(figure.rows, figure.apart, strict=True) if apart == "unknown")
    verb = "row of an unknown category is" if left == 1 else "rows of an unknown category are"
    return f"{left:,} {verb} not in the calculation."


def _chance(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.2g}"  # noqa: PLR2004  # smaller ones say no more to a reader
