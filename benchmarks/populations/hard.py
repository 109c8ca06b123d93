"""Scenes in which methods that hold elsewhere have erred.

A rare class that carries the errors, losses that are rare and large, a dominant entity, entities of Zipf's sizes, informative
weights, heavy tails.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from scipy.stats import norm

from audit.stats import (
    Auc,
    AveragePrecision,
    Confusion,
    Mean,
    PairedConfusion,
    PairedProbabilityLoss,
    ProbabilityLoss,
    Proportion,
    RootMeanSquare,
    WeightedMean,
    WeightedShare,
)
from audit.stats.mean import few_rows
from audit.stats.probability_loss import RowLosses
from benchmarks.populations.case import NOMINAL, PEOPLE, Case
from benchmarks.populations.precisions import true_precision
from benchmarks.trials import Limit

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.stats.class_scores import Metric
    from benchmarks.populations.case import Drawn

Sizes: TypeAlias = Literal["one half", "Zipf"]
HIGHEST = 36.05
"""Log loss of a row at most."""


def sizes(kind: Sizes) -> NDArray[np.int64]:
    """Rows of each entity: one with half of the rows among fifty, or a hundred of Zipf's sizes."""
    many = np.r_[500, np.full(50, 10)] if kind == "one half" else np.maximum(1, np.round(1000 / np.arange(1, 101)))
    found: NDArray[np.int64] = many.astype(np.int64)
    return found


def rare_classes() -> list[Case]:
    """A class of thirty rows, right in nine of ten, among others of a thousand without an error."""
    metrics: tuple[Metric, ...] = ("balanced_accuracy", "f1")
    return [
        Case(f"Confusion, {metric}, a rare class among {k}", "rare .9", partial(_rare, metric=metric, k=k))
        for k in (4, 10, 20)
        for metric in metrics
    ]


def _rare(rng: Generator, trials: int, *, metric: Metric, k: int) -> Drawn:
    rows, right = np.array([30] + [1000] * (k - 1)), np.array([0.9] + [1.0] * (k - 1))
    law = np.diag(rows * right) + np.outer(rows * (1 - right), np.ones(k)) * (1 - np.eye(k)) / (k - 1)
    truth = Confusion((tuple(np.rint(law * 10**6).astype(np.int64).ravel().tolist()),), metric).value
    for row in rng.multinomial(rows.sum(), law.ravel() / law.sum(), trials).tolist():
        yield Confusion((tuple(row),), metric), truth


def rare_pairs() -> list[Case]:
    """Two models that are right in nine of ten rows of such a class, and in every other row."""
    metrics: tuple[Metric, ...] = ("balanced_accuracy", "f1")
    limit = Limit(0.045)
    return [
        Case(f"PairedConfusion, {metric}, a rare class among 10", "0", partial(_rare_pairs, metric=metric), limit, limit, 400)
        for metric in metrics
    ]


def _rare_pairs(rng: Generator, trials: int, *, metric: Metric) -> Drawn:
    true = np.repeat(np.arange(10), [30] + [100] * 9)
    for _ in range(trials):
        models = [np.where((true > 0) | (rng.random(len(true)) < 0.9), true, rng.integers(1, 10, len(true))) for _ in range(2)]  # noqa: PLR2004  # a rate
        yield PairedConfusion.of(true, *models, metric=metric), 0.0


def catastrophic_losses() -> list[Case]:
    """Log loss of a model that is too sure: wrong on a few rows, in all of them or in the half that it is sure of."""
    grid = [(300, 0.999, 0.003, 1.0), (1000, 0.9999, 0.001, 1.0), (300, 0.9999, 0.01, 0.5), (1000, 0.9999, 0.002, 0.9)]
    single = [
        Case(
            f"ProbabilityLoss, n={n}, {share:.0%} sure by {sure}",
            f"wrong {wrong}",
            partial(_losses, n=n, sure=sure, wrong=wrong, share=share),
        )
        for n, sure, wrong, share in grid
    ]
    even = partial(_losses, n=1000, sure=0.0, wrong=0.0, share=0.0)
    return [*single, Case("ProbabilityLoss, n=1000, calibrated", "0.5", even)]


def catastrophic_pairs() -> list[Case]:
    """Two such models that are equally good."""
    return [
        Case(f"PairedProbabilityLoss, n={n}, sure by {sure}", f"wrong {wrong}", partial(_pairs, n=n, sure=sure, wrong=wrong))
        for n, sure, wrong in ((300, 0.999, 0.003), (1000, 0.9999, 0.001))
    ]


