"""Metrics of a confusion table from its margins, for many redrawn tables at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
