"""Twelve metrics of twenty slices with intervals: fairlearn's bootstrap against the checks of the catalogue, in one run, with memory.

Run: python -m benchmarks.fairness_speed [--fast]

300,000 rows with two sensitive columns: 2 groups, 6 groups and the 12 of their crossing are 20 slices. The values of each metric in all
slices, and of five metrics also the largest difference within each family, are compared with `MetricFrame(n_boot=100)`. Our time is
that of a user's audit: from a table of labels and predictions to the evidence of twelve checks and the interval of every member. A
difference over 1e-9 or a ratio of times under 100 is marked, and the exit code is then 1.

Memory is the peak of Python and numpy (tracemalloc), in a separate run that is not timed; fairlearn's uses two
resamples. The seed is fixed. fairlearn takes about an hour.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import by_group
from benchmarks.by_group import METRICS, Rows
from benchmarks.trials import Progress, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.random import Generator

TIMES = 100
SAME = 1e-9
BOOT = 100
FAMILIES = (("sex",), ("origin",), ("sex", "origin"))


def drawn(n: int, rng: Generator) -> Rows:
    """Groups of unequal size, of which one is found less often."""
    sex = rng.choice(["female", "male"], n, p=[0.45, 0.55])
    origin = rng.choice(list("abcdef"), n, p=[0.4, 0.2, 0.15, 0.1, 0.1, 0.05])
    y_true = rng.random(n) < np.where(sex == "female", 0.3, 0.35)
    y_pred = rng.random(n) < np.where(y_true, np.where(origin == "f", 0.7, 0.8), 0.1)
    return Rows(y_true, y_pred, {"sex": sex, "origin": origin})


def theirs(rows: Rows, *, boot: int) -> list[Any]:
    """One frame of fairlearn a family."""
    return [by_group.theirs(rows, family, metrics=list(METRICS), boot=boot) for family in FAMILIES]


def ours(rows: Rows) -> int:
    """How many intervals the twelve checks have."""
    return by_group.intervals(by_group.ours(rows, FAMILIES, metrics=list(METRICS)))


def seconds(work: Callable[[], Any], times: int) -> float:
    """The best of several."""
    found = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        found.append(time.perf_counter() - started)
    return min(found)


def megabytes(work: Callable[[], Any]) -> float:
    """Held at the highest point over what was held before."""
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    work()
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    return peak / 2**20


def main() -> None:
    """One table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="6,000 rows, 10 resamples; the ratio of times is not judged")
    fast = parser.parse_args().fast
    n, boot = (6_000, 10) if fast else (300_000, BOOT)
    rows, progress = drawn(n, np.random.default_rng(1)), Progress(3)
    progress.step(f"fairlearn, {n:,} rows, {boot} resamples")
    started = time.perf_counter()
    references = theirs(rows, boot=boot)
    slow = time.perf_counter() - started
    progress.step("ours")
    quick = seconds(lambda: ours(rows), 3)
    progress.step("memory")
    held = [megabytes(work) for work in (lambda: theirs(rows, boot=2), lambda: ours(rows))]
    slices = sum(len(reference.by_group) for reference in references)
    print(f"{n:,} rows, {len(METRICS)} metrics, {slices} slices of {len(FAMILIES)} families\n")
    lines = [
        (f"fairlearn MetricFrame, n_boot={boot}", f"{slow:.2f}", f"{held[0]:.0f}", "percentile bootstrap"),
        (f"audit, {len(METRICS)} checks", f"{quick:.2f}", f"{held[1]:.0f}", f"{ours(rows):,}, each at any level"),
    ]
    print(table(("", "seconds", "MiB", "intervals"), lines))
    away = by_group.largest_difference(by_group.ours(rows, FAMILIES, metrics=list(METRICS)), references)
    holds = away <= SAME and (fast or slow / quick >= TIMES)
    print(f"\nlargest difference of values: {away:.1e} (at most {SAME:.0e})")
    print(f"times faster: {slow / quick:,.0f} (at least {TIMES})" + ("" if holds else "   OUTSIDE"))
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
