"""Precision over recall with its band, the class's share and the operating point."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from audit.report import svg
from audit.report.charts.axes import LEFT, WIDTH, Drawing, band, frame, plate
from audit.report.charts.scale import ticks
from audit.report.text import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from audit.evidence import PrecisionRecall

BOTTOM, HEIGHT = 300.0, 428.0


def precision_recall(figure: PrecisionRecall, area: str, asked: str, foot: str) -> Drawing:
    """Steps, as average precision sums them; `area` and `asked` are the number that is judged and its bound, in words."""
    x, y = plate((0.0, 1.0), (0.0, 1.0), BOTTOM)
    marks = [(at, label) for at, label in ticks(0.0, 1.0, 4)]
    across = [recall for pair in pairwise((0.0, *figure.recall)) for recall in pair]
    up, lower, upper = (_twice(values) for values in (figure.precision, figure.lower, figure.upper))
    parts = [band(x, y, across, lower, upper)]
    parts += frame(x, y, x_ticks=marks, y_ticks=marks, x_label="recall: share of the cases found", y_label="precision")
    parts.append(svg.path([(x(0), y(figure.share)), (x(1), y(figure.share))], "grd dash"))
    parts.append(svg.path([(x(a), y(b)) for a, b in zip(across, up, strict=True)], "inkl"))
    told = [area, asked]
    said = f"{area}; {asked}. A score that knows nothing has a precision of {percent(figure.share)}."
    if figure.operating_point is not None:
        recall, precision = figure.operating_point
        parts.append(svg.el("circle", cx=x(recall), cy=y(precision), r=4.5, class_="inkf"))
        words = (f"{percent(recall)} of the cases found,", f"{percent(precision)} of the alarms true")
        told += ["dot: at the decision threshold", *words]
        said += f" At the decision threshold: {' '.join(words)}."
    parts += [svg.text(LEFT, BOTTOM + 56 + 16 * line, one, class_="" if line else "h") for line, one in enumerate(told)]
    return Drawing(
        "How many of its alarms are true as it finds more",
        "Shaded: pointwise band. Dashed: a score that knows nothing.",
        svg.figure(WIDTH, HEIGHT, f"Precision-recall curve: {area}", said, *parts),
        foot,
    )


def _twice(values: Sequence[float]) -> list[float]:
    """Each value at both ends of its step."""
    return [value for value in values for _ in range(2)]
