"""Lines and points over two axes, and numbers of several stages side by side."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from audit.report import text as prose
from audit.report.charts import drawing as svg
from audit.report.charts.drawing import LEFT, RIGHT, WIDTH, Drawing, Scale, around, band, frame, plate, short, ticks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markupsafe import Markup

    from audit.evidence import Curve, Intervals, Lines, Point

LINES, SQUARE = 206.0, 270.0
"""Where the plotting area ends; lower where both axes show shares, which compare."""
KEY_LINE, STRIP = 16.0, 52.0
MOST_POINTS = 240
"""Points that are drawn of a line; the evidence holds all."""
_DASHES = ("inkl", "inkl dash", "datal", "datal dash")
"""One kind of line a curve, so that they are told apart without colour."""
_MARKS = {"points": ("m-open", "s-ref"), "exceptions": ("m-fail", "s-fail")}
"""The mark of each style and the class that colours it."""


def lines(figure: Lines, foot: str) -> Drawing:
    """Every curve with its band or intervals, a key and a strip of row counts below, and the numbers in words."""
    drawn = _with_strokes(figure.curves)
    shown = [curve for curve, _ in drawn]
    across = [value for curve in shown for value in curve.x]
    up = [value for curve in shown for value in (*curve.y, *curve.lower, *curve.upper) if math.isfinite(value)]
    shares = all(0 <= value <= 1 for value in (*across, *up))
    within, bottom = ((0.0, 1.0), SQUARE) if shares else (None, LINES)
    x, y = plate(around(across, within=within, margin=0.02), around(up, within=within), bottom)
    parts = [
        band(x, y, *_thinned(curve.x, curve.lower, curve.upper)) for curve in shown if curve.lower and curve.style in {"line", "expected"}
    ]
    parts += frame(
        x,
        y,
        x_ticks=[(at, short(at)) for at, _ in ticks(x.low, x.high)],
        y_ticks=[(at, short(at)) for at, _ in ticks(y.low, y.high)],
        x_label=figure.x_label,
        y_label=figure.y_label,
    )
    strip = STRIP if figure.rows_at else 0.0
    parts += _rows_at(figure.rows_at, x, bottom + 36 + strip)
    for place, (curve, stroke) in enumerate(drawn):
        parts += _curve(curve, stroke, x, y)
        parts += _key(curve, stroke, bottom + 52 + strip + KEY_LINE * place)
    hidden = len(figure.curves) - len(shown)
    left_out = f"The first {len(shown)} of {len(figure.curves)} lines. " if hidden else ""
    said = "; ".join(filter(None, map(_in_words, shown)))
    return Drawing(
        prose.sentence(figure.title),
        f"{prose.sentence(figure.y_label)} over {figure.x_label}.",
        svg.figure(WIDTH, bottom + 56 + strip + KEY_LINE * len(shown), figure.title, said, *parts),
        left_out + " ".join(filter(None, (figure.foot, foot))),
    )


def _with_strokes(curves: Sequence[Curve]) -> list[tuple[Curve, str]]:
    """The curves that are drawn, each with its stroke: as many lines as there are strokes."""
    strokes = iter(_DASHES)
    drawn = [(curve, next(strokes, "") if curve.style == "line" else "ink2l dash") for curve in curves]
    return [(curve, stroke) for curve, stroke in drawn if stroke]


def _curve(curve: Curve, stroke: str, x: Scale, y: Scale) -> Iterator[Markup]:
    if curve.style in {"line", "expected"}:
        across, up = _thinned(curve.x, curve.y)
        yield svg.path([(x(one), y(other)) for one, other in zip(across, up, strict=True)], stroke)
        return
    for i, (one, other) in enumerate(zip(curve.x, curve.y, strict=True)):
        if not curve.lower:
            yield svg.el("circle", cx=x(one), cy=y(other), r=4.5, class_="inkf")
            continue
        mark, class_ = _MARKS[curve.style]
        whisker = svg.line(x(one), y(curve.lower[i]), x(one), y(curve.upper[i]), "wh")
        yield svg.group(whisker, svg.el("use", href=f"#{mark}", x=x(one), y=y(other)), class_=class_)


def _key(curve: Curve, stroke: str, level: float) -> Iterator[Markup]:
    """The curve's stroke or mark and its name; of a single point its numbers too."""
    if curve.style in {"line", "expected"}:
        yield svg.line(LEFT, level, LEFT + 24, level, stroke)
    elif not curve.lower:
        yield svg.el("circle", cx=LEFT + 12, cy=level, r=4.5, class_="inkf")
    else:
        mark, class_ = _MARKS[curve.style]
        yield svg.group(svg.el("use", href=f"#{mark}", x=LEFT + 12, y=level), class_=class_)
    single = f": {_point(curve, 0)}" if curve.style == "points" and len(curve.x) == 1 else ""
    yield svg.text(LEFT + 30, level + 4, prose.clip(curve.name, 44) + single)


def _rows_at(rows_at: Sequence[tuple[float, int]], x: Scale, bottom: float) -> Iterator[Markup]:
    """How many rows lie where, as bars that end at `bottom`."""
    if not rows_at:
        return
    most, width = max(count for _, count in rows_at) or 1, min(14.0, 0.7 * (RIGHT - LEFT) / len(rows_at))
    yield svg.text(LEFT, bottom - 33, f"rows in each bin, at most {most:,}")
    for at, count in rows_at:
        yield svg.el("rect", x=x(at) - width / 2, y=bottom - 28 * count / most, width=width, height=28 * count / most, class_="barf")
    yield svg.line(LEFT, bottom, RIGHT, bottom, "axl")


def _in_words(curve: Curve) -> str:
    """The ends of a line; every point with its interval; nothing of what the others are compared with."""
    if curve.style == "expected":
        return ""
    places = (0, -1) if curve.style == "line" else range(len(curve.x))
    return f"{curve.name}: {', '.join(_point(curve, place) for place in places)}"


def _point(curve: Curve, i: int) -> str:
    interval = f" {prose.bracket((curve.lower[i], curve.upper[i]))}" if curve.style != "line" and curve.lower else ""
    return f"{prose.figure(curve.y[i])}{interval} at {short(round(curve.x[i], 3))}"


def _thinned(*columns: Sequence[float]) -> list[list[float]]:
    """At most `MOST_POINTS` points, the first and the last among them."""
    n = len(columns[0])
    kept = range(n) if n <= MOST_POINTS else [round(i * (n - 1) / (MOST_POINTS - 1)) for i in range(MOST_POINTS)]
    return [[column[i] for i in kept] for column in columns]


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
    parts = [part for i, stage in enumerate(figure.series) for part in _stage_key(i, stage)]
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


def _stage_key(i: int, stage: str) -> tuple[Markup, Markup]:
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
