"""Two samples over the same bins: the reference as an outline, the current one filled."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from audit.report import svg
from audit.report import text as prose
from audit.report.charts.axes import LEFT, RIGHT, WIDTH, Drawing, frame, plate
from audit.report.charts.scale import ticks
from audit.report.text import percent

if TYPE_CHECKING:
    from markupsafe import Markup

    from audit.evidence import Histogram
    from audit.report.charts.scale import Scale

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
