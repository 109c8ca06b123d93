"""Known populations from which `coverage` draws: for every kind of estimate a grid of sizes and true values."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import numpy as np
from scipy.stats import ks_2samp, norm

from audit.stats import (
    Auc,
    CalibrationError,
    Census,
    Confusion,
    Difference,
    KolmogorovSmirnov,
    Mean,
    MeanDiscrepancy,
    PairedAuc,
    PairedConfusion,
    PairedDifference,
    Proportion,
    Quantile,
    Ratio,
    StabilityIndex,
)
from benchmarks.exact import difference_misses, ratio_misses, share_misses
from benchmarks.trials import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.random import Generator
    from numpy.typing import NDArray

    from audit.stats import Estimate
    from audit.stats.scores import Metric

    Drawn: TypeAlias = Iterator[tuple[Estimate, float]]
    Draw: TypeAlias = Callable[[Generator, int], Drawn]

ALPHA = 0.025
NOMINAL = Limit(ALPHA)
PEOPLE = 80
"""Entities of the clustered cases, of one to seven rows each."""


@dataclass(frozen=True, slots=True)
class Case:
    """A population, how an estimate is drawn from it, and what its ends may miss."""

    name: str
    truth: str
    """For the reader."""
    draw: Draw
    """So many estimates, each with the true value."""
    low: Limit = NOMINAL
    high: Limit = NOMINAL
    trials: int = 2000
    alpha: float = ALPHA


@cache
def by_kind() -> dict[str, list[Case]]:
    """Every case by the kind of its estimate."""
    return {
        "Proportion": proportions(),
        "Difference": differences(),
        "Ratio": ratios(),
        "PairedDifference": paired(),
        "PairedAuc": [
            Case("PairedAuc, 100 and 300 rows", f"{a} - {b}", partial(_two_areas, areas=(a, b))) for a, b in ((0.8, 0.8), (0.9, 0.8))
        ],
        "PairedConfusion": [
            Case(f"PairedConfusion, {metric}, n=400", "0", partial(_two_tables, metric=metric), Limit(0.03), Limit(0.03), 400)
            for metric in ("f1", "mcc")
        ],
        "Quantile": [
            Case(f"Quantile, {share:g} of exponential, n={n}", f"{-math.log(1 - share):.2f}", partial(_quantiles, n=n, share=share))
            for n in (100, 1000)
            for share in (0.5, 0.95)
        ],
        "Auc": areas(),
        "Confusion": tables(),
        "Mean": means(),
        "CalibrationError": calibrations(),
        "KolmogorovSmirnov": distances(),
        "StabilityIndex": indices(),
        "MeanDiscrepancy": discrepancies(),
        "Census": [Case("Census, 500 rows", "3", lambda _, trials: ((Census(3, 500), 3.0) for _ in range(trials)), Limit(0), Limit(0), 50)],
    }


def proportions() -> list[Case]:
    """Rows that are hits or not; at corrected levels too, and with entities."""
    found = []
    for n in (30, 100, 500, 5000):
        for p in (0.5, 0.8, 0.9, 0.98):
            for alpha in (ALPHA, ALPHA / 10):
                low, high = share_misses(n, p, alpha)
                draw = partial(_shares, n=n, p=p)
                found.append(Case(f"Proportion, n={n}", f"{p}", draw, Limit(low, "="), Limit(high, "="), 20_000, alpha))
    for share in (0.7, 0.9):
        draw = partial(_people, share=share)
        found.append(Case(f"Proportion, {PEOPLE} entities", f"{share}", draw, Limit(0.03), Limit(0.03)))
    return found


@lru_cache(maxsize=100_000)
def _share(hits: int, n: int) -> Proportion:
    return Proportion(hits, n)


def _shares(rng: Generator, trials: int, *, n: int, p: float) -> Drawn:
    return ((_Known(_share(hits, n)), p) for hits in rng.binomial(n, p, trials).tolist())


@dataclass(frozen=True, slots=True)
class _Known:
    """An estimate whose ends are computed once for each outcome."""

    behind: Proportion | Difference | Ratio
    least: ClassVar[int] = 1

    @property
    def value(self) -> float:
        return self.behind.value

    @property
    def n(self) -> int:
        return self.behind.n

    @property
    def support(self) -> float:
        return self.behind.support

    @property
    def method(self) -> str:
        return self.behind.method

    def bounds(self, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
        return _ends(self.behind, lower_alpha, upper_alpha)


@lru_cache(maxsize=100_000)
def _ends(estimate: Proportion | Difference | Ratio, lower_alpha: float, upper_alpha: float) -> tuple[float, float]:
    return estimate.bounds(lower_alpha, upper_alpha)


def _sizes(rng: Generator) -> NDArray[np.int64]:
    """The entity of each row."""
    return np.repeat(np.arange(PEOPLE), rng.integers(1, 8, PEOPLE))


def _people(rng: Generator, trials: int, *, share: float) -> Drawn:
    """Rows of one person are hits with that person's own chance."""
    for _ in range(trials):
        person = _sizes(rng)
        yield Proportion.of(rng.random(len(person)) < rng.beta(2 * share, 2 - 2 * share, PEOPLE)[person], person), share


