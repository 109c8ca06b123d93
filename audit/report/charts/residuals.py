"""Residuals over predicted values: where the model is too low, where it is too high, and how widely it scatters."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from audit.report import svg
from audit.report import text as prose
from audit.report.charts.axes import WIDTH, Drawing, band, frame, plate
from audit.report.charts.scale import around, ticks

if TYPE_CHECKING:
    from audit.evidence import Residuals

BOTTOM, HEIGHT = 206.0, 246.0
_SHORT = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def residuals(figure: Residuals, foot: str) -> Drawing:
    """One dot a bin of predictions: the mean of true minus predicted, with its interval, on the spread of the middle 80 % of rows."""
    ends = [value for value in (*figure.lower, *figure.upper, *figure.low, *figure.high, 0.0) if math.isfinite(value)]
    x, y = plate(around(figure.predicted, margin=0.04), around(ends), BOTTOM)
    parts = [band(x, y, figure.predicted, figure.low, figure.high)]
    parts += frame(
        x,
        y,
        x_ticks=[(at, short(at)) for at, _ in ticks(x.low, x.high, 5)],
        y_ticks=[(at, short(at)) for at, _ in ticks(y.low, y.high, 5)],
        x_label="predicted value",
        y_label="true minus predicted",
    )
    parts.append(svg.line(x(x.low), y(0), x(x.high), y(0), "ink2l thin dash"))
    for at, mean, low, high in zip(figure.predicted, figure.mean, figure.lower, figure.upper, strict=True):
        parts.append(svg.line(x(at), y(low), x(at), y(high), "datal"))
        parts.append(svg.el("circle", cx=x(at), cy=y(mean), r=3, class_="datadot"))
    title, worst = _title(figure)
    said = "; ".join(
        f"predicted {prose.figure(at)}: {prose.figure(mean)} on average, {prose.figure(low)} to {prose.figure(high)} for most rows"
        for at, mean, low, high in zip(figure.predicted, figure.mean, figure.low, figure.high, strict=True)
    )
    return Drawing(
        title,
        "Dots: mean of true minus predicted, with its interval; above the dashed line it is too low. Shaded: 8 rows in 10.",
        svg.figure(WIDTH, HEIGHT, f"Residuals by predicted value. {title}", f"True minus predicted. {said}", *parts),
        f"{worst} {foot}",
    )


def _title(figure: Residuals) -> tuple[str, str]:
    """Whether any bin is off by more than chance, and the one that is farthest off."""
    off = [i for i, (low, high) in enumerate(zip(figure.lower, figure.upper, strict=True)) if low > 0 or high < 0]
    if not off:
        return "No stretch of predictions is off by more than chance", f"{len(figure.counts)} bins of {min(figure.counts):,} rows or more."
    worst = max(off, key=lambda i: abs(figure.mean[i]))
    way = "too low" if figure.mean[worst] > 0 else "too high"
    return (
        f"Predictions near {prose.figure(figure.predicted[worst])} are {way} by {prose.figure(abs(figure.mean[worst]))} on average",
        f"{prose.sentence(prose.word(len(off)))} of {len(figure.counts)} bins are off beyond their 95\u00a0% interval.",
    )


def short(value: float) -> str:
    """A tick label: `−100k`, `2.5M`, `0.25`."""
    for size, letter in _SHORT:
        if abs(value) >= 10 * size or (abs(value) >= size > 1e3):  # noqa: PLR2004  # thousands are written out up to ten
            return f"{value / size:,.6g}{letter}".replace("-", "−")
    return f"{value:,.6g}".replace("-", "−")
