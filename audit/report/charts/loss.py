"""Loss curves of the training record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.report import svg
from audit.report import text as prose
from audit.report.charts.axes import RIGHT, WIDTH, Drawing, frame, plate
from audit.report.charts.scale import Scale, ticks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from audit.candidates.training_record import LossPoint, TrainingRecord

BOTTOM, HEIGHT = 206.0, 246.0
MOST = 160
"""Raw points that are drawn; training.json holds all."""
SMOOTH = 0.85
"""Weight of the past in the smoothed line."""


def loss(record: TrainingRecord) -> Drawing | None:
    """Training loss raw and smoothed, validation loss with dots, the checkpoint that was kept ringed."""
    if not record.train_loss and not record.validation_loss:
        return None
    points = [*record.train_loss, *record.validation_loss]
    x, y = plate((0.0, float(max(point.step for point in points)) or 1.0), (0.0, max(point.loss for point in points) * 1.05 or 1.0), BOTTOM)
    y_ticks = ticks(0.0, y.high, 4)
    parts = frame(x, y, x_ticks=ticks(0.0, x.high, 5), y_ticks=y_ticks, x_label="optimiser step", y_label="cross-entropy, nats")
    parts += [svg.line(x(step), BOTTOM, x(step), BOTTOM - 180, "grd dash") for step in _epochs(record.train_loss)]
    parts += _curves(record, x, y)
    title = f"Loss by step; step {record.kept_step:,} was kept"
    said = "Validation loss: " + "; ".join(f"step {point.step:,}: {prose.figure(point.loss)}" for point in record.validation_loss)
    stopped = "Training stopped early." if record.stopped_early else "Training ran to its last epoch."
    return Drawing(
        title,
        "Thin: training loss as logged. Line: the same, smoothed. Dots: validation. Dashed: ends of epochs.",
        svg.figure(WIDTH, HEIGHT, title, said, *parts),
        f"{record.train_rows:,} training rows, {record.validation_rows:,} validation rows ({record.validation}). {stopped}",
    )


def _curves(record: TrainingRecord, x: Scale, y: Scale) -> list[Markup]:
    parts: list[Markup] = []
    if record.train_loss:
        every = -(-len(record.train_loss) // MOST)
        parts.append(svg.path([(x(p.step), y(p.loss)) for p in record.train_loss[::every]], "ink3l thin"))
        smooth = list(zip((p.step for p in record.train_loss), _smoothed(record.train_loss), strict=True))[::every]
        parts.append(svg.path([(x(step), y(value)) for step, value in smooth], "inkl"))
        parts.append(svg.text(x(smooth[0][0]) + 8, max(y(smooth[0][1]), 40.0) - 4, "training", class_="h halo"))
    if record.validation_loss:
        seen = [(x(p.step), y(p.loss)) for p in record.validation_loss]
        parts.append(svg.path(seen, "datal"))
        parts += [svg.el("circle", cx=a, cy=b, r=3, class_="datadot") for a, b in seen]
        kept = [(x(p.step), y(p.loss)) for p in record.validation_loss if p.step == record.kept_step]
        parts += [svg.el("circle", cx=a, cy=b, r=7, class_="inkl") for a, b in kept]
        parts.append(svg.text(RIGHT, max(seen[-1][1] - 12, 40.0), "validation", text_anchor="end", class_="td halo"))
    return parts


def _smoothed(points: Sequence[LossPoint]) -> list[float]:
    """Exponential moving average, freed of its start."""
    out: list[float] = []
    past = weight = 0.0
    for point in points:
        past = SMOOTH * past + (1 - SMOOTH) * point.loss
        weight = SMOOTH * weight + (1 - SMOOTH)
        out.append(past / weight)
    return out


def _epochs(points: Sequence[LossPoint]) -> list[int]:
    """The last step of each whole epoch but the last."""
    ends = {int(point.epoch): point.step for point in reversed(points) if point.epoch >= 1}
    return sorted(ends.values())[:-1]
