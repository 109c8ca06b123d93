"""Calibration slope and intercept: the line on the logit scale that would mend the stated probabilities.

Purpose      Say in which way probabilities are off: too extreme or too timid (slope), too low or too high as a whole (intercept).
Risk         High: a slope under 1 overstates both risk and safety; an intercept above 0 understates the risk of everybody.
Limitations  A line: probabilities that are off in a bend can have slope 1 and intercept 0. Judged are the distances from 1 and 0.
             The intercept is that with the slope held at 1 (calibration in the large), in logits. Stated probabilities of 0 and 1
             count as 0.000001 and 0.999999.
Reference    Cox, Biometrika 1958; Steyerberg et al., Epidemiology 2010; ends of Chandler & Bate, Biometrika 2007.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from audit.checks.calibration import calibration_check
from audit.checks.calibration._stated_probabilities import Event, TargetParams, cells, diagrams, events
from audit.checks.calibration._temperature import suggestion
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member, Unmeasured
from audit.formatting import number
from audit.metrics.groups import TAIL
from audit.stats import Coefficient, Departure
from audit.stats.recalibration import NEAREST, line, unfit

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.subject import Subject

IDEAL = {"slope": 1.0, "intercept": 0.0}
MEANING = {"slope": ("too extreme", "too timid"), "intercept": ("too high", "too low")}
UNIT = "distance from calibration"


class LineParams(TargetParams):
    """Which probability is looked at, and what of its line is judged."""

    parameter: Literal["slope", "intercept"] | None = Field(None, description="what is judged. Absent: both, each a member")


def measure(subject: Subject, params: LineParams, rng: Generator) -> Evidence:
    """Distance of slope and intercept from 1 and 0 in each slice; both themselves beside it."""
    seen = events(subject, params)
    asked = tuple(IDEAL) if params.parameter is None else (params.parameter,)
    members, context, unmeasured = [], [], []
    for cell in cells(subject, seen):
        if reason := unfit(cell.probability, cell.hit):
            unmeasured += [Unmeasured(cell.name.further("parameter", which), f"{reason}: add rows") for which in asked]
            continue
        found = _line(cell)
        context += [Member(cell.name.further("line", which), one) for which, one in found.items()]
        members += [Member(cell.name.further("parameter", which), Departure(found[which], IDEAL[which])) for which in asked]
    if not members:
        raise CannotMeasure("; ".join(dict.fromkeys(one.reason for one in unmeasured)))
    wholes = [event.error(rng) for event in seen]
    remedy = suggestion(subject, params, rng)
    return Evidence(
        members=tuple(members),
        context=tuple(context),
        unmeasured=tuple(unmeasured),
        unit=UNIT,
        rows=len(seen[0].hit),
        figures=(*diagrams(seen, wholes), *remedy.figures),
        notes=(*map(_describe, seen), *remedy.notes),
    )


def _line(event: Event) -> dict[str, Coefficient]:
    found = line(event.probability, event.hit, event.clusters)
    return {"slope": found.slope, "intercept": found.intercept}


def _describe(event: Event) -> str:
    """Both of all rows in words, and how many probabilities are as good as 0 or 1."""
    if reason := unfit(event.probability, event.hit):
        return f"Probability {event.said}, all rows: {reason}."
    told = []
    for which, one in _line(event).items():
        low, high = one.bounds(TAIL, TAIL)
        below, above = MEANING[which]
        way = f": {below}" if high < IDEAL[which] else f": {above}" if low > IDEAL[which] else ""
        told.append(f"{which} {number(one.value)} [{number(low)}, {number(high)}]{way}")
    extreme = int(np.count_nonzero(np.abs(event.probability - 0.5) > 0.5 - NEAREST))
    ends = f" {extreme:,} of {len(event.hit):,} rows are stated as good as 0 or 1, which weighs on the slope." if extreme else ""
    return f"Probability {event.said}, all rows: {'; '.join(told)}.{ends}"


CHECK = calibration_check(
    measure=measure,
    question="Are its probabilities too extreme, too timid, too high or too low?",
    remedy="Refit intercept and slope on rows kept apart from training and test (Platt or temperature scaling), and audit again.",
    unit=UNIT,
    params=LineParams,
    highest=math.inf,
)
