"""Two groups answered by two models: how much wider the gap between them is after than before."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from audit.stats import Amplification, GapChange, PairedDifference
from benchmarks.populations.case import Case
from benchmarks.trials import Limit

if TYPE_CHECKING:
    from numpy.random import Generator

    from benchmarks.populations.case import Drawn

Cells = tuple[float, float, float, float]
"""Chances that both models give the class, only the later one, only the earlier one, neither."""
WORLDS: dict[str, tuple[Cells, Cells]] = {
    "no gap at all": ((0.25, 0.05, 0.05, 0.65), (0.25, 0.05, 0.05, 0.65)),
    "the same gap": ((0.45, 0.05, 0.05, 0.45), (0.25, 0.05, 0.05, 0.65)),
    "a wider gap": ((0.40, 0.15, 0.05, 0.40), (0.20, 0.02, 0.10, 0.68)),
    "turned round": ((0.30, 0.02, 0.20, 0.48), (0.28, 0.17, 0.02, 0.53)),
}


def gap_changes() -> list[Case]:
    """As any paired difference: at most 3 % at an end."""
    return [
        Case(f"GapChange, n={n}", name, partial(_changes, n=n, cells=cells), Limit(0.03), Limit(0.03))
        for n in (100, 500)
        for name, cells in WORLDS.items()
    ]


def amplifications() -> list[Case]:
    """The upper end is that of two, each at half its level, so that it never misses more often."""
    return [
        Case(f"Amplification, n={n}", name, partial(_amplified, n=n, cells=cells), Limit(0.03), Limit(0.03))
        for n in (100, 500)
        for name, cells in WORLDS.items()
    ]


def change(row: list[int]) -> PairedDifference:
    """Later minus earlier share."""
    both, later, earlier, neither = row
    return PairedDifference(both, later, earlier, neither)


def total(row: list[int]) -> PairedDifference:
    """Later share minus the share that the earlier model does not give the class."""
    both, later, earlier, neither = row
    return PairedDifference(later, both, neither, earlier)


def _drawn(rng: Generator, trials: int, n: int, cells: tuple[Cells, Cells]) -> list[tuple[list[int], list[int]]]:
    first, second = (rng.multinomial(n, each, trials).tolist() for each in cells)
    return list(zip(first, second, strict=True))


def _gaps(cells: tuple[Cells, Cells]) -> tuple[float, float]:
    """Later and earlier gap."""
    first, second = cells
    return first[0] + first[1] - second[0] - second[1], first[0] + first[2] - second[0] - second[2]


def _changes(rng: Generator, trials: int, *, n: int, cells: tuple[Cells, Cells]) -> Drawn:
    later, earlier = _gaps(cells)
    return ((GapChange(change(a), change(b)), later - earlier) for a, b in _drawn(rng, trials, n, cells))


def _amplified(rng: Generator, trials: int, *, n: int, cells: tuple[Cells, Cells]) -> Drawn:
    later, earlier = _gaps(cells)
    for a, b in _drawn(rng, trials, n, cells):
        yield Amplification(GapChange(change(a), change(b)), GapChange(total(a), total(b))), later - abs(earlier)
