"""Seconds and memory of the drift checks beside alibi-detect, SciPy, Evidently and NannyML, on the same rows.

Run: python -m benchmarks.drift_speed [--fast] [--evidently PYTHON] [--nannyml PYTHON] [--write docs/drift.md]

MMD on 5,000 rows a side of 384 numbers: alibi-detect's default detector with 100 permutations, and the check with as many, which gives an
interval besides; then p on alibi-detect's own kernel by its own permutations. KS on 1,000,000 rows of 20 features: alibi-detect's
`KSDrift`, `scipy.stats.ks_2samp` for each column, and the check from a table to its evidence, pictures among them. Jensen-Shannon
distance of 30 numbers and 20 categories with missing cells, 1,000,000 rows a window in Parquet files: `audit check` as a whole process,
Evidently and NannyML in the interpreters that are named, without their start; a peer that is not named is left out, and the table says
so. Each runs in a process of its own; its peak is the operating system's. The exit code is 1 where a distance is more than 1e-6 from
SciPy's or p more than one permutation from alibi-detect's.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import drift_work
from benchmarks.page import options, replace_table
from benchmarks.trials import Progress, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

SAME = 1e-6
NUMBERS, CATEGORIES, VALUES = 30, 20, (2, 5, 12, 40, 300)
WATCH = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, text=True, check=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "")
print(used.ru_utime + used.ru_stime, used.ru_maxrss)
"""
QUIET = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "HF_HUB_OFFLINE": "1"}
"""Both peers report their use to a server unless told otherwise."""


def watched(command: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The last line that a process prints, and what it cost as a whole."""
    used, seen = drift_work.timed(
        lambda: subprocess.run(  # commands of this file and interpreters that the caller names
            [sys.executable, "-c", WATCH, *command],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            check=True,
            env=os.environ | QUIET,
        )
    )
    *said, cost = seen.stdout.splitlines()
    processor, peak = cost.split()
    return said[-1], {"seconds": used["seconds"], "processor": float(processor), "peak": int(peak) * 1024 / 1e9}


def task(name: str, *arguments: object, python: str = sys.executable) -> dict[str, Any]:
    """What a task of `drift_work` says, in a process of its own."""
    found: dict[str, Any] = json.loads(watched([python, str(Path(drift_work.__file__)), name, *map(str, arguments)])[0])
    return found


def line(what: str, cost: dict[str, Any], remark: str = "") -> tuple[str, ...]:
    """Of the table."""
    return what, f"{cost['seconds']:.1f}", f"{cost['processor']:.1f}", f"{cost['peak']:.2f}", remark


def times(slow: dict[str, Any], quick: dict[str, Any]) -> str:
    """How many times less processor time."""
    return f"{slow['processor'] / quick['processor']:.1f} times"


def squared_mmd(rows: int) -> tuple[list[tuple[str, ...]], bool]:
    """Lines of the table, and whether p is the same on the same kernel by the same permutations."""
    slow = task("mmd_alibi", rows)
    quick = task("mmd_audit", rows, slow["sigma"])
    return [
        line(f"MMD {rows:,} x 384, alibi-detect MMDDrift", slow, f"p {slow['p']:.2f}"),
        line("  audit drift/mmd", quick, f"p {quick['p']:.2f}, {times(slow, quick)} faster"),
        ("  audit, on its kernel by its permutations", "", "", "", f"p {quick['same_p']:.2f}"),
    ], abs(quick["same_p"] - slow["p"]) <= 1 / drift_work.PERMUTATIONS + SAME


def kolmogorov_smirnov(rows: int) -> tuple[list[tuple[str, ...]], float]:
    """Lines of the table, and the largest difference from SciPy's distances."""
    theirs, loop, ours = (task(name, rows) for name in ("ks_alibi", "ks_scipy", "ks_audit"))
    away = float(np.abs(np.array(ours["values"]) - loop["values"]).max())
    return [
        line(f"KS {rows:,} x 20, alibi-detect KSDrift", theirs),
        line("  scipy.stats.ks_2samp in a loop", loop),
        line("  audit drift/ks", ours, f"{times(theirs, ours)} faster than alibi-detect, {times(loop, ours)} than SciPy"),
    ], away


def draw(rng: Generator, rows: int, shift: float) -> pa.Table:
    """Numbers, three kinds of them, and categories of 2 to 300 values; up to 4 % of the cells are missing."""
    columns: dict[str, Any] = {}
    for i in range(NUMBERS):
        kinds = (lambda: rng.normal(shift, 1, rows), lambda: rng.lognormal(0, 1, rows).round(2), lambda: rng.integers(0, 100, rows) * 1.0)
        columns[f"n{i}"] = pa.array(kinds[i % 3](), mask=rng.random(rows) < 0.01 * (i % 5))
    for i in range(CATEGORIES):
        k = VALUES[i % len(VALUES)]
        shares = 1 / np.arange(1, k + 1)
        codes = pa.array(rng.choice(k, rows, p=shares / shares.sum()).astype(np.int32), mask=rng.random(rows) < 0.01 * (i % 5))
        columns[f"c{i}"] = pa.DictionaryArray.from_arrays(codes, pa.array([f"c{i} {j}" for j in range(k)])).cast(pa.string())
    return pa.table(columns)


def mixed_table(rows: int, peers: dict[str, str | None]) -> list[tuple[str, ...]]:
    """Lines of the table."""
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{name}.parquet" for name in ("reference", "current")]
        rng = np.random.default_rng(3)
        for file, shift in zip(files, (0.0, 0.02), strict=True):
            pq.write_table(draw(rng, rows, shift), file)
        audit = [sys.executable, "-m", "audit", "check", "drift/distance", "--param", "statistic=jensen_shannon", "-q"]
        ours = watched([*audit, "--data", str(files[1]), "--dataset", f"reference={files[0]}"])[1]
        lines = [line(f"Jensen-Shannon {rows:,} x 50 mixed, audit check drift/distance", ours, "start and reading included")]
        for name, python in peers.items():
            if python is None:
                lines.append((f"  {name}", "", "", "", f"left out: name its interpreter by --{name}"))
                continue
            found = task(name, *files, python=python)
            lines.append(line(f"  {name}, without its start", found, f"audit is {times(found, ours)} faster"))
    return lines


def main() -> None:
    """One table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("evidently", "nannyml"):
        parser.add_argument(f"--{name}", metavar="PYTHON", help=f"an interpreter that has {name}")
    given = options(parser, "drift_speed", fast="500 rows and 20,000 rows")
    progress = Progress(3)
    progress.step("MMD")
    joint, same = squared_mmd(500 if given.fast else 5000)
    progress.step("KS")
    univariate, away = kolmogorov_smirnov(20_000 if given.fast else 1_000_000)
    progress.step("mixed table")
    mixed = mixed_table(20_000 if given.fast else 1_000_000, {"evidently": given.evidently, "nannyml": given.nannyml})
    text = table(("", "seconds", "processor s", "peak GB", ""), [*joint, *univariate, *mixed])
    text += f"\n\nlargest difference of KS distances from SciPy's: {away:.1e}{'' if away <= SAME else '   OUTSIDE'}"
    text += f"\nthe same p by the same permutations: {'yes' if same else 'no   OUTSIDE'}"
    print(text)
    if given.write:
        replace_table(given.write, "drift_speed", text)
    sys.exit(0 if same and away <= SAME else 1)


if __name__ == "__main__":
    main()
