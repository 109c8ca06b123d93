"""Intervals against a bound: the plot of one finding, and the forest of its members on one natural axis."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from markupsafe import Markup

from audit.formatting import limit
from audit.report import text as prose
from audit.report.charts import drawing as svg
from audit.report.charts.drawing import Scale, around, step, ticks
from audit.report.entries import Chip, Link
from audit.report.phrases import label

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from audit.decision.finding import Bound, Finding, Judged
    from audit.evidence import Name

SHARED = 0.2
"""Rates and scores are drawn on one scale, so far to each side of the bound."""
EDGE = 4.0
"""Percent of the width kept free at each end for arrows."""
MARKS = {"pass": "m-pass", "fail": "m-fail"}


@dataclass(frozen=True, slots=True)
class Plot:
    """A drawn interval, or the words that stand in its place."""

    drawing: Markup
    absent: str
    scale: str
    """Said where the row has a scale of its own."""


def interval_plot(finding: Finding) -> Plot:
    """How far the finding's deciding interval lies from its bound."""
    head = finding.headline
    sides = finding.bounds
    if head is None or head.n == 0 or not sides:
        return Plot(Markup(""), _absence(finding), "")
    side = min(sides, key=lambda one: _margin(head.value, one))
    value, low, high = (_margin(one, side) for one in (head.value, *_faced(head.interval, side)))
    reach = _reach(finding, (value, low, high), side)
    scale = Scale(-reach, reach, EDGE, 100 - EDGE)
    others = [_margin(one.value, side) for one in finding.slices if one.value is not None and one.status is not None]
    parts = [*_ticks(others, scale, head_value=value), _whisker(finding, value, (low, high), scale)]
    said = f"{finding.id}: {_describe(finding)}, {prose.bound(finding.requirement)}; {prose.STATUSES[finding.status]}"
    drawing = svg.el("svg", svg.el("title", said), *parts, class_="ip", role="img")
    shared = reach == SHARED
    return Plot(drawing, "", "" if shared else f"scale: {prose.figure(reach, census=True)} to each side")


def _absence(finding: Finding) -> str:
    said = {"error": "the check broke", "not_run": "not run", "not_applicable": "not applicable"}
    return said.get(finding.status, "nothing measured")


def _describe(finding: Finding) -> str:
    head = finding.headline
    assert head is not None  # noqa: S101  # only drawn findings are described
    limits = prose.limits(finding.requirement)
    if prose.is_census(head):
        return f"{prose.figure(head.value, census=True)} counted"
    return f"{prose.figure(head.value, *limits)}, interval {prose.bracket(head.interval, *limits)}"


def _margin(value: float, side: Bound) -> float:
    """Distance to the bound, positive on the good side."""
    return value - side.limit if side.floor else side.limit - value


def _faced(interval: tuple[float, float], side: Bound) -> tuple[float, float]:
    """The ends, the worse one first."""
    return interval if side.floor else (interval[1], interval[0])


def _reach(finding: Finding, margins: tuple[float, ...], side: Bound) -> float:
    """Half the width of the scale: the shared one for rates and scores, else a round number that holds everything."""
    head = finding.headline
    compared = finding.requirement.against is not None  # a margin is a small part of the shared scale
    if head is not None and not compared and not prose.is_census(head) and abs(side.limit) <= 1 and abs(head.value) <= 1:
        return SHARED
    largest = max([abs(one) for one in margins if math.isfinite(one)], default=0.0)
    return step(largest * 1.15, 1) if largest else 1.0


def _ticks(others: list[float], scale: Scale, *, head_value: float) -> list[Markup]:
    """The other members as ticks above the whisker."""
    places = sorted({round(scale(one), 1) for one in others if not math.isclose(one, head_value)})
    steps = [svg.el("line", x1=f"{svg.number(x)}%", x2=f"{svg.number(x)}%", y1="12%", y2="28%") for x in places]
    return [svg.el("g", *steps, class_="sl")] if steps else []


def _whisker(finding: Finding, value: float, ends: tuple[float, float], scale: Scale) -> Markup:
    head = finding.headline
    census = head is not None and prose.is_census(head)
    parts: list[Markup] = []
    if not census and any(map(scale.holds, (value, *ends))) | (ends[0] < scale.low < scale.high < ends[1]):
        parts.append(svg.el("line", class_="wh", x1=_x(ends[0], scale), x2=_x(ends[1], scale), y1="50%", y2="50%"))
        parts += [_use("m-cap", _x(end, scale)) for end in ends if scale.holds(end)]
    if ends[0] < scale.low:
        parts.append(_use("m-left", "1%"))
    if ends[1] > scale.high:
        parts.append(_use("m-right", "99%"))
    if scale.holds(value):
        parts.append(_use("m-cen" if census else MARKS.get(finding.status, "m-open"), _x(value, scale)))
    return svg.el("g", *parts, class_=f"s-{finding.status}")


def _x(value: float, scale: Scale) -> str:
    return f"{svg.number(scale(value))}%"


def _use(mark: str, x: str) -> Markup:
    return svg.el("use", href=f"#{mark}", x=x, y="50%")


MOST_MEMBERS = 40
"""Rows that a forest shows; the rest stand in results.json."""
_MEMBER_MARKS = {"pass": "m-pass", "fail": "m-fail", "inconclusive": "m-open", None: "m-ref"}


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
    shown = members[:MOST_MEMBERS]
    numbers = [end for one in shown if one.value is not None for end in (one.value, *(one.interval or ()))] + [side.limit for side in sides]
    finite = [one for one in numbers if math.isfinite(one)]
    unit_range = (0.0, 1.0) if finite and min(finite) >= 0 and max(finite) <= 1 else None
    low, high = around(finite or [0.0, 1.0], within=unit_range)
    scale = Scale(low, high, 2, 98)
    marks = ticks(low, high)
    limits = tuple(side.limit for side in sides)
    left_out = f" {len(members) - MOST_MEMBERS:,} more in results.json." if len(members) > MOST_MEMBERS else ""
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
    names = (Link(label(one.name), ""),)
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
    mark = "m-cen" if census else _MEMBER_MARKS.get(one.status, "m-open")
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
