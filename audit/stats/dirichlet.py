"""Confusion tables redrawn from their Dirichlet law, of one model or of two on the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from audit.stats.clustering import effective_entities, small_sample

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

DRAWS = 5_000
"""Draws at levels down to 0.8 %; further out there are 40 in the tail."""
MOST_DRAWS = 400_000
"""Beyond it no end is drawn: it lies as much farther out than the last that is as a normal law's does."""
IN_TAIL = 40
MORE = 2.0
"""Hits more than were seen at the upper end, errors more at the lower one; in entities where rows belong to some. Of two models on
the same rows, a row more is an error of the one and a hit of the other, and so counts twice."""
BLOCK = 4_000_000
"""Numbers drawn at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class Redraw:
    """Counts by cell, and what a row of each cell is."""

    counts: NDArray[np.int64]
    """(tables, cells) rows; a single table where rows are independent, else the distinct ones of the entities."""
    copies: NDArray[np.int64] | None
    """(tables,) entities with each table; None where rows are independent."""
    true: NDArray[np.int64]
    """(cells,) true class."""
    predicted: NDArray[np.int64]
    """(models, cells) predicted class."""
    classes: int

    def _kinds(self) -> NDArray[np.float64]:
        """(cells, models, 3, k) whether a row of the cell is a hit, true and predicted of each class."""
        one = np.eye(self.classes)
        true = one[self.true]
        return np.stack([np.stack([true * (self.true == by)[:, None], true, one[by]], axis=1) for by in self.predicted], axis=1)

    def units(self) -> NDArray[np.float64]:
        """(tables, 3, k) hits, true rows and predicted rows of each class in each table, of the first model."""
        found: NDArray[np.float64] = np.tensordot(self.counts.astype(float), self._kinds()[:, 0], 1)
        return found

    def table(self) -> NDArray[np.float64]:
        """(models, 3, k) hits, true rows and predicted rows of each class in all rows."""
        rows = self.counts[0] if self.copies is None else self.copies @ self.counts
        summed: NDArray[np.float64] = np.tensordot(rows.astype(float), self._kinds(), 1)
        return summed

    def holders(self) -> NDArray[np.float64]:
        """(models, 3, k) entities with a row that is a hit, true or predicted of each class; the table where rows are independent."""
        if self.copies is None:
            return self.table()
        holds = np.tensordot(self.counts.astype(float), self._kinds(), 1) > 0
        found: NDArray[np.float64] = np.tensordot(self.copies.astype(float), holds, 1)
        return found

    def _unit_rows(self) -> NDArray[np.float64]:
        """(k,) rows by which one drawn unit more enlarges each class: 1, or those of the mean entity that holds the class.

        Entities of one class share `MORE` among the classes; where they hold several, each of these grows by its rows. 0 for a
        class that nothing shows.
        """
        table, entities = self.table(), self.holders()
        is_true = table[0, 1] > 0
        rows, holders = (np.where(is_true, some[0, 1], some[:, 2].max(axis=0)) for some in (table, entities))
        several = 1.0 if self.copies is None else max(1.0, float(holders.sum()) / float(self.copies.sum()))
        enlarged: NDArray[np.float64] = rows / np.maximum(holders, 1) * several
        return enlarged

    def blocks(self, size: int, seed: Sequence[int]) -> Iterator[NDArray[np.float64]]:
        """(2, models, some, 3, k) sums for the lower and the upper end, until there are `size` of them.

        At the lower end the first model errs more than was seen and the second is right more; at the upper one the reverse.
        """
        rng = np.random.default_rng([20261120, *seed])
        unit, (shapes, sums) = self._unit_rows(), self._units()
        seen, (models, k) = (unit > 0).astype(float), (len(self.predicted), self.classes)
        step = max(1, BLOCK // max(len(shapes), 3 * k * models))
        for start in range(0, size, step):
            count = min(step, size - start)
            drawn = (rng.standard_gamma(shapes, (count, len(shapes))) @ sums).reshape(count, models, 3, k).transpose(1, 0, 2, 3)
            more = rng.standard_gamma(MORE / models / seen.sum(), (count, k)) * unit
            others = (more.sum(axis=1, keepdims=True) - more) / (seen.sum() - 1) * seen if seen.sum() > 1 else more
            worse, better = np.stack([0 * more, more, others], axis=1), np.stack([more, more, more], axis=1)
            yield np.stack([drawn + np.stack([worse, better][:models]), drawn + np.stack([better, worse][:models])])

    def _units(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What is reweighted: (units,) Gamma shapes and (units, models * 3 * k) sums."""
        kinds = self._kinds().reshape(len(self.true), -1)
        if self.copies is None:
            return self.counts[0].astype(float), kinds
        return self.copies * small_sample(self.effective_units(), 0.025), self.counts @ kinds

    def effective_units(self) -> float:
        """Rows, or entities of equal size that tell as much."""
        rows = self.counts.sum(axis=1).astype(float)
        return float(rows[0]) if self.copies is None else effective_entities(np.repeat(rows, self.copies))

    def effective_holders(self, classes: NDArray[np.bool_]) -> float:
        """The fewest rows that are truly of any of (k,) classes, or entities of equal size that hold one (Kish 1965)."""
        true = np.tensordot(self.counts.astype(float), self._kinds(), 1)[:, 0, 1][:, classes]
        if self.copies is None:
            return float(true[0].min())
        squares = self.copies @ true**2
        effective = np.divide((self.copies @ true) ** 2, squares, out=np.zeros_like(squares), where=squares > 0)
        return round(float(effective.min()), 9)


def ends(
    draws: Callable[[int], NDArray[np.float64]], value: float, alphas: tuple[float, float], span: tuple[float, float]
) -> tuple[float, float]:
    """Both ends from (2, size) draws, moved outwards where the draws' mean shows a bias; those of the span where a level is too far out."""
    low, high = (_end(draws, value, alpha, upper=upper) for alpha, upper in zip(alphas, (False, True), strict=True))
    return max(span[0], min(low, value)), min(span[1], max(high, value))


def undrawn(alpha: float) -> bool:
    """Whether an end at this level is that of the span, whatever was seen."""
    return not alpha


def _end(draws: Callable[[int], NDArray[np.float64]], value: float, alpha: float, *, upper: bool) -> float:
    if undrawn(alpha):
        return math.inf if upper else -math.inf
    if IN_TAIL / alpha > MOST_DRAWS:
        return _beyond(draws, value, alpha, upper=upper)
    size = max(DRAWS, math.ceil(IN_TAIL / alpha))
    drawn = draws(size)[int(upper)]
    bias = 2 * (float(drawn.mean()) - value)
    end = float(np.quantile(drawn, 1 - alpha if upper else alpha))
    return end - min(0.0, bias) if upper else end - max(0.0, bias)


def _beyond(draws: Callable[[int], NDArray[np.float64]], value: float, alpha: float, *, upper: bool) -> float:
    from scipy.special import ndtri

    last = IN_TAIL / MOST_DRAWS
    return value + (_end(draws, value, last, upper=upper) - value) * float(ndtri(alpha) / ndtri(last))
