"""Shares of two samples over the same bins, and one number at several stages side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from audit.report import svg
from audit.report import text as prose
from audit.report.charts.axes import LEFT, RIGHT, WIDTH, Drawing, Scale, around, frame, plate, ticks
from audit.report.text import percent

if TYPE_CHECKING:
    from markupsafe import Markup

    from audit.evidence import Histogram, Intervals, Point

BOTTOM, HEIGHT = 176.0, 216.0
LETTER = 6.6
"""Width of a letter of a tick label, at most."""


def histogram(figure: Histogram, foot: str) -> Drawing:
    """Shares, not counts, so that samples of different size compare."""
    k = len(figure.labels)
    top = max(*figure.reference, *figure.current, 1e-9)
    x, y = plate((0.0, float(k)), (0.0, top * 1.08), BOTTOM)
    x_ticks = _labels(figure.labels)
    y_ticks = [(at, percent(at)) for at, _ in ticks(0.0, y.high, 4)]
    parts = [_filled(i, share, x, y) for i, share in enumerate(figure.current)]
    parts += frame(x, y, x_ticks=x_ticks, y_ticks=y_ticks, x_label=prose.clip(figure.column, 40), y_label="share of rows")
    parts.append(svg.path(_outline(figure.reference, x, y), "inkl"))
    widest = max(range(k), key=lambda i: (abs(figure.current[i] - figure.reference[i]), -i))
    column = prose.clip(figure.column, 60)
    title = f"{column}, furthest apart: {prose.clip(figure.labels[widest], 30)}"
    apart = (
        f"Furthest apart: {prose.clip(figure.labels[widest], 30)}, with {percent(figure.reference[widest])} of {figure.reference_name} "
        f"and {percent(figure.current[widest])} of {figure.current_name}."
    )
    if max(abs(a - b) for a, b in zip(figure.reference, figure.current, strict=True)) < 0.0005:  # noqa: PLR2004  # less than is printed
        title, apart = f"{column}: no difference", "The shares are the same."
    said = "; ".join(
        f"{label}: {percent(a)}, {percent(b)}" for label, a, b in zip(figure.labels, figure.reference, figure.current, strict=True)
    )
    return Drawing(
        title,
        f"Line: {figure.reference_name}. Filled: {figure.current_name}.",
        svg.figure(WIDTH, HEIGHT, f"{column}: {apart}", f"Shares of {figure.reference_name} and {figure.current_name}. {said}", *parts),
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


MOST_STAGED = 15
"""Slices that are shown."""
STAGES_WIDTH, STAGES_LEFT, STAGES_RIGHT, LINE = 344.0, 8.0, 282.0, 17.0
NAME = 44
"""Letters of a slice's name above its lines."""
_STAGE_MARKS = ("#m-open", "#m-cen", "#m-fail", "#m-ref")
"""One shape per stage, so that they differ without colour."""


def intervals(figure: Intervals, foot: str) -> Drawing:
    """Intervals of 95 %, the value beside each."""
    k = min(len(figure.names), MOST_STAGED)
    known = [point for row in figure.points[:k] for point in row if point is not None]
    low, high = around([end for point in known for end in (point.lower, point.upper)])
    x, top = Scale(low, high, STAGES_LEFT, STAGES_RIGHT), 12.0 + LINE * len(figure.series)
    height = LINE * (1.6 + len(figure.series))
    bottom = top + height * k
    parts = [part for i, stage in enumerate(figure.series) for part in _key(i, stage)]
    for place, label in ticks(low, high, 4):
        parts += [svg.line(x(place), top, x(place), bottom, "grd"), svg.text(x(place), bottom + 15, label, text_anchor="middle")]
    for i in range(k):
        parts += _group(figure, i, x, top + height * i)
    parts.append(svg.line(STAGES_LEFT, bottom, STAGES_RIGHT, bottom, "axl"))
    left_out = f"The first {MOST_STAGED} of {len(figure.names)} slices. " if len(figure.names) > MOST_STAGED else ""
    return Drawing(
        f"{prose.sentence(figure.unit)}: {' → '.join(figure.series)}",
        "Each mark with its plain 95\u00a0% interval; the values stand at the right.",
        svg.figure(STAGES_WIDTH, bottom + 22, f"{prose.sentence(figure.unit)} by stage", _describe_stage(figure, k), *parts),
        left_out + foot,
    )


def _key(i: int, stage: str) -> tuple[Markup, Markup]:
    y = 8.0 + LINE * i
    return _mark(i, STAGES_LEFT + 6, y), svg.text(STAGES_LEFT + 18, y + 4, stage)


def _group(figure: Intervals, i: int, x: Scale, top: float) -> list[Markup]:
    """The slice's name, then its stages from above to below."""
    parts = [svg.text(STAGES_LEFT, top + 14, prose.clip(figure.names[i], NAME), class_="h halo")]
    for stage, point in enumerate(figure.points[i]):
        y = top + 14 + LINE * (stage + 0.75)
        if point is None:
            parts.append(svg.text(STAGES_LEFT + 12, y + 4, "no rows", class_="halo"))
            continue
        parts.append(svg.line(x(point.lower), y, x(point.upper), y, "inkl thin"))
        parts.append(_mark(stage, x(point.value), y))
        parts.append(svg.text(STAGES_WIDTH, y + 4, prose.figure(point.value), text_anchor="end", class_="h"))
    return parts


def _mark(stage: int, x: float, y: float) -> Markup:
    return svg.el("use", href=_STAGE_MARKS[stage % len(_STAGE_MARKS)], x=x, y=y)


def _describe_stage(figure: Intervals, k: int) -> str:
    lines = zip(figure.names[:k], figure.points[:k], strict=True)
    return "; ".join(f"{name}: {', '.join(map(_describe_point, figure.series, points))}" for name, points in lines)


def _describe_point(stage: str, point: Point | None) -> str:
    if point is None:
        return f"{stage} no rows"
    return f"{stage} {prose.figure(point.value)} [{prose.figure(point.lower)}, {prose.figure(point.upper)}]"
