"""What charts are made of: inline SVG from Python, escaped and with short numbers; scales, round ticks and the frame of two axes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from audit.report.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Child = Markup | str


def number(value: float) -> str:
    """At most two decimals, without trailing zeros."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def el(tag: str, *children: Child, **attributes: str | float) -> Markup:
    """One element. `class_` gives `class`, an underscore inside a name a hyphen."""
    said = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(clean(value)) if isinstance(value, str) else number(value)}"'
        for name, value in attributes.items()
    )
    inner = "".join(child if isinstance(child, Markup) else escape(clean(child)) for child in children)
    return Markup(f"<{tag}{said}>{inner}</{tag}>" if inner else f"<{tag}{said}/>")  # noqa: S704  # every part was escaped above


def group(*children: Markup, **attributes: str | float) -> Markup:
    """A `<g>`; nothing where it would be empty."""
    return el("g", *children, **attributes) if children else Markup("")


def text(x: float, y: float, content: str, **attributes: str | float) -> Markup:
    """A text."""
    return el("text", content, x=x, y=y, **attributes)


def line(x1: float, y1: float, x2: float, y2: float, class_: str) -> Markup:
    """A straight line."""
    return el("line", x1=x1, y1=y1, x2=x2, y2=y2, class_=class_)


def path(points: list[tuple[float, float]], class_: str, *, closed: bool = False) -> Markup:
    """A line through points, or an area."""
    steps = "L".join(f"{number(x)} {number(y)}" for x, y in points)
    return el("path", d=f"M{steps}{'z' if closed else ''}", class_=class_)


def figure(width: float, height: float, title: str, description: str, *children: Markup) -> Markup:
    """A figure with the text that stands for it: what it shows, with its numbers."""
    return el("svg", el("title", title), el("desc", description), *children, viewBox=f"0 0 {number(width)} {number(height)}", role="img")


@dataclass(frozen=True, slots=True)
class Scale:
    """Numbers from `low` to `high` mapped to places from `start` to `end`."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value; values beyond the ends, infinite ones too, stay at the ends."""
        share = (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def holds(self, value: float) -> bool:
        """Whether the value lies on the scale."""
        return self.low <= value <= self.high


def step(span: float, most: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts the span into at most so many parts."""
    raw = span / most
    power = 10.0 ** math.floor(math.log10(raw))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))


def ticks(low: float, high: float, most: int = 5) -> tuple[tuple[float, str], ...]:
    """Round values between two ends, and how they are written."""
    by = step(high - low, most)
    decimals = max(0, -math.floor(math.log10(by)))
    first = math.ceil(low / by - 1e-9)
    places = [round((first + i) * by, 10) for i in range(math.floor((high / by + 1e-9) - first) + 1)]
    return tuple((place + 0.0, f"{place:,.{decimals}f}".replace("-", "−")) for place in places)


def around(values: Iterable[float], *, within: tuple[float, float] | None = None, margin: float = 0.06) -> tuple[float, float]:
    """Ends that hold all finite values with some room, never beyond `within`."""
    finite = [value for value in values if math.isfinite(value)]
    low, high = min(finite), max(finite)
    room = (high - low) * margin or abs(high) * 0.1 or 1.0
    low, high = low - room, high + room
    return (low, high) if within is None else (max(low, within[0] - 0.02), min(high, within[1] + 0.02))


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
    parts = [line(LEFT, y(value), RIGHT, y(value), "grd") for value, _ in y_ticks]
    parts += [text(LEFT - 6, y(value) + 4, label, text_anchor="end") for value, label in y_ticks]
    parts += [line(x(value), bottom, x(value), bottom + 4, "axl") for value, _ in x_ticks]
    parts += [text(x(value), bottom + 17, label, text_anchor="middle") for value, label in x_ticks]
    parts += [line(LEFT, bottom, RIGHT, bottom, "axl"), text(0, 12, y_label)]
    parts.append(text((LEFT + RIGHT) / 2, bottom + 34, x_label, text_anchor="middle"))
    return parts


def band(x: Scale, y: Scale, at: Sequence[float], lower: Sequence[float], upper: Sequence[float]) -> Markup:
    """The area between two lines."""
    there = [(x(a), y(b)) for a, b in zip(at, upper, strict=True)]
    back = [(x(a), y(b)) for a, b in zip(at, lower, strict=True)]
    return path(there + back[::-1], "bandf", closed=True)


_SHORT = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def short(value: float) -> str:
    """A tick label: `−100k`, `2.5M`, `0.25`."""
    for size, letter in _SHORT:
        if abs(value) >= 10 * size or (abs(value) >= size > 1e3):  # noqa: PLR2004  # thousands are written out up to ten
            return f"{value / size:,.6g}{letter}".replace("-", "−")
    return f"{value:,.6g}".replace("-", "−")
