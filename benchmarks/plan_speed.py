"""How long `audit plan` takes on 38 requirements of 20 slices each, on generated data.

Run: python -m benchmarks.plan_speed [--rows 20000] [--profile FILE]

Two sensitive columns make 2, 6 and 12 slices, which is 20. Of the 38 requirements 29 bound a metric in every slice and 9 bound a gap or a
ratio between every pair of groups (164 ordered pairs). Every metric has an expected value. The command runs in a process of its own, so
that its start counts too. Above ten seconds of processor time, which other work on the machine does not lengthen, the exit code is 1.
The seed is fixed.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

LIMIT = 10.0
"""Seconds."""
BY = ["sex", "origin", ["sex", "origin"]]
METRICS: tuple[tuple[str, str, float, float], ...] = (
    ("performance/accuracy", "min", 0.70, 0.82),
    ("performance/balanced_accuracy", "min", 0.70, 0.82),
    ("performance/f1", "min", 0.60, 0.75),
    ("performance/precision", "min", 0.60, 0.75),
    ("performance/recall", "min", 0.60, 0.75),
    ("performance/matthews_correlation", "min", 0.45, 0.62),
    ("performance/cohen_kappa", "min", 0.45, 0.62),
    ("performance/roc_auc", "min", 0.80, 0.90),
    ("performance/average_precision", "min", 0.60, 0.80),
    ("performance/log_loss", "max", 0.60, 0.40),
    ("performance/brier_score", "max", 0.20, 0.13),
)
"""Check, side, bound and expected value; each is asked three times, with bounds a little apart, but for the last four."""
GAPS: tuple[tuple[str, str, float], ...] = (
    ("fairness/demographic_parity_difference", "max", 0.2),
    ("fairness/demographic_parity_ratio", "min", 0.6),
    ("fairness/equal_opportunity_difference", "max", 0.2),
    ("fairness/equal_opportunity_ratio", "min", 0.7),
    ("fairness/equalized_odds_difference", "max", 0.2),
    ("fairness/average_odds_difference", "max", 0.2),
    ("fairness/false_positive_rate_difference", "max", 0.2),
    ("fairness/false_negative_rate_difference", "max", 0.2),
    ("fairness/predictive_parity_difference", "max", 0.25),
)


def table(rows: int) -> pd.DataFrame:
    """Labels, a score that ranks them with an AUC near .9, and two sensitive columns."""
    rng = np.random.default_rng(11)
    label = rng.random(rows) < 0.4  # noqa: PLR2004  # four in ten are positive
    score = 1 / (1 + np.exp(-rng.normal(1.8 * label - 0.9, 1.0)))
    sex = rng.choice(["female", "male"], rows, p=[0.45, 0.55])
    origin = rng.choice(list("abcdef"), rows, p=[0.3, 0.2, 0.15, 0.15, 0.1, 0.1])
    columns = {"id": range(rows), "label": label.astype(int), "prediction": (score > 1 / 2).astype(int), "score": score}
    return pd.DataFrame(columns | {"sex": sex, "origin": origin})


def requirements() -> tuple[list[dict[str, object]], list[str]]:
    """38 of them, and what is expected of the metrics."""
    require: list[dict[str, object]] = []
    expect = []
    for place, (check, side, bound, value) in enumerate(METRICS):
        for step in range(3 if place < 7 else 2):  # noqa: PLR2004  # 7 times 3 and 4 times 2 are 29
            name = f"{check.partition('/')[2]}-{step}"
            require.append({"check": check, "id": name, "by": BY, side: round(bound - 0.02 * step * (1 if side == "min" else -1), 3)})
            expect.append(f"{name}={value}")
    require += [{"check": check, "by": BY, side: bound} for check, side, bound in GAPS]
    return require, expect


def prepare(folder: Path, rows: int) -> list[str]:
    """Data and policy in a folder; the command that plans it."""
    require, expect = requirements()
    table(rows).to_csv(folder / "test.csv", index=False)
    policy = {
        "policy": "plan-speed",
        "seed": 1,
        "datasets": {"test": {"path": "test.csv"}},
        "columns": {
            "id": "id",
            "label": "label",
            "prediction": "prediction",
            "score": "score",
            "positive": 1,
            "sensitive": ["sex", "origin"],
        },
        "candidate": {"task": "tabular-classification", "load": {"kind": "predictions"}},
        "require": require,
    }
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy, sort_keys=False), encoding="utf-8")
    return ["plan", "policy.yaml", *(part for one in expect for part in ("--expect", one))]


def main() -> None:
    """One line with the seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--profile", type=Path, help="write cProfile's figures there")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        arguments = prepare(Path(scratch), given.rows)
        profile = ["-m", "cProfile", "-o", str(given.profile.resolve())] if given.profile else []
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, *profile, "-m", "audit", *arguments], cwd=scratch, capture_output=True, text=True, check=False
        )
        seconds = time.perf_counter() - started
    if done.returncode:
        sys.exit(done.stderr)
    print(done.stdout[done.stdout.index("Passes in fewer") :] if "Passes in fewer" in done.stdout else done.stdout[-1500:])
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy = used.ru_utime + used.ru_stime
    print(f"audit plan, {len(requirements()[0])} requirements of 20 slices, {given.rows:,} rows:")
    print(f"{busy:.1f} s of processor time, at most {LIMIT:.0f} s; {seconds:.1f} s by the clock")
    sys.exit(0 if busy <= LIMIT else 1)


if __name__ == "__main__":
    main()