def _stated(rng: Generator, n: int, sure: float, wrong: float, share: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Confidence, and chance of being wrong: as stated but in the rows that the model is sure of."""
    even = rng.random(n) / 2 + 0.5
    chosen = rng.random(n) < share
    confidence = np.where(chosen, 1 - (1 - sure) * np.exp(rng.normal(0, 0.5, n)), even)
    return confidence, np.where(chosen, wrong, 1 - confidence)


def _rows(confidence: NDArray[np.float64], is_wrong: NDArray[np.bool_]) -> RowLosses:
    right, wrong = -np.log(confidence), -np.log1p(-confidence)
    return RowLosses(np.where(is_wrong, wrong, right), right, wrong, confidence, is_wrong)


def _losses(rng: Generator, trials: int, *, n: int, sure: float, wrong: float, share: float) -> Drawn:
    confidence, chance = _stated(rng, 2_000_000, sure, wrong, share)
    truth = float(np.mean(-np.log(confidence) * (1 - chance) - np.log1p(-confidence) * chance))
    for _ in range(trials):
        confidence, chance = _stated(rng, n, sure, wrong, share)
        yield ProbabilityLoss.of(_rows(confidence, rng.random(n) < chance), high=HIGHEST), truth


def _pairs(rng: Generator, trials: int, *, n: int, sure: float, wrong: float) -> Drawn:
    for _ in range(trials):
        first, second = (_rows(_stated(rng, n, sure, wrong, 1.0)[0], rng.random(n) < wrong) for _ in range(2))
        yield PairedProbabilityLoss.of(first, second, high=HIGHEST), 0.0


def skewed_means() -> list[Case]:
    """Losses without an upper limit, of rows or of entities with a lognormal mean: the upper end is known to miss."""
    rows = [
        Case(f"Mean, lognormal losses of spread {spread}, n=300", "1", partial(_skewed_means, spread=spread), high=Limit(most))
        for spread, most in ((1.0, 0.03), (1.5, 0.06))
    ]
    return [*rows, Case("Mean, 80 entities of lognormal means", "1", _skewed_people, high=Limit(0.055))]


def _skewed_means(rng: Generator, trials: int, *, spread: float) -> Drawn:
    return ((Mean.of(rng.lognormal(-(spread**2) / 2, spread, 300), low=0.0), 1.0) for _ in range(trials))


def _skewed_people(rng: Generator, trials: int) -> Drawn:
    person = np.repeat(np.arange(PEOPLE), 5)
    for _ in range(trials):
        yield Mean.of(rng.lognormal(-0.5, 1, PEOPLE)[person] * rng.exponential(size=len(person)), person, low=0.0), 1.0


def uneven_means() -> list[Case]:
    """Three quarters of the variance are the entity's and more."""
    kinds: tuple[Sizes, ...] = ("one half", "Zipf")
    return [Case(f"Mean, entities, {kind}", "1", partial(_uneven_means, kind=kind), Limit(0.031), Limit(0.031)) for kind in kinds]


def uneven_shares() -> list[Case]:
    """Chances of entities by a Beta law."""
    kinds: tuple[Sizes, ...] = ("one half", "Zipf")
    return [Case(f"Proportion, entities, {kind}", "0.7", partial(_uneven_shares, kind=kind)) for kind in kinds]


def uneven_areas() -> list[Case]:
    """Half of a score's variance is the entity's; every other entity is positive, or each has rows of both classes."""
    kinds: tuple[Sizes, ...] = ("one half", "Zipf")
    apart = [Case(f"Auc, entities, {kind}", "0.8", partial(_uneven_areas, kind=kind)) for kind in kinds]
    return [*apart, Case("Auc, entities of both classes, Zipf", "0.8", _mixed_areas, Limit(0.08), trials=2000)]


def _mixed_areas(rng: Generator, trials: int) -> Drawn:
    person = np.repeat(np.arange(len(sizes("Zipf"))), sizes("Zipf"))
    for _ in range(trials):
        positive = rng.random(len(person)) < 0.5  # noqa: PLR2004  # half of the rows
        score = (rng.normal(size=person[-1] + 1)[person] + rng.normal(size=len(person))) / math.sqrt(2)
        yield Auc.of(positive, score + positive * float(norm.ppf(0.8)) * math.sqrt(2), person), 0.8


def uneven_precisions() -> list[Case]:
    """The same for the average precision."""
    kinds: tuple[Sizes, ...] = ("one half", "Zipf")
    return [Case(f"AveragePrecision, entities, {kind}", "1.5 apart", partial(_uneven_precisions, kind=kind)) for kind in kinds]


def _uneven_means(rng: Generator, trials: int, *, kind: Sizes) -> Drawn:
    person = np.repeat(np.arange(len(sizes(kind))), sizes(kind))
    for _ in range(trials):
        yield Mean.of(rng.normal(1, 1, person[-1] + 1)[person] + rng.normal(0, 0.5, len(person)), person), 1.0


def _uneven_shares(rng: Generator, trials: int, *, kind: Sizes) -> Drawn:
    person = np.repeat(np.arange(len(sizes(kind))), sizes(kind))
    for _ in range(trials):
        yield Proportion.of(rng.random(len(person)) < rng.beta(1.4, 0.6, person[-1] + 1)[person], person), 0.7


def _uneven_areas(rng: Generator, trials: int, *, kind: Sizes) -> Drawn:
    person = np.repeat(np.arange(len(sizes(kind))), sizes(kind))
    positive, shift = person % 2 == 0, float(norm.ppf(0.8)) * math.sqrt(2)
    for _ in range(trials):
        score = (rng.normal(size=person[-1] + 1)[person] + rng.normal(size=len(person))) / math.sqrt(2)
        yield Auc.of(positive, score + positive * shift, person), 0.8


def _uneven_precisions(rng: Generator, trials: int, *, kind: Sizes) -> Drawn:
    person = np.repeat(np.arange(len(sizes(kind))), sizes(kind))
    positive, shift = person % 2 == 0, 1.5
    truth = true_precision(float(positive.mean()), shift)
    for _ in range(trials):
        score = (rng.normal(size=person[-1] + 1)[person] + rng.normal(size=len(person))) / math.sqrt(2)
        yield AveragePrecision.of(positive, score + positive * shift, person), truth


def informative_shares() -> list[Case]:
    """Weights of lognormal rows whose chance of a hit rises with the weight."""
    return [Case("WeightedShare, informative weights, n=400", "0.6020", _informative_shares)]


def informative_means() -> list[Case]:
    """The value rises with the logarithm of the weight."""
    return [Case("WeightedMean, informative weights, n=400", "1", _informative_means, NOMINAL, Limit(0.04))]


def _informative_shares(rng: Generator, trials: int) -> Drawn:
    points = norm.ppf((np.arange(100_000) + 0.5) / 100_000) + 1  # weighted by itself a lognormal weight's logarithm has the mean 1
    truth = float(np.mean(1 / (1 + np.exp(-(points - 0.5)))))
    for _ in range(trials):
        logs = rng.normal(0, 1, 400)
        yield WeightedShare.of(rng.random(400) < 1 / (1 + np.exp(-(logs - 0.5))), np.exp(logs)), truth


def _informative_means(rng: Generator, trials: int) -> Drawn:
    for _ in range(trials):
        logs = rng.normal(0, 1, 400)
        yield WeightedMean.of(logs + rng.normal(size=400), np.exp(logs)), 1.0


def heavy_roots() -> list[Case]:
    """Errors like Student's t with 3 degrees of freedom, and those of them that may pass: not where few rows hold half of the squares."""
    all_of_them = Case(
        "RootMeanSquare, t3 errors, n=1000", f"{math.sqrt(3):.4f}", partial(_heavy_roots, n=1000, only_passable=False), high=Limit(0.15)
    )
    return [
        all_of_them,
        *(
            Case(
                f"RootMeanSquare, t3 errors that may pass, n={n}",
                f"{math.sqrt(3):.4f}",
                partial(_heavy_roots, n=n, only_passable=True),
                high=Limit(most),
            )
            for n, most in ((1000, 0.05), (3000, 0.025))
        ),
    ]


def _heavy_roots(rng: Generator, trials: int, *, n: int, only_passable: bool) -> Drawn:
    for _ in range(trials):
        found = RootMeanSquare.of(rng.standard_t(3, n))
        yield found, found.value if only_passable and few_rows(found) else math.sqrt(3)
