"""Functions of a confusion table, of one model or of two on the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from audit.stats.class_scores import CLOSED, METRICS, WITHOUT_AVERAGE, Average, ClassScores, Metric, averaged, least, scores
from audit.stats.dirichlet import Redraw, ends
from audit.stats.sample_size import by_entities

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Confusion:
    """A function of the confusion table's cells: of each class by itself, or of the whole table.

    What is a mean over classes that count alike has a closed form (`audit.stats.class_scores`): a class of few rows that carries
    the errors is as badly known as its rows are few. A mean weighted by the classes' rows, Matthews' correlation and Cohen's
    kappa are resampled from the Dirichlet law of the cells (Goutte & Gaussier, ECIR 2005). The lower end counts errors more than
    were seen and the upper end hits more, two in all, shared evenly by the classes: so a table without errors still has an honest
    interval, which a plain bootstrap has not, and the halves of Jeffreys, which pull both ends towards the middle once a class,
    do not add up over many classes. Where the draws' mean shows a bias, an end is moved outwards by twice as much (Efron &
    Tibshirani 1993, chapter 10), never inwards. With entities, their tables are reweighted by a Dirichlet law (Rubin, Annals of
    Statistics 1981), and the errors and hits more are whole entities of the class, since entities are what is drawn. The draws
    follow from the table and a fixed seed.
    """

    tables: tuple[tuple[int, ...], ...]
    """Distinct flattened (k, k) tables of the entities, true class by predicted class; a single one where rows are independent.
    Where the average is binary, the positive class comes second."""
    metric: Metric
    average: Average = "macro"
    copies: tuple[int, ...] | None = None
    """How many entities have each table; None where rows are independent."""
    beta: float = 1.0
    """Weight of recall in F-beta."""
    min_support: ClassVar[int] = 1

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
        return float(scores(self.redraw().table(), self.average, self.present(), beta=self.beta)[METRICS.index(self.metric), 0])

    @property
    def n(self) -> int:
        """Rows."""
        return sum(sum(table) * copies for table, copies in zip(self.tables, self.copies or (1,), strict=True))

    @property
    def support(self) -> float:
        """Rows, or effective entities, of the class that is averaged and has fewest; of any class where the mean is weighted."""
        redraw = self.redraw()
        if self.average == "weighted":
            return redraw.effective_units()
        return redraw.effective_holders(self.present()[0 if self.metric == "balanced_accuracy" else 1])

    @property
    def method(self) -> str:
        """Name of the interval."""
        name = "exact ends of each class, put together by MOVER" if self._closed else "Dirichlet resample of the confusion table"
        return by_entities(name, None if self.copies is None else sum(self.copies))

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        if self._closed:
            classes = self.present()[0 if self.metric == "balanced_accuracy" else 1]
            beta = self.beta if self.metric == "fbeta" else 1.0
            return ClassScores.of(self.redraw(), self.metric, beta).mean_ends(classes, lower_alpha, upper_alpha)
        span = (least(self.metric), 1.0)
        if self.metric in WITHOUT_AVERAGE and np.count_nonzero(self.redraw().table()[0, 1:].any(axis=0)) == 1:
            return span  # one class alone shows no agreement beyond chance
        of_all, place = replace(self, metric=METRICS[0]), METRICS.index(self.metric)  # the metrics of a table share their draws
        return ends(lambda size: _draws(of_all, size)[place], self.value, (lower_alpha, upper_alpha), span)

    @property
    def value_range(self) -> tuple[float, float]:
        """Of the metric."""
        return least(self.metric), 1.0

    @property
    def _closed(self) -> bool:
        return self.metric in CLOSED and self.average != "weighted"

    def redraw(self) -> Redraw:
        """The table, or those of the entities, to be redrawn."""
        counts, k = np.asarray(self.tables, dtype=np.int64), math.isqrt(len(self.tables[0]))
        cells = np.flatnonzero(counts.any(axis=0))
        copies = None if self.copies is None else np.asarray(self.copies, dtype=np.int64)
        return Redraw(counts[:, cells], copies, cells // k, (cells % k)[None], k)

    def present(self) -> NDArray[np.bool_]:
        """(2, k) classes that the average runs over, for balanced accuracy and for the others."""
        _, true, predicted = self.redraw().table()[0]
        return averaged(true, predicted, self.average)


@lru_cache(maxsize=32)
def _draws(estimate: Confusion, size: int) -> NDArray[np.float64]:
    """(metrics, 2, size) values over redrawn tables, for the lower and the upper end."""
    seed = np.array(estimate.copies or (1,), dtype=np.int64) @ np.asarray(estimate.tables, dtype=np.int64)
    present = estimate.present()
    drawn = [
        [scores(sums, estimate.average, present, beta=estimate.beta) for sums in block[:, 0]]
        for block in estimate.redraw().blocks(size, seed.tolist())
    ]
    return np.concatenate([np.stack(block, axis=1) for block in drawn], axis=2)


@dataclass(frozen=True, slots=True)
class PairedConfusion:
    """First model's metric minus the second's: as `Confusion`, but the cells are those of truth and both predictions.

    So what both models get right or wrong alike moves both metrics alike. At the lower end the errors more than were seen are
    the first model's and the hits more the second's, at the upper end the reverse: models that agree on every row still have
    an honest interval.
    """

    cells: tuple[tuple[int, int, int], ...]
    """Distinct (true, first model's, second model's) classes of the rows. Where the average is binary, the positive class is 1."""
    tables: tuple[tuple[int, ...], ...]
    """Rows of each cell in distinct tables of the entities; a single table where rows are independent."""
    metric: Metric
    average: Average = "macro"
    copies: tuple[int, ...] | None = None
    """How many entities have each table; None where rows are independent."""
    beta: float = 1.0
    """Weight of recall in F-beta."""
    min_support: ClassVar[int] = 1

    def __post_init__(self) -> None:
        if not self.tables or not self.cells or any(len(table) != len(self.cells) for table in self.tables):
            msg = f"tables need a count for each of {len(self.cells)} cells, got {[len(table) for table in self.tables]}"
            raise ValueError(msg)

    @classmethod
    def of(
        cls,
        y_true: NDArray[np.int64],
        first: NDArray[np.int64],
        second: NDArray[np.int64],
        *,
        metric: Metric,
        average: Average = "macro",
        positive: int = 1,
        clusters: NDArray[np.int64] | None = None,
    ) -> PairedConfusion:
        """From class codes 0, 1, ..., one a row; a binary average keeps the positive class and the rest."""
        if not len(y_true) or not len(y_true) == len(first) == len(second):
            msg = f"a paired confusion table needs the same rows, one at least, got {len(y_true)}, {len(first)} and {len(second)}"
            raise ValueError(msg)
        rows = np.stack([y_true, first, second])
        if average == "binary":
            rows = (rows == positive).astype(np.int64)
        size = int(rows.max()) + 1
        distinct, cell = np.unique(np.ravel_multi_index(tuple(rows), (size,) * 3), return_inverse=True)
        cells = tuple((int(a), int(b), int(c)) for a, b, c in zip(*np.unravel_index(distinct, (size,) * 3), strict=True))
        if clusters is None:
            return cls(cells, (tuple(np.bincount(cell).tolist()),), metric, average)
        codes = np.unique(clusters, return_inverse=True)[1]
        flat = np.zeros((int(codes.max()) + 1, len(cells)), dtype=np.int64)
        np.add.at(flat, (codes, cell), 1)
        tables, copies = np.unique(flat, axis=0, return_counts=True)
        return cls(cells, tuple(tuple(row) for row in tables.tolist()), metric, average, tuple(copies.tolist()))

    @property
    def value(self) -> float:
        """The metric of the first model's table minus that of the second's."""
        first, second = self.of_models()
        return first - second

    def of_models(self) -> tuple[float, float]:
        """The metric of each model."""
        each = zip(self.redraw().table(), self.present(), strict=True)
        found = [scores(table[None], self.average, present, beta=self.beta) for table, present in each]
        first, second = (float(values[METRICS.index(self.metric), 0]) for values in found)
        return first, second

    @property
    def n(self) -> int:
        """Rows."""
        return sum(sum(table) * copies for table, copies in zip(self.tables, self.copies or (1,), strict=True))

    @property
    def support(self) -> float:
        """Rows, or effective entities, of the class that either average has and fewest are of; of any where it is weighted."""
        redraw = self.redraw()
        if self.average == "weighted":
            return redraw.effective_units()
        return redraw.effective_holders(self.present()[:, 0 if self.metric == "balanced_accuracy" else 1].any(axis=0))

    @property
    def method(self) -> str:
        """Name of the interval."""
        return by_entities("Dirichlet resample of both confusion tables", None if self.copies is None else sum(self.copies))

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        furthest = 1.0 - least(self.metric)
        if self.metric in WITHOUT_AVERAGE and np.count_nonzero(self.redraw().table()[:, 1:].any(axis=(0, 1))) == 1:
            return -furthest, furthest  # one class alone shows no agreement beyond chance
        of_all, place = replace(self, metric=METRICS[0]), METRICS.index(self.metric)  # the metrics of a table share their draws
        return ends(lambda size: _paired_draws(of_all, size)[place], self.value, (lower_alpha, upper_alpha), (-furthest, furthest))

    @property
    def value_range(self) -> tuple[float, float]:
        """Of a difference of two values of the metric."""
        return least(self.metric) - 1.0, 1.0 - least(self.metric)

    def redraw(self) -> Redraw:
        """The table, or those of the entities, to be redrawn."""
        true, first, second = np.asarray(self.cells, dtype=np.int64).T
        copies = None if self.copies is None else np.asarray(self.copies, dtype=np.int64)
        classes = 2 if self.average == "binary" else int(np.max(self.cells)) + 1
        return Redraw(np.asarray(self.tables, dtype=np.int64), copies, true, np.stack([first, second]), classes)

    def present(self) -> NDArray[np.bool_]:
        """(models, 2, k) classes that each model's average runs over, for balanced accuracy and for the others."""
        return np.stack([averaged(true, predicted, self.average) for _, true, predicted in self.redraw().table()])


@lru_cache(maxsize=32)
def _paired_draws(estimate: PairedConfusion, size: int) -> NDArray[np.float64]:
    """(metrics, 2, size) differences over redrawn tables, for the lower and the upper end."""
    rows = np.array(estimate.copies or (1,), dtype=np.int64) @ np.asarray(estimate.tables, dtype=np.int64)
    seed, present = [*np.ravel(estimate.cells).tolist(), *rows.tolist()], estimate.present()
    parts = []
    for block in estimate.redraw().blocks(size, seed):
        first, second = (
            np.stack([scores(sums, estimate.average, present[model], beta=estimate.beta) for sums in block[:, model]], axis=1)
            for model in (0, 1)
        )
        parts.append(first - second)
    return np.concatenate(parts, axis=2)
