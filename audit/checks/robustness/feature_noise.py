"""Accuracy under feature noise: share of rows classified correctly when numbers are a little off and categories at times wrong.

Purpose      Show whether small errors of measurement and of entry turn the model's answers.
Risk         Well below the accuracy on clean rows: the model rests on digits that nobody records so exactly.
Limitations  One draw of noise a row, each feature by itself: real errors go together. Harmless noise, not an adversary's.
Reference    Noise as in Hendrycks & Dietterich, ICLR 2019, on table cells; interval of Wilson, JASA 1927.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pydantic import Field, FiniteFloat

from audit.candidates.capabilities import Queries
from audit.check import Params
from audit.checks.robustness import robustness_check
from audit.datasets.column_store import Table
from audit.errors import CannotMeasure, InputError
from audit.evidence import Evidence, Member, Slice
from audit.metrics.groups import share_members
from audit.stats import Proportion

if TYPE_CHECKING:
    import pandas as pd
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.subject import Subject


class FeatureNoiseParams(Params):
    """How strong the noise is, and what it leaves alone."""

    scale: FiniteFloat = Field(0.1, ge=0, le=10, description="standard deviation of the noise on a number, in that feature's own")
    swap: FiniteFloat = Field(0.1, ge=0, le=1, description="probability that a category is drawn anew from its column")
    keep: tuple[str, ...] = Field((), description="features without noise, such as a code that is written as a number")


def measure(subject: Subject, params: FeatureNoiseParams, rng: Generator) -> Evidence:
    """Share of rows that are right under noise, in each slice."""
    queries = subject.candidate.get(Queries)
    if queries is None or queries.reads is not Table:
        msg = "the candidate cannot score new rows of a table, which noise needs: load a tabular model itself (candidate.load.kind)"
        raise CannotMeasure(msg)
    noisy = _noisy(subject.data, source := _source(subject), params, rng)
    touched = _touched(subject.data, source, noisy, params)
    predicted = _labels(subject, noisy)
    y_true, clean = subject.y_true(), subject.y_pred()
    return Evidence(
        members=share_members(subject, predicted == y_true),
        context=(Member(Slice((("noise", "none"),)), Proportion.of(clean == y_true, subject.clusters())),),
        unit="accuracy under noise",
        rows=len(y_true),
        notes=(f"Spreads and categories are those of {source.role}. Missing cells stay missing, whole numbers whole.", touched),
        table={
            "id": subject.data.ids,
            "label": y_true.astype(str),
            "prediction": clean.astype(str),
            "prediction_noisy": predicted.astype(str),
        },
    )


def _labels(subject: Subject, frame: pd.DataFrame) -> NDArray[np.object_]:
    """(n,) the candidate's own labels of rows with noise."""
    try:
        labels = subject.predicted.answer(Table.of(frame)).labels
    except InputError as error:
        msg = f"the model does not take rows with noise: {error}"
        raise CannotMeasure(msg) from error
    if labels is None:
        msg = "the candidate gives no labels of new rows"
        raise CannotMeasure(msg)
    return labels


def _source(subject: Subject) -> Dataset:
    """Where spreads and categories come from: the training set where it has the features, else the rows themselves."""
    train = subject.datasets.get("train")
    return train if train is not None and set(subject.data.feature_names()) <= set(train.cells.names) else subject.data


def _noisy(data: Dataset, source: Dataset, params: FeatureNoiseParams, rng: Generator) -> pd.DataFrame:
    names = list(data.feature_names())
    unknown = [name for name in params.keep if name not in names]
    if unknown or not names:
        remedy = f"keep: {', '.join(unknown)} not among them" if unknown else "name them under columns.features"
        msg = f"{data.role}: the features are {', '.join(names) or 'none'}: {remedy}"
        raise CannotMeasure(msg)
    frame = data.cells.frame(names).copy()
    for name in names:
        if name not in params.keep:
            cells, known = frame[name], source.cells.column(name).dropna()
            try:
                frame[name] = added(cells, known, rng, scale=params.scale, swap=params.swap)
            except (TypeError, ValueError) as error:  # its words may hold a cell
                msg = f"{name}: {data.role} and {source.role} hold cells of different kinds: give the column one kind in both"
                raise CannotMeasure(msg) from error
    return frame


