"""New categories: share of rows of the current window that hold a category which the reference window never had.

Purpose      Show how many cases the model meets with a value that it may never have seen.
Risk         High: the model treats an unknown value as missing, as the rarest one or as an error, and nobody has tested which.
Limitations  A rare category may be absent from a small reference by chance: its share says how many rows that concerns. A missing cell is
             no category (drift/missingness). Numbers have no categories and are left out. A category that vanished is not counted.
Reference    Share of rows; Wilson, JASA 1927, exact (Clopper & Pearson 1934) for few rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from audit.check import Params
from audit.checks.drift import drift_check
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member
from audit.metrics import usable_features, windows
from audit.redaction.masking import COMMON
from audit.stats import Proportion

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.metrics.windows import Feature
    from audit.subject import Subject

_SHOWN = 5


class NewCategoriesParams(Params):
    """Which columns are looked at."""

    columns: tuple[str, ...] | None = None
    """Columns of categories; every one among the features where neither they nor `by` is given."""


def measure(subject: Subject, params: NewCategoriesParams, _rng: Generator) -> Evidence:
    """The share of rows with a new category in each column."""
    reference, current = windows.pair(subject)
    named = windows.chosen_columns(subject, params.columns)
    found, lacking = windows.features(reference, current, named)
    numbers = [feature.name for feature in found if feature.numeric]
    if named and numbers:
        msg = f"numbers have no categories: {', '.join(numbers)}; drift/distance compares them"
        raise CannotMeasure(msg)
    categories = [feature for feature in found if not feature.numeric]
    if not categories and not lacking:
        msg = f"{current.role} has no feature of categories: name the columns under `columns`"
        raise CannotMeasure(msg)
    kept, unmeasured = usable_features.divide(
        categories, usable_features.scattered, *usable_features.unnamed_rules(named, reference, current)
    )
    new = {feature.name: _is_new(feature) for feature in kept}
    clusters = subject.clusters(current)
    return Evidence(
        members=tuple(Member(feature.slice, Proportion.of(new[feature.name], clusters)) for feature in kept),
        unit="share of rows",
        rows=reference.rows + current.rows,
        unmeasured=(*lacking, *unmeasured),
        notes=(*_names(kept, new, current), *_left_out(numbers)),
    )


def _is_new(feature: Feature) -> NDArray[np.bool_]:
    """(n,) whether a row of the current window holds a value that no row of the reference has."""
    import pandas as pd

    cells = pd.Series(feature.current)
    found: NDArray[np.bool_] = (cells.notna() & ~cells.isin(pd.unique(pd.Series(feature.reference)))).to_numpy(dtype=bool)
    return found


def _names(features: Sequence[Feature], new: dict[str, NDArray[np.bool_]], current: Dataset) -> Iterator[str]:
    """The new categories that so many rows, or entities, share that they may be named."""
    import pandas as pd

    group = current.columns.group
    whose = np.arange(current.rows) if group is None else current.values(group).astype(str)
    for feature in features:
        rows = new[feature.name]
        shared = pd.Series(whose[rows]).groupby(pd.Series(feature.current[rows])).nunique().sort_values(ascending=False, kind="stable")
        common = [str(name) for name in shared.index[shared >= COMMON]]
        if len(shared):
            named = f", most often {', '.join(common[:_SHOWN])}" if common else ""
            yield f"{feature.name}: {len(shared):,} new categories in {int(rows.sum()):,} rows{named}."


def _left_out(numbers: Sequence[str]) -> Iterator[str]:
    if numbers:
        yield f"Left out because they hold numbers: {', '.join(numbers)}."


CHECK = drift_check(
    measure=measure,
    question="How many rows hold a category that the reference data never had?",
    remedy="Find out what the new categories mean; map them, or label rows that hold them and fine-tune again.",
    unit="share of rows",
    params=NewCategoriesParams,
    by="features",
)
