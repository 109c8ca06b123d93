"""A number at each stage of a model's making, side by side: one group of lines a slice, one line a stage."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.report import svg
from audit.report import text as prose
from audit.report.charts.axes import Drawing
from audit.report.charts.scale import Scale, around, ticks

if TYPE_CHECKING:
    from markupsafe import Markup

    from audit.evidence import BeforeAfter, Point

MOST = 15
"""Slices that are shown."""
WIDTH, LEFT, RIGHT, LINE = 344.0, 8.0, 282.0, 17.0
NAME = 44
"""Letters of a slice's name above its lines."""
_MARKS = ("#m-open", "#m-cen", "#m-fail", "#m-ref")
"""One shape a stage, so that they are told apart without colour."""


def before_after(figure: BeforeAfter, foot: str) -> Drawing:
    """Intervals of 95 %, the value beside each."""
    k = min(len(figure.names), MOST)
    known = [point for row in figure.points[:k] for point in row if point is not None]
    low, high = around([end for point in known for end in (point.lower, point.upper)])
    x, top = Scale(low, high, LEFT, RIGHT), 12.0 + LINE * len(figure.stages)
    height = LINE * (1.6 + len(figure.stages))
    bottom = top + height * k
    parts = [part for i, stage in enumerate(figure.stages) for part in _key(i, stage)]
    for place, label in ticks(low, high, 4):
        parts += [svg.line(x(place), top, x(place), bottom, "grd"), svg.text(x(place), bottom + 15, label, text_anchor="middle")]
    for i in range(k):
        parts += _group(figure, i, x, top + height * i)
    parts.append(svg.line(LEFT, bottom, RIGHT, bottom, "axl"))
    left_out = f"The first {MOST} of {len(figure.names)} slices. " if len(figure.names) > MOST else ""
    return Drawing(
        f"{prose.sentence(figure.unit)}: {' → '.join(figure.stages)}",
        "Each mark with its plain 95\u00a0% interval; the values stand at the right.",
        svg.figure(WIDTH, bottom + 22, f"{prose.sentence(figure.unit)} by stage", _said(figure, k), *parts),
        left_out + foot,
    )


def _key(i: int, stage: str) -> tuple[Markup, Markup]:
    y = 8.0 + LINE * i
    return _mark(i, LEFT + 6, y), svg.text(LEFT + 18, y + 4, stage)


def _group(figure: BeforeAfter, i: int, x: Scale, top: float) -> list[Markup]:
    """The slice's name, then its stages from above to below."""
    parts = [svg.text(LEFT, top + 14, prose.clip(figure.names[i], NAME), class_="h halo")]
    for stage, point in enumerate(figure.points[i]):
        y = top + 14 + LINE * (stage + 0.75)
        if point is None:
            parts.append(svg.text(LEFT + 12, y + 4, "no rows", class_="halo"))
            continue
        parts.append(svg.line(x(point.lower), y, x(point.upper), y, "inkl thin"))
        parts.append(_mark(stage, x(point.value), y))
        parts.append(svg.text(WIDTH, y + 4, prose.figure(point.value), text_anchor="end", class_="h"))
    return parts


def _mark(stage: int, x: float, y: float) -> Markup:
    return svg.el("use", href=_MARKS[stage % len(_MARKS)], x=x, y=y)


def _said(figure: BeforeAfter, k: int) -> str:
    lines = zip(figure.names[:k], figure.points[:k], strict=True)
    return "; ".join(f"{name}: {', '.join(map(_told, figure.stages, points))}" for name, points in lines)


def _told(stage: str, point: Point | None) -> str:
    if point is None:
        return f"{stage} no rows"
    return f"{stage} {prose.figure(point.value)} [{prose.figure(point.lower)}, {prose.figure(point.upper)}]"
