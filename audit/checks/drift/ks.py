"""Kolmogorov-Smirnov distance: largest gap between the distribution functions of two windows, number by number.

Purpose      Show which numeric features, or lengths of the text, have moved between the reference and the current window.
Risk         High: the model answers for cases unlike those it was tested on, and its measured quality no longer speaks for them.
Limitations  One feature at a time: a change of how features go together is not seen (drift/mmd sees it). Change is not harm:
             where labels come in, judge the loss. A missing cell ranks below every number, so more missing cells count as drift.
             Categories, codes and times are not compared; unless `columns` names the numbers, they count as unmeasured.
Reference    Kolmogorov 1933; Smirnov 1939; as `scipy.stats.ks_2samp`. Rabanser et al., Failing loudly, NeurIPS 2019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import model_validator

from audit.check import Params
from audit.checks.drift import _alibi, _contexts, _numbers, drift_check
from audit.evidence import Evidence, Member
from audit.metrics import usable_features, windows
from audit.stats import KolmogorovSmirnov

if TYPE_CHECKING:
    from numpy.random import Generator

    from audit.checks.drift._contexts import Comparison
    from audit.metrics.windows import Feature
    from audit.stats import Sketched
    from audit.subject import Subject

_FIGURES = 12
_BINS = 20


class KsParams(Params):
    """What is compared, and by which part."""

    columns: tuple[str, ...] | None = None
    """Numeric columns, or `text (words)`, `text (characters)`, `text (share of letters)`; all where neither they nor `by` is given."""
    context: tuple[str, ...] = ()
    """Columns, such as [store], given which features are compared: a change of their mix alone is no drift."""
    backend: _alibi.Backend = "audit"
    """Whose code measures; alibi-detect comes with the extra `drift`, and its licence limits production use."""

    @model_validator(mode="after")
    def _without_context(self) -> KsParams:
        _alibi.refuse_context(self.backend, self.context)
        return self


def measure(subject: Subject, params: KsParams, _rng: Generator) -> Evidence:
    """The distance of each numeric feature between the two windows."""
    reference, current = windows.pair(subject)
    named = windows.chosen_columns(subject, params.columns)
    found, lacking = windows.features(reference, current, named)
    rules = usable_features.unnamed_rules(named, reference, current)
    comparison = _contexts.compare(subject, params.context)
    numeric, unmeasured = _numbers.numeric(comparison.features(found, named), rules, lacking=bool(lacking))
    measured = {feature.name: _measured(feature, comparison, params.backend) for feature in numeric}
    members = tuple(Member(feature.slice, measured[feature.name][0]) for feature in numeric)
    worst = sorted(numeric, key=lambda feature: -measured[feature.name][0].value)[:_FIGURES]
    notes = (*windows.change_notes(members), *comparison.notes, *_numbers.missing_notes(numeric), *windows.cluster_notes(subject))
    if params.backend == "alibi-detect":
        notes += (_alibi.licence(), f"p-values: {', '.join(f'{name} {p:.2g}' for name, (_, p) in measured.items())}.")
    return Evidence(
        members=members,
        unit="KS distance",
        rows=reference.rows + current.rows,
        unmeasured=(*lacking, *unmeasured, *comparison.unmeasured),
        figures=tuple(comparison.binned(feature, _BINS)[0].figure(feature.name, reference.role, current.role) for feature in worst),
        notes=notes,
        backend=_alibi.name(params.backend),
    )


def _measured(feature: Feature, comparison: Comparison, backend: _alibi.Backend) -> tuple[KolmogorovSmirnov | Sketched, float]:
    """Distance and p-value (1 where our own backend gives none); a missing cell ranks below every number."""
    if backend == "audit":
        return _numbers.kolmogorov_smirnov(feature, comparison), 1.0
    feature.refuse_profiles()
    distance, p = _alibi.kolmogorov_smirnov(*_numbers.ranked(feature))
    return KolmogorovSmirnov(distance, *comparison.sizes), p


CHECK = drift_check(
    measure=measure,
    question="Does each numeric feature have the same distribution as in the reference data?",
    remedy="Ask where the feature that moved most comes from; if the change is real, label a sample of it and test again.",
    unit="KS distance",
    params=KsParams,
    by="features",
)
