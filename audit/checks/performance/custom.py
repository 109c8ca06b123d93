"""A function of the project's own, `module:function` in its folder, of which more is better.

Purpose      Hold a model to the number that its owners care about, such as money saved, where no other check measures it.
Risk         Low: by the owners' own measure it is not good enough.
Limitations  Proves what the function computes and no more: have it read and tested as the policy is. The policy names the digest of its
             file, so that a change of it is a change of the policy; what the file imports is not covered. It is given what its parameters
             name of y_true, y_pred, y_score (probabilities, a column a class) and frame (the data set's rows), and gives one number a
             row, whose mean is judged, or one number of all, which is asked again without groups of rows: on fewer than 200 rows that
             bars a pass, and of a median or a rare event an end errs more often than promised there. For a loss give its negative.
Reference    Of values a row Hall, JRSS B 1992; of one number Tukey, Annals of Mathematical Statistics 1958; Shao & Wu, Annals of
             Statistics 1989.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, FiniteFloat

from audit.check import Params
from audit.checks.performance import skill_check
from audit.checks.performance._own_function import MEND, FunctionError, bind_metric
from audit.errors import CannotMeasure
from audit.evidence import Evidence
from audit.metrics.comparison import comparator_name, models_in_words
from audit.metrics.groups import part, slice_members
from audit.stats import GroupJackknife, Mean, PairedMean
from audit.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.checks.performance._own_function import Metric
    from audit.evidence import Member
    from audit.metrics.groups import Entities, Rows
    from audit.stats import Estimate
    from audit.subject import Subject


class CustomParams(Params):
    """Which function, and what its values may be."""

    function: str = Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
        description="module:function; the module is a file of the project folder, such as cost.py for cost",
        examples=["cost:saved"],
    )
    sha256: str = Field(
        pattern=r"^[0-9a-f]{64}$", description="digest that the module's file must have", examples=[hashlib.sha256().hexdigest()]
    )
    lowest: FiniteFloat | None = Field(None, description="the least that a row's value can be, if there is one; a value below is an error")
    highest: FiniteFloat | None = Field(None, description="the most that a row's value can be, if there is one; a value above is an error")


def measure(subject: Subject, params: CustomParams, rng: Generator) -> Evidence:
    """The function of each slice."""
    members = _members(subject, params, [bind_metric(subject, params.function, params.sha256)], rng)
    return Evidence(members=members, unit=_unit(params), rows=subject.data.rows, notes=(_provenance(params),))


def compare(subject: Subject, params: CustomParams, rng: Generator) -> Evidence:
    """Difference of the function in each slice, paired on the rows."""
    metrics = [bind_metric(side, params.function, params.sha256) for side in (subject, subject.for_comparator)]
    members = _members(subject, params, metrics, rng)
    everything = np.ones(subject.data.rows, dtype=bool)
    said = models_in_words(subject, _unit(params), *(float(np.mean(metric(everything))) for metric in metrics))
    unit = f"{_unit(params)} difference from {comparator_name(subject)}"
    return Evidence(members=members, unit=unit, rows=subject.data.rows, notes=(_provenance(params), said))


def _members(subject: Subject, params: CustomParams, metrics: Sequence[Metric], rng: Generator) -> tuple[Member, ...]:
    """One model's function in each slice, or the first model's minus the second's."""

    def number(rows: Rows) -> float:
        first, *second = (single(params.function, metric(rows)) for metric in metrics)
        return first - second[0] if second else first

    def estimate(rows: Rows, entities: Entities) -> Estimate:
        values = [metric(rows) for metric in metrics]
        if any(isinstance(value, float) for value in values):
            refuse_ends(params.lowest, params.highest)
            return jackknife(subject, number, rows, rng)
        first, *second = (np.asarray(value) for value in values)
        for value in (first, *second):
            refuse_outside(params.function, value, params.lowest, params.highest)
        if second:
            return PairedMean.of(first, second[0], entities, low=params.lowest, high=params.highest)
        return Mean.of(first, entities, low=params.lowest, high=params.highest)

    return slice_members(subject, estimate)


def _range_on(_subject: Subject, params: CustomParams) -> tuple[float, float]:
    return -math.inf if params.lowest is None else params.lowest, math.inf if params.highest is None else params.highest


def _unit(params: CustomParams) -> str:
    return params.function.rpartition(":")[2].replace("_", " ")


def _provenance(params: CustomParams) -> str:
    return f"Measured by the project's own {params.function}, in a file of digest {params.sha256}."


def single(name: str, said: NDArray[np.float64] | float) -> float:
    """One number for some of the rows, from a function that gave one for a whole slice."""
    if isinstance(said, float):
        return said
    msg = f"the project's function {name} gave one number for a slice and one a row for a part of it: {MEND}"
    raise FunctionError(msg)


def refuse_outside(name: str, said: NDArray[np.float64], lowest: float | None, highest: float | None) -> None:
    """A value beyond the ends that the policy says a row's value has is an error."""
    if (lowest is not None and said.min() < lowest) or (highest is not None and said.max() > highest):
        ends = ", ".join(f"`{key}: {end:g}`" for key, end in (("lowest", lowest), ("highest", highest)) if end is not None)
        range_ = f"{said.min():g} to {said.max():g}"
        msg = f"the project's function {name} gave values from {range_}, outside of {ends}: mend the function or the ends"
        raise FunctionError(msg)


def refuse_ends(lowest: float | None, highest: float | None) -> None:
    """The ends are those of a row's value: of one number for all rows they would promise what nothing holds it to."""
    if lowest is not None or highest is not None:
        msg = "`lowest` and `highest` are the ends of a row's value, and the function gives one number for all rows: leave them out"
        raise CannotMeasure(msg)


def jackknife(subject: Subject, function: Callable[[NDArray[np.bool_]], float], rows: NDArray[np.bool_], rng: Generator) -> GroupJackknife:
    """A number of some rows, asked again without groups of them."""
    places = np.flatnonzero(rows)

    def of_kept(kept: NDArray[np.bool_]) -> float:
        mask = np.zeros(len(rows), dtype=bool)
        mask[places[kept]] = True
        return function(mask)

    return GroupJackknife.of(of_kept, len(places), rng, part(subject.clusters(), rows))


CHECK = skill_check(
    measure=measure,
    compare=compare,
    question="Is it good enough by the project's own metric?",
    remedy="Look at the rows on which the function is lowest in the worst slice; add training rows like them and fit the model anew.",
    rmf=("MEASURE 2.3", "MEASURE 1.1"),
    unit="the function's own unit",
    needs=frozenset({"labels", "predictions"}),
    params=CustomParams,
    reads_files=lambda _params: True,
    tasks=(*CLASSIFICATION, *REGRESSION),
    lowest=-math.inf,
    highest=math.inf,
    range_on=_range_on,
)
