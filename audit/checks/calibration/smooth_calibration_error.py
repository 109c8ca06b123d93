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
from audit.checks.calibration._stated_probabilities import Event, TargetParams, diagram, events, members
from audit.evidence import OVERALL, Evidence
from audit.stats import CalibrationError, SmoothCalibrationError

if TYPE_CHECKING:
    import numpy as np
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.subject import Subject


def measure(subject: Subject, params: TargetParams, rng: Generator) -> Evidence:
    """Smooth error of each slice, and the reliability diagram of all rows."""
    seen, clusters = events(subject, params), subject.clusters()
    wholes = [CalibrationError.of(event.probability, event.hit, rng, clusters=clusters) for event in seen]
    return Evidence(
        members=members(subject, seen, lambda cell: SmoothCalibrationError.of(cell.probability, cell.hit, cell.clusters)),
        unit="smooth calibration error",
        rows=len(seen[0].hit),
        figures=tuple(diagram(whole, event.name(OVERALL)) for event, whole in zip(seen, wholes, strict=True)),
        notes=tuple(_floor(event, clusters) for event in seen),
    )


def _floor(event: Event, clusters: NDArray[np.int64] | None) -> str:
    whole = SmoothCalibrationError.of(event.probability, event.hit, clusters)
    floor = f"A perfectly calibrated model stays under {whole.noise_floor:.3f} in 95 of 100 samples of {whole.n:,} rows."
    return f"Probability {event.said}. {floor} Bins of the diagram have no part in the value."


CHECK = calibration_check(
    measure=measure,
    question="When it says it is 90 % sure, is it right nine times in ten, without binning?",
    unit="smooth calibration error",
    params=TargetParams,
)
