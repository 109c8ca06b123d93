"""Looks at a test set: how many of those planned are used, and how much of the error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.report import svg
from audit.report import text as prose
from audit.report.charts.axes import RIGHT, WIDTH, Drawing
from audit.report.charts.scale import Scale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from markupsafe import Markup

    from audit.record import LookFacts

HEIGHT, BAR = 108.0, 16.0
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
    return Drawing(title, "Grey: other candidates. Blue: this one. Empty: left for later ones.", _figure(title, said, parts), said)


def _figure(title: str, said: str, parts: list[Markup]) -> Markup:
    return svg.figure(WIDTH, HEIGHT, title, said, *parts)


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
