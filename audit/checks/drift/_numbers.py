"""Features of numbers in two windows, as checks compare them: which ones are numbers, and where a missing cell ranks."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from audit.errors import CannotMeasure
from audit.metrics import usable_features
from audit.stats import sketched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from audit.checks.drift._contexts import Comparison
    from audit.evidence import Unmeasured
    from audit.metrics.usable_features import Rule
    from audit.metrics.windows import Feature
    from audit.stats import KolmogorovSmirnov, Sketched


def numeric(found: Sequence[Feature], rules: Sequence[Rule], *, lacking: bool) -> tuple[tuple[Feature, ...], tuple[Unmeasured, ...]]:
    """The features of numbers, and the others as unmeasured; where the policy names them, and so no rule bars any, these are refused."""
    as_numbers = [_truth(feature) for feature in found]
    kept, others = usable_features.divide(as_numbers, usable_features.categorical, *rules)
    if not rules and others:
        msg = f"not numeric: {', '.join(one.name for one in as_numbers if one not in kept)}; drift/psi compares categories"
        raise CannotMeasure(msg)
    if not any(feature.numeric for feature in as_numbers) and not lacking:
        msg = "no numeric feature and no text: drift/psi compares categories"
        raise CannotMeasure(msg)
    return kept, others


def _truth(feature: Feature) -> Feature:
    """Truth values as 0 and 1."""
    if feature.numeric or not {"true", "false"}.issuperset({*feature.reference, *feature.current} - {None}):
        return feature
    number = {None: np.nan, "false": 0.0, "true": 1.0}
    before, now = (np.array([number[cell] for cell in side]) for side in (feature.reference, feature.current))
    return replace(feature, numeric=True, reference=before, current=now)


def ranked(feature: Feature) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both windows, with a missing cell below every number."""
    sides = (feature.reference.astype(float), feature.current.astype(float))
    reference, current = (np.where(np.isnan(side), -np.inf, np.maximum(side, np.finfo(float).min)) for side in sides)
    return reference, current


def kolmogorov_smirnov(feature: Feature, comparison: Comparison) -> KolmogorovSmirnov | Sketched:
    """The distance of both windows, with the error of what profiles say of them."""
    before, now = ranked(feature)
    if not feature.is_profiled:
        return comparison.distance(before, now)
    rows = feature.rows_of_values()
    distance = sketched.largest_distance((before, rows[0]), (now, rows[1]))
    error = sum(side.errors.up_to for side in feature.profiled if side is not None)
    return sketched.kolmogorov_smirnov(distance, error, comparison.sizes)


def missing_notes(found: Sequence[Feature]) -> Iterator[str]:
    """The shares of missing cells of each feature that has some."""
    for feature in found:
        pairs = zip((feature.reference, feature.current), feature.rows_of_values(), strict=True)
        before, now = (float(np.average(np.isnan(side.astype(float)), weights=rows)) for side, rows in pairs)
        if before or now:
            unreadable = f", {feature.unreadable} cells that are no numbers among them" if feature.unreadable else ""
            yield f"{feature.name}: missing in {before:.1%} of the reference and {now:.1%} of the current window{unreadable}."
