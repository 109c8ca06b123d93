"""What a check may draw: data, never a chart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from audit.evidence.slices import OVERALL, Slice

if TYPE_CHECKING:
    from collections.abc import Sequence


def _refuse(wrong: bool, name: str) -> None:  # noqa: FBT001  # a condition, as in assert
    """A figure that cannot be drawn is an error of its check, not of the report."""
    if wrong:
        msg = f"figure {name!r}: its lists differ in length, are empty, or hold what is no number"
        raise ValueError(msg)


Style: TypeAlias = Literal["line", "expected", "points", "exceptions"]
"""How a curve is drawn: a line with its band; dashed, for comparison; marks with their intervals; marks that stand out."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a figure, through points in the order of `x`."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    lower: tuple[float, ...] = ()
    """A band around it, one end a point; empty without one."""
    upper: tuple[float, ...] = ()
    style: Style = "line"

    def __post_init__(self) -> None:
        _refuse(not self.x or len({len(self.x), len(self.y), *(len(ends) for ends in (self.lower, self.upper) if ends)}) > 1, self.name)
        _refuse(not all(map(math.isfinite, (*self.x, *self.y))) or bool(self.lower) != bool(self.upper), self.name)


def points(
    names: tuple[str, str], x: Sequence[float], y: Sequence[float], ends: Sequence[tuple[float, float]], off: Sequence[bool]
) -> tuple[Curve, ...]:
    """Points with their intervals as up to two curves: those that are as they should be, and those that are `off`."""
    curves = []
    for name, style, wanted in ((names[0], "points", False), (names[1], "exceptions", True)):
        kept = [i for i, one in enumerate(off) if one == wanted]
        if kept:
            lower, upper = zip(*(ends[i] for i in kept), strict=True)
            curves.append(Curve(name, tuple(x[i] for i in kept), tuple(y[i] for i in kept), lower, upper, cast("Style", style)))
    return tuple(curves)


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines and points over two numeric axes, such as a rate over a threshold or a loss over steps: any check may draw them."""

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]
    rows_at: tuple[tuple[float, int], ...] = ()
    """How many rows lie at which x, drawn as a strip below; empty without one."""
    foot: str = ""
    """Sentences below the figure."""

    def __post_init__(self) -> None:
        _refuse(not self.curves, self.title)


@dataclass(frozen=True, slots=True)
class Bars:
    """Numbers by name, such as rows of each class, or shares of two samples by bin: any check may draw them."""

    title: str
    labels: tuple[str, ...]
    counts: tuple[int | float, ...]
    reference: tuple[float, ...] = ()
    """Shares of another sample, which `counts` are compared with: they are shares too. Empty without one."""
    samples: tuple[str, str] = ("reference", "current")
    """What the reference and the counts are of."""
    member: Slice = OVERALL
    """Whose figure it is: that of a member that passes is left out of the report."""

    def __post_init__(self) -> None:
        _refuse(len(self.reference) not in {0, len(self.labels)} or not all(map(math.isfinite, self.reference)), self.title)
        _refuse(len(self.labels) != len(self.counts) or not all(0 <= one < math.inf for one in self.counts), self.title)


@dataclass(frozen=True, slots=True)
class Grid:
    """Numbers by two names, such as a distance of each two groups: any check may draw them."""

    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[int | float | None, ...], ...]
    """One tuple a row; None where there is nothing to show."""
    predictions: bool = False
    """Whether it counts rows by their true and their predicted class: a cell leads to its rows, and few rows are not counted out."""

    @classmethod
    def confusion(cls, classes: tuple[str, ...], counts: tuple[tuple[int, ...], ...]) -> Grid:
        """Rows by true class (down) and predicted class (across)."""
        return cls("rows: true class; columns: predicted class", classes, classes, counts, predictions=True)

    def __post_init__(self) -> None:
        _refuse(not self.rows or not self.columns or len(self.cells) != len(self.rows), self.title)
        _refuse(any(len(row) != len(self.columns) for row in self.cells), self.title)
        _refuse(not all(math.isfinite(one) for row in self.cells for one in row if one is not None), self.title)


@dataclass(frozen=True, slots=True)
class Point:
    """A number with its plain interval."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Intervals:
    """Numbers with their intervals by name, in one series or several side by side, such as before and after: any check may draw them."""

    unit: str
    series: tuple[str, ...]
    """In words, in their order: `base model, linear probe`, `after fine-tuning`."""
    names: tuple[str, ...]
    """Slices, all rows first where they are shown."""
    points: tuple[tuple[Point | None, ...], ...]
    """One row a name, one entry a series; None where there is nothing to measure."""

    def __post_init__(self) -> None:
        _refuse(len(self.points) != len(self.names) or any(len(row) != len(self.series) for row in self.points), self.unit)
        _refuse(not any(one is not None for row in self.points for one in row), self.unit)