def differences() -> list[Case]:
    """Two independent samples."""
    found = []
    for n, m in ((30, 50), (100, 100), (400, 250)):
        for p, q in ((0.5, 0.5), (0.35, 0.25), (0.92, 0.85)):
            low, high = difference_misses(n, m, p, q)
            draw = partial(_pairs, kind=Difference, sizes=(n, m), rates=(p, q))
            found.append(Case(f"Difference, {n} and {m} rows", f"{p} - {q}", draw, Limit(low, "="), Limit(high, "="), 10_000))
    return found


def ratios() -> list[Case]:
    """Two independent samples."""
    found = []
    for n, m in ((30, 50), (100, 100), (250, 250)):
        for p, q in ((0.3, 0.3), (0.24, 0.30), (0.85, 0.92)):
            low, high = ratio_misses(n, m, p, q)
            draw = partial(_pairs, kind=Ratio, sizes=(n, m), rates=(p, q))
            found.append(Case(f"Ratio, {n} and {m} rows", f"{p} / {q}", draw, Limit(low, "=", 0.001), Limit(high, "=", 0.001), 10_000))
    return found


def _pairs(rng: Generator, trials: int, *, kind: type[Difference | Ratio], sizes: tuple[int, int], rates: tuple[float, float]) -> Drawn:
    truth = rates[0] - rates[1] if kind is Difference else rates[0] / rates[1]
    hits = zip(rng.binomial(sizes[0], rates[0], trials).tolist(), rng.binomial(sizes[1], rates[1], trials).tolist(), strict=True)
    return ((_Known(kind(_share(x, sizes[0]), _share(y, sizes[1]))), truth) for x, y in hits)


def paired() -> list[Case]:
    """Two models on the same rows: never more misses than promised at an end that shows a difference, 3 % at the other."""
    return [
        Case(f"PairedDifference, n={n}", f"{more} - {fewer}", partial(_paired, n=n, apart=(more, fewer)), Limit(0.03), Limit(0.03), 5000)
        for n in (100, 500, 2000)
        for more, fewer in ((0.05, 0.05), (0.08, 0.02), (0.2, 0.1))
    ]


def _paired(rng: Generator, trials: int, *, n: int, apart: tuple[float, float]) -> Drawn:
    more, fewer = apart
    for row in rng.multinomial(n, [0.6, more, fewer, 0.4 - more - fewer], trials).tolist():
        yield PairedDifference(*row), more - fewer


def _two_areas(rng: Generator, trials: int, *, areas: tuple[float, float]) -> Drawn:
    """Both scores of a row share half of their variance."""
    positive = np.arange(400) < 100  # noqa: PLR2004  # a quarter
    shifts = [float(norm.ppf(area)) * math.sqrt(2) for area in areas]
    for _ in range(trials):
        shared = rng.normal(size=400)
        first, second = ((shared + rng.normal(size=400)) / math.sqrt(2) + positive * shift for shift in shifts)
        yield PairedAuc.of(positive, first, second), areas[0] - areas[1]


def _two_tables(rng: Generator, trials: int, *, metric: Metric) -> Drawn:
    """Two models that are right equally often, together or not."""
    for _ in range(trials):
        true = (rng.random(400) < 0.4).astype(np.int64)  # noqa: PLR2004  # a base rate
        shared = rng.random(400) < 0.7  # noqa: PLR2004  # rows on which both do the same
        first = rng.random(400) < 0.85  # noqa: PLR2004  # right
        second = np.where(shared, first, rng.random(400) < 0.85)  # noqa: PLR2004
        models = [np.where(right, true, 1 - true) for right in (first, second)]
        yield PairedConfusion.of(true, *models, metric=metric), 0.0


def _quantiles(rng: Generator, trials: int, *, n: int, share: float) -> Drawn:
    return ((Quantile.of(rng.exponential(size=n), share), -math.log(1 - share)) for _ in range(trials))


