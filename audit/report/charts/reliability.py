"""The reliability diagram: stated against observed shares, and where chance alone would put a calibrated model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.report import svg
from audit.report import text as prose
from audit.report.charts.axes import LEFT, RIGHT, WIDTH, Drawing, band, frame, plate
from audit.report.charts.scale import Scale, ticks
from audit.report.text import percent

if TYPE_CHECKING:
    from markupsafe import Markup

    from audit.evidence import Reliability

BOTTOM, STRIP, HEIGHT = 250.0, 348.0, 352.0


def reliability(figure: Reliability, foot: str) -> Drawing:
    """One mark a bin: a diamond outside the band, a ring inside; below, how many rows each bin holds."""
    low = max(0.0, min(*figure.confidence, *figure.lower, *figure.band_lower) - 0.03)
    high = min(1.0, max(*figure.confidence, *figure.upper, *figure.band_upper) + 0.03)
    x, y = plate((max(0.0, min(figure.confidence) - 0.03), high), (low, high), BOTTOM)
    outside = [i for i in range(len(figure.counts)) if not figure.band_lower[i] <= figure.observed[i] <= figure.band_upper[i]]
    x_ticks = [(at, percent(at)) for at, _ in ticks(x.low, high)]
    y_ticks = [(at, percent(at)) for at, _ in ticks(low, high)]
    parts = [band(x, y, figure.confidence, figure.band_lower, figure.band_upper)]
    parts += frame(x, y, x_ticks=x_ticks, y_ticks=y_ticks, x_label="share stated by the model", y_label="share observed")
    start = max(x.low, low)
    parts.append(svg.path([(x(start), y(start)), (x(high), y(high))], "ink2l dash"))
    parts += [_mark(figure, i, x, y, inside=i not in outside) for i in range(len(figure.counts))]
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
        svg.figure(WIDTH, HEIGHT, title, said, *parts),
        f"{foot} Value that a calibrated model would reach by chance: {prose.figure(figure.noise_floor)}.",
    )


def _mark(figure: Reliability, i: int, x: Scale, y: Scale, *, inside: bool) -> Markup:
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
