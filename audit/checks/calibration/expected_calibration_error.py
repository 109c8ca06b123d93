"""Expected calibration error: how far stated probabilities lie from how often they come true.

Purpose      Show whether a probability can be taken at its word: of the rows given 90 %, nine in ten should be right.
Risk         High: whoever sets a threshold or a price by its probabilities is misled.
Limitations  Depends on the bins. A well calibrated model has a value above 0 by chance; the noise floor says how far. Binary:
             probability of the positive class; more classes, or none positive: the top class alone (`target` chooses).
Reference    Naeini, Cooper & Hauskrecht, AAAI 2015; Nixon et al., CVPR-W 2019; Roelofs et al., AISTATS 2022.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from audit.checks.calibration import calibration_check
from audit.checks.calibration._stated_probabilities import Cell, Event, TargetParams, diagram, events, members
from audit.checks.calibration._temperature import suggestion
from audit.evidence import OVERALL, Evidence, Lines, Member
from audit.stats import CalibrationError
from audit.stats.calibration import Binning  # noqa: TC001  # pydantic reads it

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.subject import Subject

DIAGRAMS = 24
"""Slices and classes that get a diagram of their own."""


class CalibrationParams(TargetParams):
    """Which probability is looked at, in how many bins."""

    bins: int = Field(15, ge=2, le=100, description="how many bins there are at most; rows of equal probability share one")
    binning: Binning = "equal_mass"
    """equal_mass: bins of equally many rows; equal_width: equal stretches from 0 to 1, as the measure was first published."""


def measure(subject: Subject, params: CalibrationParams, rng: Generator) -> Evidence:
    """Calibration error of each slice, and the reliability diagrams of all rows and of each slice."""
    seen, clusters = events(subject, params), subject.clusters()

    def error(cell: Cell) -> CalibrationError:
        return CalibrationError.of(cell.probability, cell.hit, rng, bins=params.bins, binning=params.binning, clusters=cell.clusters)

    wholes = [error(Cell(event.name(OVERALL), event.probability, event.hit, clusters)) for event in seen]
    if subject.by:
        found = members(subject, seen, error)
    else:
        found = tuple(Member(event.name(OVERALL), whole) for event, whole in zip(seen, wholes, strict=True))
    remedy = suggestion(subject, params, rng, bins=params.bins, binning=params.binning)
    return Evidence(
        members=found,
        unit="calibration error",
        rows=len(seen[0].hit),
        figures=(*_diagrams(seen, wholes), *remedy.figures, *(_slices(found) if subject.by else ())),
        notes=(*(_floor(event, whole) for event, whole in zip(seen, wholes, strict=True)), *remedy.notes),
    )


def _diagrams(seen: tuple[Event, ...], wholes: list[CalibrationError]) -> tuple[Lines, ...]:
    return tuple(diagram(whole, event.name(OVERALL)) for event, whole in zip(seen[:DIAGRAMS], wholes, strict=False))


def _slices(found: tuple[Member, ...]) -> tuple[Lines, ...]:
    """Of each member, the worst first."""
    told = [(one.name, one.estimate) for one in found if isinstance(one.estimate, CalibrationError)]
    worst = sorted(told, key=lambda one: -one[1].value)[:DIAGRAMS]
    return tuple(diagram(estimate, title=str(name)) for name, estimate in worst)


def _floor(event: Event, whole: CalibrationError) -> str:
    floor = f"A perfectly calibrated model stays under {whole.noise_floor:.3f} in 95 of 100 samples of {whole.n:,} rows."
    return f"Probability {event.said}. {floor}"


CHECK = calibration_check(
    measure=measure,
    question="When it says it is 90 % sure, is it right nine times in ten?",
    unit="calibration error",
    params=CalibrationParams,
)
