"""Functions of a confusion table: F1, balanced accuracy, averaged precision and recall."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np

from audit.stats.entities import small_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

Metric: TypeAlias = Literal["balanced_accuracy", "precision", "recall", "f1"]
Average: TypeAlias = Literal["binary", "macro", "weighted"]

DRAWS = 5_000
"""Draws at levels down to 0.8 %; further out there are 40 in the tail."""
MOST_DRAWS = 400_000
"""Beyond it no end is drawn: the bound is the end of the range, which proves nothing."""
IN_TAIL = 40
MORE = 2.0
"""Hits more than were seen at the upper end, errors more at the lower one; in entities where rows belong to some."""
BLOCK = 4_000_000
"""Numbers drawn at a time."""


@dataclass(frozen=True, slots=True)
class Confusion:
    """A function of the confusion table's cells, resampled from their Dirichlet law.

    Goutte & Gaussier, ECIR 2005. As in the exact interval of one proportion (Clopper & Pearson, Biometrika 1934) the lower
    end counts errors more than were seen and the upper end hits more, two in all, shared evenly by the classes: so a table
    without errors still has an honest interval, which a plain bootstrap has not, and the halves of Jeffreys, which pull both
    ends towards the middle once a class, do not add up over many classes. Where the draws' mean shows a bias, an end is moved
    outwards by twice as much (Efron & Tibshirani 1993, chapter 10), never inwards. With entities, their tables are reweighted
    by a Dirichlet law (Rubin, Annals of Statistics 1981), and the errors and hits more are whole entities of the class, since
    entities are what is drawn. The draws follow from the table and a fixed seed.
    """

    tables: tuple[tuple[int, ...], ...]
    """Distinct flattened (k, k) tables of the entities, true class by predicted class; a single one where rows are independent.
    Where the average is binary, the positive class comes second."""
    metric: Metric
    average: Average = "macro"
    copies: tuple[int, ...] | None = None
    """How many entities have each table; None where rows are independent."""
    least: ClassVar[int] = 1

    @classmethod
    def of(
        cls,
        y_true: NDArray[np.int64],
        y_pred: NDArray[np.int64],
        classes: int,
        *,
        metric: Metric,
        average: Average = "macro",
        positive: int = 1,
        clusters: NDArray[np.int64] | None = None,
    ) -> Confusion:
        """From class codes 0 to `classes` - 1, one a row; a binary average keeps the positive class and the rest."""
        if not len(y_true):
            msg = "a confusion table needs at least one row"
            raise ValueError(msg)
        if average == "binary":
            y_true, y_pred, classes = (y_true == positive).astype(np.int64), (y_pred == positive).astype(np.int64), 2
        cell = y_true * classes + y_pred
        if clusters is None:
            table = np.bincount(cell, minlength=classes**2)
            return cls((tuple(table.tolist()),), metric, average)
        codes = np.unique(clusters, return_inverse=True)[1]
        flat = np.zeros((int(codes.max()) + 1, classes**2), dtype=np.int64)
        np.add.at(flat, (codes, cell), 1)
        distinct, copies = np.unique(flat, axis=0, return_counts=True)
        return cls(tuple(tuple(row) for row in distinct.tolist()), metric, average, tuple(copies.tolist()))

    @property
    def value(self) -> float:
        """The metric of the observed table."""
        table = self._table()
        return float(self._metric(np.array([[np.diagonal(table), table.sum(axis=1), table.sum(axis=0)]], dtype=float))[0])

    @property
    def n(self) -> int:
        """Rows."""
        return int(self._table().sum())

    @property
    def support(self) -> float:
        """Rows, or entities that hold one, of the class that is averaged and has fewest; of any class where the mean is weighted."""
        if self.average == "weighted":
            return float(self.n if self.copies is None else sum(self.copies))
        of_class = self._table().sum(axis=1) if self.copies is None else self._holders()
        return float(of_class[self._averaged()].min())

    @property
    def method(self) -> str:
        """Name of the interval."""
        return "Dirichlet resample of the confusion table" + ("" if self.copies is None else f", {sum(self.copies):,} entities")

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level; the end of the range where the level is too far out to be drawn."""
        return min(self._end(lower_alpha, upper=False), self.value), max(self._end(upper_alpha, upper=True), self.value)

    def _end(self, alpha: float, *, upper: bool) -> float:
        size = max(DRAWS, math.ceil(IN_TAIL / alpha))
        if size > MOST_DRAWS:
            return float(upper)
        draws = _draws(self, size)[int(upper)]
        bias = 2 * (float(draws.mean()) - self.value)
        end = float(np.quantile(draws, 1 - alpha if upper else alpha))
        return min(1.0, end - min(0.0, bias)) if upper else max(0.0, end - max(0.0, bias))

    def _table(self) -> NDArray[np.int64]:
        """(k, k) counts of all rows."""
        k = math.isqrt(len(self.tables[0]))
        copies = np.array(self.copies or (1,), dtype=np.int64)
        table: NDArray[np.int64] = (copies @ np.asarray(self.tables, dtype=np.int64)).reshape(k, k)
        return table

    def _holders(self, axis: int = 2) -> NDArray[np.int64]:
        """(k,) entities with a row truly of each class, or with one predicted so where `axis` is 1."""
        k = math.isqrt(len(self.tables[0]))
        rows = np.asarray(self.tables, dtype=np.int64).reshape(-1, k, k).sum(axis=axis)
        holders: NDArray[np.int64] = np.array(self.copies or (1,), dtype=np.int64) @ (rows > 0)
        return holders

    def _unit_rows(self) -> NDArray[np.float64]:
        """(k,) rows by which one drawn unit more enlarges each class: 1, or those of the mean entity that holds the class.

        Entities of one class share `MORE` among the classes; where they hold several, each of these grows by its rows.
        """
        table = self._table()
        if self.copies is None:
            return np.ones(len(table))
        is_true = table.sum(axis=1) > 0
        holders = np.where(is_true, self._holders(), self._holders(axis=1))
        rows = np.where(is_true, table.sum(axis=1), table.sum(axis=0))
        several = max(1.0, float(holders.sum()) / sum(self.copies))
        enlarged: NDArray[np.float64] = rows / np.maximum(holders, 1) * several
        return enlarged

    def _averaged(self) -> NDArray[np.bool_]:
        """(k,) classes that the average runs over: those that occur in truth or prediction, for balanced accuracy in truth."""
        if self.average == "binary":
            return np.array([False, True])
        table = self._table()
        true: NDArray[np.bool_] = table.sum(axis=1) > 0
        return true if self.metric == "balanced_accuracy" else true | (table.sum(axis=0) > 0)

    def _metric(self, sums: NDArray[np.float64]) -> NDArray[np.float64]:
        """(draws, 3, k) hits, true rows and predicted rows of each class to (draws,) values."""
        hit, true, predicted = sums[:, 0], sums[:, 1], sums[:, 2]
        if self.metric == "precision":
            score = _share(hit, predicted)
        elif self.metric == "f1":
            score = _share(2 * hit, true + predicted)
        else:
            score = _share(hit, true)
        weight = true if self.average == "weighted" else self._averaged().astype(float)
        value: NDArray[np.float64] = (score * weight).sum(axis=1) / weight.sum(axis=-1)
        return value

    def _units(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What is reweighted: (units,) Gamma shapes and (units, 3 * k) hits, true and predicted rows of each class."""
        k = math.isqrt(len(self.tables[0]))
        if self.copies is None:
            cells = np.flatnonzero(self.tables[0])
            shapes, tables = np.asarray(self.tables[0], dtype=float)[cells], np.eye(k * k)[cells]
        else:
            entities = sum(self.copies)
            shapes = np.asarray(self.copies, dtype=float) * small_sample(entities, 0.025)
            tables = np.asarray(self.tables, dtype=float)
        of_class = tables.reshape(-1, k, k)
        sums = [np.einsum("uii->ui", of_class), of_class.sum(axis=2), of_class.sum(axis=1)]
        return shapes, np.concatenate(sums, axis=1)

    def blocks(self, size: int) -> Iterator[NDArray[np.float64]]:
        """(2, some) values of the metric over redrawn tables, for the lower and the upper end, until there are `size` of them."""
        table = self._table()
        rng = np.random.default_rng([20261120, *table.ravel().tolist()])
        (shapes, sums), unit = self._units(), self._unit_rows()
        seen = ((table.sum(axis=0) + table.sum(axis=1)) > 0).astype(float)
        k, step = len(table), max(1, BLOCK // max(len(shapes), 3 * len(table)))
        for start in range(0, size, step):
            count = min(step, size - start)
            drawn = (rng.standard_gamma(shapes, (count, len(shapes))) @ sums).reshape(count, 3, k)
            more = rng.standard_gamma(MORE / seen.sum(), (count, k)) * (seen * unit)
            others = (more.sum(axis=1, keepdims=True) - more) / (seen.sum() - 1) * seen if seen.sum() > 1 else more
            worse, better = np.stack([0 * more, more, others], axis=1), np.stack([more, more, more], axis=1)
            yield np.stack([self._metric(drawn + worse), self._metric(drawn + better)])


@lru_cache(maxsize=32)
def _draws(estimate: Confusion, size: int) -> NDArray[np.float64]:
    """(2, size) values of the metric over redrawn tables, for the lower and the upper end."""
    return np.concatenate(list(estimate.blocks(size)), axis=1)


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Part over whole, 0 where the whole is 0 (scikit-learn's `zero_division=0`)."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
