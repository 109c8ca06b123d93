"""How often each end of an estimate without labels misses the true score of the window's population.

Run: python -m benchmarks.estimated_coverage [--fast]

Covariate shift without concept change: a class is as likely at a score in the window as in the reference. Nominal: 2.5 % an end.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from scipy.special import expit

from audit.checks.performance._expected_scores import Rows, expected_score, value

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.checks.performance._expected_scores import Metric

    Draw: TypeAlias = Callable[[Generator, int, float], tuple[Rows, NDArray[np.float64]]]

METRICS: tuple[Metric, ...] = ("accuracy", "f1", "precision", "recall", "roc_auc")
MANY = 200_000


def plain(rng: Generator, n: int, mean: float) -> tuple[Rows, NDArray[np.float64]]:
    """Scores that are the true probabilities."""
    p = expit(rng.normal(mean, 1.5, n))[:, None]
    return Rows(p, p >= 0.5), p  # noqa: PLR2004  # the usual threshold


def overconfident(rng: Generator, n: int, mean: float) -> tuple[Rows, NDArray[np.float64]]:
    """Scores whose log odds are three times too large."""
    p = expit(rng.normal(mean, 1.5, n))[:, None]
    score = p**3 / (p**3 + (1 - p) ** 3)
    return Rows(score, score >= 0.5), p  # noqa: PLR2004  # the usual threshold


def customers(rng: Generator, n: int, mean: float) -> tuple[Rows, NDArray[np.float64]]:
    """Rows of 20 customers who differ, one of whom has a third of the rows."""
    who = np.where(rng.random(n) < 1 / 3, 0, rng.integers(1, 20, n))
    x, own = rng.normal(mean, 1.2, n), rng.normal(0, 0.7, 20)
    score = expit(x)[:, None]
    code = rng.integers(0, 2**20) * 20 + who  # other customers in every sample
    return Rows(score, score >= 0.5, np.unique(code, return_inverse=True)[1]), expit(x + own[who])[:, None]  # noqa: PLR2004


CASES: dict[str, tuple[Draw, int, int, float, float]] = {
    "balanced": (plain, 2000, 500, 0.0, 0.0),
    "covariate shift": (plain, 2000, 500, 0.0, 1.5),
    "strong shift": (plain, 1000, 500, -1.0, 2.5),
    "rare class": (plain, 2000, 500, -4.0, -4.0),
    "rare class, shift": (plain, 2000, 500, -4.0, -2.5),
    "tiny window": (plain, 2000, 30, 0.0, 0.0),
    "tiny window, shift": (plain, 2000, 30, 0.0, 1.5),
    "both tiny": (plain, 200, 30, 0.0, 1.0),
    "confident model": (plain, 2000, 500, 5.0, 5.0),
    "confident model, shift": (plain, 2000, 500, 5.0, 4.0),
    "overconfident scores": (overconfident, 2000, 500, 0.0, 1.0),
    "dominant customer": (customers, 1000, 400, 0.0, 0.5),
}


def truth(draw: Draw, metric: Metric, mean: float) -> float:
    """The score of very many rows; of customers, of very many of them."""
    if draw is customers:
        rng = np.random.default_rng(1)
        x = rng.normal(mean, 1.2, MANY)
        score = expit(x)[:, None]
        return value(metric, expit(x + rng.normal(0, 0.7, MANY))[:, None], Rows(score, score >= 0.5))  # noqa: PLR2004
    rows, p = draw(np.random.default_rng(1), MANY, mean)
    return value(metric, p, rows)


def line(name: str, metric: Metric, trials: int) -> str:
    """Misses of both ends and the mean width."""
    draw, m, n, then, now = CASES[name]
    true, misses, width, counted = truth(draw, metric, now), np.zeros(2), 0.0, 0
    for seed in range(trials):
        rng = np.random.default_rng([seed, m, n])
        (reference, p), (window, _) = draw(rng, m, then), draw(rng, n, now)
        if reference.clusters is not None and window.clusters is not None:
            window = Rows(window.score, window.called, window.clusters + int(reference.clusters.max()) + 1)
        try:
            found = expected_score(metric, reference, rng.random(p.shape) < p, window)
        except ValueError:
            continue  # no row is predicted to be of the class
        low, high = found.bounds(0.025, 0.025)
        misses += [low > true, high < true]
        width, counted = width + high - low, counted + 1
    below, above = misses / max(1, counted)
    return f"{name:24}  {metric:10}  {true:6.3f}  {below:9.1%}  {above:9.1%}  {width / max(1, counted):7.3f}  {counted:6}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="20 trials of each")
    trials = 20 if parser.parse_args().fast else 400
    print(f"{'case':24}  {'metric':10}  {'truth':>6}  {'low > it':>9}  {'high < it':>9}  {'width':>7}  {'trials':>6}")
    for name in CASES:
        for metric in METRICS:
            print(line(name, metric, trials), flush=True)


if __name__ == "__main__":
    main()
