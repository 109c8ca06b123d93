"""What a year of nightly windows costs: the size of the ledger, and the time that a call needs beyond `audit run`.

Run: python -m benchmarks.monitor_overhead [--windows N] [--rows N] [--features N]

365 windows of 500 rows are counted under a policy with accuracy and PSI of 30 features. Then five further windows are audited by
`audit monitor`, and the same rows by `audit run` under the same requirements, each in a process of its own with a cache of its own. Over
50 MB of ledger, or 2 seconds of overhead in the median, the exit code is 1. Processor seconds stand beside, for machines that others use.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd
import yaml

MOST_BYTES, MOST_SECONDS, REPEATS, RIGHT = 50_000_000, 2.0, 5, 0.9
FIRST = date(2024, 1, 1)


def rows(day: date, count: int, features: int) -> pd.DataFrame:
    """One window without drift, right in nine rows of ten."""
    rng = np.random.default_rng(day.toordinal())
    label = rng.integers(0, 2, count)
    found = pd.DataFrame(rng.normal(size=(count, features))).add_prefix("x")
    prediction = np.where(rng.random(count) < RIGHT, label, 1 - label)
    return found.assign(label=label, prediction=prediction, at=[f"{day}T{row % 24:02d}:00:00Z" for row in range(count)])


def write_policies(folder: Path, features: int) -> None:
    """One for windows, and one that asks the same of them by `audit run`."""
    require = [
        {"check": "performance/accuracy", "on": "production", "min": 0.85},
        {"check": "drift/psi", "on": "production", "reference": "test", "by": [f"x{number}" for number in range(features)], "max": 0.2},
    ]
    made = {
        "policy": "year",
        "datasets": {"test": {"path": "test.parquet"}, "production": {"path": "window.parquet"}},
        "columns": {"label": "label", "prediction": "prediction", "time": "at"},
        "candidate": {"task": "tabular-classification", "load": {"kind": "predictions"}},
        "require": require,
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(made, sort_keys=False))
    (folder / "monitor.yaml").write_text(yaml.safe_dump(made | {"monitor": {}}, sort_keys=False))


def seconds(folder: Path, *arguments: str, cache: str) -> tuple[float, float]:
    """How long a command takes, from its start to its end, and seconds of processors."""
    started, before = time.perf_counter(), os.times()
    environment = os.environ | {"AUDIT_CACHE": str(folder / cache)}
    done = subprocess.run(
        [sys.executable, "-m", "audit", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode not in {0, 1, 3, 4}:
        sys.exit(done.stderr)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return time.perf_counter() - started, used


def ledger_bytes(folder: Path) -> int:
    """Of the file of the ledger and its checksum."""
    return sum(path.stat().st_size for path in (folder / "year").glob("ledger.sqlite*"))


def main() -> int:
    """Count a year, then measure; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--windows", type=int, default=365)
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--features", type=int, default=30)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="year-") as name:
        folder = Path(name)
        write_policies(folder, asked.features)
        rows(FIRST - timedelta(days=1), asked.rows, asked.features).to_parquet(folder / "test.parquet")
        days = [FIRST + timedelta(days=number) for number in range(asked.windows)]
        pd.concat([rows(day, asked.rows, asked.features) for day in days]).to_parquet(folder / "window.parquet")
        year = seconds(folder, "monitor", "monitor.yaml", "--window", "window.parquet", "-o", "year", cache="cache-year")
        print(f"{asked.windows} windows of {asked.rows:,} rows and {asked.features} features, counted in one call: {year[0]:.1f} s")
        nights, runs = [], []
        for number in range(REPEATS):
            rows(days[-1] + timedelta(days=number + 1), asked.rows, asked.features).to_parquet(folder / "window.parquet")
            nights.append(seconds(folder, "monitor", "monitor.yaml", "--window", "window.parquet", "-o", "year", cache="cache-monitor"))
            runs.append(seconds(folder, "run", "run.yaml", "-o", "runs", cache="cache-run"))
        size = ledger_bytes(folder)
    (night, busy_night), (run, busy_run) = ([median(one) for one in zip(*found, strict=True)] for found in (nights, runs))
    overhead = night - run
    print(f"ledger: {size / 1e6:.1f} MB (at most {MOST_BYTES / 1e6:.0f})")
    print(f"a call: {night:.2f} s, audit run {run:.2f} s, overhead {overhead:.2f} s (at most {MOST_SECONDS:.0f})")
    print(f"of processors: {busy_night:.2f} s, {busy_run:.2f} s, overhead {busy_night - busy_run:.2f} s")
    return int(size > MOST_BYTES or overhead > MOST_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
