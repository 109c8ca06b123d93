"""Functions of a confusion table, and two models' compared on the same rows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from audit.stats import Confusion, PairedConfusion
from benchmarks.populations.case import Case
from benchmarks.trials import Limit

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.stats.class_scores import Metric
    from benchmarks.populations.case import Drawn

PAIRED: tuple[Metric, ...] = ("f1", "mcc", "kappa")
BETA = 2.0


def tables() -> list[Case]:
    """Two, three and ten classes."""
    grid: list[tuple[Metric, list[float], list[float], int]] = [
        ("f1", [0.5, 0.5], [0.9, 0.9], 100),
        ("f1", [0.9, 0.1], [0.99, 0.95], 300),
        ("f1", [0.6, 0.3, 0.1], [0.97, 0.95, 0.95], 300),
        ("f1", [0.1] * 10, [0.93] * 10, 600),
        ("precision", [0.8, 0.2], [0.95, 0.8], 400),
        ("precision", [0.6, 0.3, 0.1], [0.9, 0.8, 0.8], 1000),
        ("balanced_accuracy", [0.5, 0.5], [0.8, 0.9], 200),
        ("balanced_accuracy", [0.9, 0.1], [0.95, 0.8], 300),
        ("mcc", [0.5, 0.5], [0.8, 0.9], 200),
        ("mcc", [0.9, 0.1], [0.95, 0.8], 300),
        ("mcc", [0.6, 0.3, 0.1], [0.97, 0.95, 0.95], 300),
        ("kappa", [0.5, 0.5], [0.8, 0.9], 200),
        ("kappa", [0.9, 0.1], [0.95, 0.8], 300),
        ("kappa", [0.6, 0.3, 0.1], [0.97, 0.95, 0.95], 300),
        ("fbeta", [0.5, 0.5], [0.9, 0.9], 100),
        ("fbeta", [0.9, 0.1], [0.99, 0.95], 300),
        ("fbeta", [0.6, 0.3, 0.1], [0.97, 0.95, 0.95], 300),
    ]
    return [
        Case(
            f"Confusion, {metric}, {len(right)} classes, n={n}",
            f"right {right[0]}",
            partial(_tables, metric=metric, law=_law(shares, right), n=n),
            trials=1000 if metric in {"mcc", "kappa"} else 4000,
        )
        for metric, shares, right, n in grid
    ]


def _law(shares: list[float], right: list[float]) -> NDArray[np.float64]:
    """(k, k) chances of the cells: a class's errors go to the others evenly."""
    k = len(shares)
    return np.array(
        [[s * (r if i == j else (1 - r) / (k - 1)) for j in range(k)] for i, (s, r) in enumerate(zip(shares, right, strict=True))]
    )


def _tables(rng: Generator, trials: int, *, metric: Metric, law: NDArray[np.float64], n: int) -> Drawn:
    truth = Confusion((tuple(np.rint(law * 10**8).astype(np.int64).ravel().tolist()),), metric, beta=BETA).value
    for row in rng.multinomial(n, law.ravel() / law.sum(), trials).tolist():
        yield Confusion((tuple(row),), metric, beta=BETA), truth


def paired_tables() -> list[Case]:
    """Two models that are right equally often."""
    return [
        Case(f"PairedConfusion, {metric}, n=400", "0", partial(_two_tables, metric=metric), Limit(0.03), Limit(0.03), 400)
        for metric in PAIRED
    ]


def _two_tables(rng: Generator, trials: int, *, metric: Metric) -> Drawn:
    """Two models that are right equally often, together or not."""
    for _ in range(trials):
        true = (rng.random(400) < 0.4).astype(np.int64)  # noqa: PLR2004  # a base rate
        shared = rng.random(400) < 0.7  # noqa: PLR2004  # rows on which both do the same
        first = rng.random(400) < 0.85  # noqa: PLR2004  # right
        second = np.where(shared, first, rng.random(400) < 0.85)  # noqa: PLR2004  # a rate
        models = [np.where(right, true, 1 - true) for right in (first, second)]
        yield PairedConfusion.of(true, *models, metric=metric), 0.0
