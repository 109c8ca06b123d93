"""Bins that two windows share, by quantiles of the reference or by its values; and features as matrices that they share."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets import canonical
from audit.evidence import Bars, Slice
from audit.metrics import profiled_bins, windows
from audit.metrics.usable_features import RARE
from audit.redaction.masking import COMMON
from audit.stats import BinnedDistance, StabilityIndex, sketched

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from audit.datasets import Dataset
    from audit.metrics.windows import Feature
    from audit.stats.distribution_distance import Divergence
    from audit.stats.sketched import Range, Sketched

OTHER, MISSING, FEW = "(other)", "(missing)", "(values of few rows)"
BINS = 10


@dataclass(frozen=True, slots=True)
class Bins:
    """Rows of both windows by bin."""

    labels: tuple[str, ...]
    reference: NDArray[np.int64] | NDArray[np.float64]
    """Rows, or where they are weighted, as many as they are worth."""
    current: NDArray[np.int64]
    of_row: NDArray[np.int64]
    """(n,) the bin of each current row."""
    telling: frozenset[str] = frozenset()
    """Values that so few rows of the reference share, or rows of so few entities, that a picture may not name them."""

    ranges: tuple[Range, Range] | None = None
    """Of a profile, the least and the most share of each bin in the reference and in the current window."""

    def stability_index(self, sizes: tuple[int, int]) -> StabilityIndex | Sketched:
        """The index with its interval; `sizes` are independent rows."""
        if self.ranges is None:
            return StabilityIndex(self.index, len(self.labels), *sizes)
        return sketched.stability_index(self.index, self.ranges, sizes)

    def distance(self, divergence: Divergence, sizes: tuple[int, int]) -> BinnedDistance | Sketched:
        """The distance with its interval; `sizes` are independent rows."""
        seen = BinnedDistance.of(divergence, self.reference, self.current, sizes)
        return seen if self.ranges is None else sketched.binned_distance(seen, self.ranges)

    @property
    def index(self) -> float:
        """Population stability index. Where a bin is empty in one window, half a row is added to every bin of both."""
        half = 0.5 if (self.reference == 0).any() or (self.current == 0).any() else 0.0
        p, q = ((counts + half) / (counts.sum() + half * len(counts)) for counts in (self.reference, self.current))
        return float(((q - p) * np.log(q / p)).sum())

    @property
    def other(self) -> float:
        """Share of the reference's rows in the bin of rare values."""
        share = self.reference / max(1, self.reference.sum())
        return float(share[self.labels.index(OTHER)]) if OTHER in self.labels else 0.0

    @property
    def grown(self) -> int | None:
        """The bin whose share of the rows has grown most, of those that may be named; None where none has."""
        before, now = (counts / max(1, counts.sum()) for counts in (self.reference, self.current))
        more = np.where([label in {*self.telling, OTHER} for label in self.labels], -1.0, now - before)
        return int(more.argmax()) if len(more) and more.max() > 0 else None

    def figure(self, column: str, reference: str, current: str) -> Bars:
        """Shares of both windows by bin; values that few share stand in one, without their names."""
        named = np.array([label not in self.telling for label in self.labels], dtype=bool)
        labels = tuple(label for label, plain in zip(self.labels, named, strict=True) if plain)
        shares = []
        for counts in (self.reference, self.current):
            shown = [*counts[named].tolist(), *([counts[~named].sum()] if self.telling else [])]
            shares.append(tuple(float(c) for c in np.array(shown) / max(1, counts.sum())))
        told = (*labels, FEW) if self.telling else labels
        return Bars(column, told, shares[1], shares[0], (reference, current), Slice((("column", column),)))


def of(feature: Feature, bins: int, weights: NDArray[np.float64] | None = None) -> Bins:
    """Numbers of more than `bins` values by quantiles of the reference, all else by value; missing cells in a bin of their own.

    Infinite cells fall into the outermost bins: no quantile lies between a number and infinity. `weights` are those of the reference's
    rows and sum to 1.
    """
    if feature.is_profiled:
        return _of_profiles(feature, bins)
    if feature.numeric:
        reference, current = feature.reference.astype(float), feature.current.astype(float)
        present = reference[np.isfinite(reference)]
        if len(np.unique(present)) > bins:
            return _by_quantile(reference, current, np.unique(np.quantile(present, np.linspace(0, 1, bins + 1)[1:-1])), weights)
        return _by_value((_as_text(reference), _as_text(current)), feature.whose, weights)
    return _by_value((feature.reference.astype(object), feature.current.astype(object)), feature.whose, weights)


def _of_profiles(feature: Feature, bins: int) -> Bins:
    edges = profiled_bins.edges(feature, bins)
    if edges is not None:
        labels, telling, sides = [*_between(edges), MISSING], frozenset[str](), profiled_bins.by_quantile(feature, edges)
    else:
        names, sides, telling = profiled_bins.by_value(feature)
        labels = [*names, OTHER, MISSING]
    held = np.flatnonzero(sides[0].rows + sides[1].rows)
    reference, current = (side.where(held) for side in sides)
    before, now = ((side.least / side.rows.sum(), side.most / side.rows.sum()) for side in (reference, current))
    return Bins(tuple(labels[i] for i in held), reference.rows, current.rows, np.zeros(0, dtype=np.int64), telling, (before, now))


