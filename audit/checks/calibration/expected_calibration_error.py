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
from audit.checks.calibration._stated_probabilities import TargetParams, cells, diagram, diagrams, events, floor_note
from audit.checks.calibration._temperature import suggestion
from audit.evidence import Evidence, Member
from audit.stats.calibration import Binning  # noqa: TC001  # pydantic reads it

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.evidence import Lines
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
    seen = events(subject, params)
    wholes = [event.error(rng, bins=params.bins, binning=params.binning) for event in seen]
    errors = [(event.name, whole) for event, whole in zip(seen, wholes, strict=True)]
    of_slices: tuple[Lines, ...] = ()
    if subject.by:
        errors = [(cell.name, cell.error(rng, bins=params.bins, binning=params.binning)) for cell in cells(subject, seen)]
        worst = sorted(errors, key=lambda entry: -entry[1].value)[:DIAGRAMS]
        of_slices = tuple(diagram(error, str(name)) for name, error in worst)
    remedy = suggestion(subject, params, rng, bins=params.bins, binning=params.binning)
    return Evidence(
        members=tuple(Member(name, error) for name, error in errors),
        unit="calibration error",
        rows=len(seen[0].hit),
        figures=(*diagrams(seen[:DIAGRAMS], wholes), *remedy.figures, *of_slices),
        notes=(*(floor_note(event, whole.noise_floor, whole.n) for event, whole in zip(seen, wholes, strict=True)), *remedy.notes),
    )


CHECK = calibration_check(
    measure=measure,
    question="When it says it is 90 % sure, is it right nine times in ten?",
    unit="calibration error",
    params=CalibrationParams,
)
