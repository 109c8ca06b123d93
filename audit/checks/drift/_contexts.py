"""Windows compared given the context of their rows: the reference is reweighted to the current window's mix of contexts.

A change of the mix alone, such as more rows from one store, is then no change of any feature. Within a context the law of a window's rows
is that of its distribution there; the errors of the contexts add up, and their sum spreads at most as that of so many independent rows
as the weights are worth (Anderson, Proceedings of the AMS 1955; Kish, Survey Sampling 1965).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.datasets import canonical
from audit.errors import CannotMeasure
from audit.evidence import Slice, Unmeasured
from audit.metrics import bins, windows
from audit.metrics.usable_features import RARE
from audit.stats import KolmogorovSmirnov
from audit.stats.distance import largest_distance, weighted_distance

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    from audit.metrics.bins import Bins
    from audit.metrics.windows import Feature
    from audit.subject import Subject

    Codes: TypeAlias = tuple[NDArray[np.int64], NDArray[np.int64]]
    """(n,) and (m,) the context of each row of the reference and of the current window."""

_VALUES = 20
"""Values of a numeric column from which contexts are ranges of it."""
_RANGES = 10
_MOSTLY = 0.5
"""Share of the current rows that must have a context that can be compared."""
_NAMED = 5
"""Contexts that a sentence names."""
_ROUNDING = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Matched:
    """Rows of both windows whose contexts can be compared."""

    rows: Codes
    """Their places in the windows."""
    codes: Codes
    unmeasured: tuple[Unmeasured, ...]
    notes: tuple[str, ...]

    @property
    def weights(self) -> NDArray[np.float64]:
        """(rows of the reference,) that give it the current window's mix of contexts; they sum to 1."""
        before, now = (np.bincount(side, minlength=1 + max(int(side.max()) for side in self.codes)) for side in self.codes)
        found: NDArray[np.float64] = (now / now.sum() / np.maximum(1, before))[self.codes[0]]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """How the features of two windows are compared: row by row, or given the context of the rows."""

    sizes: tuple[int, int]
    """Rows of each window that are worth independent ones."""
    columns: tuple[str, ...] = ()
    matched: Matched | None = None
    design: float = 1.0
    """What a row of the reference is worth where rows of one entity move together."""

    @property
    def unmeasured(self) -> tuple[Unmeasured, ...]:
        """Contexts that cannot be compared."""
        return self.matched.unmeasured if self.matched else ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know of the contexts."""
        return self.matched.notes if self.matched else ()

    def features(self, found: Sequence[Feature], named: Sequence[str] | None) -> tuple[Feature, ...]:
        """The features on the rows that are compared, without those that make the contexts; refused where the policy names one of these."""
        if self.matched is None:
            return tuple(found)
        refuse_named(self.columns, named)
        return tuple(feature.rows(*self.matched.rows) for feature in found if feature.name not in self.columns)

    def distance(self, reference: NDArray[np.float64], current: NDArray[np.float64]) -> KolmogorovSmirnov:
        """Largest distance of the two distribution functions."""
        if self.matched is None:
            return KolmogorovSmirnov(largest_distance(reference, current), *self.sizes)
        return KolmogorovSmirnov(weighted_distance(reference, self.matched.weights, current), *self.sizes)

    def binned(self, feature: Feature, count: int) -> tuple[Bins, tuple[int, int]]:
        """Rows of both windows by bin, and as how many independent rows they are worth.

        With contexts the reference's rows count by their weights, as many as the bin of the heaviest rows is worth.
        """
        if self.matched is None:
            return bins.of(feature, count), self.sizes
        found = bins.of(feature, count, self.matched.weights)
        return found, (max(1, round(self.design * float(found.reference.sum()))), self.sizes[1])


def compare(subject: Subject, context: tuple[str, ...]) -> Comparison:
    """Both windows as they are, or where the policy names columns under `context`, given these."""
    reference, current = windows.pair(subject)
    if not context:
        return Comparison((windows.effective_rows(subject, reference), windows.effective_rows(subject, current)))
    codes, names = codes_of(subject, context)
    found = match(codes, names, context, (reference.role, current.role))
    weights, share = found.weights, np.full(len(found.rows[1]), 1 / len(found.rows[1]))
    worth = []
    for data, rows, counts in zip((reference, current), found.rows, (weights, share), strict=True):
        clusters = subject.clusters(data)
        entities = counts if clusters is None else np.bincount(clusters[rows], counts)
        worth.append(float(1 / (entities**2).sum()))
    sizes = max(1, int(worth[0] + _ROUNDING)), max(1, int(worth[1] + _ROUNDING))
    return Comparison(sizes, context, found, worth[0] * float((weights**2).sum()))


def refuse_named(context: Sequence[str], named: Sequence[str] | None) -> None:
    """A column does not change given itself."""
    both = [name for name in named or () if name in context]
    if both:
        msg = f"{', '.join(both)} is compared and is a context too: given itself no column changes; leave it out of one of the two"
        raise CannotMeasure(msg)


def codes_of(subject: Subject, context: Sequence[str]) -> tuple[Codes, list[str]]:
    """Each row's context in both windows, and the contexts' names by their codes."""
    reference, current = windows.pair(subject)
    found, lacking = windows.features(reference, current, context)
    if lacking:
        msg = f"{lacking[0].reason}, so windows cannot be compared given it: name a column of both under `context`"
        raise CannotMeasure(msg)
    together = np.zeros(reference.rows + current.rows, dtype=np.int64)
    names = [""]
    for feature in found:
        feature.refuse_profiles()
        labels, codes = np.unique(np.concatenate(_labels(feature)).astype(str), return_inverse=True)
        kept, together = np.unique(together * len(labels) + codes, return_inverse=True)
        names = [f"{names[code // len(labels)]}, {feature.name}={labels[code % len(labels)]}".removeprefix(", ") for code in kept.tolist()]
    return (together[: reference.rows], together[reference.rows :]), names


def _labels(feature: Feature) -> list[NDArray[np.object_]]:
    """A column's contexts in words: its values, or ranges of its numbers by quantiles of the reference."""
    sides = (feature.reference, feature.current)
    if not feature.numeric:
        return [np.array([bins.MISSING if value is None else value for value in side], dtype=object) for side in sides]
    numbers = [side.astype(float) for side in sides]
    present = numbers[0][np.isfinite(numbers[0])]
    if len(np.unique(present)) <= _VALUES:
        values, codes = np.unique(np.concatenate(numbers), return_inverse=True)
        words = np.array([bins.MISSING if np.isnan(value) else canonical(value) for value in values], dtype=object)
        return np.split(words[codes], [len(numbers[0])])
    edges = np.unique(np.quantile(present, np.linspace(0, 1, _RANGES + 1)[1:-1]))
    ends = ["", *(f"{edge:.4g}" for edge in edges), ""]
    ranges = [f"{low or 'lowest'} to {high or 'highest'}" for low, high in itertools.pairwise(ends)]
    words = np.array([*ranges, bins.MISSING], dtype=object)
    return [words[np.where(np.isnan(side), len(ranges), np.searchsorted(edges, side))] for side in numbers]