def areas() -> list[Case]:
    """Normal scores; DeLong's interval on the logit scale alone misses up to .07 at the lower end (area .95, 30 positives)."""
    grid = [(30, 300), (50, 50), (150, 350)]
    found = [
        Case(f"Auc, {a} against {b} rows", f"{area}", partial(_areas, sizes=(a, b), area=area))
        for a, b in grid
        for area in (0.6, 0.8, 0.95)
    ]
    spread = partial(_areas, sizes=(60, 240), area=0.8, spread=1.6)
    return [
        *found,
        Case("Auc, 60 against 240, positives spread wider", "0.8", spread),
        Case("Auc, 60 + 60 entities of 3", "0.8", _area_people),
    ]


def _areas(rng: Generator, trials: int, *, sizes: tuple[int, int], area: float, spread: float = 1.0) -> Drawn:
    positive = np.arange(sum(sizes)) < sizes[0]
    shift = float(norm.ppf(area)) * math.sqrt(1 + spread**2)
    for _ in range(trials):
        yield Auc.of(positive, rng.normal(positive * shift, np.where(positive, spread, 1.0))), area


def _area_people(rng: Generator, trials: int) -> Drawn:
    """Half of the score's variance is the entity's."""
    person, shift = np.repeat(np.arange(120), 3), float(norm.ppf(0.8)) * math.sqrt(2)
    for _ in range(trials):
        score = (rng.normal(size=120)[person] + rng.normal(size=360)) / math.sqrt(2)
        yield Auc.of(person < 60, score + (person < 60) * shift, person), 0.8  # noqa: PLR2004  # half the entities


def tables() -> list[Case]:
    """Two, three and ten classes; with a rare one balanced accuracy misses a little more often than promised (docs/adr/0004)."""
    grid: list[tuple[str, list[float], list[float], int, Limit]] = [
        ("f1", [0.5, 0.5], [0.9, 0.9], 100, NOMINAL),
        ("f1", [0.9, 0.1], [0.99, 0.95], 300, NOMINAL),
        ("f1", [0.6, 0.3, 0.1], [0.97, 0.95, 0.95], 300, NOMINAL),
        ("f1", [0.1] * 10, [0.93] * 10, 600, NOMINAL),
        ("precision", [0.8, 0.2], [0.95, 0.8], 400, NOMINAL),
        ("precision", [0.6, 0.3, 0.1], [0.9, 0.8, 0.8], 1000, NOMINAL),
        ("balanced_accuracy", [0.5, 0.5], [0.8, 0.9], 200, NOMINAL),
        ("balanced_accuracy", [0.9, 0.1], [0.95, 0.8], 300, Limit(0.03)),
    ]
    return [
        Case(
            f"Confusion, {metric}, {len(right)} classes, n={n}",
            f"right {right[0]}",
            partial(_tables, metric=metric, law=_law(shares, right), n=n),
            limit,
            limit,
            1000,
        )
        for metric, shares, right, n, limit in grid
    ]


def _law(shares: list[float], right: list[float]) -> NDArray[np.float64]:
    """(k, k) chances of the cells: a class's errors go to the others evenly."""
    k = len(shares)
    return np.array(
        [[s * (r if i == j else (1 - r) / (k - 1)) for j in range(k)] for i, (s, r) in enumerate(zip(shares, right, strict=True))]
    )


def _tables(rng: Generator, trials: int, *, metric: str, law: NDArray[np.float64], n: int) -> Drawn:
    truth = Confusion((tuple(np.rint(law * 10**8).astype(np.int64).ravel().tolist()),), metric).value  # type: ignore[arg-type]
    for row in rng.multinomial(n, law.ravel() / law.sum(), trials).tolist():
        yield Confusion((tuple(row),), metric), truth  # type: ignore[arg-type]


def means() -> list[Case]:
    """Losses: normal, exponential (upper end at most 3 % at 100, docs/adr/0004), log-normal, and with entities."""
    found = [
        Case(f"Mean, normal, n={n}", "1", partial(_means, law="normal", n=n), Limit(ALPHA, "=", 0.001), Limit(ALPHA, "=", 0.001), 20_000)
        for n in (50, 500)
    ]
    found += [
        Case(f"Mean, exponential, n={n}", "1", partial(_means, law="exponential", n=n), NOMINAL, Limit(most), 10_000)
        for n, most in ((100, 0.03), (500, 0.026), (2000, 0.026))
    ]
    found += [Case("Mean, log loss of a model, n=300", "0.5", partial(_means, law="log", n=300), NOMINAL, Limit(0.028), 10_000)]
    return [*found, Case(f"Mean, {PEOPLE} entities", "1", _mean_people, Limit(0.028), Limit(0.028), 5000)]


