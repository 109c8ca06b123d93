"""Functions of a confusion table, of one model or of two on the same rows."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from audit.stats.class_scores import CLOSED, METRICS, WITHOUT_AVERAGE, Average, ClassScores, Metric, averaged, least, scores
from audit.stats.dirichlet import Redraw, ends
from audit.stats.sample_size import by_entities

if TYPE_CHECKING:
    from numpy.typing import NDArray


class _Tables(Protocol):
    @property
    def tables(self) -> tuple[tuple[int, ...], ...]: ...

    @property
    def copies(self) -> tuple[int, ...] | None: ...

    @property
    def metric(self) -> Metric: ...

    @property
    def average(self) -> Average: ...

    def redraw(self) -> Redraw: ...

    def present(self) -> NDArray[np.bool_]: ...


class OfTables:
    """Of tables of rows, or of entities, by true and predicted class."""

    __slots__ = ()

    @property
    def n(self: _Tables) -> int:
        """Rows."""
        return sum(sum(table) * copies for table, copies in zip(self.tables, self.copies or (1,), strict=True))

    @property
    def support(self: _Tables) -> float:
        """Rows, or effective entities, of the averaged class that has fewest; of any class where the mean is weighted."""
        redraw = self.redraw()
        if self.average == "weighted":
            return redraw.effective_units()
        return redraw.effective_holders(self.present()[:, _rule(self.metric)].any(axis=0))

    def present(self: _Tables) -> NDArray[np.bool_]:
        """(models, 2, k) classes that each model's average runs over, for balanced accuracy and for the others."""
        return np.stack([averaged(true, predicted, self.average) for _, true, predicted in self.redraw().table()])


def _rule(metric: Metric) -> int:
    """Which of the two rules of `averaged` says over which classes a metric runs."""
    return 0 if metric == "balanced_accuracy" else 1


@dataclass(frozen=True, slots=True)
class Confusion(OfTables):
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
        tables, copies = _count(cell, classes**2, clusters)
        return cls(tables, metric, average, copies)

    @property
    def value(self) -> float:
        """The metric of the observed table."""
        return float(scores(self.redraw().table(), self.average, self.present()[0], beta=self.beta)[METRICS.index(self.metric), 0])

    @property
    def method(self) -> str:
        """Name of the interval."""
        name = "exact ends of each class, put together by MOVER" if self._closed else "Dirichlet resample of the confusion table"
        return by_entities(name, None if self.copies is None else sum(self.copies))

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        if self._closed:
            classes = self.present()[0, _rule(self.metric)]
            beta = self.beta if self.metric == "fbeta" else 1.0
            return ClassScores.of(self.redraw(), self.metric, beta).mean_ends(classes, lower_alpha, upper_alpha)
        return _drawn_ends(self, lower_alpha, upper_alpha)

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


@dataclass(frozen=True, slots=True)
class PairedConfusion(OfTables):
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
        tables, copies = _count(cell, len(cells), clusters)
        return cls(cells, tables, metric, average, copies)

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
    def method(self) -> str:
        """Name of the interval."""
        return by_entities("Dirichlet resample of both confusion tables", None if self.copies is None else sum(self.copies))

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Lower and upper end, each at its own level."""
        return _drawn_ends(self, lower_alpha, upper_alpha)

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


def _count(
    cell: NDArray[np.int64], cells: int, clusters: NDArray[np.int64] | None
) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...] | None]:
    """Rows of each cell in distinct tables of the entities, and how many have each; of independent rows one table and None."""
    if clusters is None:
        return (tuple(np.bincount(cell, minlength=cells).tolist()),), None
    codes = np.unique(clusters, return_inverse=True)[1]
    flat = np.zeros((int(codes.max()) + 1, cells), dtype=np.int64)
    np.add.at(flat, (codes, cell), 1)
    tables, copies = np.unique(flat, axis=0, return_counts=True)
    return tuple(tuple(row) for row in tables.tolist()), tuple(copies.tolist())


def _drawn_ends(estimate: Confusion | PairedConfusion, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
    """Ends from redrawn tables; of one class alone, which shows no agreement beyond chance, those of the range."""
    if estimate.metric in WITHOUT_AVERAGE and np.count_nonzero(estimate.redraw().table()[:, 1:].any(axis=(0, 1))) == 1:
        return estimate.value_range
    of_all, place = replace(estimate, metric=METRICS[0]), METRICS.index(estimate.metric)  # the metrics of a table share their draws
    return ends(lambda size: _draws(of_all, size)[place], estimate.value, (lower_alpha, upper_alpha), estimate.value_range)


@lru_cache(maxsize=32)
def _draws(estimate: Confusion | PairedConfusion, size: int) -> NDArray[np.float64]:
    """(metrics, 2, size) values over redrawn tables, or first minus second, for the lower and the upper end."""
    rows = np.array(estimate.copies or (1,), dtype=np.int64) @ np.asarray(estimate.tables, dtype=np.int64)
    cells = np.ravel(estimate.cells).tolist() if isinstance(estimate, PairedConfusion) else []
    parts = []
    for block in estimate.redraw().blocks(size, [*cells, *rows.tolist()]):
        of_models = [
            np.stack([scores(sums, estimate.average, present, beta=estimate.beta) for sums in block[:, model]], axis=1)
            for model, present in enumerate(estimate.present())
        ]
        parts.append(of_models[0] - of_models[1] if len(of_models) > 1 else of_models[0])
    return np.concatenate(parts, axis=2)