def match(
    codes: Codes, names: Sequence[str], columns: Sequence[str], roles: tuple[str, str], least: tuple[int, int] = (RARE, 1)
) -> Matched:
    """The rows whose context has at least so many rows of the reference and of the current window; refused where most have none."""
    rows = [np.bincount(side, minlength=len(names)) for side in codes]
    compared = (rows[0] >= least[0]) & (rows[1] >= least[1])
    kept = tuple(np.flatnonzero(compared[side]) for side in codes)
    strange = np.flatnonzero((rows[1] > 0) & ~compared)
    of = " and ".join(columns)
    if len(kept[1]) < _MOSTLY * len(codes[1]):
        msg = f"most rows of {roles[1]} have a value of {of} that fewer than {least[0]} rows of {roles[0]} have: choose another `context`"
        raise CannotMeasure(msg)
    unmeasured: tuple[Unmeasured, ...] = ()
    if len(strange):
        worst = sorted(strange.tolist(), key=lambda code: -rows[1][code])
        named = ", ".join(f"{names[code]} ({rows[1][code]:,} rows)" for code in worst[:_NAMED])
        more = f" and {len(worst) - _NAMED} more" if len(worst) > _NAMED else ""
        reason = f"too few rows to compare, {least[0]} of {roles[0]} and {least[1]} of {roles[1]} are needed: {named}{more}"
        unmeasured = (Unmeasured(Slice((("context", ", ".join(columns)),)), reason),)
    shares = f"{roles[1]}'s shares of {int(compared.sum())} contexts"
    note = f"Given {of}: {roles[0]} is reweighted to {shares}, so a change of these alone is none."
    return Matched((kept[0], kept[1]), (codes[0][kept[0]], codes[1][kept[1]]), unmeasured, (note,))
