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

from audit.check import Check, Params
from audit.checks.performance import _own_function
from audit.evidence import Evidence, Member
from audit.metrics.comparison import comparator_name, models_in_words
from audit.metrics.groups import part
from audit.stats import Mean, PairedMean
from audit.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

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
    ask = _own_function.bind_metric(subject, params.function, params.sha256)

    def estimate(rows: NDArray[np.bool_]) -> Estimate:
        said = ask(rows)
        if isinstance(said, float):
            _own_function.refuse_ends(params.lowest, params.highest)
            return _own_function.jackknife(subject, lambda kept: _own_function.single(params.function, ask(kept)), rows, rng)
        _own_function.refuse_outside(params.function, said, params.lowest, params.highest)
        return Mean.of(said, part(subject.clusters(), rows), low=params.lowest, high=params.highest)

    members = tuple(Member(name, estimate(rows)) for name, rows in subject.slices())
    return Evidence(members=members, unit=_unit(params), rows=subject.data.rows, notes=(_provenance(params),))


def compare(subject: Subject, params: CustomParams, rng: Generator) -> Evidence:
    """Difference of the function in each slice, paired on the rows."""
    own, comparator = (_own_function.bind_metric(side, params.function, params.sha256) for side in (subject, subject.for_comparator))

    def difference(rows: NDArray[np.bool_]) -> float:
        return _own_function.single(params.function, own(rows)) - _own_function.single(params.function, comparator(rows))

    def estimate(rows: NDArray[np.bool_]) -> Estimate:
        first, second = own(rows), comparator(rows)
        if isinstance(first, float) or isinstance(second, float):
            _own_function.refuse_ends(params.lowest, params.highest)
            return _own_function.jackknife(subject, difference, rows, rng)
        for said in (first, second):
            _own_function.refuse_outside(params.function, said, params.lowest, params.highest)
        return PairedMean.of(first, second, part(subject.clusters(), rows), low=params.lowest, high=params.highest)

    members = tuple(Member(name, estimate(rows)) for name, rows in subject.slices())
    everything = np.ones(subject.data.rows, dtype=bool)
    said = models_in_words(subject, _unit(params), float(np.mean(own(everything))), float(np.mean(comparator(everything))))
    unit = f"{_unit(params)} difference from {comparator_name(subject)}"
    return Evidence(members=members, unit=unit, rows=subject.data.rows, notes=(_provenance(params), said))


def _range_on(_subject: Subject, params: CustomParams) -> tuple[float, float]:
    return -math.inf if params.lowest is None else params.lowest, math.inf if params.highest is None else params.highest


def _unit(params: CustomParams) -> str:
    return params.function.rpartition(":")[2].replace("_", " ")


def _provenance(params: CustomParams) -> str:
    return f"Measured by the project's own {params.function}, in a file of digest {params.sha256}."


CHECK = Check(
    measure=measure,
    compare=compare,
    question="Is it good enough by the project's own metric?",
    remedy="Look at the rows on which the function is lowest in the worst slice; add training rows like them and fit the model anew.",
    measures="skill",
    characteristics=("valid_reliable",),
    rmf=("MEASURE 2.3", "MEASURE 1.1"),
    better="higher",
    unit="the function's own unit",
    needs=frozenset({"labels", "predictions"}),
    params=CustomParams,
    reads_files=lambda _params: True,
    by="slices",
    tasks=(*CLASSIFICATION, *REGRESSION),
    lowest=-math.inf,
    highest=math.inf,
    range_on=_range_on,
)
