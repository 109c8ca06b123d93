"""Brier decomposition: what of the probabilities' squared error is miscalibration, and what cannot be helped.

Purpose      Part the Brier score into reliability (how far probabilities are off), resolution (how far they part rows that differ)
             and uncertainty (how hard the question is). Judged is reliability.
Risk         High: part of the error is only a matter of saying the right number, and could be mended without a better model.
Limitations  Depends on the bins. A square: .01 is .1 off on average. What chance adds is taken off, so a calibrated model has a
             value near 0, and often 0. Low reliability alone is no merit: who always gives the class's share has it too.
Reference    Murphy, J Appl Meteorol 1973; less the bias of Bröcker, QJRMS 2012; Stephenson, Coelho & Jolliffe, Weather Forecast 2008.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field

from audit.checks.calibration import calibration_check
from audit.checks.calibration._stated_probabilities import Event, TargetParams, cells, diagrams, events
from audit.evidence import Evidence, Member
from audit.formatting import number
from audit.stats.brier import Decomposition, decompose

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.subject import Subject

RARER = 30
"""Rows of the rarer outcome below which the resolution's interval is not shown: it errs too often."""


class BrierParams(TargetParams):
    """Which probability is looked at, in how many bins."""

    bins: int = Field(15, ge=2, le=100, description="bins of equal mass; rows of equal probability share one")


def measure(subject: Subject, params: BrierParams, rng: Generator) -> Evidence:
    """Reliability of each slice, resolution beside it, and the sum of all rows."""
    seen = events(subject, params)
    members, context = [], []
    for cell in cells(subject, seen):
        found = _decomposition(cell, params)
        members.append(Member(cell.name, found.reliability))
        if min(np.count_nonzero(cell.hit), np.count_nonzero(~cell.hit)) >= RARER:
            context.append(Member(cell.name.further("part", "resolution"), found.resolution))
    return Evidence(
        members=tuple(members),
        context=tuple(context),
        unit="Brier reliability",
        rows=len(seen[0].hit),
        figures=diagrams(seen, [event.error(rng, bins=params.bins) for event in seen]),
        notes=tuple(_describe(event, _decomposition(event, params)) for event in seen),
    )


def _decomposition(event: Event, params: BrierParams) -> Decomposition:
    return decompose(event.probability, event.hit, event.clusters, bins=params.bins)


def _describe(event: Event, whole: Decomposition) -> str:
    """The sum, as it was seen."""
    parts = f"{number(whole.reliability.seen)} reliability − {number(whole.resolution.seen)} resolution + {number(whole.uncertainty)} "
    parts += f"uncertainty, and {number(whole.within)} within the bins"
    chance = f"Of the reliability {number(whole.reliability.chance)} is what chance adds on average"
    floor = f"a perfectly calibrated model's value stays under {number(whole.reliability.noise_floor)} in 95 of 100 samples"
    return f"Probability {event.said}, all rows: Brier score {number(whole.score)} = {parts}. {chance}; {floor}."


CHECK = calibration_check(
    measure=measure,
    question="How much of the error of its probabilities is miscalibration?",
    unit="Brier reliability",
    params=BrierParams,
)
