"""Which stated probabilities a calibration check looks at, its members, and the diagrams behind them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from audit.check import Params
from audit.errors import CannotMeasure
from audit.evidence import OVERALL, Curve, Lines, Slice, points
from audit.formatting import number
from audit.metrics.groups import TAIL, part
from audit.stats import CalibrationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.stats.calibration import Binning
    from audit.subject import Subject


class TargetParams(Params):
    """Which probability is looked at."""

    target: Literal["positive", "top", "classwise"] | None = Field(
        None,
        description="positive: the positive class's probability; top: the most probable class's; classwise: every class's, each a member"
        " of its own. Absent: positive where there are two classes and one is positive, else top",
    )


@dataclass(frozen=True, slots=True)
class Event:
    """What a probability is stated of, and whether it came to be, on all rows or those of one slice."""

    probability: NDArray[np.float64]
    """(n,)"""
    hit: NDArray[np.bool_]
    """(n,)"""
    clusters: NDArray[np.int64] | None
    """(n,) entity of each row, where there are entities."""
    said: str
    """Whose probability, in words: `of the most probable class`."""
    of: str | None = None
    """The class that distinguishes members, under `classwise`."""
    group: Slice = OVERALL

    @property
    def name(self) -> Slice:
        """The slice's name, with the class where there are several events."""
        return self.group if self.of is None else self.group.further("class", self.of)

    def part(self, rows: NDArray[np.bool_], group: Slice = OVERALL) -> Event:
        """The same on the rows that a mask marks."""
        return replace(self, probability=self.probability[rows], hit=self.hit[rows], clusters=part(self.clusters, rows), group=group)

    def error(self, rng: Generator, *, bins: int = 15, binning: Binning = "equal_mass") -> CalibrationError:
        """The calibration error of these rows."""
        return CalibrationError.of(self.probability, self.hit, rng, bins=bins, binning=binning, clusters=self.clusters)


def events(subject: Subject, params: TargetParams, probabilities: NDArray[np.float64] | None = None) -> tuple[Event, ...]:
    """One, or one a class under `classwise`; of other probabilities than the candidate's where they are given."""
    probabilities, y_true = subject.probabilities() if probabilities is None else probabilities, subject.y_true()
    if not len(y_true):
        msg = f"{subject.data.role}: the data set has no rows"
        raise CannotMeasure(msg)
    target, clusters = params.target or ("positive" if subject.binary else "top"), subject.clusters()
    if target == "top":
        right = y_true == np.array(subject.classes, dtype=object)[probabilities.argmax(axis=1)]
        return (Event(probabilities.max(axis=1), right, clusters, "of the most probable class"),)
    if target == "positive":
        score = probabilities[:, subject.classes.index(subject.positive)]
        return (Event(score, y_true == subject.positive, clusters, f"of {subject.positive}"),)
    return tuple(Event(probabilities[:, k], y_true == name, clusters, f"of {name}", name) for k, name in enumerate(subject.classes))


def cells(subject: Subject, seen: tuple[Event, ...]) -> Iterator[Event]:
    """Every event in every slice."""
    return (event.part(rows, group) for event in seen for group, rows in subject.slices())


def diagrams(seen: Iterable[Event], wholes: Iterable[CalibrationError]) -> tuple[Lines, ...]:
    """One an event, over all rows."""
    return tuple(diagram(whole, "" if event.name == OVERALL else str(event.name)) for event, whole in zip(seen, wholes, strict=False))


def _binomial_quantile(level: float, rows: int, share: float) -> float:
    """The least number of hits up to which a binomial has at least `level` of its mass; `scipy.stats` takes a second to import."""
    from scipy.special import bdtr, bdtrik

    if share <= 0 or share >= 1:
        return float(rows) if share >= 1 else 0.0
    least = float(np.clip(np.ceil(np.nan_to_num(bdtrik(level, rows, share))), 0, rows))
    while least > 0 and bdtr(least - 1, rows, share) >= level:
        least -= 1
    while least < rows and bdtr(least, rows, share) < level:
        least += 1
    return least


def diagram(seen: CalibrationError, title: str = "") -> Lines:
    """The bins with their exact ends, and where chance alone puts a calibrated model's."""
    shares, stated = seen.observed, seen.confidence
    ends = [share.bounds(TAIL, TAIL) for share in shares]
    effective = [max(1, round(share.n / share.design_effect)) for share in shares]
    band = [[_binomial_quantile(level, rows, at) / rows for level in (TAIL, 1 - TAIL)] for rows, at in zip(effective, stated, strict=True)]
    outside = [not low <= share.value <= high for share, (low, high) in zip(shares, band, strict=True)]
    lower, upper = np.array(band).T.tolist()
    calibrated = Curve("a calibrated model, 95\u00a0% band", stated, stated, tuple(lower), tuple(upper), "expected")
    bins = points(("bins inside the band", "bins outside the band"), stated, [share.value for share in shares], ends, outside)
    return Lines(
        f"{title + ', ' if title else ''}{sum(outside)} of {len(outside)} bins lie outside the band of a calibrated model",
        "share stated by the model",
        "share observed",
        (calibrated, *bins),
        rows_at=tuple((at, share.n) for at, share in zip(stated, shares, strict=True)),
        foot=f"Bins of {seen.binning.replace('_', ' ')}. A calibrated model would reach {number(seen.noise_floor)} by chance.",
    )


def floor_note(event: Event, noise_floor: float, n: int) -> str:
    """How far from 0 chance alone puts a perfectly calibrated model."""
    return f"Probability {event.said}. A perfectly calibrated model stays under {noise_floor:.3f} in 95 of 100 samples of {n:,} rows."
