"""Slices that a search proposed: errors in each beside errors elsewhere, as a picture and in words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit.report import svg, words
from audit.report.charts.axes import percent
from audit.report.charts.scale import Scale, ticks
from audit.report.entries import Link
from audit.wording import number

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from audit.evidence import WeakSlices

MOST = 20
"""Slices that are shown; the evidence files hold all."""
WIDTH, LEFT, RIGHT, TOP, STEP = 344.0, 10.0, 334.0, 30.0, 38.0
NAME = 52
"""Letters of a slice's name above its line."""


@dataclass(frozen=True, slots=True)
class WeakRow:
    """One slice in words."""

    name: str
    wrong: str
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
    rows: tuple[WeakRow, ...]
    foot: str


def weak(figure: WeakSlices, foot: str) -> WeakTable:
    """Named slices first, each kind in the order of the search."""
    order = sorted(range(len(figure.names)), key=lambda i: not figure.named[i])[:MOST]
    named = sum(figure.named)
    left_out = f"The first {MOST} of {len(figure.names)} slices. " if len(figure.names) > MOST else ""
    title = f"{words.counted(named, 'weak slice')} named" if named else "No weak slice named"
    return WeakTable(
        title=f"{words.sentence(title)}, of {words.counted(len(figure.names), 'slice')} proposed by the search",
        subtitle="A dot: share of wrong answers in the slice; a bar: share of wrong answers elsewhere. Rows that the search did not see.",
        drawing=_drawing(figure, order),
        rows=tuple(_row(figure, i) for i in order),
        foot=left_out + foot,
    )


def _row(figure: WeakSlices, i: int) -> WeakRow:
    inside, rest = _shares(figure, i)
    return WeakRow(
        name=figure.names[i],
        wrong=f"{figure.wrong[i]:,} of {figure.rows[i]:,} ({percent(inside)})",
        elsewhere=percent(rest),
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
    inside, rest = _shares(figure, i)
    if figure.named[i]:
        return f"at least {number(figure.lower[i])}"
    return "may be chance" if inside > rest else "no worse than elsewhere"


def _shares(figure: WeakSlices, i: int) -> tuple[float, float]:
    return figure.wrong[i] / figure.rows[i], figure.rest_wrong[i] / figure.rest_rows[i]


def _drawing(figure: WeakSlices, order: list[int]) -> Markup:
    """One line a slice, its name above it."""
    shares = [_shares(figure, i) for i in order]
    reach = min(1.0, max(*(share for pair in shares for share in pair), 0.01) * 1.1)
    x, bottom = Scale(0.0, reach, LEFT, RIGHT), TOP + STEP * len(order)
    parts = [svg.text(LEFT, 12, "share of wrong answers")]
    for place, _ in ticks(0.0, reach, 4):
        parts.append(svg.line(x(place), TOP - 8, x(place), bottom, "grd"))
        parts.append(svg.text(x(place), bottom + 15, percent(place), text_anchor="middle" if place else "start"))
    for line, (i, (inside, rest)) in enumerate(zip(order, shares, strict=True)):
        y, named = TOP + STEP * line, figure.named[i]
        parts.append(svg.text(LEFT, y + 8, words.clip(figure.names[i], NAME), class_="halo tf" if named else "halo"))
        parts.append(svg.line(x(rest), y + 20, x(inside), y + 20, "inkl" if named else "ink3l"))
        parts.append(svg.el("rect", x=x(rest) - 1.5, y=y + 14, width=3, height=12, class_="inkf"))
        parts.append(svg.el("circle", cx=x(inside), cy=y + 20, r=5, class_="lostf" if named else "barf"))
    said = "; ".join(
        f"{figure.names[i]}: {percent(inside)} wrong, elsewhere {percent(rest)}, {_sure(figure, i)}"
        for i, (inside, rest) in zip(order, shares, strict=True)
    )
    return svg.figure(WIDTH, bottom + 24, "Wrong answers in each slice and elsewhere", said, *parts)
