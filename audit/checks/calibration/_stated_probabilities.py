"""Which stated probabilities a calibration check looks at, its members, and the diagrams behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Curve, Lines, Member, Slice, points
from audit.formatting import number
from audit.metrics.groups import part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from audit.stats import CalibrationError, Estimate
    from audit.subject import Subject

TAIL = 0.025


class TargetParams(Params):
    """Which probability is looked at."""

    target: Literal["positive", "top", "classwise"] | None = Field(
        None,
        description="positive: the positive class's probability; top: the most probable class's; classwise: every class's, each a member"
        " of its own. Absent: positive where there are two classes and one is positive, else top",
    )


@dataclass(frozen=True, slots=True)
class Event:
    """What a probability is stated of, and whether it came to be."""

    probability: NDArray[np.float64]
    """(n,)"""
    hit: NDArray[np.bool_]
    """(n,)"""
    said: str
    """Whose probability, in words: `of the most probable class`."""
    of: str | None = None
    """The class that distinguishes members, under `classwise`."""

    def name(self, group: Slice) -> Slice:
        """A slice's name, with the class where there are several events."""
        return group if self.of is None else group.further("class", self.of)


@dataclass(frozen=True, slots=True)
class Cell:
    """An event's rows in one slice."""

    name: Slice
    probability: NDArray[np.float64]
    """(rows,)"""
    hit: NDArray[np.bool_]
    """(rows,)"""
    clusters: NDArray[np.int64] | None
    """(rows,) entity of each row, where there are entities."""


def events(subject: Subject, params: TargetParams, probabilities: NDArray[np.float64] | None = None) -> tuple[Event, ...]:
    """One, or one a class under `classwise`; of other probabilities than the candidate's where they are given."""
    probabilities, y_true = subject.probabilities() if probabilities is None else probabilities, subject.y_true()
    if not len(y_true):
        msg = f"{subject.data.role}: the data set has no rows"
        raise CannotMeasure(msg)
    target = params.target or ("positive" if subject.binary else "top")
    if target == "positive":
        return (Event(probabilities[:, subject.classes.index(subject.positive)], y_true == subject.positive, f"of {subject.positive}"),)
    names = np.array(subject.classes, dtype=object)
    if target == "classwise":
        return tuple(Event(probabilities[:, k], y_true == one, f"of {one}", one) for k, one in enumerate(names.tolist()))
    return (Event(probabilities.max(axis=1), y_true == names[probabilities.argmax(axis=1)], "of the most probable class"),)


def cells(subject: Subject, seen: tuple[Event, ...]) -> Iterator[Cell]:
    """Every event in every slice."""
    clusters = subject.clusters()
    for event in seen:
        for group, rows in subject.slices():
            yield Cell(event.name(group), event.probability[rows], event.hit[rows], part(clusters, rows))


def members(subject: Subject, seen: tuple[Event, ...], measured: Callable[[Cell], Estimate]) -> tuple[Member, ...]:
    """One estimate a cell."""
    return tuple(Member(cell.name, measured(cell)) for cell in cells(subject, seen))


def diagram(seen: CalibrationError, name: Slice = OVERALL, title: str = "") -> Lines:
    """The bins with their exact ends, and where chance alone puts a calibrated model's."""
    from scipy.stats import binom

    shares, stated = seen.observed, seen.confidence
    ends = [share.bounds(TAIL, TAIL) for share in shares]
    effective = [max(1, round(share.n / share.design_effect)) for share in shares]
    band = [binom.ppf([TAIL, 1 - TAIL], rows, at) / rows for rows, at in zip(effective, stated, strict=True)]
    outside = [not low <= share.value <= high for share, (low, high) in zip(shares, band, strict=True)]
    lower, upper = np.array(band).T.tolist()
    calibrated = Curve("a calibrated model, 95\u00a0% band", stated, stated, tuple(lower), tuple(upper), "expected")
    bins = points(("bins inside the band", "bins outside the band"), stated, [share.value for share in shares], ends, outside)
    of = title or ("" if name == OVERALL else str(name))
    return Lines(
        f"{of + ', ' if of else ''}{sum(outside)} of {len(outside)} bins lie outside the band of a calibrated model",
        "share stated by the model",
        "share observed",
        (calibrated, *bins),
        rows_at=tuple((at, share.n) for at, share in zip(stated, shares, strict=True)),
        foot=f"Bins of {seen.binning.replace('_', ' ')}. A calibrated model would reach {number(seen.noise_floor)} by chance.",
    )
