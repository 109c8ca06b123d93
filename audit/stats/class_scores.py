"""Metrics of a confusion table: of many redrawn tables from their margins, and of each class in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from audit.stats.clustering import correlations
from audit.stats.proportion import Proportion

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from audit.stats.dirichlet import Redraw

Metric: TypeAlias = Literal["balanced_accuracy", "precision", "recall", "f1", "mcc", "fbeta", "kappa"]
Average: TypeAlias = Literal["binary", "macro", "weighted"]
METRICS: tuple[Metric, ...] = get_args(Metric)
WITHOUT_AVERAGE: tuple[Metric, ...] = ("mcc", "kappa")
"""Of the whole table and not of its classes: from -1 to 1, 0 for answers that have nothing to do with the truth."""


def scores(sums: NDArray[np.float64], average: Average, present: NDArray[np.bool_], *, beta: float = 1.0) -> NDArray[np.float64]:
    """(draws, 3, k) hits, true rows and predicted rows of each class to (metrics, draws) values, as scikit-learn defines them.

    `present` (2, k) says which classes a macro average runs over, for balanced accuracy and for the others. A share of nothing
    is 0 (`zero_division=0`). `beta` is the weight of recall in F-beta alone (van Rijsbergen, Information Retrieval 1979).
    """
    hit, true, predicted = sums[:, 0], sums[:, 1], sums[:, 2]
    recall = _share(hit, true)
    of_class = {"precision": _share(hit, predicted), "recall": recall, "f1": _share(2 * hit, true + predicted), "balanced_accuracy": recall}
    of_class["fbeta"] = _share((1 + beta**2) * hit, beta**2 * true + predicted)
    found = {"mcc": _matthews(hit, true, predicted), "kappa": _kappa(hit, true, predicted)}
    for metric, score in of_class.items():
        weight = true if average == "weighted" else present[0 if metric == "balanced_accuracy" else 1].astype(float)
        found[metric] = (score * weight).sum(axis=1) / weight.sum(axis=-1)
    return np.stack([found[metric] for metric in METRICS])


def averaged(true: NDArray[np.float64], predicted: NDArray[np.float64], average: Average) -> NDArray[np.bool_]:
    """(2, k) classes that an average runs over: those truly there, for balanced accuracy, and those there in truth or prediction."""
    if average == "binary":
        return np.array([[False, True]] * 2)
    return np.stack([true > 0, (true > 0) | (predicted > 0)])


def least(metric: Metric) -> float:
    """The least that a metric can be; each is 1 at most."""
    return -1.0 if metric in WITHOUT_AVERAGE else 0.0


def _matthews(hit: NDArray[np.float64], true: NDArray[np.float64], predicted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Correlation of truth and prediction (Matthews, Biochimica et Biophysica Acta 1975; Gorodkin, Comput Biol Chem 2004)."""
    rows = true.sum(axis=1)
    together = hit.sum(axis=1) * rows - (true * predicted).sum(axis=1)
    spreads = np.maximum(0.0, rows**2 - (true**2).sum(axis=1)) * np.maximum(0.0, rows**2 - (predicted**2).sum(axis=1))
    return np.clip(_share(together, np.sqrt(spreads)), -1.0, 1.0)


