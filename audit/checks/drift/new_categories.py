"""New categories: share of rows of the current window that hold a category which the reference window never had.

Purpose      Show how many cases the model meets with a value that it may never have seen.
Risk         High: the model treats an unknown value as missing, as the rarest one or as an error, and nobody has tested which.
Limitations  A rare category may be absent from a small reference by chance: its share says how many rows that concerns. A missing cell is
             no category (drift/missingness). Numbers have no categories and are left out. A category that vanished is not counted.
Reference    Share of rows; Wilson, JASA 1927, exact (Clopper & Pearson 1934) for few rows.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from audit.check import Params
from audit.checks.drift import drift_check
from audit.datasets.profiles.categories import Categories
from audit.errors import CannotMeasure
from audit.evidence import Evidence, Member
from audit.metrics import usable_features, windows
from audit.redaction.masking import COMMON
from audit.stats import Proportion, Sketched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.metrics.profiled_windows import Profiled
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
    of_rows = [feature for feature in kept if not feature.is_profiled]
    new = {feature.name: _is_new(feature) for feature in of_rows}
    clusters = subject.clusters(current)
    shares = {name: Proportion.of(rows, clusters) for name, rows in new.items()}
    return Evidence(
        members=tuple(Member(one.slice, _profiled_share(one) if one.is_profiled else shares[one.name]) for one in kept),
        unit="share of rows",
        rows=reference.rows + current.rows,
        unmeasured=(*lacking, *unmeasured),
        notes=(*_names(of_rows, new, current), *_left_out(numbers)),
    )


def _is_new(feature: Feature) -> NDArray[np.bool_]:
    """(n,) whether a row of the current window holds a value that no row of the reference has."""
    import pandas as pd

    cells = pd.Series(feature.current)
    found: NDArray[np.bool_] = (cells.notna() & ~cells.isin(pd.unique(pd.Series(feature.reference)))).to_numpy(dtype=bool)
    return found


def _profiled_share(feature: Feature) -> Proportion | Sketched:
    """The share where a window is a profile, which may not list all values: as many listed ones may be known as the reference hides."""
    sides = zip((feature.reference, feature.current), feature.profiled, strict=True)
    reference, current = (_categories(cells, side) for cells, side in sides)
    rows = len(feature.current) if feature.profiled[1] is None else feature.profiled[1].window
    new = sorted((count for name, count in current.counts.items() if name not in reference.counts), reverse=True)
    seen = sum(new)
    return Sketched.of(*(Proportion(hits, rows) for hits in (seen, sum(new[reference.hidden :]), seen + current.other)))


def _categories(cells: NDArray[np.float64] | NDArray[np.object_], side: Profiled | None) -> Categories:
    if side is not None and side.categories is not None:
        return side.categories
    return Categories(Counter(str(cell) for cell in cells if cell is not None))


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
