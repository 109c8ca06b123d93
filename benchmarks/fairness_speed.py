"""Twelve rates of twenty slices with intervals: fairlearn's bootstrap against ours, in one run, with the memory of both.

Run: python -m benchmarks.fairness_speed [--fast]

300,000 rows with two sensitive columns: 2 groups, 6 groups and the 12 of their crossing are 20 slices. Of each rate the values of
all slices and the largest difference within each family are held against `MetricFrame(n_boot=100)`. Ours gives the interval of
every rate of every slice and of every ordered pair within a family. Twelve checks' own way, from a table to evidence with all its
intervals, is timed beside it. A difference over 1e-9 or either ratio of times under 100 is marked, and the exit code is then 1.

Memory is what Python and numpy hold at the highest point (tracemalloc), in a run of its own that is not timed, fairlearn's with two
resamples. The seed is fixed.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.measures.frame import RATES, Frame
from benchmarks.trials import Progress, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.random import Generator
    from numpy.typing import NDArray

ALPHA = 0.025
TIMES = 100
SAME = 1e-9
BOOT = 100
FAMILIES = (("sex",), ("origin",), ("sex", "origin"))
CHECKS = (
    "fairness/demographic_parity_difference",
    "fairness/demographic_parity_ratio",
    "fairness/equal_opportunity_difference",
    "fairness/equal_opportunity_ratio",
    "fairness/equalized_odds_difference",
    "fairness/equalized_odds_ratio",
    "fairness/average_odds_difference",
    "fairness/false_positive_rate_difference",
    "fairness/false_negative_rate_difference",
    "fairness/predictive_parity_difference",
    "fairness/impact_ratio",
    "fairness/mean_difference",
)


@dataclass(frozen=True, slots=True)
class Rows:
    """A classified sample with two sensitive columns of 2 and 6 groups."""

    y_true: NDArray[np.bool_]
    y_pred: NDArray[np.bool_]
    columns: dict[str, NDArray[np.str_]]

    @classmethod
    def drawn(cls, n: int, rng: Generator) -> Rows:
        """Groups of unequal size, of which one is found less often."""
        sex = rng.choice(["female", "male"], n, p=[0.45, 0.55])
        origin = rng.choice(list("abcdef"), n, p=[0.4, 0.2, 0.15, 0.1, 0.1, 0.05])
        y_true = rng.random(n) < np.where(sex == "female", 0.3, 0.35)
        y_pred = rng.random(n) < np.where(y_true, np.where(origin == "f", 0.7, 0.8), 0.1)
        return cls(y_true, y_pred, {"sex": sex, "origin": origin})


def functions() -> dict[str, Callable[..., float]]:
    """The same rates by fairlearn and scikit-learn."""
    import fairlearn.metrics as fl
    from sklearn.metrics import accuracy_score, precision_score, zero_one_loss

    def negative_predictive_value(y_true: Any, y_pred: Any) -> float:
        return float(precision_score(y_true, y_pred, pos_label=0))

    def base_rate(y_true: Any, _y_pred: Any) -> float:
        return float(np.mean(y_true))

    return {
        "accuracy": accuracy_score,
        "selection_rate": fl.selection_rate,
        "true_positive_rate": fl.true_positive_rate,
        "false_positive_rate": fl.false_positive_rate,
        "precision": precision_score,
        "true_negative_rate": fl.true_negative_rate,
        "false_negative_rate": fl.false_negative_rate,
        "negative_predictive_value": negative_predictive_value,
        "false_discovery_rate": lambda y_true, y_pred: 1.0 - precision_score(y_true, y_pred),
        "false_omission_rate": lambda y_true, y_pred: 1.0 - negative_predictive_value(y_true, y_pred),
        "zero_one_loss": zero_one_loss,
        "base_rate": base_rate,
    }


def theirs(rows: Rows, *, boot: int) -> list[Any]:
    """One frame of fairlearn a family, with percentile intervals."""
    import pandas as pd
    from fairlearn.metrics import MetricFrame

    sensitive = pd.DataFrame(rows.columns)
    true, predicted = rows.y_true.astype(int), rows.y_pred.astype(int)
    given = {"metrics": functions(), "y_true": true, "y_pred": predicted, "n_boot": boot}
    more = {"ci_quantiles": [ALPHA, 1 - ALPHA], "random_state": 1}
    return [MetricFrame(**given, sensitive_features=sensitive[list(family)], **more) for family in FAMILIES]


def ours(rows: Rows) -> tuple[list[Frame], int]:
    """One frame a family, and how many intervals came of them all."""
    frames = [Frame.of(rows.y_true, rows.y_pred, [rows.columns[column] for column in family]) for family in FAMILIES]
    found = [one for frame in frames for rate in RATES for one in (*frame.by_group(rate), *frame.gaps(rate)) if one is not None]
    return frames, len([one.bounds(ALPHA, ALPHA) for one in found])


def checked(rows: Rows) -> int:
    """The twelve checks of the catalogue from a table to evidence, and how many intervals their members and groups have."""
    import pandas as pd

    from audit import seeds
    from audit.candidates.predictions import SavedPredictions
    from audit.catalog import discover
    from audit.datasets import Columns, Dataset
    from audit.predictions import Predictions
    from audit.subject import Subject

    frame = pd.DataFrame(rows.columns).assign(label=rows.y_true.astype(int), prediction=rows.y_pred.astype(int))
    data = Dataset("test", "-", frame, Columns(label="label", prediction="prediction"), "drawn")  # type: ignore[arg-type]
    subject = Subject(data=data, predicted=Predictions(SavedPredictions({"test": data})), datasets={"test": data}, by=FAMILIES)
    count = 0
    for check_id in CHECKS:
        check = discover()[check_id]
        evidence = check.measure(subject, check.params(), seeds.stream(1, check_id))
        count += len([one.estimate.bounds(ALPHA, ALPHA) for one in (*evidence.members, *evidence.context)])
    return count


def largest_difference(frames: Sequence[Frame], references: Sequence[Any]) -> float:
    """Between the values of both: every slice's, and the largest gap of each family."""
    away = [0.0]
    for frame, reference in zip(frames, references, strict=True):
        for rate in RATES:
            for group, share in zip(frame.groups, frame.by_group(rate), strict=True):
                key = group if len(group) > 1 else group[0]
                away.append(abs((share.value if share else 0.0) - float(reference.by_group.loc[key, rate])))
            away.append(abs(max(gap.value for gap in frame.gaps(rate)) - float(reference.difference()[rate])))
    return max(away)


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
    parser.add_argument("--fast", action="store_true", help="6,000 rows, 10 resamples; the ratios of times are not judged")
    fast = parser.parse_args().fast
    n, boot = (6_000, 10) if fast else (300_000, BOOT)
    rows, progress = Rows.drawn(n, np.random.default_rng(1)), Progress(3)
    progress.step(f"fairlearn, {n:,} rows, {boot} resamples")
    started = time.perf_counter()
    references = theirs(rows, boot=boot)
    slow = time.perf_counter() - started
    progress.step("ours")
    frames, intervals = ours(rows)
    quick, whole = seconds(lambda: ours(rows), 5), seconds(lambda: checked(rows), 2)
    progress.step("memory")
    held = [megabytes(work) for work in (lambda: theirs(rows, boot=2), lambda: ours(rows), lambda: checked(rows))]
    slices = sum(len(frame.groups) for frame in frames)
    print(f"{n:,} rows, {len(RATES)} rates, {slices} slices of {len(FAMILIES)} families\n")
    lines = [
        (f"fairlearn MetricFrame, n_boot={boot}", f"{slow:.2f}", "1", f"{held[0]:.0f}", "percentile bootstrap"),
        ("audit, frame", f"{quick:.4f}", f"{slow / quick:,.0f}", f"{held[1]:.0f}", f"{intervals:,} closed forms"),
        ("audit, 12 checks", f"{whole:.2f}", f"{slow / whole:,.0f}", f"{held[2]:.0f}", f"{checked(rows):,} closed forms"),
    ]
    print(table(("", "seconds", "times faster", "MiB", "intervals"), lines))
    away = largest_difference(frames, references)
    holds = away <= SAME and (fast or slow / max(quick, whole) >= TIMES)
    print(f"\nlargest difference of values: {away:.1e} (at most {SAME:.0e})")
    print(f"times faster: {slow / quick:,.0f}, the checks {slow / whole:,.0f} (at least {TIMES})" + ("" if holds else "   OUTSIDE"))
    sys.exit(0 if holds else 1)


if __name__ == "__main__":
    main()
