"""Decay: mean loss over the rows in time order, with an interval that holds at every look.

Purpose      Show whether the loss on labelled production rows still keeps its bound, when the check is run again and again as labels come.
Risk         High: the model has become worse than its users were told, and nobody has noticed yet.
Limitations  The interval is about 1.8 times as wide as one for a single look: that is the price of looking at any time. It holds at all
             looks for a loss that stays, and at a single look for the average of a loss that moves. A late rise is diluted by the good
             rows before it: use windows (audit monitor), or drift/concept. The loss of a class is 0 or 1; of a number its absolute error
             over `highest`, at most 1. Late or selected labels bias it, and rows that resemble the row before them make the interval too
             narrow: name the day or the customer as columns.group. The picture shows when the loss left a bound: the interval lies
             above the bound exactly where the evidence against it has reached its threshold. ADWIN finds the moments of change.
Reference    Waudby-Smith & Ramdas, JRSS B 2024; Ville 1939; Podkopaev & Ramdas, ICLR 2022; Bifet & Gavalda, SIAM Data Mining 2007.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, FiniteFloat

from audit.candidates.capabilities import Values
from audit.check import Params
from audit.checks.performance import skill_check
from audit.errors import CannotMeasure
from audit.evidence import Curve, Evidence, Lines
from audit.formatting import number
from audit.metrics.groups import TAIL, part, slice_members
from audit.metrics.losses import residuals
from audit.metrics.time_order import TimeOrder
from audit.stats import BettingMean
from audit.stats.change_points import adwin, sharpest_cut
from audit.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.subject import Subject

_LOOKS, _LEAST_ROWS = 12, 10
"""Looks in the picture at most, and rows of the first one."""
_DELTA, _SHOWN = 0.002, 3
"""Significance of ADWIN's cuts, and changes that are told."""
_PARTS = 500
"""Parts of the range to which losses are rounded for the picture."""


class DecayParams(Params):
    """Which error of a predicted number costs 1."""

    highest: FiniteFloat | None = Field(
        None,
        gt=0,
        description="for numbers: the absolute error that costs 1, in the unit of the true numbers; a larger one is no worse",
    )


def measure(subject: Subject, params: DecayParams, _rng: Generator) -> Evidence:
    """Mean loss of each slice, and how it went over time."""
    losses = _losses(subject, params)
    order = TimeOrder.of(subject.data)
    members = slice_members(subject, lambda rows, entities: BettingMean.of(losses[rows], entities))
    in_order = losses[order.rows]
    return Evidence(
        members=members,
        unit="error rate" if params.highest is None else f"absolute error over {params.highest:g}",
        rows=len(losses),
        figures=(_figure(order, in_order, part(subject.clusters(), order.rows)),),
        notes=(*_changes(order, in_order), *order.notes(subject.data)),
    )


def _losses(subject: Subject, params: DecayParams) -> NDArray[np.float64]:
    """(n,) what each row costs, 0 to 1."""
    numbers = subject.candidate.get(Values) is not None
    if numbers and params.highest is None:
        msg = "the error of a number has no bound: set `highest` to the absolute error that costs 1, above which none is worse"
        raise CannotMeasure(msg)
    if params.highest is None:
        return np.asarray(subject.y_true() != subject.y_pred(), dtype=float)
    if not numbers:
        msg = "`highest` is for predicted numbers, and the candidate gives classes: leave it out"
        raise CannotMeasure(msg)
    return np.minimum(np.abs(residuals(subject)) / params.highest, 1.0)


def _changes(order: TimeOrder, losses: NDArray[np.float64]) -> tuple[str, ...]:
    """The moments at which the loss of all rows changed most, in their order, with the means of the stretches on both sides."""
    cuts = sorted({sharpest_cut(losses, since, row) for row, since in adwin(losses, delta=_DELTA)})
    means = [float(stretch.mean()) for stretch in np.split(losses, cuts)]
    largest = sorted(range(len(cuts)), key=lambda place: -abs(means[place + 1] - means[place]))[:_SHOWN]
    found = [
        f"On {order.moment(cuts[place])} the mean loss changed from {number(means[place])} to {number(means[place + 1])} (ADWIN)."
        for place in sorted(largest)
    ]
    return (*found, *([f"{len(cuts) - _SHOWN} smaller changes are not listed."] if len(cuts) > _SHOWN else []))


def _figure(order: TimeOrder, losses: NDArray[np.float64], clusters: NDArray[np.int64] | None) -> Lines:
    """The mean so far with its interval, look by look, and the mean since the look before."""
    n = len(losses)
    looks = np.unique(np.linspace(min(n, _LEAST_ROWS), n, _LOOKS).round().astype(int))
    rounded = np.round(losses * _PARTS) / _PARTS
    at, _ = order.axis()
    x = tuple(float(at[look - 1]) for look in looks)
    seen = [BettingMean.of(rounded[:look], part(clusters, np.arange(look))) for look in looks]
    lower, upper = zip(*(one.bounds(TAIL, TAIL) for one in seen), strict=True)
    recent = tuple(float(losses[start:end].mean()) for start, end in zip([0, *looks], looks, strict=False))
    return Lines(
        f"mean loss {number(float(losses.mean()))} after {n:,} rows",
        order.axis()[1],
        "mean loss",
        (
            Curve("all rows so far, shaded: 95\u00a0% interval for every look", x, tuple(one.value for one in seen), lower, upper),
            Curve("rows since the look before", x, recent, style="expected"),
        ),
        foot="A bound below the shaded area is broken: the evidence against it has reached its threshold.",
    )


CHECK = skill_check(
    measure=measure,
    question="Does its loss on labelled rows still keep the bound, however often one looks?",
    remedy="Go back to the last good version, or fine-tune on rows since the change; look at the slice that lost most.",
    rmf=("MEASURE 2.4", "MEASURE 3.1", "MANAGE 4.1"),
    better="lower",
    unit="mean loss",
    needs=frozenset({"labels", "predictions"}),
    params=DecayParams,
    tasks=(*CLASSIFICATION, *REGRESSION),
)
