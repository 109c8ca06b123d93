"""Smooth calibration error: how far stated probabilities lie from how often they come true, without bins.

Purpose      Show whether a probability can be taken at its word, by a number that no choice of bins moves.
Risk         High: whoever sets a threshold or a price by its probabilities is misled.
Limitations  A well calibrated model has a value above 0 by chance; the noise floor says how far. Errors in opposite directions at
             probabilities nearer to each other than the value itself cancel. Its ends are conservative.
Reference    Błasiok & Nakkiran, ICLR 2024 (SmoothECE, as in relplot); ends by the triangle inequality over bandwidths.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.checks.calibration import calibration_check
from audit.checks.calibration._stated_probabilities import Event, TargetParams, cells, diagrams, events, floor_note
from audit.evidence import Evidence, Member
from audit.stats import SmoothCalibrationError

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.subject import Subject


def measure(subject: Subject, params: TargetParams, rng: Generator) -> Evidence:
    """Smooth error of each slice, and the reliability diagram of all rows."""
    seen = events(subject, params)
    wholes = [_error(event) for event in seen]
    floors = [floor_note(event, whole.noise_floor, whole.n) for event, whole in zip(seen, wholes, strict=True)]
    return Evidence(
        members=tuple(Member(cell.name, _error(cell)) for cell in cells(subject, seen)),
        unit="smooth calibration error",
        rows=len(seen[0].hit),
        figures=diagrams(seen, [event.error(rng) for event in seen]),
        notes=tuple(f"{floor} Bins of the diagram have no part in the value." for floor in floors),
    )


def _error(event: Event) -> SmoothCalibrationError:
    return SmoothCalibrationError.of(event.probability, event.hit, event.clusters)


CHECK = calibration_check(
    measure=measure,
    question="When it says it is 90 % sure, is it right nine times in ten, without binning?",
    unit="smooth calibration error",
    params=TargetParams,
)
