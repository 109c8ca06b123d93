"""The interval plot: point, whisker and bound, with the good side always to the right."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from audit.report import svg
from audit.report import text as prose
from audit.report.charts.scale import Scale, step

if TYPE_CHECKING:
    from audit.decision.finding import Bound, Finding

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
    parts = [*_ticks(others, scale, head_value=value), _interval(finding, value, (low, high), scale)]
    said = f"{finding.id}: {_numbers(finding)}, {prose.bound(finding.requirement)}; {prose.STATUSES[finding.status]}"
    drawing = svg.el("svg", svg.el("title", said), *parts, class_="ip", role="img")
    shared = reach == SHARED
    return Plot(drawing, "", "" if shared else f"scale: {prose.figure(reach, census=True)} to each side")


def _absence(finding: Finding) -> str:
    said = {"error": "the check broke", "not_run": "not run", "not_applicable": "not applicable"}
    return said.get(finding.status, "nothing measured")


def _numbers(finding: Finding) -> str:
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


def _interval(finding: Finding, value: float, ends: tuple[float, float], scale: Scale) -> Markup:
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
