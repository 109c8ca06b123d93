"""The receiver operating characteristic with its band and the operating point."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.report import svg
from audit.report.charts.axes import RIGHT, WIDTH, Drawing, band, frame, plate
from audit.report.charts.scale import ticks
from audit.report.text import percent

if TYPE_CHECKING:
    from audit.evidence import Roc

BOTTOM, HEIGHT = 300.0, 342.0
MOST = 120
"""Points that are drawn; the evidence holds all."""


def roc(figure: Roc, area: str, asked: str, foot: str) -> Drawing:
    """True positive rate over false positive rate; `area` and `asked` are the number that is judged and its bound, in words."""
    x, y = plate((0.0, 1.0), (0.0, 1.0), BOTTOM)
    marks = [(at, label) for at, label in ticks(0.0, 1.0, 4)]
    kept = _thin(len(figure.false_positive_rate))
    across = [figure.false_positive_rate[i] for i in kept]
    up = [figure.true_positive_rate[i] for i in kept]
    parts = [band(x, y, across, [figure.lower[i] for i in kept], [figure.upper[i] for i in kept])]
    parts += frame(x, y, x_ticks=marks, y_ticks=marks, x_label="false positive rate", y_label="true positive rate")
    parts.append(svg.path([(x(0), y(0)), (x(1), y(1))], "grd dash"))
    parts.append(svg.path([(x(a), y(b)) for a, b in zip(across, up, strict=True)], "inkl"))
    said = f"{area}; {asked}."
    if figure.operating_point is not None:
        fpr, tpr = figure.operating_point
        parts.append(svg.el("circle", cx=x(fpr), cy=y(tpr), r=4.5, class_="inkf"))
        parts.append(svg.line(x(fpr) + 5, y(tpr) + 5, x(0.42) - 4, y(0.44), "ink2l thin"))
        parts.append(svg.text(x(0.42), y(0.43), "decision threshold:"))
        parts.append(svg.text(x(0.42), y(0.43) + 15, f"finds {percent(tpr)}, {percent(fpr)} by mistake"))
        said += f" At the decision threshold it finds {percent(tpr)} and takes {percent(fpr)} by mistake."
    parts.append(svg.text(RIGHT, y(0.18), area, text_anchor="end", class_="h"))
    parts.append(svg.text(RIGHT, y(0.18) + 16, asked, text_anchor="end"))
    return Drawing(
        "How well the score ranks the two classes",
        "Shaded: pointwise band. Dashed: a score that knows nothing.",
        svg.figure(WIDTH, HEIGHT, f"ROC curve: {area}", said, *parts),
        foot,
    )


def _thin(n: int) -> list[int]:
    """Indices of at most `MOST` points, the first and the last among them."""
    if n <= MOST:
        return list(range(n))
    return [round(i * (n - 1) / (MOST - 1)) for i in range(MOST)]
