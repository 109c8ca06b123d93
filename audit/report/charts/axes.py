"""What figures with two axes share: frame, grid and labels, on a plate 344 units wide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.report import svg
from audit.report.charts.scale import Scale

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

WIDTH = 344.0
LEFT, RIGHT, TOP = 44.0, 336.0, 26.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure with the words around it."""

    title: str
    subtitle: str
    drawing: Markup
    foot: str


def plate(x: tuple[float, float], y: tuple[float, float], bottom: float) -> tuple[Scale, Scale]:
    """The two scales of a figure whose plotting area ends at `bottom`."""
    return Scale(*x, LEFT, RIGHT), Scale(*y, bottom, TOP)


def frame(
    x: Scale, y: Scale, *, x_ticks: Sequence[tuple[float, str]], y_ticks: Sequence[tuple[float, str]], x_label: str, y_label: str
) -> list[Markup]:
    """Grid lines, tick labels, both axes and what they show."""
    bottom = y.start
    parts = [svg.line(LEFT, y(value), RIGHT, y(value), "grd") for value, _ in y_ticks]
    parts += [svg.text(LEFT - 6, y(value) + 4, label, text_anchor="end") for value, label in y_ticks]
    parts += [svg.line(x(value), bottom, x(value), bottom + 4, "axl") for value, _ in x_ticks]
    parts += [svg.text(x(value), bottom + 17, label, text_anchor="middle") for value, label in x_ticks]
    parts += [svg.line(LEFT, bottom, RIGHT, bottom, "axl"), svg.text(0, 12, y_label)]
    parts.append(svg.text((LEFT + RIGHT) / 2, bottom + 34, x_label, text_anchor="middle"))
    return parts


def band(x: Scale, y: Scale, at: Sequence[float], lower: Sequence[float], upper: Sequence[float]) -> Markup:
    """The area between two lines."""
    there = [(x(a), y(b)) for a, b in zip(at, upper, strict=True)]
    back = [(x(a), y(b)) for a, b in zip(at, lower, strict=True)]
    return svg.path(there + back[::-1], "bandf", closed=True)
