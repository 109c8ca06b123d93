"""What came before: losses by training step, and the looks at a test set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.report import text as prose
from audit.report.charts import drawing as svg
from audit.report.charts.drawing import RIGHT, WIDTH, Drawing, Scale, frame, plate, ticks

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from markupsafe import Markup

    from audit.candidates.capabilities import LossPoint, TrainingRecord
    from audit.record import LookFacts

LOSS_BOTTOM, LOSS_HEIGHT = 206.0, 246.0
MOST_LOSSES = 160
"""Raw points that are drawn; training.json holds all."""
SMOOTH = 0.85
"""Weight of the past in the smoothed line."""


def loss(record: TrainingRecord) -> Drawing | None:
    """Training loss raw and smoothed, validation loss with dots, the checkpoint that was kept ringed."""
    if not record.train_loss and not record.validation_loss:
        return None
    points = [*record.train_loss, *record.validation_loss]
    x, y = plate(
        (0.0, float(max(point.step for point in points)) or 1.0), (0.0, max(point.loss for point in points) * 1.05 or 1.0), LOSS_BOTTOM
    )
    y_ticks = ticks(0.0, y.high, 4)
    parts = frame(x, y, x_ticks=ticks(0.0, x.high, 5), y_ticks=y_ticks, x_label="optimiser step", y_label="cross-entropy, nats")
    parts += [svg.line(x(step), LOSS_BOTTOM, x(step), LOSS_BOTTOM - 180, "grd dash") for step in _epochs(record.train_loss)]
    parts += _curves(record, x, y)
    title = f"Loss by step; step {record.kept_step:,} was kept"
    said = "Validation loss: " + "; ".join(f"step {point.step:,}: {prose.figure(point.loss)}" for point in record.validation_loss)
    stopped = "Training stopped early." if record.stopped_early else "Training ran to its last epoch."
    return Drawing(
        title,
        "Thin: training loss as logged. Line: the same, smoothed. Dots: validation. Dashed: ends of epochs.",
        svg.figure(WIDTH, LOSS_HEIGHT, title, said, *parts),
        f"{record.train_rows:,} training rows, {record.validation_rows:,} validation rows ({record.validation}). {stopped}",
    )


def _curves(record: TrainingRecord, x: Scale, y: Scale) -> list[Markup]:
    parts: list[Markup] = []
    if record.train_loss:
        every = -(-len(record.train_loss) // MOST_LOSSES)
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


LOOKS_HEIGHT, BAR = 108.0, 16.0
LOOKS, ERROR = 22.0, 78.0
"""Upper edges of the two bars."""
BOXES = 40
"""Looks that are drawn as boxes of their own; more of them are one bar."""


def looks(one: LookFacts) -> Drawing | None:
    """The planned looks as boxes and the error as a bar, each with what went before, this look and what is left."""
    if one.most is None or one.level is None or one.left is None:
        return None
    before = max(0.0, one.alpha - one.left - one.level)
    title = f"Looks at {one.role}: {_used(one, one.most):,} of {one.most:,} used"
    said = (
        f"Error towards a pass: {prose.error(before)} used by other candidates, {prose.error(one.level)} by this one, "
        f"{prose.error(one.left)} of {prose.error(one.alpha)} left."
    )
    parts = [svg.text(0, LOOKS - 8, f"candidates, {one.most:,} planned", class_="h"), *_planned(one, one.most)]
    parts += [svg.text(0, ERROR - 8, f"error towards a pass, {prose.error(one.alpha)} in all", class_="h")]
    parts += _bar((before, one.level, one.left), one.alpha)
    return Drawing(title, "Grey: other candidates. Blue: this one. Empty: left for later ones.", _looks_figure(title, said, parts), said)


def _looks_figure(title: str, said: str, parts: list[Markup]) -> Markup:
    return svg.figure(WIDTH, LOOKS_HEIGHT, title, said, *parts)


def _planned(one: LookFacts, most: int) -> Iterator[Markup]:
    """One box a look, or one bar where there would be too many; a look beyond them is said in words."""
    this, used = one.number, _used(one, most)
    if most > BOXES:
        mine = 1.0 if this <= most else 0.0
        yield from _bar((used - mine, mine, float(most - used)), float(most), LOOKS)
    else:
        place = Scale(0.0, float(most), 0.0, RIGHT)
        for look in range(1, most + 1):
            mark = "datadot" if look == this else "barf" if look <= used else "ink3l"
            yield svg.el("rect", x=place(look - 1) + 1, y=LOOKS, width=place(1) - 2, height=BAR, class_=mark)
    if this > most:
        yield svg.text(RIGHT, LOOKS - 8, f"this is look {prose.word(this)}: too late", class_="tf", text_anchor="end")


def _used(one: LookFacts, most: int) -> int:
    return min(max(one.candidates, one.number), most)


def _bar(shares: tuple[float, float, float], whole: float, top: float = ERROR) -> Iterator[Markup]:
    """What went before, this look, what is left; a part too small to be seen is drawn one unit wide."""
    place, x = Scale(0.0, whole, 0.0, RIGHT), 0.0
    yield svg.el("rect", x=0.5, y=top, width=RIGHT - 1, height=BAR, class_="ink3l")
    for share, mark in zip(shares[:2], ("barf", "datadot"), strict=True):
        width = max(place(share), 1.0) if share else 0.0
        if width:
            yield svg.el("rect", x=min(x, RIGHT - width), y=top, width=width, height=BAR, class_=mark)
        x += width
