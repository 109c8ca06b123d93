"""Mean difference: largest minus smallest average over groups, of what is predicted or of what is true.

Purpose      Show whether some group gets less on average: fewer favourable decisions, or a lower number where the model gives numbers.
             Of the labels it shows the gap that the data themselves hold, before any model; with `columns.weight` also what is left
             of it after reweighing.
Risk         Well above 0: some group gets, or got, less than another.
Limitations  Blind to base rates and to errors. An average hides how the values are spread. Weights are taken as given: where they were
             worked out from the same rows, as in reweighing, the gap is 0 by construction and proves nothing of new rows.
Reference    As in AI Fairness 360; Kamiran & Calders, KAIS 2012; intervals of Newcombe, Statistics in Medicine 1998, Korn & Graubard,
             Survey Methodology 1998, Hall, JRSS B 1992, and Zou & Donner, Statistics in Medicine 2008.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from audit.candidates.capabilities import Values
from audit.check import Params
from audit.checks.fairness import gap_check
from audit.checks.fairness._groups import GroupStatistic, class_items, compare_groups, context_members, gaps, widenings
from audit.checks.fairness._means import Average, PairedAverage, average, difference, mean, paired_mean
from audit.checks.fairness._rates import rate_gap_widenings
from audit.errors import CannotMeasure
from audit.tasks import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.evidence import Evidence
    from audit.metrics.groups import GroupEstimate
    from audit.subject import Subject


class MeanParams(Params):
    """What is averaged."""

    of: Literal["predictions", "labels"] = Field(
        "predictions", description="predictions: what the candidate says; labels: what is true, which is a claim about the data"
    )


def measure(subject: Subject, params: MeanParams, _rng: Generator) -> Evidence:
    """Average per group, judged on every ordered pair of groups."""
    found = gaps(subject, compare_groups(subject, _averages(subject, params)), difference, context_members, "mean difference")
    unit = "mean" if subject.candidate.get(Values) is not None else "rate"
    return replace(found, context_unit=unit, notes=(*found.notes, *_weighing(subject)))


def compare(subject: Subject, params: MeanParams, _rng: Generator) -> Evidence:
    """By how much the gap between the averages of each two groups is wider than the comparator's."""
    if params.of == "labels":
        msg = "of: labels measures the data, which are the same for both models: compare the predictions"
        raise CannotMeasure(msg)
    weights = _weights(subject)
    if subject.candidate.get(Values) is not None:
        now, then = subject.predicted_values(), subject.for_comparator.predicted_values()
        found = widenings(subject, [paired_mean(now, then, weights)], PairedAverage.widening)
        return replace(found, notes=(*found.notes, *_weighing(subject)))
    if weights is not None:
        msg = "shares of weighted rows have no paired interval: leave columns.weight out, or compare demographic_parity_difference"
        raise CannotMeasure(msg)
    return rate_gap_widenings(subject, ("selection_rate",))


def _averages(subject: Subject, params: MeanParams) -> list[GroupStatistic[GroupEstimate[Average]]]:
    weights = _weights(subject)
    if subject.candidate.get(Values) is not None:
        numbers = subject.target() if params.of == "labels" else subject.predicted_values()
        return [mean(numbers) if weights is None else average(numbers, weights)]
    classes = subject.y_true() if params.of == "labels" else subject.y_pred()
    return [average(classes == one, weights, class_items(subject, one)) for one in subject.targets]


def _weights(subject: Subject) -> NDArray[np.float64] | None:
    """(n,) weights, finite and not negative; None where rows count alike."""
    column = subject.data.columns.weight
    if column is None:
        return None
    weights = subject.data.numbers(column)
    if (weights < 0).any():
        msg = f"{subject.data.role}: column {column!r} holds a weight under 0 in row {subject.data.shown(int(np.argmax(weights < 0)))}: "
        msg += "mend it, or leave columns.weight out"
        raise CannotMeasure(msg)
    return weights


def _weighing(subject: Subject) -> tuple[str, ...]:
    column = subject.data.columns.weight
    return () if column is None else (f"Rows are weighted by {column}; the weights are taken as given, not as estimated.",)


def _range_on(subject: Subject, _params: MeanParams) -> tuple[float, float]:
    """Shares are at most 1 apart, numbers any distance."""
    return 0.0, math.inf if subject.candidate.get(Values) is not None else 1.0


CHECK = gap_check(
    measure=measure,
    compare=compare,
    question="Does every group receive the same average value?",
    remedy="Compare the groups' base rates and errors; where the gap has no reason, reweigh or rebalance the training data.",
    unit="mean difference",
    needs=frozenset({"predictions"}),
    params=MeanParams,
    tasks=(*CLASSIFICATION, *REGRESSION),
    highest=math.inf,
    range_on=_range_on,
    weighted=True,
)
