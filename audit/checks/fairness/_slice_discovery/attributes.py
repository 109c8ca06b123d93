"""What rows can be told apart by: a column, a mark of the text, a word, a cluster. Each has bins, and conditions are unions of bins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from audit.datasets import canonical
from audit.metrics.windows import DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.metrics.windows import Feature

BINS = 8
"""Quantile bins of a column of numbers; every run of neighbours is a condition."""

Condition: TypeAlias = tuple[str | None, tuple[int, ...]]
"""What is said of a row that meets it, and the bins that do."""


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """One thing that is known of every row."""

    name: str
    codes: NDArray[np.int64]
    """(n,) the bin of each row, from 0."""
    conditions: tuple[Condition, ...]
    bins: int

    def matrix(self) -> NDArray[np.float64]:
        """(conditions, bins) 1 where rows of the bin meet the condition."""
        found = np.zeros((len(self.conditions), self.bins))
        for place, (_, bins) in enumerate(self.conditions):
            found[place, list(bins)] = 1
        return found

    def mask(self, condition: int) -> NDArray[np.bool_]:
        """(n,) rows that meet a condition."""
        return np.isin(self.codes, self.conditions[condition][1])


def of_columns(features: Sequence[Feature], learnt: NDArray[np.bool_], least: int) -> tuple[Attribute, ...]:
    """One attribute a column; bins come from the rows `learnt` alone."""
    return tuple(_of_column(feature, learnt, least) for feature in features)


def _of_column(feature: Feature, learnt: NDArray[np.bool_], least: int) -> Attribute:
    if not feature.numeric:
        return _of_values(feature.name, feature.reference, learnt, least)
    numbers = feature.reference.astype(float)
    if not feature.tells_time:
        return of_numbers(feature.name, numbers, learnt)
    days = not (np.nan_to_num(numbers) % DAY).any()  # whole days make rounder bins
    return of_numbers(feature.name, numbers / DAY if days else numbers, learnt, _moment(DAY if days else 1.0))


def default_columns(data: Dataset) -> tuple[str, ...]:
    """Sensitive and feature columns, and every other one without a role; what a model said is no part of a row."""
    kept = {*data.columns.sensitive, *(data.columns.features or ())}
    taken = (set(data.columns.named().values()) - kept) | data.aside
    return tuple(column for column in data.cells.names if column not in taken)


def of_numbers(
    name: str, values: NDArray[np.float64], learnt: NDArray[np.bool_], written: Callable[[float], str] | None = None
) -> Attribute:
    """Runs of quantile bins, each value a bin where there are few; missing cells are a condition of their own."""
    there = np.unique(values[np.isfinite(values)])
    few = len(there) <= BINS and not np.isinf(values).any()
    edges = there[:-1] if few else _edges(values[learnt & np.isfinite(values)])
    k = len(edges) + 1
    codes = np.where(np.isnan(values), k, np.searchsorted(edges, values, side="left"))
    runs = [(first, last) for first in range(k) for last in range(first, k) if last - first < k - 1]
    written = written or _format_edge
    said = [
        _values(list(map(written, there)), first, last) if few else _run(list(map(written, edges)), first, last) for first, last in runs
    ]
    conditions: list[Condition] = [(one, tuple(range(first, last + 1))) for one, (first, last) in zip(said, runs, strict=True)]
    return Attribute(name, codes.astype(np.int64), (*conditions, (None, (k,))), k + 1)


def _edges(seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quantiles, rounded to a thousandth of the range so that they can be read; those without a value on either side are left out."""
    if not len(seen) or seen.min() == seen.max():
        return np.zeros(0)
    least, most = seen.min(), seen.max()
    decimals = min(300, 3 - int(np.floor(np.log10(most / 2 - least / 2) + np.log10(2))))  # neither end of the floats overflows
    edges: NDArray[np.float64] = np.unique(np.round(np.quantile(seen, np.arange(1, BINS) / BINS, method="inverted_cdf"), decimals))
    return np.extract((edges >= least) & (edges < most), edges)


def _values(there: Sequence[str], first: int, last: int) -> str:
    """`3`, or `1 to 3`."""
    return there[first] if first == last else f"{there[first]} to {there[last]}"


def _run(edges: Sequence[str], first: int, last: int) -> str:
    """`up to 25`, `above 25 to 40`, `above 60`."""
    low = f"above {edges[first - 1]}" if first else ""
    high = ("to " if low else "up to ") + edges[last] if last < len(edges) else ""
    return f"{low} {high}".strip()


def _format_edge(edge: float) -> str:
    """With all its digits: a row is in the slice or it is not."""
    return repr(float(edge)).removesuffix(".0")


def _moment(seconds: float) -> Callable[[float], str]:
    """How a moment is written that counts units of so many seconds since 1970: `2024-03-01`, or with its time."""

    def written(edge: float) -> str:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=float(edge) * seconds)
        return moment.date().isoformat() if seconds == DAY else moment.isoformat(sep=" ").removesuffix("+00:00")

    return written


def _of_values(name: str, values: NDArray[np.generic], learnt: NDArray[np.bool_], least: int) -> Attribute:
    """One bin a value of at least so many rows, one for all others."""
    import pandas as pd

    codes, unique = pd.factorize(values, sort=True, use_na_sentinel=False)
    enough = np.flatnonzero(np.bincount(codes[learnt], minlength=len(unique)) >= least)
    place = np.full(len(unique) + 1, len(enough), dtype=np.int64)
    place[enough] = np.arange(len(enough))
    conditions = tuple((canonical(unique[old]), (new,)) for new, old in enumerate(enough))
    return Attribute(name, place[codes], conditions, len(enough) + 1)
