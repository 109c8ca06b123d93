"""Kolmogorov-Smirnov distance: largest gap between the distribution functions of two windows, number by number.

Purpose      Show which numeric features, or lengths of the text, have moved between the reference and the current window.
Risk         High: the model answers for cases unlike those it was tested on, and its measured quality no longer speaks for them.
Limitations  One feature at a time: a change of how features go together is not seen (drift/mmd sees it). Change is not harm:
             where labels come in, judge the loss. A missing cell ranks below every number, so more missing cells count as drift.
             Categories, codes and times are not compared; unless `columns` names the numbers, they count as unmeasured.
Reference    Kolmogorov 1933; Smirnov 1939; as `scipy.stats.ks_2samp`. Rabanser et al., Failing loudly, NeurIPS 2019.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from audit.check import Params
from audit.checks.drift import _alibi, drift_check
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member
from audit.metrics import bins, usable_features, windows
from audit.stats import KolmogorovSmirnov
from audit.stats.distance import largest_distance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator

    from audit.evidence import Unmeasured
    from audit.metrics.usable_features import Rule
    from audit.metrics.windows import Feature
    from audit.subject import Subject

_FIGURES = 12
_BINS = 20


class KsParams(Params):
    """What is compared, and by which part."""

    columns: tuple[str, ...] | None = None
    """Numeric columns, or `text (words)`, `text (characters)`, `text (share of letters)`; all where neither they nor `by` is given."""
    backend: _alibi.Backend = "audit"
    """Whose code measures; alibi-detect comes with the extra `drift`, and its licence limits production use."""


def measure(subject: Subject, params: KsParams, _rng: Generator) -> Evidence:
    """The distance of each numeric feature between the two windows."""
    reference, current = windows.pair(subject)
    named = windows.chosen_columns(subject, params.columns)
    found, lacking = windows.features(reference, current, named)
    rules = usable_features.unnamed_rules(named, reference, current)
    numeric, unmeasured = _numeric(found, rules, lacking=bool(lacking))
    sizes = [windows.effective_rows(subject, data) for data in (reference, current)]
    measured = {feature.name: _distance(feature, params.backend) for feature in numeric}
    members = tuple(Member(feature.slice, KolmogorovSmirnov(measured[feature.name][0], *sizes)) for feature in numeric)
    worst = sorted(numeric, key=lambda feature: -measured[feature.name][0])[:_FIGURES]
    notes = (*windows.change_notes(members), *_missing(numeric), *windows.cluster_notes(subject))
    if params.backend == "alibi-detect":
        notes += (_alibi.licence(), f"p-values: {', '.join(f'{name} {p:.2g}' for name, (_, p) in measured.items())}.")
    return Evidence(
        members=members,
        unit="KS distance",
        rows=reference.rows + current.rows,
        unmeasured=(*lacking, *unmeasured),
        figures=tuple(bins.of(feature, _BINS).figure(feature.name, reference.role, current.role) for feature in worst),
        notes=notes,
        backend=_alibi.name(params.backend),
    )


def _numeric(found: Sequence[Feature], rules: Sequence[Rule], *, lacking: bool) -> tuple[tuple[Feature, ...], tuple[Unmeasured, ...]]:
    """The features of numbers, and the others as unmeasured; where the policy names them, and so no rule bars any, these are refused."""
    as_numbers = [_truth(feature) for feature in found]
    numeric, others = usable_features.divide(as_numbers, usable_features.categorical, *rules)
    if not rules and others:
        msg = f"not numeric: {', '.join(one.name for one in as_numbers if one not in numeric)}; drift/psi compares categories"
        raise CannotMeasure(msg)
    if not any(feature.numeric for feature in as_numbers) and not lacking:
        msg = "no numeric feature and no text: drift/psi compares categories"
        raise CannotMeasure(msg)
    return numeric, others


def _truth(feature: Feature) -> Feature:
    """Truth values as 0 and 1."""
    if feature.numeric or not {"true", "false"}.issuperset({*feature.reference, *feature.current} - {None}):
        return feature
    number = {None: np.nan, "false": 0.0, "true": 1.0}
    before, now = (np.array([number[cell] for cell in side]) for side in (feature.reference, feature.current))
    return replace(feature, numeric=True, reference=before, current=now)


def _distance(feature: Feature, backend: _alibi.Backend) -> tuple[float, float]:
    """Distance and p-value (1 where our own backend gives none); a missing cell ranks below every number."""
    sides = (feature.reference.astype(float), feature.current.astype(float))
    reference, current = (np.where(np.isnan(side), -np.inf, np.maximum(side, np.finfo(float).min)) for side in sides)
    if backend == "alibi-detect":
        return _alibi.kolmogorov_smirnov(reference, current)
    return largest_distance(reference, current), 1.0


def _missing(numeric: Sequence[Feature]) -> Iterator[str]:
    for feature in numeric:
        before, now = (float(np.isnan(side.astype(float)).mean()) for side in (feature.reference, feature.current))
        if before or now:
            unreadable = f", {feature.unreadable} cells that are no numbers among them" if feature.unreadable else ""
            yield f"{feature.name}: missing in {before:.1%} of the reference and {now:.1%} of the current window{unreadable}."


CHECK = drift_check(
    measure=measure,
    question="Does each numeric feature have the same distribution as in the reference data?",
    remedy="Ask where the feature that moved most comes from; if the change is real, label a sample of it and test again.",
    unit="KS distance",
    params=KsParams,
    by="features",
)
