"""Population stability index: how far the shares of each feature's bins have moved between two windows.

Purpose      Show which features, numeric or categorical, have moved between the reference and the current window.
Risk         High: the model answers for cases unlike those it was tested on, and its measured quality no longer speaks for them.
Limitations  Blind to what happens inside a bin. Numbers are binned by quantiles of the reference, values of fewer than five
             reference rows count as (other), missing cells are a bin of their own; an empty bin adds half a row to every bin.
             The usual constants .1 and .2 ignore the number of rows: the interval here does not. Change is not harm.
Reference    Yurdakul & Naranjo, Statistical properties of the population stability index, Journal of Risk Model Validation 2020.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from audit.check import Params
from audit.checks.drift import _contexts, drift_check
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member
from audit.metrics import usable_features, windows

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.subject import Subject

_FIGURES = 12


class PsiParams(Params):
    """What is compared, and how finely."""

    columns: tuple[str, ...] | None = None
    """Columns, or `text (words)`, `text (characters)`, `text (share of letters)`; every feature where neither they nor `by` is given."""
    bins: Annotated[int, Field(ge=2, le=100)] = 10
    """Quantile bins of a numeric feature."""
    context: tuple[str, ...] = ()
    """Columns, such as [store], given which features are compared: a change of their mix alone is no drift."""


def measure(subject: Subject, params: PsiParams, _rng: Generator) -> Evidence:
    """The index of each feature between the two windows."""
    reference, current = windows.pair(subject)
    named = windows.chosen_columns(subject, params.columns)
    comparison = _contexts.compare(subject, params.context)
    columns, lacking = windows.features(reference, current, named)
    found = comparison.features(columns, named)
    if not found and not lacking:
        msg = f"{current.role} has no feature column and no text: name columns.features"
        raise CannotMeasure(msg)
    binned = {feature: comparison.binned(feature, params.bins) for feature in found}
    compared, unmeasured = usable_features.divide(
        found,
        lambda feature: usable_features.SCATTERED if binned[feature][0].other > usable_features.MOSTLY else None,
        *usable_features.unnamed_rules(named, reference, current),
    )
    members = tuple(Member(one.slice, found.stability_index(sizes)) for one in compared for found, sizes in [binned[one]])
    worst = sorted(binned, key=lambda feature: -binned[feature][0].index)[:_FIGURES]
    return Evidence(
        members=members,
        unit="PSI",
        rows=reference.rows + current.rows,
        unmeasured=(*lacking, *unmeasured, *comparison.unmeasured),
        figures=tuple(binned[feature][0].figure(feature.name, reference.role, current.role) for feature in worst),
        notes=(*windows.change_notes(members), *comparison.notes, *windows.cluster_notes(subject)),
    )


CHECK = drift_check(
    measure=measure,
    question="Does each feature have the same distribution as in the reference data?",
    remedy="Ask where the feature that moved most comes from; if the change is real, label a sample of it and test again.",
    unit="PSI",
    params=PsiParams,
    by="features",
    highest=float("inf"),
)
