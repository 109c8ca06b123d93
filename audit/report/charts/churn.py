"""Rows lost and gained against another model: a picture around zero, and the counts beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.formatting import rows_in_words
from audit.report import svg
from audit.report.charts.scale import Scale, ticks
from audit.report.entries import Link
from audit.report.text import percent

if TYPE_CHECKING:
    from collections.abc import Mapping

    from markupsafe import Markup

    from audit.evidence import Churn

MOST = 20
"""Slices that are shown, all rows among them."""
WIDTH, RIGHT, TOP, STEP = 344.0, 336.0, 30.0, 26.0
LETTER, NAME = 6.2, 26
"""Width of a letter; letters of a slice's name beside its bar, the whole name stands in the table."""


@dataclass(frozen=True, slots=True)
class ChurnRow:
    """One slice in numbers."""

    name: Link
    """With where a few of its rows stand."""
    n: str
    both_right: str
    gained: str
    lost: str
    both_wrong: str
    changed: str
    """Share of rows whose answer changes."""


@dataclass(frozen=True, slots=True)
class ChurnTable:
    """What changes for whom."""

    title: str
    subtitle: str
    comparator: str
    drawing: Markup
    rows: tuple[ChurnRow, ...]
    foot: str


def churn(figure: Churn, foot: str, anchors: Mapping[str, str]) -> ChurnTable:
    """All rows first, then the slices in their order, each with where its rows stand."""
    k = min(len(figure.names), MOST)
    sizes = [sum(cells) for cells in zip(figure.both_right, figure.gained, figure.lost, figure.both_wrong, strict=True)]
    rows = tuple(
        ChurnRow(
            Link(figure.names[i], anchors.get(figure.names[i], "")),
            f"{sizes[i]:,}",
            f"{figure.both_right[i]:,}",
            f"{figure.gained[i]:,}",
            f"{figure.lost[i]:,}",
            f"{figure.both_wrong[i]:,}",
            percent(figure.changed[i] / sizes[i]) if sizes[i] else "–",
        )
        for i in range(k)
    )
    left_out = f"The first {MOST} of {len(figure.names)} lines. " if len(figure.names) > MOST else ""
    return ChurnTable(
        title=f"What changes against {figure.comparator}: {rows_in_words(figure.lost[0])} lost, {figure.gained[0]:,} gained",
        subtitle=f"To the left, rows that {figure.comparator} gets right and the candidate wrong; to the right, the reverse.",
        comparator=figure.comparator,
        drawing=_drawing(figure, sizes, k),
        rows=rows,
        foot=left_out + foot,
    )


def _drawing(figure: Churn, sizes: list[int], k: int) -> Markup:
    """Shares of each slice's rows, so that small slices compare with large ones."""
    lost, gained = ([count / max(size, 1) for count, size in zip(part, sizes, strict=True)][:k] for part in (figure.lost, figure.gained))
    reach = max(*lost, *gained, 0.01) * 1.1
    names = [name if len(name) <= NAME else f"{name[: NAME - 1].rstrip()}…" for name in figure.names[:k]]
    left = 14 + LETTER * max(map(len, names))
    x, bottom = Scale(-reach, reach, left, RIGHT), TOP + STEP * k
    parts = [svg.text(x(0) - 6, 12, "lost", text_anchor="end", class_="tf"), svg.text(x(0) + 6, 12, "gained", class_="tp")]
    for place, _ in ticks(-reach, reach, 4):
        parts.append(svg.line(x(place), TOP - 6, x(place), bottom, "grd"))
        parts.append(svg.text(x(place), bottom + 15, percent(abs(place)), text_anchor="middle"))
    for i in range(k):
        y = TOP + STEP * i
        parts.append(svg.text(left - 8, y + 12, names[i], text_anchor="end"))
        parts.append(svg.el("rect", x=x(-lost[i]), y=y, width=x(0) - x(-lost[i]), height=STEP - 10, class_="lostf"))
        parts.append(svg.el("rect", x=x(0), y=y, width=x(gained[i]) - x(0), height=STEP - 10, class_="gainf"))
    parts.append(svg.line(x(0), TOP - 6, x(0), bottom, "axl"))
    said = "; ".join(
        f"{figure.names[i]}: {figure.lost[i]:,} lost ({percent(lost[i])}), {figure.gained[i]:,} gained ({percent(gained[i])})"
        for i in range(k)
    )
    return svg.figure(WIDTH, bottom + 24, f"Rows lost and gained against {figure.comparator}", said, *parts)
