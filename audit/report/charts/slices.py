"""What differs by slice: rows gained and lost against another model, and weak slices that a search proposed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit.formatting import number, rows_in_words
from audit.report import text as prose
from audit.report.charts import drawing as svg
from audit.report.charts.drawing import Scale, short, ticks
from audit.report.entries import Link
from audit.report.text import percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from audit.evidence import Churn, WeakSlices

MOST_CHURN = 20
"""Slices that are shown, all rows among them."""
CHURN_WIDTH, CHURN_RIGHT, CHURN_TOP, CHURN_STEP = 344.0, 336.0, 30.0, 26.0
CHURN_LETTER, CHURN_NAME = 6.2, 26
"""Width of a letter; letters of a slice's name beside its bar, the whole name stands in the table."""


@dataclass(frozen=True, slots=True)
class ChurnRow:
    """One slice in numbers."""

    name: Link
    """With where a few of its rows stand."""
    n: str
    both_right: str
    gained: str
    lost: str
    both_wrong: str
    changed: str
    """Share of rows whose answer changes."""


@dataclass(frozen=True, slots=True)
class ChurnTable:
    """What changes for whom."""

    title: str
    subtitle: str
    drawing: Markup
    rows: tuple[ChurnRow, ...]
    foot: str


def churn(figure: Churn, foot: str, anchors: Mapping[str, str]) -> ChurnTable:
    """All rows first, then the slices in their order, each with where its rows stand."""
    k = min(len(figure.names), MOST_CHURN)
    sizes = [sum(cells) for cells in zip(figure.both_right, figure.gained, figure.lost, figure.both_wrong, strict=True)]
    rows = tuple(
        ChurnRow(
            Link(figure.names[i], anchors.get(figure.names[i], "")),
            f"{sizes[i]:,}",
            f"{figure.both_right[i]:,}",
            f"{figure.gained[i]:,}",
            f"{figure.lost[i]:,}",
            f"{figure.both_wrong[i]:,}",
            percent(figure.changed[i] / sizes[i]) if sizes[i] else "–",
        )
        for i in range(k)
    )
    left_out = f"The first {MOST_CHURN} of {len(figure.names)} lines. " if len(figure.names) > MOST_CHURN else ""
    return ChurnTable(
        title=f"What changes against {figure.comparator}: {rows_in_words(figure.lost[0])} lost, {figure.gained[0]:,} gained",
        subtitle=f"To the left, rows that {figure.comparator} gets right and the candidate wrong; to the right, the reverse.",
        drawing=_churn_drawing(figure, sizes, k),
        rows=rows,
        foot=left_out + foot,
    )


def _churn_drawing(figure: Churn, sizes: list[int], k: int) -> Markup:
    """Shares of each slice's rows, so that small slices compare with large ones."""
    lost, gained = ([count / max(size, 1) for count, size in zip(part, sizes, strict=True)][:k] for part in (figure.lost, figure.gained))
    reach = max(*lost, *gained, 0.01) * 1.1
    names = [name if len(name) <= CHURN_NAME else f"{name[: CHURN_NAME - 1].rstrip()}…" for name in figure.names[:k]]
    left = 14 + CHURN_LETTER * max(map(len, names))
    x, bottom = Scale(-reach, reach, left, CHURN_RIGHT), CHURN_TOP + CHURN_STEP * k
    parts = [svg.text(x(0) - 6, 12, "lost", text_anchor="end", class_="tf"), svg.text(x(0) + 6, 12, "gained", class_="tp")]
    for place, _ in ticks(-reach, reach, 4):
        parts.append(svg.line(x(place), CHURN_TOP - 6, x(place), bottom, "grd"))
        parts.append(svg.text(x(place), bottom + 15, percent(abs(place)), text_anchor="middle"))
    for i in range(k):
        y = CHURN_TOP + CHURN_STEP * i
        parts.append(svg.text(left - 8, y + 12, names[i], text_anchor="end"))
        parts.append(svg.el("rect", x=x(-lost[i]), y=y, width=x(0) - x(-lost[i]), height=CHURN_STEP - 10, class_="lostf"))
        parts.append(svg.el("rect", x=x(0), y=y, width=x(gained[i]) - x(0), height=CHURN_STEP - 10, class_="gainf"))
    parts.append(svg.line(x(0), CHURN_TOP - 6, x(0), bottom, "axl"))
    said = "; ".join(
        f"{figure.names[i]}: {figure.lost[i]:,} lost ({percent(lost[i])}), {figure.gained[i]:,} gained ({percent(gained[i])})"
        for i in range(k)
    )
    return svg.figure(CHURN_WIDTH, bottom + 24, f"Rows lost and gained against {figure.comparator}", said, *parts)


MOST = 20
"""Slices that are shown; the evidence files hold all."""
WIDTH, LEFT, RIGHT, TOP, STEP = 344.0, 10.0, 334.0, 30.0, 38.0
NAME = 52
"""Letters of a slice's name above its line."""


@dataclass(frozen=True, slots=True)
class WeakRow:
    """One slice in words."""

    name: str
    inside: str
    """How much is wrong, or how large the error is."""
    elsewhere: str
    gap: str
    sure: str
    """How large the gap is at least, or that it may be chance."""
    to: tuple[Link, ...]
    """Ids of rows to look at, with where those stand that are shown."""
    named: bool


