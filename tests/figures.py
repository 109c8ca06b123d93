"""Parts of figures of lines, by what they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.evidence import Curve, Lines

if TYPE_CHECKING:
    from audit.evidence import Figure


def curve(figure: Figure, name: str) -> Curve:
    """The curve whose name begins so."""
    assert isinstance(figure, Lines)
    return next(one for one in figure.curves if one.name.startswith(name))


def marks(figure: Figure) -> Curve:
    """All points with intervals as one curve, by their place."""
    assert isinstance(figure, Lines)
    columns = [(one.x, one.y, one.lower, one.upper) for one in figure.curves if one.style in {"points", "exceptions"} and one.lower]
    points = sorted(point for found in columns for point in zip(*found, strict=True))
    x, y, lower, upper = zip(*points, strict=True)
    return Curve("all", x, y, lower, upper)


def rows(figure: Figure) -> tuple[int, ...]:
    """How many rows lie in each bin."""
    assert isinstance(figure, Lines)
    return tuple(count for _, count in figure.rows_at)