def _between(edges: NDArray[np.float64]) -> list[str]:
    """Names of the bins that edges divide."""
    return [f"up to {edges[0]:.4g}", *(f"{a:.4g} to {b:.4g}" for a, b in itertools.pairwise(edges)), f"above {edges[-1]:.4g}"]


def _as_text(values: NDArray[np.float64]) -> NDArray[np.object_]:
    unique, codes = np.unique(values, return_inverse=True)
    return np.array([canonical(value) for value in unique], dtype=object)[codes]


def _by_quantile(
    reference: NDArray[np.float64], current: NDArray[np.float64], edges: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> Bins:
    k = len(edges) + 1
    places = [np.where(np.isnan(values), k, np.searchsorted(edges, values, side="left")) for values in (reference, current)]
    return _kept([*_between(edges), MISSING], places[0], places[1], weights)


def _by_value(
    sides: tuple[NDArray[np.object_], NDArray[np.object_]], whose: NDArray[np.object_] | None, weights: NDArray[np.float64] | None
) -> Bins:
    import pandas as pd

    reference = sides[0]
    rows = pd.Series(reference).value_counts()
    names = sorted(str(name) for name in rows.index[rows >= RARE])
    shared = rows if whose is None else pd.Series(whose.astype(str)).groupby(reference).nunique()
    telling = frozenset(name for name in names if shared[name] < COMMON)
    place = {name: i for i, name in enumerate(names)}
    places = []
    for values in sides:
        codes, unique = pd.factorize(values)
        where = np.array([*(place.get(str(value), len(names)) for value in unique), len(names) + 1])
        places.append(where[codes])
    return replace(_kept([*names, OTHER, MISSING], places[0], places[1], weights), telling=telling)


def _kept(labels: list[str], reference: NDArray[np.int64], current: NDArray[np.int64], weights: NDArray[np.float64] | None) -> Bins:
    """The bins that hold a row of either window, from each row's place among the labels."""
    before, now = _counted(reference, len(labels), weights), np.bincount(current, minlength=len(labels))
    there = before + now > 0
    held = np.flatnonzero(there)
    return Bins(tuple(labels[i] for i in held), before[held], now[held], (np.cumsum(there) - 1)[current])


def _counted(places: NDArray[np.int64], bins: int, weights: NDArray[np.float64] | None) -> NDArray[np.int64] | NDArray[np.float64]:
    """Rows in each bin; weighted ones as so many as give each bin's share at least the spread that its own weights give it."""
    if weights is None:
        return np.bincount(places, minlength=bins)
    shares, squares = (np.bincount(places, each, bins) for each in (weights, weights**2))
    there = shares > 0
    found: NDArray[np.float64] = shares / float((squares[there] / shares[there]).max())
    return found


def drifted_rows(reference: Dataset, current: Dataset, columns: Sequence[str]) -> Iterator[tuple[Slice, str, NDArray[np.intp]]]:
    """Of each feature its name as a member, what has grown in words, and the rows that hold it."""
    if any(data.cells.profile is not None for data in (reference, current)):
        return
    there = [name for name in columns if all(name in data.cells.names or name in windows.DERIVED for data in (reference, current))]
    for feature in windows.features(reference, current, there)[0] if there else ():
        found = of(feature, BINS)
        if found.grown is not None:
            rows = np.flatnonzero(found.of_row == found.grown)
            before, now = (counts[found.grown] / max(1, counts.sum()) for counts in (found.reference, found.current))
            said = f"{feature.name} {found.labels[found.grown]}: {now:.1%} of the rows of {current.role}, {before:.1%} of {reference.role}"
            yield feature.slice, said, rows


def encode(features: Sequence[Feature]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Matrices of the reference and the current window, (n, d) and (m, d), scaled by the reference."""
    for feature in features:
        feature.refuse_profiles()
    pairs = [_numeric(feature) if feature.numeric else _one_hot(feature) for feature in features]
    return np.hstack([reference for reference, _ in pairs]), np.hstack([current for _, current in pairs])


def _numeric(feature: Feature) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One standardised column; where a cell is missing it holds the mean and a second column says so."""
    reference, current = feature.reference.astype(float), feature.current.astype(float)
    present = reference[np.isfinite(reference)]
    centre = float(present.mean()) if len(present) else 0.0
    scale = float(present.std()) if len(present) else 0.0
    sides = []
    for values in (reference, current):
        gone = ~np.isfinite(values)
        standard = (np.where(gone, centre, values) - centre) / (scale or 1.0)
        sides.append((standard, gone.astype(float)))
    columns = 2 if any(gone.any() for _, gone in sides) else 1
    one, two = (np.column_stack(side[:columns]) for side in sides)
    return one, two


def _one_hot(feature: Feature) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One column a value that the reference holds often enough, one for all others, one for missing cells."""
    import pandas as pd

    rows = pd.Series(feature.reference).value_counts()
    names = [*sorted(str(name) for name in rows.index[rows >= RARE]), OTHER, MISSING]
    place = {name: i for i, name in enumerate(names)}
    sides = []
    for values in (feature.reference, feature.current):
        where = [place[MISSING] if value is None else place.get(str(value), place[OTHER]) for value in values]
        # the root of a half puts two rows of different value at distance 1
        sides.append(np.eye(len(names))[where] * np.sqrt(0.5))
    return sides[0], sides[1]