def _means(rng: Generator, trials: int, *, law: str, n: int) -> Drawn:
    for _ in range(trials):
        if law == "log":  # a calibrated probability of the class that came to be
            said = rng.random(n)
            yield Mean.of(-np.log(np.where(rng.random(n) < said, said, 1 - said)), low=0.0), 0.5
        else:
            yield Mean.of(rng.normal(1, 1, n) if law == "normal" else rng.exponential(size=n)), 1.0


def _mean_people(rng: Generator, trials: int) -> Drawn:
    for _ in range(trials):
        person = _sizes(rng)
        yield Mean.of(rng.normal(1, 1, PEOPLE)[person] + rng.normal(0, 0.5, len(person)), person), 1.0


def calibrations() -> list[Case]:
    """A perfect model, and over- and underconfident ones: conservative at both ends."""
    return [
        Case(
            f"CalibrationError, n={n}",
            {1.0: "0", 0.6: "overconfident", 1.6: "underconfident"}[steep],
            partial(_calibrations, n=n, steep=steep),
            trials=400,
        )
        for n in (200, 1000)
        for steep in (1.0, 0.6, 1.6)
    ]


def _calibrations(rng: Generator, trials: int, *, n: int, steep: float) -> Drawn:
    """Says p where logit(p) times `steep` is true; the truth is the error over the bins that it got."""
    for _ in range(trials):
        said = np.sort(rng.beta(2, 1, n))
        true = said**steep / (said**steep + (1 - said) ** steep)
        estimate = CalibrationError.of(said, rng.random(n) < true, rng)
        ends = np.cumsum([share.n for share in estimate.observed])[:-1]
        yield estimate, float(sum(abs(part.sum()) for part in np.split(said - true, ends)) / n)


def distances() -> list[Case]:
    """Exact in the limit without a change, else conservative."""
    return [
        Case(f"KolmogorovSmirnov, {n} and {m} rows", f"{2 * norm.cdf(shift / 2) - 1:.2f}", partial(_distances, sizes=(n, m), shift=shift))
        for n, m in ((50, 50), (400, 100), (1000, 1000))
        for shift in (0.0, 0.5, 1.5)
    ]


def _distances(rng: Generator, trials: int, *, sizes: tuple[int, int], shift: float) -> Drawn:
    truth = float(2 * norm.cdf(shift / 2) - 1)
    for _ in range(trials):
        a, b = rng.normal(size=sizes[0]), rng.normal(shift, size=sizes[1])
        yield KolmogorovSmirnov(float(ks_2samp(a, b, method="asymp").statistic), *sizes), truth


def indices() -> list[Case]:
    """Exact near no drift; far from it the law is an approximation, and an end misses up to 3.5 %."""
    found = [
        Case(f"StabilityIndex, 10 bins, {n} rows a side", "0", partial(_indices, n=n, tilt=0.0), NOMINAL, Limit(0), 5000)
        for n in (200, 1000, 10_000)
    ]
    return found + [
        Case(
            f"StabilityIndex, 10 bins, {n} rows a side", f"tilt {tilt}", partial(_indices, n=n, tilt=tilt), Limit(0.035), Limit(0.035), 5000
        )
        for n, tilt in ((300, 0.5), (1000, 1.0), (5000, 0.3))
    ]


def _indices(rng: Generator, trials: int, *, n: int, tilt: float) -> Drawn:
    shares = np.exp(tilt * np.linspace(-1, 1, 10))
    shares /= shares.sum()
    truth = float(((0.1 - shares) * np.log(0.1 / shares)).sum())
    for a, b in zip(rng.multinomial(n, [0.1] * 10, trials), rng.multinomial(n, shares, trials), strict=True):
        p, q = (a + 0.5) / (n + 5), (b + 0.5) / (n + 5)
        yield StabilityIndex(float(((p - q) * np.log(p / q)).sum()), 10, n, n), truth


def discrepancies() -> list[Case]:
    """Normal errors in twenty dimensions of which the kernel's space is the plain one."""
    return [Case("MeanDiscrepancy, 20 dimensions, n=200", f"{far**2:.2f}", partial(_discrepancies, far=far)) for far in (0.0, 0.3, 1.0)]


def _discrepancies(rng: Generator, trials: int, *, far: float) -> Drawn:
    n, dims = 200, 20
    step, there = math.sqrt(2 / n), np.zeros(dims)
    there[0] = far
    for _ in range(trials):
        gap = rng.normal(there, step)
        norms = np.sort(np.linalg.norm(rng.normal(0, step, (1000, dims)), axis=1))
        yield MeanDiscrepancy(float(gap @ gap) - dims * step**2, float(np.linalg.norm(gap)), tuple(norms.tolist()), n, n), far**2