def _kappa(hit: NDArray[np.float64], true: NDArray[np.float64], predicted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Agreement beyond chance over the most there can be (Cohen, Educational and Psychological Measurement 1960)."""
    rows = true.sum(axis=1)
    chance = _share((true * predicted).sum(axis=1), rows)
    return np.clip(_share(hit.sum(axis=1) - chance, rows - chance), -1.0, 1.0)


def _share(part: NDArray[np.float64], whole: NDArray[np.float64]) -> NDArray[np.float64]:
    """Part over whole, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


CLOSED: tuple[Metric, ...] = ("balanced_accuracy", "precision", "recall", "f1", "fbeta")
"""Metrics that are a mean of the classes' own."""


@dataclass(frozen=True, slots=True, eq=False)
class ClassScores:
    """One model's table, of rows or of entities, seen class by class.

    Recall and precision are shares of rows; so is J = TP / (TP + FP + FN), of which F1 = 2 J / (1 + J). Each has exact ends (Clopper &
    Pearson, Biometrika 1934), with entities on as many rows as they are worth. The ends of F-beta follow from those of recall and
    precision. The mean of the classes has its ends from theirs (method of variance estimates recovery: Zou & Donner, Statistics
    in Medicine 2008), correlated as the rows make them: a row that is wrong counts against F of two classes. Correlations are
    taken as if every class had one error more, shared evenly by the others, or one entity that errs throughout, and never as
    negative. Towards 1, where each class shows hardly an error, the ends of each say too little of their sum: an end is at least
    as far out as that of a gamma law with the mean and the variance of all errors together (Fay & Feuer, Statistics in Medicine
    1997); mirrored towards 0.
    """

    units: NDArray[np.float64]
    """(tables, 3, k) hits, true rows and predicted rows of each class in a table."""
    copies: NDArray[np.int64] | None
    """(tables,) entities with each table; None where rows are independent."""
    table: NDArray[np.float64]
    """(k, k) rows by true and predicted class in all."""
    metric: Metric
    beta: float = 1.0
    """Weight of recall in F-beta; 1 for every other metric."""

    @classmethod
    def of(cls, redraw: Redraw, metric: Metric, beta: float) -> ClassScores:
        """From the cells of one model."""
        k, cells = redraw.classes, redraw.true * redraw.classes + redraw.predicted[0]
        rows = redraw.counts[0] if redraw.copies is None else redraw.copies @ redraw.counts
        table = np.bincount(cells, weights=rows.astype(float), minlength=k * k).reshape(k, k).astype(np.float64)
        return cls(redraw.units(), redraw.copies, table, *(("f1", 1.0) if metric == "fbeta" and beta == 1 else (metric, beta)))

    def mean_ends(self, classes: NDArray[np.bool_], lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        """Ends of the mean over (k,) classes."""
        chosen = np.flatnonzero(classes)
        low, value, high = np.transpose([self._ends(one, lower_alpha, upper_alpha) for one in chosen.tolist()])
        seen, more = self._covariances()
        alike = np.maximum(0.0, correlations(seen + more))[np.ix_(chosen, chosen)]
        down, up = (float(np.sqrt(apart @ alike @ apart)) / len(chosen) for apart in (value - low, high - value))
        middle, variance = float(value.mean()), float(seen[np.ix_(chosen, chosen)].sum()) / len(chosen) ** 2
        nearest = _gamma_lower(middle, variance, lower_alpha), 1 - _gamma_lower(1 - middle, variance, upper_alpha)
        return max(0.0, min(middle - down, nearest[0])), min(1.0, max(middle + up, nearest[1]))

    def _ends(self, one: int, lower_alpha: float, upper_alpha: float) -> tuple[float, float, float]:
        """Lower end, value and upper end of a class."""
        hit, true, predicted = self.units[:, 0, one], self.units[:, 1, one], self.units[:, 2, one]
        alphas = (lower_alpha, upper_alpha)
        if self.metric in {"recall", "balanced_accuracy"}:
            return self._share(hit, true, alphas)
        if self.metric == "precision":
            return self._share(hit, predicted, alphas)
        if self.metric == "f1":
            low, value, high = (2 * j / (1 + j) for j in self._share(hit, true + predicted - hit, alphas))
            return low, value, high
        return self._f_beta(self._share(hit, true, alphas), self._share(hit, predicted, alphas))

    def _share(self, hits: NDArray[np.float64], rows: NDArray[np.float64], alphas: tuple[float, float]) -> tuple[float, float, float]:
        """Of (tables,) hits among rows; 0 of none."""
        if not rows.any():
            return 0.0, 0.0, 1.0
        with_rows = rows > 0
        if self.copies is None:
            share = Proportion(round(float(hits[0])), round(float(rows[0])))
        else:
            share = Proportion.of_entities(*(np.repeat(each[with_rows], self.copies[with_rows]) for each in (hits, rows)))
        low, high = share.exact_bounds(*alphas)
        return low, share.value, high

    def _f_beta(self, recall: tuple[float, float, float], precision: tuple[float, float, float]) -> tuple[float, float, float]:
        """The weighted harmonic mean, whose reciprocal is a sum; recall and precision share the hits, and so rise together."""
        weights = np.array([self.beta**2, 1.0]) / (1 + self.beta**2)
        low, value, high = np.transpose([recall, precision])
        if not value.all():  # no hit
            return 0.0, 0.0, float(1 / (weights @ (1 / np.maximum(high, 1e-300))))
        together = float(np.sqrt(np.prod(1 - value)))
        alike, middle = np.array([[1.0, together], [together, 1.0]]), float(weights @ (1 / value))
        down, up = (weights * (1 / np.maximum(end, 1e-300) - 1 / value) for end in (low, high))
        lowest = 1 / (middle + float(np.sqrt(down @ alike @ down))) if low.all() else 0.0
        return lowest, 1 / middle, min(1.0, 1 / max(1.0, middle - float(np.sqrt(up @ alike @ up))))

    def _covariances(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(k, k) of the classes' scores from what each row, or entity, adds to their deviations, and what one error more would add."""
        hit, true, predicted = (self.units[:, i] for i in range(3))
        above, below = {
            "recall": (hit, true),
            "balanced_accuracy": (hit, true),
            "precision": (hit, predicted),
        }.get(self.metric, ((1 + self.beta**2) * hit, self.beta**2 * true + predicted))
        copies = np.ones(1) if self.copies is None else self.copies.astype(float)
        total = np.maximum(copies @ below, 1.0)
        score = copies @ above / total
        missed, false = self._pulls(score / total)
        if self.copies is not None:  # an entity more errs in all of its rows, of whichever classes
            rows = copies @ below / np.maximum(copies @ (below > 0), 1.0)
            moved, unseen = (above - below * score) / total, np.sqrt(missed**2 + false**2) * rows
            return moved.T @ (copies[:, None] * moved), np.outer(unseen, unseen)
        k = len(score)
        more = (np.outer(missed, false) + np.outer(false, missed)) / max(1, k - 1)
        np.fill_diagonal(more, missed**2 + false**2)
        return self._of_rows(score, total, (missed, false)), more

    def _pulls(self, each: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(k,) how far a row of the class that is not found, and one of another that is taken for it, pull its score down."""
        if self.metric in {"recall", "balanced_accuracy"}:
            return each, 0 * each
        return (0 * each, each) if self.metric == "precision" else (self.beta**2 * each, each)

    def _of_rows(
        self, score: NDArray[np.float64], total: NDArray[np.float64], pulls: tuple[NDArray[np.float64], NDArray[np.float64]]
    ) -> NDArray[np.float64]:
        """(k, k) covariances of the classes' scores where rows are independent."""
        missed, false = pulls
        right, wrong = np.diag(self.table), self.table - np.diag(np.diag(self.table))
        gained = (missed + false) / np.maximum(score, 1e-300) * (1 - score)  # what a hit adds, which makes the deviations 0 in all
        shared = wrong * np.outer(missed, false)
        of_class = right * np.where(total > 0, gained, 0.0) ** 2 + wrong.sum(axis=1) * missed**2 + wrong.sum(axis=0) * false**2
        found: NDArray[np.float64] = shared + shared.T + np.diag(of_class)
        return found


def _gamma_lower(mean: float, variance: float, alpha: float) -> float:
    """What the gamma law of this mean and variance falls below with chance `alpha`."""
    from scipy.special import gammaincinv

    return float(variance / mean * gammaincinv(mean**2 / variance, alpha)) if mean > 0 < variance else mean