@dataclass(frozen=True, slots=True)
class Churn:
    """Rows by which of two models gets them right: one entry a slice in each list, all rows first."""

    comparator: str
    """What the candidate is compared with, in words: `the champion`."""
    names: tuple[str, ...]
    both_right: tuple[int, ...]
    gained: tuple[int, ...]
    """Right by the candidate alone."""
    lost: tuple[int, ...]
    """Right by the comparator alone."""
    both_wrong: tuple[int, ...]
    changed: tuple[int, ...]
    """Rows of which the two say something else, those among them that both get wrong."""


@dataclass(frozen=True, slots=True)
class WeakSlices:
    """Slices that a search proposed and other rows judged: one entry a slice in each list, in the order of the search."""

    names: tuple[str, ...]
    rows: tuple[int, ...]
    """Judged rows in the slice."""
    wrong: tuple[int, ...]
    """Those of them that the candidate gets wrong; empty where it predicts numbers."""
    rest_rows: tuple[int, ...]
    rest_wrong: tuple[int, ...]
    lower: tuple[float, ...]
    """Lower end of the gap: share right elsewhere minus share right in the slice, or error in the slice minus error elsewhere."""
    upper: tuple[float, ...]
    named: tuple[bool, ...]
    """Whether it is worse than the rest beyond chance, all slices of the list considered."""
    examples: tuple[tuple[str, ...], ...]
    """Ids of judged rows in a named slice that the candidate gets wrong, or is farthest off in."""
    errors: tuple[float, ...] = ()
    """Of predicted numbers, in place of `wrong`: the slice's mean absolute error among its judged rows."""
    rest_errors: tuple[float, ...] = ()
    measured_in: str = ""
    """The column in whose unit the errors are."""


@dataclass(frozen=True, slots=True)
class RateTable:
    """Rates by category and their ratios to the highest, as Local Law 144 prescribes: one entry a category in each list."""

    rate: Literal["selection", "scoring"]
    columns: tuple[str, ...]
    """What the categories are cut by."""
    of: str
    """The class that is looked at, where there are several; else empty."""
    names: tuple[Slice, ...]
    rows: tuple[int, ...]
    hits: tuple[int, ...]
    """Rows selected, or that score above the median."""
    ratios: tuple[float | None, ...]
    """None where the category is in no ratio, or none is selected at all."""
    lower: tuple[float | None, ...]
    """95 % interval of the ratio; None of the category with the highest rate too, which the others are held against."""
    upper: tuple[float | None, ...]
    exact_p: tuple[float | None, ...]
    """Fisher's, two-sided; None where rows belong to entities, too."""
    apart: tuple[Literal["", "unknown", "small"], ...]
    """Why the category is in no ratio; empty where it is in one."""
    below: float
    """Share of the rows of known category below which a category is small."""


Generic: TypeAlias = Lines | Bars | Grid | Intervals
"""Figures that serve any check: it brings data, and the report draws them."""
Figure: TypeAlias = Generic | RateTable | Churn | WeakSlices
