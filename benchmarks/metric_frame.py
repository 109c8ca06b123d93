"""Five metrics by two sensitive features with intervals: fairlearn's bootstrap against the checks of the catalogue, in one run.

Run: python -m benchmarks.metric_frame [--fast] [--write docs/verdict.md]

1. 100,000 rows, accuracy, selection rate, true and false positive rate and precision, of the groups by sex and region. The point values
   agree to 1e-12, and so does the largest gap of four of them. The time of `MetricFrame(n_boot=100)` is divided by that of the five
   checks, which is the best of several runs and covers everything from the table to the interval of every group and of every pair of
   groups.
2. Populations without any gap: how often each interval of the selection rates' largest gap covers the true gap of 0. fairlearn
   bootstraps the largest difference itself; ours is the deciding interval of the worst ordered pair.

A difference in the point values, a ratio of times under 500 or a coverage of ours under 95 % (three Monte-Carlo errors allowed) is
marked, and the exit code is then 1. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from typing import TYPE_CHECKING

import numpy as np

from audit.decision.judge import deciding_interval
from benchmarks import by_group
from benchmarks.by_group import ALPHA, Rows
from benchmarks.page import options, replace_table
from benchmarks.trials import Progress, percent, table

if TYPE_CHECKING:
    from numpy.random import Generator

METRICS = ("accuracy", "selection_rate", "true_positive_rate", "false_positive_rate", "precision")
FAMILY = ("sex", "region")
TIMES = 500
SAME = 1e-12
"""Largest difference of point values."""
BOOT = 100


def drawn(n: int, rng: Generator) -> Rows:
    """Labels and predictions that know nothing of either feature."""
    y_true = rng.random(n) < 0.3  # noqa: PLR2004  # a base rate
    y_pred = rng.random(n) < np.where(y_true, 0.8, 0.1)
    return Rows(y_true, y_pred, {"sex": rng.choice(["female", "male"], n), "region": rng.choice(["east", "north", "south"], n)})


def ours(rows: Rows) -> int:
    """How many intervals the five checks have."""
    return by_group.intervals(by_group.ours(rows, [FAMILY], metrics=METRICS))


def holds_zero(rows: Rows, *, boot: int) -> tuple[bool, bool]:
    """Whether fairlearn's and our interval of the largest gap in selection rates hold 0."""
    reference = by_group.theirs(rows, FAMILY, metrics=["selection_rate"], boot=boot)
    low, high = (float(one["selection_rate"]) for one in reference.difference_ci())
    found = by_group.ours(rows, [FAMILY], metrics=["selection_rate"])["selection_rate"]
    our_low, our_high = deciding_interval(found.members, ALPHA, floor=False)
    return low <= 0 <= high, our_low <= 0 <= our_high


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given = options(parser, "metric_frame", fast="2,000 rows, 5 populations; the ratio of times is not judged")
    fast = given.fast
    n, populations = (2_000, 5) if fast else (100_000, 40)
    progress = Progress(2 + math.ceil(populations / 20))
    rows = drawn(n, np.random.default_rng(1))
    progress.step(f"fairlearn, {n:,} rows, {BOOT} resamples")
    started = time.perf_counter()
    reference = by_group.theirs(rows, FAMILY, metrics=METRICS, boot=BOOT)
    their_seconds = time.perf_counter() - started
    progress.step("ours")
    seconds = []
    for _ in range(7):
        started = time.perf_counter()
        intervals = ours(rows)
        seconds.append(time.perf_counter() - started)
    away, times = by_group.largest_difference(by_group.ours(rows, [FAMILY], metrics=METRICS), [reference]), their_seconds / min(seconds)
    lines = [
        ("fairlearn, n_boot=100", f"{their_seconds:.2f}", "percentile bootstrap"),
        (f"audit, {len(METRICS)} checks", f"{min(seconds):.4f}", f"{intervals} closed forms"),
    ]
    broken = (away > SAME) + (times < TIMES and not fast)
    held = []
    for i in range(populations):
        if i % 20 == 0:
            progress.step(f"population {i + 1} of {populations} without a gap")
        held.append(holds_zero(drawn(1200, np.random.default_rng([2, i])), boot=BOOT))
    their_share, our_share = np.mean(held, axis=0).tolist()
    broken += our_share < 1 - 2 * ALPHA - 3 * math.sqrt(2 * ALPHA / populations)
    shares = [("fairlearn, difference_ci", percent(their_share)), ("audit, worst ordered pair", percent(our_share))]
    text = f"""{n:,} rows, {len(METRICS)} metrics, {len(reference.by_group)} groups by two features

{table(("side", "seconds", "intervals"), lines)}

ratio of times {times:,.0f} (asked: {TIMES}); largest difference of point values {away:.1e}

True gap of 0 in {populations} populations, 1,200 rows each: share of 95 % intervals that hold it, in percent

{table(("side", "coverage"), shares)}

{broken} limits broken; {progress.seconds():.0f} s"""
    print(text)
    if given.write:
        replace_table(given.write, "metric_frame", text)
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