def _touched(data: Dataset, source: Dataset, noisy: pd.DataFrame, params: FeatureNoiseParams) -> str:
    """How much the noise changed, in words; CannotMeasure where noise is wanted and changes nothing."""
    before = data.cells.frame(list(noisy.columns)).astype(object)  # categories of the training set may have come in
    changed = noisy.astype(object).ne(before) & ~(noisy.isna() & before.isna())  # (n, d) bool
    untouched = [str(name) for name in changed.columns if not changed[name].any()]
    shaken = [name for name in changed.columns if name not in params.keep]
    wanted = [str(name) for name in shaken if strength(source.cells.column(name).dropna(), scale=params.scale, swap=params.swap)]
    if wanted and not changed.to_numpy().any():
        msg = f"{data.role}: the noise changes no cell of {', '.join(wanted)}: give features that vary, or a larger scale or swap"
        raise CannotMeasure(msg)
    rows = int(changed.any(axis=1).sum())
    left = f", and no cell of {', '.join(untouched)}." if untouched and rows else "."
    return f"The noise changed {rows:,} of {data.rows:,} rows{left}"


def added(cells: pd.Series, known: pd.Series, rng: Generator, *, scale: float, swap: float) -> pd.Series:
    """A column with noise, of the kind and the size that its known cells say."""
    return shaken(cells, known, scale, rng) if _is_number(known) else swapped(cells, known, swap, rng)


def strength(known: pd.Series, *, scale: float, swap: float) -> float:
    """How much noise a column gets: 0 where the parameters leave its kind alone."""
    return scale if _is_number(known) else swap


def _is_number(known: pd.Series) -> bool:
    """Whether a column measures something: 0/1 flags and booleans are categories."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return is_numeric_dtype(known) and not is_bool_dtype(known) and not set(known.unique()) <= {0, 1}


def shaken(cells: pd.Series, known: pd.Series, scale: float, rng: Generator) -> pd.Series:
    """Numbers with normal noise, `scale` of the finite known cells' standard deviation; whole ones stay whole."""
    from pandas.api.types import is_integer_dtype

    finite = known[np.isfinite(known.to_numpy(dtype=float))]
    noise = rng.normal(0.0, scale * float(finite.std(ddof=0)) if len(finite) else 0.0, size=len(cells))
    found: pd.Series = cells + (np.rint(noise).astype(np.int64) if is_integer_dtype(cells) else noise)
    return found


def swapped(cells: pd.Series, known: pd.Series, swap: float, rng: Generator) -> pd.Series:
    """Categories, each drawn anew among the known cells with probability `swap`; a missing one stays missing."""
    import pandas as pd

    if known.empty:
        return cells
    chosen = rng.random(len(cells)) < swap
    drawn = known.iloc[rng.integers(len(known), size=len(cells))].set_axis(cells.index)
    if isinstance(cells.dtype, pd.CategoricalDtype):  # a file may list only the categories that it holds
        cells = cells.cat.add_categories([one for one in known.unique() if one not in cells.cat.categories])
    return cells.mask(chosen & cells.notna(), drawn.astype(cells.dtype))


CHECK = robustness_check(
    measure=measure,
    question="Does it stay correct when the data are slightly noisy?",
    remedy="Look at the rows that turn; regularise the model more, or train it on rows with such noise added.",
    rmf=("MEASURE 2.5", "MEASURE 2.7"),
    unit="accuracy under noise",
    needs=frozenset({"labels", "predictions", "features", "model"}),
    params=FeatureNoiseParams,
    by="slices",
    tasks=("tabular-classification",),
)
