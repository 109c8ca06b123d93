"""Inline SVG from Python: every attribute and text is escaped, every number is short."""

from __future__ import annotations

from markupsafe import Markup, escape

from audit.report.text import clean

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