@dataclass(frozen=True, slots=True)
class WeakTable:
    """What was proposed and what is named."""

    title: str
    subtitle: str
    drawing: Markup
    heads: tuple[str, str]
    """Of the slice and of the rows elsewhere."""
    rows: tuple[WeakRow, ...]
    foot: str


def weak(figure: WeakSlices, foot: str) -> WeakTable:
    """Named slices first, each kind in the order of the search."""
    order = sorted(range(len(figure.names)), key=lambda i: not figure.named[i])[:MOST]
    named = sum(figure.named)
    left_out = f"The first {MOST} of {len(figure.names)} slices. " if len(figure.names) > MOST else ""
    title = f"{prose.counted(named, 'weak slice')} named" if named else "No weak slice named"
    return WeakTable(
        title=f"{prose.sentence(title)}, of {prose.counted(len(figure.names), 'slice')} proposed by the search",
        subtitle=_subtitle(figure),
        drawing=_weak_drawing(figure, order),
        heads=("mean absolute error in it", "elsewhere") if figure.errors else ("wrong in it", "wrong elsewhere"),
        rows=tuple(_weak_row(figure, i) for i in order),
        foot=left_out + foot,
    )


def _subtitle(figure: WeakSlices) -> str:
    what = f"mean absolute error, in the unit of {figure.measured_in}," if figure.errors else "share of wrong answers"
    return f"A dot: {what} in the slice; a bar: {'the same' if figure.errors else what} elsewhere. Rows that the search did not see."


def _weak_row(figure: WeakSlices, i: int) -> WeakRow:
    inside, rest = _sides(figure, i)
    rows = f"{figure.rows[i]:,}"
    return WeakRow(
        name=figure.names[i],
        inside=f"{number(inside)} in\u00a0{rows}\u00a0rows" if figure.errors else f"{figure.wrong[i]:,} of {rows} ({percent(inside)})",
        elsewhere=_shown_as(figure, rest),
        gap=number(inside - rest),
        sure=_sure(figure, i),
        to=tuple(Link(row, "") for row in figure.examples[i]),
        named=figure.named[i],
    )


def with_examples(table: WeakTable, anchors: Mapping[str, str]) -> WeakTable:
    """The same table with a way from each id to the row, where that is shown."""
    return replace(
        table, rows=tuple(replace(row, to=tuple(Link(one.text, anchors.get(one.text, "")) for one in row.to)) for row in table.rows)
    )


def _sure(figure: WeakSlices, i: int) -> str:
    inside, rest = _sides(figure, i)
    if figure.named[i]:
        return f"at least {number(figure.lower[i])}"
    return "may be chance" if inside > rest else "no worse than elsewhere"


def _sides(figure: WeakSlices, i: int) -> tuple[float, float]:
    """Share of wrong answers, or mean absolute error, in the slice and elsewhere."""
    if figure.errors:
        return figure.errors[i], figure.rest_errors[i]
    return figure.wrong[i] / figure.rows[i], figure.rest_wrong[i] / figure.rest_rows[i]


def _shown_as(figure: WeakSlices, value: float) -> str:
    return number(value) if figure.errors else percent(value)


def _reach(figure: WeakSlices, sides: list[tuple[float, float]]) -> float:
    """Where the axis ends."""
    most = max(value for pair in sides for value in pair)
    if figure.errors:
        return most * 1.1 if most > 0 else 1.0
    return min(1.0, max(most, 0.01) * 1.1)


def _weak_drawing(figure: WeakSlices, order: list[int]) -> Markup:
    """One line a slice, its name above it."""
    sides = [_sides(figure, i) for i in order]
    reach = _reach(figure, sides)
    x, bottom = Scale(0.0, reach, LEFT, RIGHT), TOP + STEP * len(order)
    parts = [svg.text(LEFT, 12, "mean absolute error" if figure.errors else "share of wrong answers")]
    for place, _ in ticks(0.0, reach, 4):
        parts.append(svg.line(x(place), TOP - 8, x(place), bottom, "grd"))
        at = short(place) if figure.errors else percent(place)
        parts.append(svg.text(x(place), bottom + 15, at, text_anchor="middle" if place else "start"))
    for line, (i, (inside, rest)) in enumerate(zip(order, sides, strict=True)):
        y, named = TOP + STEP * line, figure.named[i]
        parts.append(svg.text(LEFT, y + 8, prose.clip(figure.names[i], NAME), class_="halo tf" if named else "halo"))
        parts.append(svg.line(x(rest), y + 20, x(inside), y + 20, "inkl" if named else "ink3l"))
        parts.append(svg.el("rect", x=x(rest) - 1.5, y=y + 14, width=3, height=12, class_="inkf"))
        parts.append(svg.el("circle", cx=x(inside), cy=y + 20, r=5, class_="lostf" if named else "barf"))
    title = "Mean absolute error" if figure.errors else "Wrong answers"
    return svg.figure(WIDTH, bottom + 24, f"{title} in each slice and elsewhere", _description(figure, order), *parts)


def _description(figure: WeakSlices, order: list[int]) -> str:
    """The picture in words."""
    kind = "on average" if figure.errors else "wrong"
    told = []
    for i in order:
        inside, rest = (_shown_as(figure, value) for value in _sides(figure, i))
        told.append(f"{figure.names[i]}: {inside} {kind}, elsewhere {rest}, {_sure(figure, i)}")
    return "; ".join(told)
