"""Curves and points over two axes: ROC, precision and recall, reliability, residuals."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from audit.report import svg
from audit.report import text as prose
from audit.report.charts.axes import LEFT, RIGHT, WIDTH, Drawing, Scale, around, band, frame, plate, ticks
from audit.report.text import percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from audit.evidence import Lines, PrecisionRecall, Reliability, Residuals, Roc

LINES, KEY_LINE = 206.0, 16.0
_DASHES = ("inkl", "inkl dash", "datal", "datal dash")
"""One kind of line a curve, so that they are told apart without colour."""


def lines(figure: Lines, foot: str) -> Drawing:
    """Every curve with its band, a key below, and the ends of each in words."""
    across = [value for curve in figure.curves for value in curve.x]
    up = [value for curve in figure.curves for value in (*curve.y, *curve.lower, *curve.upper) if math.isfinite(value)]
    x, y = plate(around(across, margin=0.02), around(up), LINES)
    parts = [band(x, y, *_thinned(curve.x, curve.lower, curve.upper)) for curve in figure.curves if curve.lower and curve.upper]
    parts += frame(
        x,
        y,
        x_ticks=[(at, short(at)) for at, _ in ticks(x.low, x.high)],
        y_ticks=[(at, short(at)) for at, _ in ticks(y.low, y.high)],
        x_label=figure.x_label,
        y_label=figure.y_label,
    )
    shown = figure.curves[: len(_DASHES)]
    for place, (curve, class_) in enumerate(zip(shown, _DASHES, strict=False)):
        a, b = _thinned(curve.x, curve.y)
        parts.append(svg.path([(x(one), y(other)) for one, other in zip(a, b, strict=True)], class_))
        level = LINES + 52 + KEY_LINE * place
        parts += [svg.line(LEFT, level, LEFT + 24, level, class_), svg.text(LEFT + 30, level + 4, prose.clip(curve.name, 44))]
    ends = ((curve, [f"{prose.figure(curve.y[end])} at {short(curve.x[end])}" for end in (0, -1)]) for curve in shown)
    said = "; ".join(f"{curve.name}: {first}, {last}" for curve, (first, last) in ends)
    left_out = f"The first {len(_DASHES)} of {len(figure.curves)} lines. " if len(figure.curves) > len(_DASHES) else ""
    height = LINES + 56 + KEY_LINE * len(shown)
    return Drawing(
        prose.sentence(figure.title),
        f"{prose.sentence(figure.y_label)} over {figure.x_label}.",
        svg.figure(WIDTH, height, figure.title, said, *parts),
        left_out + foot,
    )


def _thinned(*columns: Sequence[float]) -> list[list[float]]:
    kept = _thin(len(columns[0]))
    return [[column[i] for i in kept] for column in columns]


SQUARE, ROC_HEIGHT = 300.0, 342.0
MOST_POINTS = 120
"""Points that are drawn; the evidence holds all."""


def roc(figure: Roc, area: str, asked: str, foot: str) -> Drawing:
    """True positive rate over false positive rate; `area` and `asked` are the number that is judged and its bound, in words."""
    x, y = plate((0.0, 1.0), (0.0, 1.0), SQUARE)
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
        svg.figure(WIDTH, ROC_HEIGHT, f"ROC curve: {area}", said, *parts),
        foot,
    )


def _thin(n: int) -> list[int]:
    """Indices of at most `MOST_POINTS` points, the first and the last among them."""
    if n <= MOST_POINTS:
        return list(range(n))
    return [round(i * (n - 1) / (MOST_POINTS - 1)) for i in range(MOST_POINTS)]


PRECISION_HEIGHT = 428.0


def precision_recall(figure: PrecisionRecall, area: str, asked: str, foot: str) -> Drawing:
    """Steps, as average precision sums them; `area` and `asked` are the number that is judged and its bound, in words."""
    x, y = plate((0.0, 1.0), (0.0, 1.0), SQUARE)
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
    parts += [svg.text(LEFT, SQUARE + 56 + 16 * line, one, class_="" if line else "h") for line, one in enumerate(told)]
    return Drawing(
        "How many of its alarms are true as it finds more",
        "Shaded: pointwise band. Dashed: a score that knows nothing.",
        svg.figure(WIDTH, PRECISION_HEIGHT, f"Precision-recall curve: {area}", said, *parts),
        foot,
    )


def _twice(values: Sequence[float]) -> list[float]:
    """Each value at both ends of its step."""
    return [value for value in values for _ in range(2)]


RELIABILITY, STRIP, RELIABILITY_HEIGHT = 250.0, 348.0, 352.0


def reliability(figure: Reliability, foot: str) -> Drawing:
    """One mark a bin: a diamond outside the band, a ring inside; below, how many rows each bin holds."""
    low = max(0.0, min(*figure.confidence, *figure.lower, *figure.band_lower) - 0.03)
    high = min(1.0, max(*figure.confidence, *figure.upper, *figure.band_upper) + 0.03)
    x, y = plate((max(0.0, min(figure.confidence) - 0.03), high), (low, high), RELIABILITY)
    outside = [i for i in range(len(figure.counts)) if not figure.band_lower[i] <= figure.observed[i] <= figure.band_upper[i]]
    x_ticks = [(at, percent(at)) for at, _ in ticks(x.low, high)]
    y_ticks = [(at, percent(at)) for at, _ in ticks(low, high)]
    parts = [band(x, y, figure.confidence, figure.band_lower, figure.band_upper)]
    parts += frame(x, y, x_ticks=x_ticks, y_ticks=y_ticks, x_label="share stated by the model", y_label="share observed")
    start = max(x.low, low)
    parts.append(svg.path([(x(start), y(start)), (x(high), y(high))], "ink2l dash"))
    parts += [_bin(figure, i, x, y, inside=i not in outside) for i in range(len(figure.counts))]
    parts += _strip(figure, x)
    n = len(figure.counts)
    whose = f"{figure.of}: {prose.word(len(outside))}" if figure.of else prose.sentence(prose.word(len(outside)))
    title = f"{whose} of {prose.word(n)} bins {'lies' if len(outside) == 1 else 'lie'} outside the band"
    said = "; ".join(
        f"{percent(figure.confidence[i])} stated, {percent(figure.observed[i])} observed, {figure.counts[i]:,} rows" for i in range(n)
    )
    bins = figure.binning.replace("_", " ")
    return Drawing(
        title,
        f"Bins of {bins}. Dashed: stated equals observed. Grey band: where a calibrated model of this size falls.",
        svg.figure(WIDTH, RELIABILITY_HEIGHT, title, said, *parts),
        f"{foot} Value that a calibrated model would reach by chance: {prose.figure(figure.noise_floor)}.",
    )


def _bin(figure: Reliability, i: int, x: Scale, y: Scale, *, inside: bool) -> Markup:
    at = x(figure.confidence[i])
    return svg.group(
        svg.line(at, y(figure.lower[i]), at, y(figure.upper[i]), "wh"),
        svg.el("use", href="#m-open" if inside else "#m-fail", x=at, y=y(figure.observed[i])),
        class_="s-ref" if inside else "s-fail",
    )


def _strip(figure: Reliability, x: Scale) -> list[Markup]:
    most = max(figure.counts)
    width = min(14.0, 0.7 * (RIGHT - LEFT) / len(figure.counts))
    bars = [
        svg.el("rect", x=x(at) - width / 2, y=STRIP - 28 * count / most, width=width, height=28 * count / most, class_="barf")
        for at, count in zip(figure.confidence, figure.counts, strict=True)
    ]
    return [svg.text(LEFT, STRIP - 33, "rows in each bin"), *bars, svg.line(LEFT, STRIP, RIGHT, STRIP, "axl")]


RESIDUALS, RESIDUALS_HEIGHT = 206.0, 246.0
_SHORT = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def residuals(figure: Residuals, foot: str) -> Drawing:
    """One dot a bin of predictions: the mean of true minus predicted, with its interval, on the spread of the middle 80 % of rows."""
    ends = [value for value in (*figure.lower, *figure.upper, *figure.low, *figure.high, 0.0) if math.isfinite(value)]
    x, y = plate(around(figure.predicted, margin=0.04), around(ends), RESIDUALS)
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
    title, worst = _off(figure)
    said = "; ".join(
        f"predicted {prose.figure(at)}: {prose.figure(mean)} on average, {prose.figure(low)} to {prose.figure(high)} for most rows"
        for at, mean, low, high in zip(figure.predicted, figure.mean, figure.low, figure.high, strict=True)
    )
    return Drawing(
        title,
        "Dots: mean of true minus predicted, with its interval; above the dashed line it is too low. Shaded: 8 rows in 10.",
        svg.figure(WIDTH, RESIDUALS_HEIGHT, f"Residuals by predicted value. {title}", f"True minus predicted. {said}", *parts),
        f"{worst} {foot}",
    )


def _off(figure: Residuals) -> tuple[str, str]:
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
