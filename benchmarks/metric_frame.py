"""Five metrics by two sensitive features with intervals: fairlearn's bootstrap against ours, in one run.

Run: python -m benchmarks.metric_frame [--fast]

1. 100,000 rows, accuracy, selection rate, true and false positive rate and precision, of all rows and of the groups by sex and
   region: the same point values to 1e-12; the time of `MetricFrame(n_boot=100)` over that of ours, which is the best of several and
   gives the interval of every metric, group and pair of groups.
2. Populations without any gap: how often each interval of the selection rates' largest gap holds the true gap of 0. fairlearn
   bootstraps the largest difference itself; ours is the deciding interval of the worst ordered pair.

A difference in the point values, a ratio of times under 500 or a coverage of ours under 95 % (three Monte-Carlo errors allowed) is
marked, and the exit code is then 1. Seeds are fixed.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.evidence import Member, Pair, Slice
from audit.judge import deciding_interval
from audit.measures.frame import Frame, Rate
from benchmarks.trials import Progress, percent, table

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

RATES: tuple[Rate, ...] = ("accuracy", "selection_rate", "true_positive_rate", "false_positive_rate", "precision")
ALPHA = 0.025
TIMES = 500
SAME = 1e-12
"""Largest difference of point values."""
BOOT = 100


@dataclass(frozen=True, slots=True)
class Rows:
    """A classified sample with two sensitive features."""

    y_true: NDArray[np.bool_]
    y_pred: NDArray[np.bool_]
    sex: NDArray[np.str_]
    region: NDArray[np.str_]

    @classmethod
    def drawn(cls, n: int, rng: Generator) -> Rows:
        """Labels and predictions that know nothing of either feature."""
        y_true = rng.random(n) < 0.3  # noqa: PLR2004  # a base rate
        y_pred = rng.random(n) < np.where(y_true, 0.8, 0.1)
        return cls(y_true, y_pred, rng.choice(["female", "male"], n), rng.choice(["east", "north", "south"], n))


def theirs(rows: Rows, *, metrics: tuple[str, ...] = RATES, boot: int = BOOT) -> Any:
    """The frame of fairlearn with percentile intervals."""
    import pandas as pd
    from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import accuracy_score, precision_score

    functions = dict(zip(RATES, (accuracy_score, selection_rate, true_positive_rate, false_positive_rate, precision_score), strict=True))
    return MetricFrame(
        metrics={name: functions[name] for name in metrics},
        y_true=rows.y_true.astype(int),
        y_pred=rows.y_pred.astype(int),
        sensitive_features=pd.DataFrame({"sex": rows.sex, "region": rows.region}),
        n_boot=boot,
        ci_quantiles=[ALPHA, 1 - ALPHA],
        random_state=1,
    )


def ours(rows: Rows) -> tuple[Frame, int]:
    """Our frame, and how many intervals came of it: every metric of all rows, of each group, and of each ordered pair of groups."""
    frame = Frame.of(rows.y_true, rows.y_pred, [rows.sex, rows.region])
    estimates = [one for rate in RATES for one in (frame.overall(rate), *frame.by_group(rate), *frame.gaps(rate)) if one is not None]
    return frame, len([one.bounds(ALPHA, ALPHA) for one in estimates])


def largest_difference(frame: Frame, reference: Any) -> float:
    """Between the point values of both."""
    away = [0.0]
    for rate in RATES:
        whole = frame.overall(rate)
        away.append(abs((whole.value if whole else 0.0) - float(reference.overall[rate])))
        for group, share in zip(frame.groups, frame.by_group(rate), strict=True):
            away.append(abs((share.value if share else 0.0) - float(reference.by_group.loc[group, rate])))
        away.append(abs(max(gap.value for gap in frame.gaps(rate)) - float(reference.difference()[rate])))
    return max(away)


def holds_zero(rows: Rows, *, boot: int) -> tuple[bool, bool]:
    """Whether fairlearn's and our interval of the largest gap in selection rates hold 0."""
    low, high = (float(one["selection_rate"]) for one in theirs(rows, metrics=("selection_rate",), boot=boot).difference_ci())
    frame = Frame.of(rows.y_true, rows.y_pred, [rows.sex, rows.region])
    names = [Slice((("group", str(group)),)) for group in frame.groups]
    pairs = [Pair(one, other) for one in names for other in names if one is not other]
    members = [Member(pair, gap) for pair, gap in zip(pairs, frame.gaps("selection_rate"), strict=True)]
    our_low, our_high = deciding_interval(members, ALPHA, floor=False)
    return low <= 0 <= high, our_low <= 0 <= our_high


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fast", action="store_true", help="2,000 rows, 5 populations")
    fast = parser.parse_args().fast
    n, populations = (2_000, 5) if fast else (100_000, 40)
    progress = Progress(2 + math.ceil(populations / 20))
    rows = Rows.drawn(n, np.random.default_rng(1))
    progress.step(f"fairlearn, {n:,} rows, {BOOT} resamples")
    started = time.perf_counter()
    reference = theirs(rows)
    their_seconds = time.perf_counter() - started
    progress.step("ours")
    seconds = []
    for _ in range(7):
        started = time.perf_counter()
        frame, intervals = ours(rows)
        seconds.append(time.perf_counter() - started)
    away, times = largest_difference(frame, reference), their_seconds / min(seconds)
    print(f"{n:,} rows, {len(RATES)} metrics, {len(frame.groups)} groups by two features\n")
    lines = [
        ("fairlearn, n_boot=100", f"{their_seconds:.2f}", "percentile bootstrap"),
        ("audit", f"{min(seconds):.4f}", f"{intervals} closed forms"),
    ]
    print(table(("side", "seconds", "intervals"), lines))
    print(f"\nratio of times {times:,.0f} (asked: {TIMES}); largest difference of point values {away:.1e}\n")
    broken = (away > SAME) + (times < TIMES and not fast)
    held = []
    for i in range(populations):
        if i % 20 == 0:
            progress.step(f"population {i + 1} of {populations} without a gap")
        held.append(holds_zero(Rows.drawn(1200, np.random.default_rng([2, i])), boot=BOOT))
    their_share, our_share = np.mean(held, axis=0).tolist()
    broken += our_share < 1 - 2 * ALPHA - 3 * math.sqrt(2 * ALPHA / populations)
    print(f"True gap of 0 in {populations} populations, 1,200 rows each: share of 95 % intervals that hold it, in percent\n")
    print(
        table(("side", "coverage"), [("fairlearn, difference_ci", percent(their_share)), ("audit, worst ordered pair", percent(our_share))])
    )
    print(f"\n{broken} limits broken; {progress.seconds():.0f} s")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
