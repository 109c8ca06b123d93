"""Functions of a confusion table: F1, balanced accuracy, averaged precision and recall."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Metric: TypeAlias = Literal["balanced_accuracy", "precision", "recall", "f1"]
Average: TypeAlias = Literal["binary", "macro", "micro", "weighted"]


@dataclass(frozen=True, slots=True)
class Confusion:
    """A function of the confusion table's cells, resampled from their Dirichlet law.

    Goutte & Gaussier, ECIR 2005; prior of half an error and half a hit a class (Jeffreys; one-sided coverage in Cai, JSPI
    2005), so that a table without errors still has an honest interval, which a plain bootstrap has not. With entities, their
    tables are reweighted by a Dirichlet law (Rubin's Bayesian bootstrap, Annals of Statistics 1981). The draws follow from
    the table and a fixed seed.
    """

    tables: tuple[tuple[int, ...], ...]
    """One flattened (k, k) table an entity, true class by predicted class; a single one where rows are independent."""
    metric: Metric
    average: Average = "macro"
    positive: int = 1
    """Index of the positive class, for `average="binary"`."""
    clustered: bool = False
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
        """From class codes 0 to `classes` - 1, one a row."""
        cell = y_true * classes + y_pred
        codes = np.zeros(len(cell), dtype=np.int64) if clusters is None else np.unique(clusters, return_inverse=True)[1]
        entities = int(codes.max()) + 1
        flat = np.bincount(codes * classes**2 + cell, minlength=entities * classes**2).reshape(entities, -1)
        return cls(tuple(tuple(int(c) for c in row) for row in flat), metric, average, positive, clusters is not None)

    @property
    def value(self) -> float:
        """The metric of the observed table."""
        return float(self._metric(np.asarray(self.tables, dtype=float).sum(axis=0)[None])[0])

    @property
    def n(self) -> int:
        """Rows."""
        return sum(map(sum, self.tables))

    @property
    def support(self) -> float:
        """Rows of the rarest class that occurs, or entities where they are fewer; rows of the positive class when binary."""
        by_class = np.asarray(self.tables).sum(axis=0).reshape(self._k, self._k).sum(axis=1)
        rarest = by_class[self.positive] if self.average == "binary" else by_class[by_class > 0].min()
        return float(min(rarest, len(self.tables)) if self.clustered else rarest)

    @property
    def method(self) -> str:
        """Name of the interval."""
        return "Dirichlet resample of the confusion table" + (f", {len(self.tables):,} entities" if self.clustered else "")

    @property
    def _k(self) -> int:
        return math.isqrt(len(self.tables[0]))

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level, from at least 40 / level draws."""
        draws = np.sort(self._draws(max(4000, math.ceil(40 / min(lower_alpha, upper_alpha, 0.5)))))
        low, high = np.quantile(draws, [lower_alpha, 1 - upper_alpha])
        return min(float(low), self.value), max(float(high), self.value)

    def _draws(self, size: int) -> NDArray[np.float64]:
        """(size,) values of the metric over redrawn tables."""
        rng = np.random.default_rng([20261120, *np.asarray(self.tables).sum(axis=0).tolist()])
        counts = np.asarray(self.tables, dtype=float)
        prior = self._prior(counts.sum(axis=0))
        if self.clustered:
            weights = rng.standard_exponential((size, len(counts)))
            cells = len(counts) * (weights / weights.sum(axis=1, keepdims=True)) @ counts
            return self._metric(cells + rng.standard_gamma(np.broadcast_to(prior, cells.shape)))
        return self._metric(rng.standard_gamma(np.broadcast_to(counts[0] + prior, (size, len(prior)))))

    def _prior(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        """Half a hit and half an error a class that occurs, the error shared by the classes that occur or are predicted."""
        k = self._k
        table = cells.reshape(k, k)
        seen = (table.sum(axis=0) > 0) | (table.sum(axis=1) > 0)
        errors = np.outer(table.sum(axis=1) > 0, seen) & ~np.eye(k, dtype=bool)
        prior = 0.5 * errors / np.maximum(errors.sum(axis=1, keepdims=True), 1)
        prior[np.diag_indices(k)] = 0.5 * (table.sum(axis=1) > 0)
        return prior.ravel()

    def _metric(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        """(draws, k * k) cells to (draws,) values; classes that occur neither in truth nor in prediction are left out."""
        k = self._k
        table = cells.reshape(-1, k, k)
        hit = np.einsum("dii->di", table)
        true, predicted = table.sum(axis=2), table.sum(axis=1)
        parts = {
            "recall": _share(hit, true),
            "precision": _share(hit, predicted),
            "f1": _share(2 * hit, true + predicted),
        }
        observed = np.asarray(self.tables).sum(axis=0).reshape(k, k)
        if self.metric == "balanced_accuracy":
            return parts["recall"][:, observed.sum(axis=1) > 0].mean(axis=1)
        score = parts[self.metric]
        if self.average == "binary":
            return score[:, self.positive]
        if self.average == "micro":
            return hit.sum(axis=1) / table.sum(axis=(1, 2))
        if self.average == "weighted":
            return (score * true).sum(axis=1) / true.sum(axis=1)
        occurs = (observed.sum(axis=0) > 0) | (observed.sum(axis=1) > 0)
        return score[:, occurs].mean(axis=1)


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Part over whole, 0 where the whole is 0 (scikit-learn's `zero_division=0`)."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
