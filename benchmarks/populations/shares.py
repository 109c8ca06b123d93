"""Proportions, and two of them compared: on two samples, and on the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, ClassVar

from audit.stats import Difference, PairedDifference, Proportion, Ratio
from benchmarks.exact import difference_misses, ratio_misses, share_misses
from benchmarks.populations.case import ALPHA, PEOPLE, Case, people
from benchmarks.trials import Limit

if TYPE_CHECKING:
    from numpy.random import Generator

    from benchmarks.populations.case import Drawn


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
    min_support: ClassVar[int] = 1

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


def _people(rng: Generator, trials: int, *, share: float) -> Drawn:
    """Rows of one person are hits with that person's own chance."""
    for _ in range(trials):
        person = people(rng)
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
