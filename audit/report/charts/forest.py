"""The forest plot: a table whose middle column draws each member's interval on one natural axis."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from audit.formatting import limit
from audit.report import svg
from audit.report import text as prose
from audit.report.charts.scale import Scale, around, ticks
from audit.report.entries import Chip, Link

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markupsafe import Markup

    from audit.decision.finding import Bound, Judged
    from audit.evidence import Name

MOST = 40
"""Rows that a forest shows; the rest stand in results.json."""
_MARKS = {"pass": "m-pass", "fail": "m-fail", "inconclusive": "m-open", None: "m-ref"}


@dataclass(frozen=True, slots=True)
class Row:
    """One member."""

    names: tuple[Link, ...]
    """Its name, or both of a pair, each with where a few of its rows stand."""
    drawing: Markup | None
    absent: str
    value: str
    interval: str
    n: str
    chip: Chip | None
    member: Name


@dataclass(frozen=True, slots=True)
class Tick:
    """A number on the axis and its place in percent."""

    place: str
    label: str


@dataclass(frozen=True, slots=True)
class Forest:
    """The table with its axis."""

    title: str
    subtitle: str
    value_head: str
    background: str
    """CSS of the plotting column: grid, bound and good side."""
    ticks: tuple[Tick, ...]
    bound: Tick | None
    rows: tuple[Row, ...]
    has_status: bool
    foot: str


@dataclass(frozen=True, slots=True)
class Caption:
    """The words around a forest, and whether its numbers were counted."""

    title: str
    subtitle: str = ""
    unit: str = "value"
    foot: str = ""
    census: bool = False


def forest(members: Sequence[Judged], sides: Sequence[Bound], caption: Caption) -> Forest:
    """Members in the order given; `sides` are drawn as bounds."""
    shown = members[:MOST]
    numbers = [end for one in shown if one.value is not None for end in (one.value, *(one.interval or ()))] + [side.limit for side in sides]
    finite = [one for one in numbers if math.isfinite(one)]
    unit_range = (0.0, 1.0) if finite and min(finite) >= 0 and max(finite) <= 1 else None
    low, high = around(finite or [0.0, 1.0], within=unit_range)
    scale = Scale(low, high, 2, 98)
    marks = ticks(low, high)
    limits = tuple(side.limit for side in sides)
    left_out = f" {len(members) - MOST:,} more in results.json." if len(members) > MOST else ""
    return Forest(
        title=caption.title,
        subtitle=caption.subtitle,
        value_head=caption.unit,
        background=_background(scale, [place for place, _ in marks], sides),
        ticks=tuple(Tick(svg.number(scale(place)), label) for place, label in marks),
        bound=_bound(sides, scale),
        rows=tuple(_row(one, scale, limits, census=caption.census) for one in shown),
        has_status=any(one.status is not None for one in shown),
        foot=caption.foot + left_out,
    )


def with_rows(drawn: Forest, named: Callable[[Name], tuple[Link, ...]]) -> Forest:
    """The same forest with a way from each member to a few of its rows."""
    return replace(drawn, rows=tuple(replace(row, names=named(row.member)) for row in drawn.rows))


def _bound(sides: Sequence[Bound], scale: Scale) -> Tick | None:
    if not sides:
        return None
    said = f"{'at least' if sides[0].floor else 'at most'} {limit(sides[0].limit)}"
    return Tick(svg.number(min(max(scale(sides[0].limit), 12), 88)), said)


def _row(one: Judged, scale: Scale, limits: tuple[float, ...], *, census: bool) -> Row:
    names = (Link(str(one.name), ""),)
    chip = Chip(one.status, prose.STATUSES[one.status]) if one.status else None
    if one.value is None or one.interval is None:
        return Row(names, None, one.reason or "not measured", "–", "", f"{one.n:,}", chip, one.name)
    value = prose.figure(one.value, *limits, census=census)
    interval = "" if census else prose.bracket(one.interval, *limits)
    parts: list[Markup] = []
    if not census:
        low, high = (_percent(end, scale) for end in one.interval)
        parts.append(svg.el("line", class_="wh", x1=low, x2=high, y1="50%", y2="50%"))
        parts += [svg.el("use", href="#m-cap", x=_percent(end, scale), y="50%") for end in one.interval if math.isfinite(end)]
    mark = "m-cen" if census else _MARKS.get(one.status, "m-open")
    parts.append(svg.el("use", href=f"#{mark}", x=_percent(one.value, scale), y="50%"))
    drawing = svg.el("svg", *parts, class_=f"ip s-{one.status or 'ref'}", aria_hidden="true")  # the row's own cells say the same
    return Row(names, drawing, "", value, interval, f"{one.n:,}", chip, one.name)


def _percent(value: float, scale: Scale) -> str:
    return f"{scale(value):.1f}%"


def _background(scale: Scale, grid: Sequence[float], sides: Sequence[Bound]) -> str:
    """Layers, the topmost first: the bound, the grid, the good side."""
    layers = [_upright("--ink", scale(side.limit), "var(--bw)") for side in sides]
    layers += [_upright("--tick", scale(place), "1px") for place in grid]
    if sides:
        left = max([scale(side.limit) for side in sides if side.floor], default=0.0)
        right = min([scale(side.limit) for side in sides if not side.floor], default=100.0)
        a, b = svg.number(left), svg.number(max(left, right))
        layers.append(f"linear-gradient(90deg,transparent {a}%,var(--good) {a}% {b}%,transparent {b}%)")
    return ",".join(layers)


def _upright(colour: str, place: float, width: str) -> str:
    return f"linear-gradient(var({colour}),var({colour})) {svg.number(place)}% 0/{width} 100% no-repeat"
