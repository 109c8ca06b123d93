"""What Ray costs and brings: `audit profile` of a folder by local workers and by a Ray cluster, whose profiles must be the same bytes.

Run: python -m benchmarks.ray_scale [--files 8] [--rows 1000000] [--repeats 3]

The folder holds Parquet files of rows drawn from fixed seeds: numbers, categories, a label. Each file is one partition, and the work is
bound by the processor. The cluster has two nodes of one processor each on this machine, and runs before the clock starts; one row of the
table starts a cluster for the command, as `--engine ray` without `--address` does. Every library has one thread. Times are wall times,
the fastest of the repeats; the load of the machine is printed, since other work lengthens them.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

from tests.ray_cluster import ALONE, two_nodes

GOAL = 1.6
"""How many times as fast two workers should be as one."""


def main() -> int:
    """Print the table, and say whether the goal is reached."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--rows", type=int, default=1_000_000, help="in each file")
    parser.add_argument("--repeats", type=int, default=3)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder / "data", asked.files, asked.rows)
        print(f"{asked.files} files of {asked.rows:,} rows, {os.cpu_count()} processors, load before {os.getloadavg()[0]:.1f}\n")
        print("| audit profile | seconds |\n|---|---|")
        seconds = {}
        with two_nodes() as cluster:
            for workers in (1, 2):
                options: tuple[str, ...] = ("--engine", "ray", "--address", cluster.address, "--jobs", str(workers))
                seconds[f"Ray {workers}"] = show(f"Ray cluster that runs, {workers} workers", folder, options, asked.repeats)
        for workers in (1, 2):
            seconds[f"local {workers}"] = show(f"local, {workers} workers", folder, ("--jobs", str(workers)), asked.repeats)
        options = ("--engine", "ray", "--jobs", "2")
        seconds["started"] = show("Ray cluster started for the command, 2 workers", folder, options, asked.repeats)
    ratio, local = seconds["Ray 1"] / seconds["Ray 2"], seconds["local 1"] / seconds["local 2"]
    print(f"\nTwo workers are {ratio:.2f} times as fast as one on Ray (goal: at least {GOAL}), {local:.2f} times as local processes.")
    over, start = seconds["Ray 2"] - seconds["local 2"], seconds["started"] - seconds["Ray 2"]
    print(f"Ray costs {over:.1f} s beside two local workers, starting a cluster {start:.1f} s more. Load after: {os.getloadavg()[0]:.1f}.")
    return 0 if ratio >= GOAL else 1


def write(folder: Path, files: int, rows: int) -> None:
    """The partitions."""
    folder.mkdir()
    for seed in range(files):
        rng = np.random.default_rng(seed)
        columns = {f"number_{place}": rng.normal(size=rows) for place in range(12)}
        words = {f"word_{place}": rng.choice(["red", "green", "blue", "grey"], rows) for place in range(4)}
        pd.DataFrame({**columns, **words, "label": rng.integers(0, 2, rows)}).to_parquet(folder / f"part-{seed}.parquet")


def show(way: str, folder: Path, options: tuple[str, ...], repeats: int) -> float:
    """The seconds of one way, whose profile must be that of the ways before it."""
    environment = os.environ | ALONE | {"OMP_NUM_THREADS": "1", "AUDIT_CACHE": str(folder / "cache")}
    best, first = float("inf"), folder / "first.json"
    for _ in range(repeats):
        made = folder / "made.json"
        started = time.perf_counter()
        command = [sys.executable, "-m", "audit", "profile", str(folder / "data"), "-o", str(made), *options]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        best = min(best, time.perf_counter() - started)
        if first.exists() and first.read_bytes() != made.read_bytes():
            msg = f"{way}: the profile is another one"
            raise SystemExit(msg)
        made.replace(first)
    print(f"| {way} | {best:.1f} |", flush=True)
    return best


if __name__ == "__main__":
    sys.exit(main())
