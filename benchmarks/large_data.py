"""What an audit of many rows costs: seconds and peak memory of `audit run` on synthetic saved predictions in one Parquet file.

Run: python -m benchmarks.large_data [--rows 100000 1000000] [--folder FOLDER]

The data are synthetic: 20 columns (five texts, six whole numbers, four fractions, two truth values, a label, a prediction, a score of
the positive class), drawn in groups of rows so that making them needs little memory. Each audit runs in a process of its own; its
peak is the largest resident set among that process and its workers, as the operating system counts it (`ru_maxrss`). On a machine that
does other things too, the processor seconds are the fair ones.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
DRAWN_AT_ONCE = 250_000
"""Rows of one row group."""
CATEGORIES = {"region": 8, "gender": 2, "channel": 5, "product": 40, "branch": 300}
"""Columns of texts with the number of their values."""
WHOLE = ("age", "tenure", "visits", "orders", "calls", "postcode")
FRACTIONS = ("amount", "balance", "ratio", "discount")
TRUTHS = ("member", "online")
POLICY = """\
policy: large-data
version: 1
seed: 20260101
system: {purpose: measure what an audit of many rows costs}
datasets: {test: {path: test.parquet, source: generated}}
columns: {label: label, prediction: prediction, score: score, positive: "yes", sensitive: [gender]}
candidate: {task: tabular-classification, load: {kind: predictions}}
require:
  - {check: performance/accuracy, by: [region, gender], min: 0.5}
  - {check: performance/f1, average: macro, min: 0.5}
  - {check: performance/roc_auc, min: 0.5}
  - {check: calibration/expected_calibration_error, max: 0.5}
  - {check: fairness/demographic_parity_difference, by: [gender], max: 0.5}
  - {check: data/duplicates, max: 0.5}
"""


def main() -> int:
    """Print one line for each number of rows; 1 where an audit did not promote."""
    parser = argparse.ArgumentParser(description="Time and memory of an audit of many synthetic rows.")
    parser.add_argument("--rows", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="where the data and bundles stay; a temporary folder where absent")
    options = parser.parse_args()
    print("Synthetic saved predictions, 20 columns, one Parquet file.")
    print(f"{'rows':>12} {'seconds':>8} {'processor':>9} {'peak GiB':>9}  decision")
    decisions = []
    for rows in sorted(options.rows):
        with tempfile.TemporaryDirectory() as temporary:
            folder = (options.folder or Path(temporary)) / str(rows)
            folder.mkdir(parents=True, exist_ok=True)
            write_data(folder / "test.parquet", rows)
            (folder / "policy.yaml").write_text(POLICY)
            seconds, processor, peak = run_audit(folder)
            decisions.append(_decision(folder))
            print(f"{rows:>12,} {seconds:>8.1f} {processor:>9.1f} {peak / 2**30:>9.2f}  {decisions[-1]}", flush=True)
    return 0 if set(decisions) == {"promote"} else 1


def write_data(path: Path, rows: int, seed: int = 20260101) -> None:
    """Draw the rows and write them, one row group after another."""
    if path.exists():
        return
    rng = np.random.default_rng(seed)
    first = draw(rng, 1)
    with pq.ParquetWriter(path, first.schema) as file:
        for start in range(0, rows, DRAWN_AT_ONCE):
            file.write_table(draw(rng, min(DRAWN_AT_ONCE, rows - start)))


def draw(rng: np.random.Generator, rows: int) -> pa.Table:
    """Rows of which a third are positive, with a score that tells the classes apart and predictions at one half."""
    columns: dict[str, NDArray[np.generic] | pa.Array] = {}
    for name, values in CATEGORIES.items():
        words = np.array([f"{name} {value}" for value in range(values)], dtype=object)
        columns[name] = pa.array(words[rng.integers(0, values, rows)])
    columns |= {name: rng.integers(0, 100_000, rows) for name in WHOLE}
    columns |= {name: rng.normal(100.0, 20.0, rows) for name in FRACTIONS}
    columns |= {name: rng.random(rows) < 0.5 for name in TRUTHS}  # noqa: PLR2004  # a fair coin
    positive = rng.random(rows) < 1 / 3
    score = rng.beta(np.where(positive, 4.0, 2.0), np.where(positive, 2.0, 4.0))
    answers = np.array(["no", "yes"], dtype=object)
    columns["label"] = pa.array(answers[positive.astype(int)])
    columns["prediction"] = pa.array(answers[(score >= 0.5).astype(int)])  # noqa: PLR2004  # the usual threshold
    columns["score"] = score
    return pa.table(columns)


def run_audit(folder: Path) -> tuple[float, float, int]:
    """Seconds of `audit run` by the clock and on processors, and the peak of its resident memory in bytes."""
    return run_command(("run", "policy.yaml", "-o", "out"), folder)


def run_command(arguments: Sequence[str], folder: Path) -> tuple[float, float, int]:
    """The same of any command of the tool."""
    command = [sys.executable, "-m", "audit", *arguments]
    watch = "import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=False); "
    watch += "used = resource.getrusage(resource.RUSAGE_CHILDREN); print(used.ru_utime + used.ru_stime, used.ru_maxrss)"
    started = time.perf_counter()
    seen = subprocess.run([sys.executable, "-c", watch, *command], cwd=folder, stdout=subprocess.PIPE, text=True, check=True)  # own command
    seconds, (processor, peak) = time.perf_counter() - started, seen.stdout.split()
    return seconds, float(processor), int(peak) * (1 if sys.platform == "darwin" else 1024)


def _decision(folder: Path) -> str:
    newest = max((folder / "out").glob("*/results.json"), default=None, key=lambda path: path.stat().st_mtime)
    return "no results" if newest is None else str(json.loads(newest.read_text())["decision"])


if __name__ == "__main__":
    sys.exit(main())
